"""The report on a task of which any number of labels is right: each label judged by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ossicle.datasets.tasks import labels_of
from ossicle.evaluation.answers import Progress, hear, task_of
from ossicle.evaluation.html import Section, Table, write_html
from ossicle.evaluation.intervals import Interval, grouped_bootstrap
from ossicle.evaluation.judging import data_card
from ossicle.evaluation.metrics import average_precision
from ossicle.evaluation.report import Card, Judged, said
from ossicle.evaluation.sections import about_data, made_by, skipped_files, warnings_of
from ossicle.types import Clip, Task

if TYPE_CHECKING:
    from ossicle.classifier import Classifier
    from ossicle.datasets import Dataset

__all__ = ["LabelRow", "LabelSets", "MultilabelReport", "evaluate_label_sets", "judge_label_sets"]

AVERAGES = ("macro", "micro", "weighted")

READING = """
A clip is answered with every label whose score, the mean over its windows, reaches one half.
Precision is the share of the clips answered with a label that have it, recall the share of the
clips that have it which are answered with it, F1 their harmonic mean. Macro figures are means over
the labels that occur, weighted ones count each label as often as it occurs, micro ones are of all
answers together. The interval (bootstrap) draws whole groups of clips, such as those of one
recording, and covers the truth 95 times in 100 for recordings made like these.
"""


@dataclass(frozen=True, slots=True, eq=False)
class LabelSets:
    """The answers to the clips that could be judged.

    Parameters
    ----------
    task : Task
    clips : tuple of Clip
    groups : int array, shape (n_clips,)
    truths, answers : bool array, shape (n_clips, n_labels)
    scores : float array, shape (n_clips, n_labels)
    skipped : tuple of (file, reason)
    """

    task: Task
    clips: tuple[Clip, ...]
    groups: NDArray[np.int64]
    truths: NDArray[np.bool_]
    answers: NDArray[np.bool_]
    scores: NDArray[np.float64]
    skipped: tuple[tuple[str, str], ...]

    def __len__(self) -> int:
        return len(self.clips)


@dataclass(frozen=True, slots=True)
class LabelRow:
    """The figures of one label; ``n_clips`` have it and ``n_answers`` were answered with it."""

    label: str
    n_clips: int
    n_answers: int
    precision: float
    recall: float
    f1: float
    average_precision: float


@dataclass(frozen=True, slots=True)
class MultilabelReport(Judged):
    """Figures of a task of which any number of labels is right.

    A figure that could not be measured is ``nan`` in Python, ``null`` in JSON and "not measured"
    in words.

    Parameters
    ----------
    task, kind, labels
        Of the task.
    n_clips, n_groups : int
        What was judged.
    precision, recall, f1 : mapping of "macro", "micro", "weighted" to float
    f1_interval : Interval
        Of the micro F1, with whole groups drawn.
    mean_average_precision : float
        Over the labels that occur.
    all_right : float
        Share of the clips answered with exactly their labels.
    per_class : tuple of LabelRow
    skipped : tuple of (file, reason)
    data : Card
    provenance : mapping
        Of the classifier.
    command : str, optional
        What made this report.
    answers : LabelSets
        Everything the figures were computed from; not part of the JSON.
    """

    task: str
    kind: str
    labels: tuple[str, ...]
    n_clips: int
    n_groups: int
    precision: Mapping[str, float]
    recall: Mapping[str, float]
    f1: Mapping[str, float]
    f1_interval: Interval
    mean_average_precision: float
    all_right: float
    per_class: tuple[LabelRow, ...]
    skipped: tuple[tuple[str, str], ...]
    data: Card
    provenance: Mapping[str, Any]
    command: str | None
    answers: LabelSets = field(repr=False, compare=False)

    def figures(self) -> list[tuple[str, str, str]]:
        """Each figure of the whole as (name, value, what bounds or explains it)."""
        known = self.f1_interval.known
        low, high = self.f1_interval
        bounds = f"95\u00a0%: {low:.3f} to {high:.3f} over groups" if known else "no interval"
        others = ", ".join(f"{how} {said(self.f1[how])}" for how in ("macro", "weighted"))
        return [
            ("F1", said(self.f1["micro"]), f"micro, {bounds}; {others}"),
            ("precision", said(self.precision["micro"]), "micro"),
            ("recall", said(self.recall["micro"]), "micro"),
            ("mAP", said(self.mean_average_precision), "mean average precision of the labels"),
            ("all right", said(self.all_right), "clips answered with exactly their labels"),
        ]


def evaluate_label_sets(
    classifier: "Classifier",
    dataset: "Dataset",
    *,
    out: str | Path | None = None,
    task: str | None = None,
    command: str | None = None,
    progress: Progress | None = None,
) -> MultilabelReport:
    """Figures of a classifier that answers with any number of labels.

    Parameters
    ----------
    classifier : Classifier
    dataset : Dataset
        What cannot be judged is skipped and listed.
    out : str or Path, optional
        An HTML file to write.
    task : str, optional
        The classifier's first by default.
    command : str, optional
        What the user typed, kept in the report.
    progress : callable, optional
        Called with the number of clips done and the number of all.

    Raises
    ------
    EvaluationError
        If the task is of another kind, or no clip can be judged.
    """
    answers = _ask(classifier, dataset, task=task, progress=progress)
    report = judge_label_sets(
        answers,
        data=data_card(dataset, answers.clips, classifier.provenance),
        provenance=classifier.provenance,
        command=command,
    )
    if out is not None:
        write_html(
            out, f"Evaluation on {report.data.name or 'a data set'}", label_set_sections(report)
        )
    return report


def judge_label_sets(
    sets: LabelSets,
    *,
    data: Card,
    provenance: Mapping[str, Any] | None = None,
    command: str | None = None,
    seed: int = 0,
) -> MultilabelReport:
    """The report on answers that are already there; ``seed`` is of the bootstrap."""
    truths, answers = sets.truths, sets.answers
    precision, recall, f1 = _averages(truths, answers)
    rows = _rows(sets)
    return MultilabelReport(
        task=sets.task.name,
        kind=sets.task.kind,
        labels=sets.task.labels,
        n_clips=len(sets),
        n_groups=len(np.unique(sets.groups)),
        precision=precision,
        recall=recall,
        f1=f1,
        f1_interval=grouped_bootstrap(
            lambda at: _averages(truths[at], answers[at])[2]["micro"], sets.groups, seed=seed
        ),
        mean_average_precision=_mean(np.array([row.average_precision for row in rows])),
        all_right=float((truths == answers).all(axis=1).mean()),
        per_class=rows,
        skipped=sets.skipped,
        data=data,
        provenance=dict(provenance or {}),
        command=command,
        answers=sets,
    )


def _ask(
    classifier: "Classifier", dataset: "Dataset", *, task: str | None, progress: Progress | None
) -> LabelSets:
    """Put every clip of a data set to a classifier."""
    asked = task_of(classifier.tasks, task, kinds=("multilabel",))

    def fault(clip: Clip) -> str:
        unknown = sorted(set(labels_of(clip.labels[asked.name], asked)) - set(asked.labels))
        return f"labels {unknown[:3]} are not known to the classifier" if unknown else ""

    heard = hear(classifier, dataset, asked, fault=fault, progress=progress)
    scores = np.array([each.pooled[asked.name] for each in heard.predictions], dtype=np.float64)
    sets = [labels_of(clip.labels[asked.name], asked) for clip in heard.clips]
    truths = np.array([[label in labels for label in asked.labels] for labels in sets])
    return LabelSets(asked, heard.clips, heard.groups, truths, scores >= 0.5, scores, heard.skipped)


def _averages(
    truths: NDArray[np.bool_], answers: NDArray[np.bool_]
) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Precision, recall and F1 of all labels, averaged in each way."""
    support = truths.sum(axis=0)
    each = _scores((truths & answers).sum(axis=0), answers.sum(axis=0), support)
    together = _scores(
        np.array([(truths & answers).sum()]), np.array([answers.sum()]), np.array([truths.sum()])
    )
    occurs = support > 0
    found = []
    for values, whole in zip(each, together, strict=True):
        means = _mean(values[occurs]), float(whole[0]), _mean(values[occurs], support[occurs])
        found.append(dict(zip(AVERAGES, means, strict=True)))
    return found[0], found[1], found[2]


