"""The loop: batches → logits → a loss a task → one loss → a step; after each epoch a judgement.

Everything that is drawn in an epoch (its batches, what is augmented, which units drop out) is a
function of the seed and the epoch, so that a training that goes on from the end of an epoch is the
one that was never interrupted, bit for bit.
"""

import contextlib
import itertools
import math
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from ossicle.errors import TrainingError
from ossicle.training.combining import masked_losses
from ossicle.training.examples import Batch
from ossicle.training.objectives import Objective
from ossicle.training.optimizers import set_learning_rate
from ossicle.training.settings import Settings

__all__ = ["Callback", "Judgement", "Learner", "NotFiniteError", "Record", "Standing", "learn"]

Record = dict[str, Any]
"""A line of the history: what an epoch learnt and how it was judged."""

Callback = Callable[[Record], object]
"""Called with the record of each epoch after its checkpoint is kept."""


class NotFiniteError(TrainingError):
    """A loss that is no number, with the batch that gave it."""

    def __init__(self, epoch: int, number: int, task: str, loss: float, batch: Batch) -> None:
        super().__init__(f"epoch {epoch}, batch {number}: the loss of task {task!r} is {loss}")
        self.epoch, self.number, self.batch = epoch, number, batch


@dataclass(frozen=True)
class Judgement:
    """What the validation part says of a network, task by task."""

    losses: Mapping[str, float]
    figures: Mapping[str, Mapping[str, float]]
    quality: Mapping[str, float]
    """The one figure by which epochs are compared: higher is better."""
    temperature: Mapping[str, float]

    def merits(self, best_by: str) -> tuple[float, float]:
        """What is compared first and what decides between equals, higher being better."""
        quality = float(np.mean(list(self.quality.values())))
        loss = -float(np.sum(list(self.losses.values())))
        return (quality, loss) if best_by == "figure" else (loss, quality)


@dataclass(frozen=True)
class Standing:
    """How far a training is, and which epoch was the best so far.

    >>> first = Standing().after(1, (0.5, -0.7))
    >>> first.after(2, (0.5, -0.8)).best_epoch, first.after(2, (0.5, -0.6)).best_epoch
    (1, 2)
    """

    epoch: int = 0
    best_epoch: int = 0
    best: tuple[float, ...] | None = None

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Standing":
        """As `state` gave it, from JSON."""
        return cls(state["epoch"], state["best_epoch"], tuple(state["best"]))

    def state(self) -> dict[str, Any]:
        """As JSON."""
        return {"epoch": self.epoch, "best_epoch": self.best_epoch, "best": list(self.best or ())}

    def after(self, epoch: int, merits: tuple[float, float]) -> "Standing":
        """With one more epoch; one that is no better leaves the best as it is."""
        if self.best is None or merits > self.best:
            return Standing(epoch, epoch, merits)
        return replace(self, epoch=epoch)

    def is_over(self, epochs: int, patience: int | None) -> bool:
        """Whether all epochs are done, or none was better for too long."""
        waited = self.epoch - self.best_epoch
        return self.epoch >= epochs or (patience is not None and waited >= patience)


