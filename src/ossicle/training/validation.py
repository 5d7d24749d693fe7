"""How an epoch is judged: the validation part, heard as the classifier that ships will hear it.

Windows are cut, described and put together as `Classifier` does it, so the figures of the best
epoch are those of the bundle.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ossicle.classifier.activation import ACTIVATIONS
from ossicle.classifier.pooling import pool
from ossicle.errors import TrainingError
from ossicle.evaluation import fit_temperature
from ossicle.features import Scaler
from ossicle.training.examples import Examples
from ossicle.training.loop import Judgement
from ossicle.training.objectives import Objective

__all__ = ["Judge"]

Array = NDArray[np.float32]

WORST = -1e9
"""Quality of a network whose figure cannot be measured."""

LEAST = 1e-12
"""Least probability that a label is given, so that its logit is finite."""


@dataclass(frozen=True, eq=False)
class Judge:
    """Judges a network on the validation part, without gradients.

    Parameters
    ----------
    examples : Examples
        The windows of the validation part.
    scaler : Scaler, optional
    objectives : mapping of task name to Objective
    batch_size : int
        Windows at a time.
    device : torch.device
    in_memory : bool
        Hold the described windows, or describe them each time.

    Raises
    ------
    TrainingError
        If no clip answers one of the tasks.
    """

    examples: Examples
    scaler: Scaler | None
    objectives: Mapping[str, Objective]
    batch_size: int
    device: torch.device
    in_memory: bool = True

    def __post_init__(self) -> None:
        for task in self.objectives:
            if not self.examples.mask[task][self._clip_of].any():
                raise TrainingError(
                    f"no clip of the validation part answers {task!r} (of "
                    f"{len(self.examples.combined)}, without the {len(self.examples.skipped)} that "
                    "are quiet or cannot be read); make the part larger"
                )

    def __call__(self, module: nn.Module) -> Judgement:
        """Losses, figures and temperatures of the network as it is."""
        answers = {
            task: self._answers(objective, logits)
            for (task, objective), logits in zip(
                self.objectives.items(), self._logits(module), strict=True
            )
        }
        losses, figures, quality, temperature = zip(*answers.values(), strict=True)
        return Judgement(
            dict(zip(answers, losses, strict=True)),
            dict(zip(answers, figures, strict=True)),
            dict(zip(answers, quality, strict=True)),
            dict(zip(answers, temperature, strict=True)),
        )

    def _answers(
        self, objective: Objective, logits: Array
    ) -> tuple[float, dict[str, float], float, float]:
        """Loss, figures, quality and temperature of one task."""
        task = objective.task.name
        known = self.examples.mask[task][self._clip_of]
        targets, clip_of = self.examples.targets[task], self._clip_of[known]
        loss = _mean_loss(objective, logits[known], targets[clip_of])
        clips, pooled = _pooled(objective.activation, logits[known], clip_of)
        figures = objective.figures(pooled, targets[clips])
        quality = objective.quality(figures)
        temperature = _temperature(objective.activation, pooled, targets[clips])
        return loss, figures, quality if math.isfinite(quality) else WORST, temperature

    @property
    def _clip_of(self) -> NDArray[np.int64]:
        return self.examples.rows[:, 0]

    def _logits(self, module: nn.Module) -> list[Array]:
        """Logits of each task for every window, shape ``(n_windows, n_columns)``."""
        was_training = module.training
        module.eval()
        try:
            with torch.no_grad():
                answers = [module(batch.to(self.device)) for batch in self._batches()]
        finally:
            module.train(was_training)
        return [torch.cat(each).cpu().numpy() for each in zip(*answers, strict=True)]

    def _batches(self) -> Iterator[torch.Tensor]:
        for first in range(0, len(self.examples), self.batch_size):
            last = min(first + self.batch_size, len(self.examples))
            held = self._held[first:last] if self.in_memory else self._features(first, last)
            yield torch.from_numpy(held)

    @cached_property
    def _held(self) -> Array:
        return self._features(0, len(self.examples))

    def _features(self, first: int, last: int) -> Array:
        windows = np.stack([self.examples.fixed(row) for row in range(first, last)])
        if self.scaler is None:
            return windows
        return self.scaler(windows.reshape(len(windows), -1)).reshape(windows.shape)


def _pooled(
    activation: str, logits: Array, clip_of: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Array]:
    """The clips, and logits of each as a whole."""
    clips, first = np.unique(clip_of, return_index=True)  # windows are in the order of the clips
    scores = np.split(ACTIVATIONS[activation](logits), first[1:])
    each = [pool(windows, how="mean", exclusive=True) for windows in scores]
    return clips, _logits_of(np.stack(each), activation)


def _mean_loss(objective: Objective, logits: Array, targets: Array) -> float:
    losses = objective.losses(torch.from_numpy(logits), torch.from_numpy(targets))
    loss = float(losses.mean())
    if not math.isfinite(loss):
        raise TrainingError(
            f"the validation loss of task {objective.task.name!r} is {loss}; the training has "
            "diverged: lower the learning rate"
        )
    return loss


def _logits_of(scores: Array, activation: str) -> Array:
    """What the activation makes these scores of (but for a constant)."""
    if activation == "identity":
        return scores
    likely = np.maximum(scores.astype(np.float64), LEAST)
    if activation == "softmax":
        return np.log(likely).astype(np.float32)
    unlikely = np.maximum(1.0 - scores.astype(np.float64), LEAST)
    return np.log(likely / unlikely).astype(np.float32)


def _temperature(activation: str, logits: Array, targets: Array) -> float:
    """What makes the pooled scores likeliest; a label of its own is one of two, it or not."""
    if activation == "identity":
        return 1.0
    wide = logits.astype(np.float64)
    if activation == "softmax":
        return fit_temperature(wide, targets.argmax(axis=1).astype(np.int64))
    pairs = np.stack([np.zeros(wide.size), wide.ravel()], axis=1)
    return fit_temperature(pairs, (targets.ravel() >= 0.5).astype(np.int64))