def _scores(
    hits: NDArray[np.int64], answered: NDArray[np.int64], support: NDArray[np.int64]
) -> tuple[NDArray[np.float64], ...]:
    """Precision, recall and F1; ``nan`` where nothing was answered or nothing was there."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return hits / answered, hits / support, 2 * hits / (answered + support)


def _rows(sets: LabelSets) -> tuple[LabelRow, ...]:
    support, answered = sets.truths.sum(axis=0), sets.answers.sum(axis=0)
    precision, recall, f1 = _scores((sets.truths & sets.answers).sum(axis=0), answered, support)
    return tuple(
        LabelRow(
            label=label,
            n_clips=int(support[i]),
            n_answers=int(answered[i]),
            precision=float(precision[i]),
            recall=float(recall[i]),
            f1=float(f1[i]),
            average_precision=average_precision(sets.truths[:, i], sets.scores[:, i]),
        )
        for i, label in enumerate(sets.task.labels)
    )


def _mean(values: NDArray[np.float64], weights: NDArray[np.int64] | None = None) -> float:
    known = np.isfinite(values)
    if not known.any():
        return float("nan")
    return float(np.average(values[known], weights=None if weights is None else weights[known]))


def label_set_sections(report: MultilabelReport) -> list[Section]:
    """Figures, labels, data and origin, in this order."""
    sizes = f"Measured on {report.n_clips} clips in {report.n_groups} groups."
    columns = ("label", "clips", "answered", "precision", "recall", "F1", "average precision")
    rows = [tuple(getattr(row, f.name) for f in fields(LabelRow)) for row in report.per_class]
    return [
        Section("Figures", f"{sizes} {warnings_of(report)}".strip(), tiles=report.figures()),
        Section("Labels", tables=[Table(columns, rows, "Each label by itself.")]),
        Section("How to read the figures", READING, folded=True),
        about_data(report),
        *([skipped_files(report)] if report.skipped else []),
        made_by(report.command, report.provenance),
    ]