@dataclass
class Learner:
    """Everything that changes from step to step."""

    module: nn.Module
    objectives: Mapping[str, Objective]
    combination: nn.Module
    optimizer: torch.optim.Optimizer
    learning_rate: Callable[[int], float]
    """Of a step, counted from 0."""
    average: AveragedModel | None = None
    max_gradient_norm: float | None = None
    n_steps: int = 0

    @property
    def judged(self) -> nn.Module:
        """The network that is judged and shipped: with averaged weights, if there are any."""
        return self.module if self.average is None else self.average.module

    @property
    def rate(self) -> float:
        """Learning rate of the next step."""
        return self.learning_rate(self.n_steps)

    def state_dict(self) -> dict[str, Any]:
        """The complete state."""
        states = {name: part.state_dict() for name, part in self._parts().items()}
        return {**states, "n_steps": self.n_steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Stand where another learner stood."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.n_steps = state["n_steps"]

    def _parts(self) -> dict[str, Any]:
        """What has a state of its own, by name."""
        names = ("module", "combination", "optimizer", "average")
        return {name: part for name in names if (part := getattr(self, name)) is not None}

    def losses(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Mean loss of each task over the clips that answer it; no entry where none does."""
        return masked_losses(
            self.objectives, self.module(batch.features), batch.targets, batch.mask
        )

    def step(self, losses: Mapping[str, torch.Tensor]) -> float:
        """Move the weights against the gradient of the combined loss."""
        loss = self.combination(losses)
        set_learning_rate(self.optimizer, self.rate)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if self.max_gradient_norm is not None:
            weights = [*self.module.parameters(), *self.combination.parameters()]
            nn.utils.clip_grad_norm_(weights, self.max_gradient_norm)
        self.optimizer.step()
        if self.average is not None:
            self.average.update_parameters(self.module)
        return float(loss.detach())


@dataclass
class Totals:
    """Sums over the batches of an epoch."""

    loss: dict[str, float] = field(default_factory=dict)
    n: dict[str, int] = field(default_factory=dict)
    combined: float = 0.0
    n_steps: int = 0

    def add(self, losses: Mapping[str, float], combined: float, batch: Batch) -> None:
        """Count a batch, each task with as many clips as answer it."""
        for task, loss in losses.items():
            n = int(batch.mask[task].sum())
            self.loss[task] = self.loss.get(task, 0.0) + n * loss
            self.n[task] = self.n.get(task, 0) + n
        self.combined += combined
        self.n_steps += 1

    def record(self) -> Record:
        """Mean losses."""
        means = {task: total / self.n[task] for task, total in self.loss.items()}
        return {"combined": self.combined / max(1, self.n_steps), "loss": means}


def learn(
    learner: Learner,
    settings: Settings,
    *,
    batches: Callable[[int], Generator[Batch, None, None]],
    judge: Callable[[nn.Module], Judgement],
    keep: Callable[[Standing, Record, Record], None],
    standing: Standing,
    callbacks: Sequence[Callback] = (),
) -> Standing:
    """Train until all epochs are done or patience is at its end.

    Parameters
    ----------
    learner : Learner
        Changed in place.
    settings : Settings
    batches : callable
        The batches of an epoch, by its number.
    judge : callable
        Judges a network on the validation part.
    keep : callable
        Given where the training stands, the record and the seconds of each epoch.
    standing : Standing
        Where to go on from.
    callbacks : sequence of callable

    Raises
    ------
    NotFiniteError
        If a loss is NaN or infinite.
    """
    while not standing.is_over(settings.epochs, settings.patience):
        epoch = standing.epoch + 1
        torch.manual_seed(_seed_of(settings.seed, epoch))
        rate = learner.rate
        train, seconds = _train_epoch(learner, batches(epoch), epoch)
        judgement, seconds["judging"] = _timed(lambda: judge(learner.judged))
        standing = standing.after(epoch, judgement.merits(settings.best_by))
        record = _record(standing, rate, train, judgement)
        keep(standing, record, {"epoch": epoch, **seconds})
        for callback in callbacks:
            callback(record)
    return standing


@contextlib.contextmanager
def reproducible(device: torch.device) -> Iterator[None]:
    """One thread, deterministic algorithms and random numbers of our own; all put back after."""
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    devices = [device] if device.type == "cuda" else []
    try:
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(device.type == "cpu")
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])


def _train_epoch(
    learner: Learner, batches: Generator[Batch, None, None], epoch: int
) -> tuple[Record, dict[str, float]]:
    """Mean losses of the epoch, and its seconds: all, and those spent waiting for batches."""
    learner.module.train()
    totals, started, waited = Totals(), time.perf_counter(), 0.0
    with contextlib.closing(batches):
        for number in itertools.count(1):
            batch, seconds = _timed(lambda: next(batches, None))
            waited += seconds
            if batch is None:
                break
            _train_batch(learner, batch, totals, epoch=epoch, number=number)
    return totals.record(), {"training": time.perf_counter() - started, "loading": waited}


def _train_batch(
    learner: Learner, batch: Batch, totals: Totals, *, epoch: int, number: int
) -> None:
    losses = learner.losses(batch)
    values = {task: float(loss.detach()) for task, loss in losses.items()}
    for task, value in values.items():
        if not math.isfinite(value):
            raise NotFiniteError(epoch, number, task, value, batch)
    if losses:
        totals.add(values, learner.step(losses), batch)
    learner.n_steps += 1


def _record(standing: Standing, rate: float, train: Record, judgement: Judgement) -> Record:
    figures = {task: _measured(each) for task, each in judgement.figures.items()}
    return {
        "epoch": standing.epoch,
        "best_epoch": standing.best_epoch,
        "learning_rate": rate,
        "train": train,
        "validation": {"loss": dict(judgement.losses), "figures": figures},
        "temperature": dict(judgement.temperature),
    }


def _measured(figures: Mapping[str, float]) -> dict[str, float | None]:
    """Figures for JSON, which has no word for one that was not measured."""
    return {name: value if math.isfinite(value) else None for name, value in figures.items()}


def _seed_of(seed: int, epoch: int) -> int:
    return int(np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0] >> 1)


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    return work(), time.perf_counter() - started
