"""Reports on what a run made: each task judged on the clips that answer it."""

from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np

from ossicle.classifier import Classifier
from ossicle.datasets import Combined, Dataset
from ossicle.errors import TrainingError
from ossicle.evaluation import MultilabelReport, RegressionReport, Report
from ossicle.evaluation.answers import named_as_asked
from ossicle.evaluation.metrics import Average, averages
from ossicle.evaluation.regression import evaluate_task
from ossicle.evaluation.report import plain
from ossicle.workflow.files import write_json

__all__ = ["judge_clips", "write_reports"]

AVERAGES: tuple[Average, ...] = ("macro", "micro", "weighted")


def judge_clips(
    classifier: Classifier, clips: Combined, *, out: Path | None = None
) -> dict[str, Report | RegressionReport | MultilabelReport]:
    """Figures of each task on the clips that answer it.

    Parameters
    ----------
    classifier : Classifier
    clips : Combined
    out : Path, optional
        Folder for ``<task>.html`` and ``<task>.json``.

    Returns
    -------
    dict of task name to report
        Tasks that no clip answers are absent.

    Raises
    ------
    TrainingError
        If the clips answer none of the tasks.
    """
    known = [task.name for task in classifier.tasks]
    named = [
        named_as_asked(clips.of(place), classifier.tasks, name=name)
        for place, name in enumerate(clips.names)
    ]
    dataset: Dataset = reduce(add, named)
    reports = {}
    for task in classifier.tasks:
        answering = dataset.labelled(task.name) if task.name in _names(dataset) else dataset[:0]
        if len(answering):
            page = None if out is None else out / f"{file_name(task.name)}.html"
            reports[task.name] = evaluate_task(classifier, answering, task=task.name, out=page)
    if not reports:
        raise TrainingError(
            f"none of {len(clips)} clips answers {', '.join(known)}; their tasks are "
            f"{', '.join(_names(dataset)) or 'none'}"
        )
    return reports


def write_reports(classifier: Classifier, clips: Combined, folder: Path) -> None:
    """Write the figures of each task as JSON and as a page."""
    for task, report in judge_clips(classifier, clips, out=folder).items():
        write_json(folder / f"{file_name(task)}.json", _figures(report))


def _figures(report: Report | RegressionReport | MultilabelReport) -> dict[str, Any]:
    """All figures; those of one answer a clip averaged in each way."""
    if not isinstance(report, Report):
        return report.to_dict()
    confusion = np.array(report.confusion)
    means = {how: averages(confusion, how)._asdict() for how in AVERAGES}
    return {**report.to_dict(), "averages": plain(means)}


def file_name(task: str) -> str:
    """A name for files from the name of a task.

    >>> file_name("birds/label")
    'birds_label'
    """
    return "".join(sign if sign.isalnum() or sign in "-_." else "_" for sign in task).lstrip(".")


def _names(dataset: Dataset) -> list[str]:
    return [task.name for task in dataset.tasks]
