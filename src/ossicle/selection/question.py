"""What a kind of task asks of a search: its truth, what is counted, its figures, what is better.

Counts of one fold are lists of numbers that may be added up over folds; figures come from sums.
"""

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from ossicle.classifier import Classifier
from ossicle.datasets import Dataset
from ossicle.evaluation import (
    Section,
)
from ossicle.models import Fitted, Model
from ossicle.models.model import Matrix
from ossicle.types import Task

__all__ = ["DIGITS", "Logits", "Question", "Truth"]

DIGITS = 12
"""Figures are rounded far below what a clip is worth, so that equal counts are equal figures."""

Truth = NDArray[Any]
Logits = NDArray[np.float64]
R = TypeVar("R")
"""What kind of report answers the question."""


@dataclass(frozen=True)
class Question(abc.ABC, Generic[R]):
    """A task as a search sees it."""

    task: Task

    qualities: ClassVar[tuple[str, ...]]
    """Figures of a row of the table."""
    minimise: ClassVar[tuple[str, ...]]
    maximise: ClassVar[tuple[str, ...]]
    """Objectives of the front where none are named."""
    axes: ClassVar[tuple[str, str]]
    """Of its picture."""
    activation: ClassVar[str]

    @property
    @abc.abstractmethod
    def n_logits(self) -> int:
        """Width of the logits."""

    @abc.abstractmethod
    def truth(self, dataset: Dataset) -> Truth:
        """What is right for each clip, shape ``(n_clips,)``."""

    @abc.abstractmethod
    def check(self, dataset: Dataset, *, one_class: bool) -> None:
        """Refuse a data set that nothing can be learnt from (by one-class models, if only these).

        Raises
        ------
        SearchError
        """

    @abc.abstractmethod
    def check_fold(self, dataset: Dataset, train: NDArray[np.int64], *, one_class: bool) -> None:
        """Refuse a training part that nothing can be learnt from."""

    def strata(self, dataset: Dataset) -> NDArray[Any]:
        """What parts of the data set should hold alike, shape ``(n_clips,)``."""
        return np.zeros(len(dataset), dtype=np.int64)

    @abc.abstractmethod
    def fit(self, model: Model, matrix: Matrix, truth: Truth) -> Fitted:
        """Train one model."""

    @abc.abstractmethod
    def sweep(
        self, models: Sequence[Model], train: Matrix, truth: Truth, test: Matrix
    ) -> list[Logits]:
        """Logits that models of one class, trained on ``train``, give the rows of ``test``."""

    @abc.abstractmethod
    def count(self, truth: Truth, logits: Logits) -> NDArray[Any]:
        """What was answered to rows left out of training; counts add up."""

    @abc.abstractmethod
    def figures(self, counts: NDArray[Any]) -> dict[str, float]:
        """The qualities from counts."""

    @abc.abstractmethod
    def preference(self, row: Mapping[str, Any]) -> tuple[float, ...]:
        """By which rows of the table are chosen: smaller is better."""

    def learnt(self, kind: type[Model], truth: Truth, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of the rows that a model learns from."""
        return rows

    def lost(self, truth: Truth, used: NDArray[np.int64]) -> list[str]:
        """Labels that clips bear, but none of those that can be used."""
        return []

    def temperature(self, logits: Logits, truth: Truth) -> float:
        """Of the scores, from logits of rows left out of training."""
        return 1.0

    @abc.abstractmethod
    def evaluate(self, classifier: Classifier, test: Dataset, *, command: str | None = None) -> R:
        """The report on recordings that took no part."""

    @abc.abstractmethod
    def sections(self, report: R) -> list[Section]:
        """A report as sections of a page, its figures first."""

    @abc.abstractmethod
    def summary(self, reports: Mapping[str, R]) -> dict[str, Any]:
        """Figures over all parts that were judged, ``clips`` and the figure of each among them."""
