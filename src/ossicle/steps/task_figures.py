"""What a task of any kind is judged by: its report, the report in sections, and several as one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from ossicle.classifier import Classifier
from ossicle.datasets import Dataset
from ossicle.evaluation import MultilabelReport, Report, Section, evaluate_label_sets, pooled
from ossicle.evaluation.label_sets import LabelSets, judge_label_sets, label_set_sections
from ossicle.selection.questions import QUESTIONS, question_of
from ossicle.types import Task

__all__ = ["HEADLINES", "TaskFigures", "figures_of", "whole_report"]

HEADLINES = ("accuracy", "micro_f1", "rmse")
"""Figures that a task is known by; the first that its summary has."""


class TaskFigures(Protocol):
    """How the clips of a task are judged; the questions of a search are such."""

    @property
    def qualities(self) -> tuple[str, ...]:
        """Figures of a part, by the names that its report has for them."""

    def evaluate(self, classifier: Classifier, test: Dataset, *, command: str | None = None) -> Any:
        """The report on clips that took no part."""

    def sections(self, report: Any) -> list[Section]:
        """A report as sections of a page, its figures first and its origin last."""

    def summary(self, reports: Mapping[str, Any]) -> dict[str, Any]:
        """Figures over all parts, ``clips`` and the figure of each part among them."""


def figures_of(task: Task) -> TaskFigures:
    """How a task is judged.

    >>> figures_of(Task("tags", "multilabel", ("dog", "rain"))).qualities
    ('mean_average_precision', 'all_right')
    """
    return question_of(task) if task.kind in QUESTIONS else LabelSetFigures(task)


@dataclass(frozen=True)
class LabelSetFigures:
    """Any number of labels is right: judged by F1 and average precision."""

    task: Task

    qualities: ClassVar[tuple[str, ...]] = ("mean_average_precision", "all_right")

    def evaluate(
        self, classifier: Classifier, test: Dataset, *, command: str | None = None
    ) -> MultilabelReport:
        """F1 in each average, and each label by itself."""
        return evaluate_label_sets(classifier, test, task=self.task.name, command=command)

    def sections(self, report: MultilabelReport) -> list[Section]:
        """Figures, labels, data and origin."""
        return label_set_sections(report)

    def summary(self, reports: Mapping[str, MultilabelReport]) -> dict[str, Any]:
        """Micro F1 of all clips together with its interval, and of each part."""
        whole = _together(list(reports.values()))
        parts = {name: report.f1["micro"] for name, report in reports.items()}
        return {
            "clips": whole.n_clips,
            "micro_f1": whole.f1["micro"],
            "macro_f1": whole.f1["macro"],
            "mean_average_precision": whole.mean_average_precision,
            "interval": list(whole.f1_interval),
            "micro_f1s": parts,
            "mean_of_tests": float(np.mean(list(parts.values()))),
            "worst": min(parts, key=parts.__getitem__),
        }


def whole_report(reports: Mapping[str, Any]) -> Any | None:
    """The report on all parts together; None where there is no such, but of each part alone."""
    several = list(reports.values())
    if len(several) == 1:
        return several[0]
    if isinstance(several[0], Report):
        return pooled(several)
    return _together(several) if isinstance(several[0], MultilabelReport) else None


def _together(reports: list[MultilabelReport]) -> MultilabelReport:
    """Each clip once, whichever part it was in; no group is in two of them."""
    parts, first = [report.answers for report in reports], reports[0]
    whole = LabelSets(
        task=parts[0].task,
        clips=tuple(clip for part in parts for clip in part.clips),
        groups=_groups(parts),
        truths=np.concatenate([part.truths for part in parts]),
        answers=np.concatenate([part.answers for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
        skipped=tuple(dict.fromkeys(pair for part in parts for pair in part.skipped)),
    )
    return judge_label_sets(whole, data=first.data, provenance={}, command=first.command)


def _groups(parts: list[LabelSets]) -> NDArray[np.int64]:
    """Numbers of the groups, none shared by two parts."""
    numbered = [(place, group) for place, part in enumerate(parts) for group in part.groups]
    return np.unique(np.array(numbered), axis=0, return_inverse=True)[1].reshape(-1)
