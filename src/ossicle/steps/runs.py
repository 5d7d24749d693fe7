"""Steps with trainings that are there: drawn, judged again, written for TensorBoard."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ossicle.errors import TrainingError
from ossicle.evaluation import save_png, write_html
from ossicle.evaluation.plots.learning import plot_learning, plot_runs
from ossicle.evaluation.sections import made_by
from ossicle.extras import require
from ossicle.steps.opening import open_dataset
from ossicle.steps.train_report import named_sections
from ossicle.training.comparing import find_runs, read_history

__all__ = ["evaluate_run", "plot_run_curves", "write_run_events"]

SHOWN = 4
"""Runs that an error names."""


def plot_run_curves(paths: Sequence[Path], *, out: Path) -> list[str]:
    """Draw the learning curves of one run, or of several in one picture.

    Parameters
    ----------
    paths : sequence of Path
        Runs, or folders with runs below them.
    out : Path

    Returns
    -------
    list of str
        The runs drawn.

    Raises
    ------
    TrainingError
        If there is no run.
    EvaluationError
        If one has no epoch yet.
    """
    runs = [run for path in paths for run in find_runs(path)]
    histories = {str(run): read_history(run) for run in runs}
    if len(histories) > 1:
        figure = plot_runs(histories)
    else:
        (name, history), *_ = histories.items()
        figure = plot_learning(
            history, best=history[-1]["best_epoch"] if history else None, title=name
        )
    save_png(figure, out)
    return list(histories)


def evaluate_run(
    run: Path,
    path: Path,
    *,
    epoch: int | str = "best",
    out: Path | None = None,
    layout: str | None = None,
    task: str | None = None,
    where: Mapping[str, str] | None = None,
    command: str = "",
) -> dict[str, Any]:
    """Judge the classifier of an epoch on a data set.

    Parameters
    ----------
    run, path : Path
        A run, or a folder with one run below it, and the data set.
    epoch : int or "best"
        One that has a checkpoint.
    out : Path, optional
        An HTML page to write.
    layout, task, where
        As for `open_dataset`; the run's only task is put to it whatever the data set calls it.
    command : str
        What made the page, to be printed in it.

    Returns
    -------
    dict of task to report

    Raises
    ------
    TrainingError
        If there is no such run or epoch, or the data set answers none of its tasks.
    """
    run = _only_run(run)
    opened = require("ossicle.training.training", extra="train").open_run(run)
    dataset = open_dataset(path, layout=layout, task=task, where=where)
    reports = opened.evaluate(dataset, epoch=epoch)
    if not reports:
        asked = ", ".join(each["name"] for each in opened.asked["tasks"])
        raise TrainingError(
            f"{run} answers {asked}; {path} asks {', '.join(t.name for t in dataset.tasks)}. Name "
            "the column of the labels with task"
        )
    if out is not None:
        classifier = opened.classifier_of(epoch)
        tasks = {task.name: task for task in classifier.tasks}
        sections = [
            section
            for name, report in reports.items()
            for section in named_sections(tasks[name], report)
        ]
        end = made_by(command, classifier.provenance)
        write_html(out, f"Run {run.name}, epoch {epoch}, on {dataset.name}", [*sections, end])
    return dict(reports)


def _only_run(path: Path) -> Path:
    """The run that a folder is, or the one below it."""
    runs = find_runs(path)
    if len(runs) > 1:
        names = ", ".join(str(run) for run in runs[:SHOWN])
        raise TrainingError(f"{path} holds {len(runs)} runs; name one of them, such as {names}")
    return runs[0]


def write_run_events(run: Path) -> Path:
    """Write a run's history for TensorBoard; what lay there is replaced.

    Raises
    ------
    TrainingError
        If there is no run.
    MissingExtraError
        If tensorboard is not installed.
    """
    from ossicle.training.recording import write_events

    return write_events(_only_run(run))
