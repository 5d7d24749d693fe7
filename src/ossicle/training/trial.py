"""A network tried on a few batches: whether it can learn one by heart, and how long they take.

A network whose targets, losses and gradients fit together learns a single batch by heart (Karpathy,
"A Recipe for Training Neural Networks", 2019).
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ossicle.models.networks import n_parameters
from ossicle.training.assembling import Ready
from ossicle.training.augmentation import Augmentation
from ossicle.training.examples import Batch
from ossicle.training.loading import loaded
from ossicle.training.loop import Learner, reproducible

__all__ = ["SHARE", "STEPS", "Trial", "try_out"]

BY_HEART = 32
"""Windows that are learnt by heart."""

RATE = 3e-3
STEPS = 80
SHARE = 0.5
"""Of its first value, the loss of the batch must fall below this share within so many steps."""

TIMED = 3
"""Batches that are timed."""

JUDGING = 0.4
"""Time of a batch that is judged, of one that is learnt: without gradients, roughly."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What a few batches told.

    Parameters
    ----------
    n_parameters : int
    first_loss, last_loss : float
        Of one batch, before and after it was learnt by heart; summed over the tasks.
    epoch_seconds : float
        Estimated, on this machine as busy as it is.
    """

    n_parameters: int
    first_loss: float
    last_loss: float
    epoch_seconds: float

    @property
    def learns(self) -> bool:
        """Whether the loss fell as it does for a network that can learn."""
        return self.last_loss < SHARE * self.first_loss


def try_out(ready: Ready) -> Trial:
    """Learn a batch by heart and time a few; what is tried on is thrown away."""
    with reproducible(ready.device):
        learner = ready.learner()
        seconds = _epoch_seconds(ready, learner)
        first, last = _by_heart(ready, ready.learner())
    return Trial(n_parameters(learner.module), first, last, seconds)


def _by_heart(ready: Ready, learner: Learner) -> tuple[float, float]:
    """First and lowest loss of one batch, gone through again and again without dropout."""
    places = np.linspace(0, len(ready.rows) - 1, min(BY_HEART, len(ready.rows))).round()
    batch = next(_batches(ready, [ready.rows[places.astype(np.int64)]]))
    optimizer = torch.optim.Adam(learner.module.parameters(), lr=RATE)
    learner.module.train()
    for part in learner.module.modules():
        if isinstance(part, nn.Dropout | nn.Dropout1d | nn.Dropout2d):
            part.eval()
    losses: list[float] = []
    while len(losses) <= STEPS and (not losses or losses[-1] >= SHARE * losses[0]):
        loss = torch.stack(list(learner.losses(batch).values())).sum()
        losses.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return losses[0], min(losses)


def _epoch_seconds(ready: Ready, learner: Learner) -> float:
    """Batches of an epoch times what one takes to be made and learnt, and the judgement."""
    batches = [ready.rows[each] for each in ready.sampler.batches(1)]
    timed = batches[: TIMED + 1]
    loading, learning = [], []
    learner.module.train()
    made = _batches(ready, timed, augmented=True)
    for _ in timed:
        began = time.perf_counter()
        batch = next(made)
        loading.append(time.perf_counter() - began)
        learner.step(learner.losses(batch))
        learning.append(time.perf_counter() - began - loading[-1])
    make, learn = float(np.median(loading)), float(np.median(learning))
    workers = ready.plan.settings.n_workers
    each = max(make / workers, learn) if workers else make + learn
    judged = len(ready.validation) / ready.plan.settings.batch_size
    return len(batches) * each + judged * JUDGING * learn


def _batches(ready: Ready, rows: list[np.ndarray], *, augmented: bool = False) -> Iterator[Batch]:
    settings = ready.plan.settings
    augmentation = Augmentation.from_settings(settings.augmentation if augmented else {})
    return loaded(
        ready.train, rows, scaler=ready.scaler, augmentation=augmentation, seed=settings.seed
    )
