"""A small neural network of fully connected layers (scikit-learn's, trained by Adam)."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import ModelError
from ossicle.extras import require
from ossicle.models.graph import Graph
from ossicle.models.linear import both_labels
from ossicle.models.model import (
    Matrix,
    Model,
    Targets,
    present_labels,
    require_all_labels,
    spread,
)
from ossicle.models.settings import check_number, check_seed, check_whole
from ossicle.types import Floats, TaskKind

__all__ = ["Perceptron"]


@dataclass(frozen=True)
class Perceptron(Model):
    """Multi-layer perceptron with rectified units.

    Parameters
    ----------
    hidden_units : int
        Units of each hidden layer.
    n_hidden_layers : int
    alpha : float
        Strength of the L2 penalty, > 0.
    learning_rate : float
        First step of Adam, > 0.
    max_iter : int
        Most passes over the rows; training ends earlier where the loss no longer falls.
    seed : int
        For the first weights and the order of the rows.

    Source: scikit-learn, ``sklearn.neural_network.MLPClassifier`` and ``MLPRegressor``.

    >>> matrix = np.float32([[0.0], [1.0], [5.0], [6.0]])
    >>> fitted = Perceptron(hidden_units=10).fit(matrix, np.array([0, 0, 1, 1]), n_labels=2)
    >>> fitted.logits(np.float32([[0.4], [5.6]])).argmax(axis=1).tolist()
    [0, 1]
    """

    name: ClassVar[str] = "mlp"
    kinds: ClassVar[tuple[TaskKind, ...]] = ("binary", "multiclass", "regression")
    hidden_units: int = 100
    n_hidden_layers: int = 1
    alpha: float = 1e-4
    learning_rate: float = 1e-3
    max_iter: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        check_whole("hidden_units", self.hidden_units)
        check_whole("n_hidden_layers", self.n_hidden_layers)
        check_number("alpha", self.alpha)
        check_number("learning_rate", self.learning_rate)
        check_whole("max_iter", self.max_iter)
        check_seed(self.seed)

    def fit(self, matrix: Matrix, targets: Targets, *, n_labels: int) -> "FittedPerceptron":
        """Train on all rows; see `Model.fit`."""
        present = present_labels(targets)
        machine = self._trained("MLPClassifier", matrix, targets)
        *hidden, (weights, bias) = zip(machine.coefs_, machine.intercepts_, strict=True)
        weights, bias = both_labels(weights.T, bias)
        return FittedPerceptron([*hidden, (weights.T, bias)], present, n_labels)

    def fit_values(self, matrix: Matrix, values: NDArray[np.float64]) -> "FittedPerceptron":
        """Train a regression; see `Model.fit_values`."""
        machine = self._trained("MLPRegressor", matrix, values)
        return FittedPerceptron(
            list(zip(machine.coefs_, machine.intercepts_, strict=True)), None, 1
        )

    def _trained(self, kind: str, matrix: Matrix, answers: NDArray[Any]) -> Any:
        machine = getattr(require("sklearn.neural_network", extra="search"), kind)(
            hidden_layer_sizes=(self.hidden_units,) * self.n_hidden_layers,
            alpha=self.alpha,
            learning_rate_init=self.learning_rate,
            max_iter=self.max_iter,
            random_state=self.seed,
        )
        unfinished = require("sklearn.exceptions", extra="search").ConvergenceWarning
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", unfinished)  # max_iter is a setting like any other
            try:
                return machine.fit(matrix, answers)
            except ValueError as error:
                raise ModelError(
                    f"a perceptron with learning_rate {self.learning_rate:g} does not settle "
                    f"({error}); lower it, or scale the features"
                ) from error


@dataclass(frozen=True, eq=False)
class FittedPerceptron:
    """Weights, shape ``(n_in, n_out)``, and bias of each layer; without ``present``, values."""

    layers: Sequence[tuple[Floats, Floats]]
    present: NDArray[np.int64] | None
    n_labels: int

    def logits(self, matrix: Matrix) -> NDArray[np.float64]:
        """What the last layer gives, before any activation."""
        *hidden, (weights, bias) = self.layers
        rows = matrix.astype(np.float64)
        for first, shift in hidden:
            rows = np.maximum(rows @ first + shift, 0.0)
        answers: NDArray[np.float64] = rows @ weights + bias
        return answers if self.present is None else spread(answers, self.present, self.n_labels)

    def onnx(self, task: str) -> bytes:
        """One Gemm a layer, rectified but for the last."""
        if self.present is not None:
            require_all_labels(self.present, self.n_labels)
        graph = Graph(n_features=len(self.layers[0][0]))
        name = graph.input
        for position, (weights, bias) in enumerate(self.layers):
            name = name if position == 0 else graph.node("Relu", name)
            name = graph.node(
                "Gemm", name, *map(graph.constant, (np.float32(weights), np.float32(bias)))
            )
        return graph.model({task: name}, n_labels=self.n_labels)
