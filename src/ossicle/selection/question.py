"""What a kind of task asks of a search: its truth, what is counted, its figures, what is better.

Counts of one fold are lists of numbers that may be added up over folds; figures come from sums.
"""

import abc
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from ossicle.classifier import Classifier
from ossicle.datasets import Dataset
from ossicle.errors import SearchError
from ossicle.evaluation import (
    RegressionReport,
    Report,
    Section,
    evaluate,
    evaluate_values,
    pooled,
    report_sections,
)
from ossicle.evaluation.calibration import fit_temperature
from ossicle.evaluation.judging import positive_label
from ossicle.evaluation.metrics import confusion_matrix, rates
from ossicle.evaluation.regression import sections_of
from ossicle.models import Fitted, Model
from ossicle.models.model import Matrix
from ossicle.types import Task

__all__ = ["ABNORMAL", "QUESTIONS", "LabelQuestion", "Question", "ValueQuestion", "question_of"]

ABNORMAL = "abnormal"
"""What a one-class model calls that which is not as it has learnt, where no recording names it."""

DIGITS = 12
"""Figures are rounded far below what a clip is worth, so that equal counts are equal figures."""

NAMED = 5
"""Labels that an error names one by one."""

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


@dataclass(frozen=True)
class LabelQuestion(Question[Report]):
    """Which label? Judged by true and false positive rate and accuracy.

    >>> question = LabelQuestion(Task("label", "binary", ("alarm", "other"), ("other",), "alarm"))
    >>> counts = question.count(np.array([0, 1]), np.array([[1.0, 0.0], [2.0, 1.0]]))
    >>> question.figures(counts)
    {'fpr': 1.0, 'tpr': 1.0, 'accuracy': 0.5}
    """

    qualities: ClassVar[tuple[str, ...]] = ("fpr", "tpr", "accuracy")
    minimise: ClassVar[tuple[str, ...]] = ("fpr",)
    maximise: ClassVar[tuple[str, ...]] = ("tpr",)
    axes: ClassVar[tuple[str, str]] = ("fpr", "tpr")
    activation: ClassVar[str] = "softmax"

    @property
    def n_logits(self) -> int:
        """One a label."""
        return len(self.task.labels)

    def truth(self, dataset: Dataset) -> Truth:
        """Position of each clip's label."""
        place = {label: index for index, label in enumerate(self.task.labels)}
        return np.array([place[label] for label in dataset.labels(self.task.name)], dtype=np.int64)

    def check(self, dataset: Dataset, *, one_class: bool) -> None:
        """Two labels are needed, of one-class models the normal one, and each must be borne."""
        labels, truth = self.task.labels, self.truth(dataset)
        present = np.unique(truth)
        if len(present) < 2 and not one_class:
            heard = ", ".join(labels[index] for index in present) or "none"
            raise SearchError(
                f"{dataset.name}: {len(dataset)} clips hold {len(present)} label ({heard}); at "
                "least 2 are needed. Are the recordings in one folder per label? To learn what is "
                "normal from one label, name one-class models such as gmm"
            )
        absent = [labels[k] for k in range(len(labels)) if k not in present]
        if absent and not one_class:
            more = f" and {len(absent) - NAMED} more labels" if len(absent) > NAMED else ""
            hint = (
                f"for a column of numbers, ask for {self.task.name}:regression"
                if all(map(_is_number, labels))
                else "drop the label, or put recordings of it into the training part"
            )
            raise SearchError(
                f"{dataset.name}: no clip here bears {', '.join(absent[:NAMED])}{more}; {hint}"
            )
        self.check_fold(dataset, np.arange(len(dataset)), one_class=one_class)

    def check_fold(self, dataset: Dataset, train: NDArray[np.int64], *, one_class: bool) -> None:
        """Every training part needs two labels to tell apart, or what is normal."""
        labels, present = self.task.labels, np.unique(self.truth(dataset)[train])
        if one_class and self.normal not in present:
            raise SearchError(
                f"{dataset.name}: a training part holds no clip of {labels[self.normal]!r}, which "
                "one-class models learn from; add recordings of it, or leave out less"
            )
        if len(present) < 2 and not one_class:
            gone = ", ".join(labels[k] for k in range(len(labels)) if k not in present[:1])
            raise SearchError(
                f"{dataset.name}: a fold leaves only one label to train on; all clips of {gone} "
                "are of one group or fold. Add other recordings of it, or leave out less"
            )

    @property
    def normal(self) -> int:
        """Of a binary task the label that is not looked for."""
        return 1 - self.task.index(positive_label(self.task) or "")

    def strata(self, dataset: Dataset) -> NDArray[Any]:
        """The labels."""
        return self.truth(dataset)

    def learnt(self, kind: type[Model], truth: Truth, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """All rows; of a one-class model those that are normal."""
        return rows[truth[rows] == self.normal] if kind.one_class else rows

    def lost(self, truth: Truth, used: NDArray[np.int64]) -> list[str]:
        """Labels whose clips are all out of use."""
        return [self.task.labels[index] for index in np.setdiff1d(truth, truth[used])]

    def fit(self, model: Model, matrix: Matrix, truth: Truth) -> Fitted:
        """Train on labels."""
        return model.fit(matrix, truth, n_labels=self.n_logits)

    def sweep(
        self, models: Sequence[Model], train: Matrix, truth: Truth, test: Matrix
    ) -> list[Logits]:
        """One column a label."""
        return type(models[0]).sweep(models, train, truth, test, n_labels=self.n_logits)

    def count(self, truth: Truth, logits: Logits) -> NDArray[Any]:
        """Confusion matrix."""
        return confusion_matrix(truth, logits.argmax(axis=1), n_labels=self.n_logits)

    def figures(self, counts: NDArray[Any]) -> dict[str, float]:
        """FPR and TPR (macro one against the rest beyond two labels), accuracy."""
        label = positive_label(self.task)
        found = rates(counts, positive=None if label is None else self.task.index(label))
        accuracy = float(np.trace(counts) / counts.sum())
        exact = {"fpr": found.fpr, "tpr": found.tpr, "accuracy": accuracy}
        return {name: round(value, DIGITS) for name, value in exact.items()}

    def preference(self, row: Mapping[str, Any]) -> tuple[float, ...]:
        """Highest ``tpr - fpr`` (Youden 1950), then accuracy; a rate nobody could measure is 0."""
        fpr, tpr = (0.0 if np.isnan(row[name]) else row[name] for name in ("fpr", "tpr"))
        return round(fpr - tpr, DIGITS), -row["accuracy"]

    def temperature(self, logits: Logits, truth: Truth) -> float:
        """The likeliest, where there was something to tell apart."""
        return fit_temperature(logits, truth) if len(np.unique(truth)) > 1 else 1.0

    def evaluate(
        self, classifier: Classifier, test: Dataset, *, command: str | None = None
    ) -> Report:
        """Confusion, rates and what else is said of labels."""
        return evaluate(classifier, test, task=self.task.name, command=command)

    def sections(self, report: Report) -> list[Section]:
        """Figures, plots, labels, mistakes."""
        return report_sections(report)

    def summary(self, reports: Mapping[str, Report]) -> dict[str, Any]:
        """Accuracy with its interval, rates, and the accuracy of each part."""
        whole = pooled(list(reports.values()))
        parts = {name: report.accuracy for name, report in reports.items()}
        return {
            "clips": whole.n_clips,
            "fpr": whole.fpr,
            "tpr": whole.tpr,
            "accuracy": whole.accuracy,
            "interval": list(whole.accuracy_wilson),
            "accuracies": parts,
            "mean_of_tests": float(np.mean(list(parts.values()))),
            "worst": min(parts, key=parts.__getitem__),
        }


@dataclass(frozen=True)
class ValueQuestion(Question[RegressionReport]):
    """How much? Judged by root mean square error, mean absolute error and R².

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


def _is_number(label: str) -> bool:
    try:
        return math.isfinite(float(label))
    except ValueError:
        return False


QUESTIONS: dict[str, type[Question[Any]]] = {
    "binary": LabelQuestion,
    "multiclass": LabelQuestion,
    "regression": ValueQuestion,
}


def question_of(task: Task) -> Question[Any]:
    """The question a task asks.

    Raises
    ------
    SearchError
        If no classical model answers its kind.
    """
    if task.kind not in QUESTIONS:
        allowed = ", ".join(QUESTIONS)
        raise SearchError(f"task {task.name!r} is {task.kind}; search takes {allowed}")
    return QUESTIONS[task.kind](task)
