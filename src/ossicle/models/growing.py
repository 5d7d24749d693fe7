"""Models that grow in steps, each step leaving those before it as they are: trees, rounds."""

import abc
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from ossicle.models.model import Fitted, Matrix, Model, Targets

__all__ = ["Growing", "Staged"]

Answers = NDArray[np.float64]
M = TypeVar("M", bound="Growing")


class Staged(Fitted, Protocol):
    """A trained model that also answers as it was after fewer steps."""

    def staged(self, matrix: Matrix, counts: Sequence[int]) -> Mapping[int, Answers]:
        """Logits after each of several numbers of steps."""


@dataclasses.dataclass(frozen=True)
class Growing(Model):
    """All numbers of steps are answered from the longest growth."""

    counted: ClassVar[str]
    """The hyper-parameter that counts the steps."""

    @classmethod
    def sweep(
        cls,
        models: Sequence[Self],
        train: Matrix,
        targets: Targets,
        test: Matrix,
        *,
        n_labels: int,
    ) -> list[Answers]:
        """As `Model.sweep`; models that differ in the number of steps alone grow once."""
        return _grown(models, test, lambda model: model.fit(train, targets, n_labels=n_labels))

    @classmethod
    def sweep_values(
        cls, models: Sequence[Self], train: Matrix, values: Answers, test: Matrix
    ) -> list[Answers]:
        """As `sweep`."""
        return _grown(models, test, lambda model: model.fit_values(train, values))

    @abc.abstractmethod
    def fit(self, matrix: Matrix, targets: Targets, *, n_labels: int) -> Staged:
        """See `Model.fit`."""

    @abc.abstractmethod
    def fit_values(self, matrix: Matrix, values: Answers) -> Staged:
        """See `Model.fit_values`."""

    def with_steps(self, count: int) -> Self:
        """The same but for the number of steps."""
        return dataclasses.replace(self, **{self.counted: count})


def _grown(models: Sequence[M], test: Matrix, fit: Callable[[M], Staged]) -> list[Answers]:
    groups: dict[M, list[int]] = {}
    for model in models:
        groups.setdefault(model.with_steps(1), []).append(getattr(model, model.counted))
    answers = {
        rest: fit(rest.with_steps(max(counts))).staged(test, counts)
        for rest, counts in groups.items()
    }
    return [answers[model.with_steps(1)][getattr(model, model.counted)] for model in models]
