"""The history of a run as TensorBoard event files (the extra ``tensorboard``)."""

import contextlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ossicle.errors import TrainingError
from ossicle.evaluation.plots import plot_confusion
from ossicle.extras import require
from ossicle.training.comparing import read_history
from ossicle.workflow.files import read_json

__all__ = ["EventFiles", "write_events"]

FOLDER, REPORTS = "tensorboard", "reports"
CONFUSED = {"task", "labels", "columns"}


class EventFiles:
    """A callback that writes each epoch for TensorBoard as it ends.

    What the history of the run already holds is written anew first, so that a run that goes on
    has each epoch once, whatever was there when it was killed.

    Parameters
    ----------
    run : Path
        Folder of the run; the files lie in its ``tensorboard``.

    Raises
    ------
    MissingExtraError
        If tensorboard is not installed.
    """

    def __init__(self, run: Path) -> None:
        require("tensorboard", extra="tensorboard")
        self._run = run
        self._writer: Any = None

    def __call__(self, record: Mapping[str, Any]) -> None:
        """Write one epoch."""
        if self._writer is None:
            before = [each for each in read_history(self._run) if each["epoch"] < record["epoch"]]
            self._writer = _rewritten(self._run, before)
        _write(self._writer, record)
        self._writer.flush()

    def close(self) -> None:
        """Write what is left and let go of the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def write_events(run: Path) -> Path:
    """Write the whole history of a run for TensorBoard; what lay there is replaced.

    A run that is finished has the confusion of its best epoch on the validation part too.

    Parameters
    ----------
    run : Path

    Returns
    -------
    Path
        The folder to point TensorBoard at.

    Raises
    ------
    MissingExtraError
        If tensorboard is not installed.
    """
    history = read_history(run)
    with contextlib.closing(_rewritten(run, history)) as writer:
        if history:
            _write_confusions(writer, run, epoch=history[-1]["best_epoch"])
    return run / FOLDER


def _write_confusions(writer: Any, run: Path, *, epoch: int) -> None:
    """The confusion of each task on the validation part, where the run has judged it."""
    for path in sorted((run / REPORTS).glob("*.json")):
        report = _report(path)
        if report.get("confusion"):
            figure = plot_confusion(
                report["confusion"], report["labels"], answers=report["columns"]
            )
            writer.add_figure(f"confusion/{report['task']}", figure, epoch)


def _report(path: Path) -> dict[str, Any]:
    report = read_json(path)
    if isinstance(report, dict) and (not report.get("confusion") or report.keys() >= CONFUSED):
        return report
    raise TrainingError(f"{path} is damaged: it is no report of ossicle; was it edited?")


def _writer(run: Path) -> Any:
    require("tensorboard", extra="tensorboard")
    return require("torch.utils.tensorboard", extra="tensorboard").SummaryWriter(str(run / FOLDER))


def _rewritten(run: Path, history: Sequence[Mapping[str, Any]]) -> Any:
    """A writer of a fresh file that holds these epochs."""
    require("tensorboard", extra="tensorboard")
    shutil.rmtree(run / FOLDER, ignore_errors=True)
    writer = _writer(run)
    for record in history:
        _write(writer, record)
    return writer


def _write(writer: Any, record: Mapping[str, Any]) -> None:
    for name, value in _scalars(record).items():
        writer.add_scalar(name, value, record["epoch"])


def _scalars(record: Mapping[str, Any]) -> dict[str, float]:
    """Names as TensorBoard groups them: the losses of a task in one chart."""
    found = {"learning_rate": record["learning_rate"], "loss/combined": record["train"]["combined"]}
    for part in ("train", "validation"):
        found |= {f"loss/{task}/{part}": v for task, v in record[part]["loss"].items()}
    for task, figures in record["validation"]["figures"].items():
        found |= {f"{name}/{task}": value for name, value in figures.items()}
    return found
