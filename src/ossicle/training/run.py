"""A run: the folder of a training, what is in it, and what can be done with it.

run.json            what was asked: tasks, front end, settings, data, code, versions
found.json          what the sounds gave: window, scaling, recordings
history.jsonl       a line an epoch: losses and figures of each task, learning rate
times.jsonl         a line an epoch: seconds, which are never the same twice
checkpoints/        the whole state after the last two epochs and the best
best.ossicle        the classifier of the best epoch, once the training is over
reports/            its figures on the validation part, task by task
features/           sounds that were read; may be deleted
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ossicle.classifier import Classifier, load
from ossicle.datasets import Combined, Dataset, combine
from ossicle.errors import TrainingError
from ossicle.evaluation import MultilabelReport, RegressionReport, Report
from ossicle.features import FrontEnd
from ossicle.features import front_end as front_end_of
from ossicle.models.networks import Architecture, architecture
from ossicle.training.checkpoints import Checkpoints
from ossicle.training.comparing import BEST, read_asked, read_history, read_lines
from ossicle.training.loop import Record
from ossicle.training.reports import judge_clips
from ossicle.training.shipping import ship
from ossicle.workflow.files import canonical_json, read_json, replacing

__all__ = ["Run", "write_lines"]

FOUND, TIMES = "found.json", "times.jsonl"
FOUND_KEYS = {"affine", "n_bands", "n_frames", "provenance", "scaler", "window", "window_hop"}
REPORTS, CHECKPOINTS, FEATURES = "reports", "checkpoints", "features"


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """A training, finished or not.

    Parameters
    ----------
    path : Path
        Its folder.
    again : callable, optional
        Goes on with it.
    network : Architecture, optional
        For a network that no name leads to.
    front_end : FrontEnd, optional
        For one that its description alone does not make again.
    tried : tuple of dict
        Where several ways to learn were tried, what is known of each, best first.
    """

    path: Path
    again: "Callable[..., Run] | None" = None
    network: Architecture | None = None
    front_end: FrontEnd | None = None
    tried: tuple[Record, ...] = ()

    def __repr__(self) -> str:
        state = "finished" if self.is_finished else f"{len(self.history)} epochs so far"
        return f"<Run {str(self.path)!r}: {state}>"

    @property
    def asked(self) -> dict[str, Any]:
        """What decides the result: tasks, front end, settings, data, code and versions."""
        return read_asked(self.path)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that decide the result."""
        return dict(self.asked["settings"])

    @property
    def history(self) -> list[Record]:
        """One record an epoch: losses and figures of each task, learning rate, best epoch."""
        return read_history(self.path)

    @property
    def seconds(self) -> list[Record]:
        """Seconds of each epoch: training, waiting for batches, judging."""
        return read_lines(self.path / TIMES)

    @property
    def is_finished(self) -> bool:
        """Whether all epochs are done, or patience was at its end."""
        return (self.path / BEST).is_file()

    @property
    def best_epoch(self) -> int:
        """The epoch that did best on the validation part so far.

        Raises
        ------
        TrainingError
            If no epoch is done.
        """
        if self.is_finished:
            return int(self.history[-1]["best_epoch"])
        return int(self._standing["best_epoch"])

    @property
    def merits(self) -> tuple[float, ...]:
        """What the best epoch is compared by, higher being better; see `Settings.best_by`."""
        return tuple(self._standing["best"])

    @property
    def _standing(self) -> dict[str, Any]:
        found = self.checkpoints.latest()
        if found is None:
            raise TrainingError(f"{self.path} has no checkpoint yet; was the run ever started?")
        return dict(found[1]["standing"])

    @property
    def _found(self) -> dict[str, Any]:
        """What the sounds gave."""
        path = self.path / FOUND
        found = read_json(path)
        missing = FOUND_KEYS - (found.keys() if isinstance(found, dict) else set())
        if missing:
            raise TrainingError(
                f"{path} is damaged: it does not tell {', '.join(sorted(missing))}; was it "
                "edited? Take it from a copy, or train in another folder"
            )
        return dict(found)

    @property
    def checkpoints(self) -> Checkpoints:
        """The whole state after some epochs."""
        return Checkpoints(self.path / CHECKPOINTS)

    @property
    def classifier(self) -> Classifier:
        """The classifier of the best epoch (so far)."""
        return self.classifier_of("best")

    def classifier_of(self, epoch: int | str = "best") -> Classifier:
        """The classifier of any epoch that has a checkpoint, with its weights.

        Parameters
        ----------
        epoch : int or "best"

        Raises
        ------
        TrainingError
            If there is no checkpoint of it, or the folder is damaged.
        """
        if epoch == "best" and self.is_finished:
            return load(self.path / BEST)
        number = self.best_epoch if epoch == "best" else epoch
        if isinstance(number, bool) or not isinstance(number, int):
            raise TrainingError(f"epoch is {epoch!r}; allowed is a number or 'best'")
        state, asked = self.checkpoints.read(number), self.asked
        network = self.network or architecture(asked["settings"]["model"])
        front_end = self.front_end or front_end_of(asked["front_end"])
        return ship(asked, self._found, network, front_end, state)

    def evaluate(
        self, datasets: Dataset | Combined | Sequence[Dataset], *, epoch: int | str = "best"
    ) -> dict[str, Report | RegressionReport | MultilabelReport]:
        """Figures of each task on data sets, of the classifier of any epoch that was kept.

        Parameters
        ----------
        datasets : Dataset or sequence of Dataset
            Tasks are known by their names.
        epoch : int or "best"

        Returns
        -------
        dict of task name to report
            Of the tasks that a clip answers.
        """
        return judge_clips(self.classifier_of(epoch), combine(datasets))

    def resume(self, *datasets: Any, **options: Any) -> "Run":
        """Go on where the training stopped; a finished run is given back as it is.

        Parameters
        ----------
        *datasets, **options
            For a run opened from its folder: the data sets it learns from, and what else `train`
            was called with beside settings (``validation``, ``callbacks``).

        Raises
        ------
        TrainingError
            If these are not the data that the run began with.
        """
        if self.again is None:
            raise TrainingError(f"{self.path} was opened without a way to go on; use train()")
        return self.again(*datasets, **options)


def write_lines(path: Path, records: Sequence[Mapping[str, Any]]) -> None:
    """Write one record a line, all or nothing."""
    text = "".join(f"{canonical_json(record)}\n" for record in records)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
