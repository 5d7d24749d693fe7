"""How much? Judged by errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ossicle.classifier import Classifier
from ossicle.datasets import Dataset
from ossicle.errors import SearchError
from ossicle.evaluation import (
    RegressionReport,
    Section,
    evaluate_values,
)
from ossicle.evaluation.regression import sections_of
from ossicle.models import Fitted, Model
from ossicle.models.model import Matrix
from ossicle.selection.question import DIGITS, Logits, Question, Truth

__all__ = ["ValueQuestion"]


@dataclass(frozen=True)
class ValueQuestion(Question[RegressionReport]):
    """How much? Judged by root mean square error, mean absolute error and R².

    >>> from ossicle.types import Task
    >>> question = ValueQuestion(Task("bpm", "regression", ("bpm",)))
    >>> question.figures(question.count(np.array([1.0, 3.0]), np.array([[1.0], [2.0]])))
    {'rmse': 0.707106781187, 'mae': 0.5, 'r2': 0.5}
    """

    qualities: ClassVar[tuple[str, ...]] = ("rmse", "mae", "r2")
    minimise: ClassVar[tuple[str, ...]] = ("rmse", "bytes")
    maximise: ClassVar[tuple[str, ...]] = ()
    axes: ClassVar[tuple[str, str]] = ("bytes", "rmse")
    activation: ClassVar[str] = "identity"

    @property
    def n_logits(self) -> int:
        """The value."""
        return 1

    def check(self, dataset: Dataset, *, one_class: bool) -> None:
        """Two different values are needed."""
        self.check_fold(dataset, np.arange(len(dataset)), one_class=one_class)

    def check_fold(self, dataset: Dataset, train: NDArray[np.int64], *, one_class: bool) -> None:
        """Two different values are needed."""
        if len(np.unique(self.truth(dataset)[train])) < 2:
            raise SearchError(
                f"{dataset.name}: {len(train)} clips to train on have one value of "
                f"{self.task.name!r}; at least 2 different ones are needed"
            )

    def truth(self, dataset: Dataset) -> Truth:
        """Each clip's value."""
        return dataset.values(self.task.name)

    def fit(self, model: Model, matrix: Matrix, truth: Truth) -> Fitted:
        """Train on values."""
        return model.fit_values(matrix, truth)

    def sweep(
        self, models: Sequence[Model], train: Matrix, truth: Truth, test: Matrix
    ) -> list[Logits]:
        """One column."""
        return type(models[0]).sweep_values(models, train, truth, test)

    def count(self, truth: Truth, logits: Logits) -> NDArray[Any]:
        """Number of rows, sums of absolute and squared errors, of values and their squares."""
        errors = logits[:, 0] - truth
        sums = np.abs(errors).sum(), (errors**2).sum(), truth.sum(), (truth**2).sum()
        return np.array([len(truth), *sums])

    def figures(self, counts: NDArray[Any]) -> dict[str, float]:
        """RMSE, MAE and the share of the variance explained."""
        n, absolute, squared, total, squares = counts.tolist()
        variance = squares - total**2 / n
        exact = {
            "rmse": (squared / n) ** 0.5,
            "mae": absolute / n,
            "r2": 1.0 - squared / variance if variance > 0 else float("nan"),
        }
        return {name: round(value, DIGITS) for name, value in exact.items()}

    def preference(self, row: Mapping[str, Any]) -> tuple[float, ...]:
        """Lowest error."""
        return (row["rmse"],)

    def evaluate(
        self, classifier: Classifier, test: Dataset, *, command: str | None = None
    ) -> RegressionReport:
        """Errors."""
        return evaluate_values(classifier, test, task=self.task.name, command=command)

    def sections(self, report: RegressionReport) -> list[Section]:
        """Figures, plot, largest errors."""
        return sections_of(report)

    def summary(self, reports: Mapping[str, RegressionReport]) -> dict[str, Any]:
        """Errors of all clips together, and the RMSE of each part."""
        counts = [
            self.count(report.answers.truths, report.answers.values[:, None])
            for report in reports.values()
        ]
        return {
            "clips": sum(report.n_clips for report in reports.values()),
            **self.figures(np.sum(counts, axis=0)),
            "errors": {name: report.rmse for name, report in reports.items()},
        }
