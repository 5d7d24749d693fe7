"""What a task's answers are learnt by: losses on logits, answers, and figures of an epoch.

There is one class a kind of task. All take logits as the network gives them and targets as
arrays of columns, one row a clip: one column a label (one-hot, multi-hot or soft), or one value
for a regression. A regression is learnt standardised: the network's output is in deviations from
the mean of the training part, and ``affine`` turns it into values.

References: Lin et al. (2017), "Focal Loss for Dense Object Detection"; Szegedy et al. (2016),
"Rethinking the Inception Architecture" (label smoothing).
"""

import abc
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ossicle.classifier.activation import sigmoid
from ossicle.errors import TrainingError
from ossicle.evaluation.metrics import accuracy, average_precision, averages, confusion_matrix
from ossicle.training.weighting import ClassWeights, equal_say, label_weights, positives_say
from ossicle.types import Task, TaskKind

__all__ = [
    "OBJECTIVES",
    "Exclusive",
    "Multilabel",
    "Objective",
    "Regression",
    "objective",
]

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Objective(abc.ABC):
    """How one task is learnt; see `objective`, which makes the one that fits."""

    activation: ClassVar[str]
    """What turns the network's output into scores (`classifier.ACTIVATIONS`)."""

    task: Task
    weights: tuple[float, ...] | None = None
    label_smoothing: float = 0.0
    focal: float = 0.0
    affine: tuple[float, float] | None = None
    """Mean and deviation of the values of a regression; None for labels."""

    @abc.abstractmethod
    def losses(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Loss of each clip.

        Parameters
        ----------
        logits : float32 tensor, shape (n, n_columns)
        targets : float32 tensor of the same shape
            Soft ones (mixtures of clips) are taken as they are.

        Returns
        -------
        float32 tensor, shape (n,)
        """

    @abc.abstractmethod
    def decide(self, logits: Array) -> NDArray[Any]:
        """Answers: a label's index, one truth a label, or a value, by the kind of task."""

    @abc.abstractmethod
    def figures(self, logits: Array, targets: Array) -> dict[str, float]:
        """Figures over the clips of an epoch; ``nan`` for one that nothing was measured for."""

    @abc.abstractmethod
    def quality(self, figures: dict[str, float]) -> float:
        """One number to choose an epoch by: higher is better, 1 is perfect."""

    @classmethod
    @abc.abstractmethod
    def fitted(
        cls, task: Task, targets: Array | None, weights: ClassWeights, **options: Any
    ) -> Self:
        """Make it for the targets of a training part."""


class Exclusive(Objective):
    """Exactly one label is right: cross-entropy after a softmax."""

    activation: ClassVar[str] = "softmax"

    def losses(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Weighted cross-entropy, each label's term by its weight."""
        smooth = self.label_smoothing
        soft = targets * (1.0 - smooth) + smooth / targets.shape[1]
        logs = functional.log_softmax(logits, dim=1)
        terms = -soft * logs
        if self.weights is not None:
            terms = terms * logits.new_tensor(self.weights)
        if self.focal:
            terms = terms * (1.0 - logs.exp()) ** self.focal
        return terms.sum(dim=1)

    def decide(self, logits: Array) -> NDArray[np.int64]:
        """Index of the likeliest label, shape ``(n,)``."""
        return np.asarray(logits.argmax(axis=1), dtype=np.int64)

    def figures(self, logits: Array, targets: Array) -> dict[str, float]:
        """Accuracy and macro F1."""
        truths, answers = targets.argmax(axis=1), self.decide(logits)
        counts = confusion_matrix(truths, answers, n_labels=targets.shape[1])
        return {"accuracy": accuracy(truths, answers), "macro_f1": averages(counts).f1}

    def quality(self, figures: dict[str, float]) -> float:
        """The accuracy."""
        return figures["accuracy"]

    @classmethod
    def fitted(
        cls, task: Task, targets: Array | None, weights: ClassWeights, **options: Any
    ) -> Self:
        """With weights that give every label of the training part the same say."""
        return cls(task, label_weights(task, targets, weights, equal_say), **options)


class Multilabel(Objective):
    """Any number of labels is right: binary cross-entropy of each after a sigmoid."""

    activation: ClassVar[str] = "sigmoid"

    def losses(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Mean over the labels; a label's weight is that of its positives."""
        smooth = self.label_smoothing
        soft = targets * (1.0 - smooth) + smooth / 2.0
        positive = -soft * functional.logsigmoid(logits)
        negative = -(1.0 - soft) * functional.logsigmoid(-logits)
        if self.focal:
            positive = positive * torch.sigmoid(-logits) ** self.focal
            negative = negative * torch.sigmoid(logits) ** self.focal
        if self.weights is not None:
            positive = positive * logits.new_tensor(self.weights)
        return (positive + negative).mean(dim=1)

    def decide(self, logits: Array) -> NDArray[np.bool_]:
        """Whether each label's score is at least one half, shape ``(n, n_labels)``."""
        return np.asarray(logits >= 0.0)

    def figures(self, logits: Array, targets: Array) -> dict[str, float]:
        """F1 over all answers and over the labels, and mean average precision."""
        truths, answers = targets >= 0.5, self.decide(logits)
        hits = (truths & answers).sum(axis=0)
        both = truths.sum(axis=0) + answers.sum(axis=0)
        scores = sigmoid(logits)
        precisions = [average_precision(*pair) for pair in zip(truths.T, scores.T, strict=True)]
        return {
            "micro_f1": _mean([_ratio(2 * hits.sum(), both.sum())]),
            "macro_f1": _mean([_ratio(2 * hit, n) for hit, n in zip(hits, both, strict=True)]),
            "mean_average_precision": _mean(precisions),
        }

    def quality(self, figures: dict[str, float]) -> float:
        """The mean average precision."""
        return figures["mean_average_precision"]

    @classmethod
    def fitted(
        cls, task: Task, targets: Array | None, weights: ClassWeights, **options: Any
    ) -> Self:
        """With weights that give a label's positives the same say as its negatives."""
        return cls(task, label_weights(task, targets, weights, positives_say), **options)


class Regression(Objective):
    """A value: squared error in deviations."""

    activation: ClassVar[str] = "identity"

    def losses(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Half the squared error of the standardised value."""
        mean, deviation = self._affine
        errors = logits - (targets - mean) / deviation
        return 0.5 * (errors**2).mean(dim=1)

    def decide(self, logits: Array) -> NDArray[np.float64]:
        """The values, shape ``(n,)``."""
        mean, deviation = self._affine
        return np.asarray(mean + deviation * logits[:, 0].astype(np.float64))

    def figures(self, logits: Array, targets: Array) -> dict[str, float]:
        """Mean absolute error, in the task's own unit."""
        return {"mae": _mean(np.abs(self.decide(logits) - targets[:, 0]).tolist())}

    def quality(self, figures: dict[str, float]) -> float:
        """One less the error in deviations: 1 is perfect, 0 about as good as the mean."""
        return 1.0 - figures["mae"] / self._affine[1]

    @property
    def _affine(self) -> tuple[float, float]:
        return self.affine or (0.0, 1.0)

    @classmethod
    def fitted(
        cls, task: Task, targets: Array | None, weights: ClassWeights, **options: Any
    ) -> Self:
        """With the mean and deviation of the training part; it has no labels to be weighted."""
        if targets is None:
            return cls(task, **options)
        values = np.asarray(targets, dtype=np.float64)
        deviation = float(values.std())
        return cls(task, affine=(float(values.mean()), deviation or 1.0), **options)


OBJECTIVES: dict[TaskKind, type[Objective]] = {
    "binary": Exclusive,
    "multiclass": Exclusive,
    "multilabel": Multilabel,
    "regression": Regression,
}
"""Kind of task: class."""


def objective(
    task: Task,
    *,
    targets: Array | None = None,
    class_weights: ClassWeights = None,
    label_smoothing: float = 0.0,
    focal: float = 0.0,
) -> Objective:
    """How a task is learnt. What does not concern its kind of task is left aside.

    Parameters
    ----------
    task : Task
    targets : float array, shape (n_clips, n_columns), optional
        Of the training part alone, the clips that answer the task: the counts behind
        ``"balanced"`` and the scale of a regression.
    class_weights : "balanced" or sequence of float, optional
        One number a label. ``"balanced"``: labels have the same say whatever their number of
        clips (for a multilabel task, a label's positives the same as its negatives).
    label_smoothing : float
        Share of each target that is spread over the labels, from 0 to below 1.
    focal : float
        Power that turns the loss away from clips that are right already; 0 does not.

    Raises
    ------
    TrainingError
        If a setting is out of range, or targets are missing.

    >>> task = Task("label", "multiclass", ("bell", "dog", "siren"))
    >>> goal = objective(task, label_smoothing=0.1)
    >>> goal.decide(np.float32([[0.0, 2.0, 1.0]])).tolist()
    [1]
    >>> logits, targets = torch.zeros(1, 3), torch.tensor([[0.0, 0.5, 0.5]])
    >>> round(float(goal.losses(logits, targets)), 4)
    1.0986
    """
    if not 0.0 <= label_smoothing < 1.0:
        raise TrainingError(
            f"label_smoothing is {label_smoothing}; it must be a number from 0 to below 1"
        )
    if not 0.0 <= focal < float("inf"):
        raise TrainingError(f"focal is {focal}; it must be a number from 0 (2 is usual)")
    return OBJECTIVES[task.kind].fitted(
        task, targets, class_weights, label_smoothing=label_smoothing, focal=focal
    )


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")


def _mean(values: list[float]) -> float:
    """Mean over what is defined; ``nan`` where nothing is."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
