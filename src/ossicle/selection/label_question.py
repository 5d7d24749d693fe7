"""Which label? Judged by rates and accuracy; of one label alone, whether a sound is like it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ossicle.classifier import Classifier
from ossicle.datasets import Dataset
from ossicle.errors import SearchError
from ossicle.evaluation import (
    Report,
    Section,
    evaluate,
    pooled,
    report_sections,
)
from ossicle.evaluation.calibration import fit_temperature
from ossicle.evaluation.judging import positive_label
from ossicle.evaluation.metrics import confusion_matrix, rates
from ossicle.models import Fitted, Model
from ossicle.models.model import Matrix
from ossicle.selection.question import DIGITS, Logits, Question, Truth

__all__ = ["LabelQuestion"]

NAMED = 5
"""Labels that an error names one by one."""


@dataclass(frozen=True)
class LabelQuestion(Question[Report]):
    """Which label? Judged by true and false positive rate and accuracy.

    >>> from ossicle.types import Task
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


def _is_number(label: str) -> bool:
    try:
        return math.isfinite(float(label))
    except ValueError:
        return False
