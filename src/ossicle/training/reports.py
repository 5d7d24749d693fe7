"""Reports on what a run made: each task judged on the clips that answer it."""

from functools import reduce
from operator import add
from pathlib import Path

from ossicle.classifier import Classifier
from ossicle.datasets import Combined, Dataset
from ossicle.evaluation import RegressionReport, Report
from ossicle.evaluation.regression import evaluate_task
from ossicle.workflow.files import replacing

__all__ = ["judge_clips", "write_reports"]


def judge_clips(
    classifier: Classifier, clips: Combined, *, out: Path | None = None
) -> dict[str, Report | RegressionReport]:
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
    """
    dataset: Dataset = reduce(add, map(clips.of, range(len(clips.datasets))))
    reports = {}
    for task in classifier.tasks:
        answering = dataset.labelled(task.name) if task.name in _names(dataset) else dataset[:0]
        if len(answering):
            page = None if out is None else out / f"{file_name(task.name)}.html"
            reports[task.name] = evaluate_task(classifier, answering, task=task.name, out=page)
    return reports


def write_reports(classifier: Classifier, clips: Combined, folder: Path) -> None:
    """Write the figures of each task as JSON and as a page."""
    for task, report in judge_clips(classifier, clips, out=folder).items():
        with replacing(folder / f"{file_name(task)}.json") as temporary:
            temporary.write_text(report.to_json() + "\n", encoding="utf-8")


def file_name(task: str) -> str:
    """A name for files from the name of a task.

    >>> file_name("birds/label")
    'birds_label'
    """
    return "".join(sign if sign.isalnum() or sign in "-_." else "_" for sign in task).lstrip(".")


def _names(dataset: Dataset) -> list[str]:
    return [task.name for task in dataset.tasks]
