"""Gaussian naive Bayes: each label's features independent and normal."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ossicle.extras import require
from ossicle.models.graph import Graph
from ossicle.models.model import (
    Matrix,
    Model,
    Targets,
    present_labels,
    require_all_labels,
    spread,
)
from ossicle.models.settings import check_number

__all__ = ["GaussianNaiveBayes"]


@dataclass(frozen=True)
class GaussianNaiveBayes(Model):
    """Naive Bayes with a mean and a variance a label and feature.

    Parameters
    ----------
    var_smoothing : float
        Part of the largest variance that is added to all, > 0.

    Source: scikit-learn, ``sklearn.naive_bayes.GaussianNB``.

    >>> matrix = np.float32([[0.0], [1.0], [5.0], [6.0]])
    >>> fitted = GaussianNaiveBayes().fit(matrix, np.array([0, 0, 1, 1]), n_labels=2)
    >>> fitted.logits(np.float32([[0.4], [5.6]])).argmax(axis=1).tolist()
    [0, 1]
    """

    name: ClassVar[str] = "gaussian_nb"
    var_smoothing: float = 1e-9

    def __post_init__(self) -> None:
        check_number("var_smoothing", self.var_smoothing)

    def fit(self, matrix: Matrix, targets: Targets, *, n_labels: int) -> "FittedNaiveBayes":
        """Train on all rows; see `Model.fit`."""
        present = present_labels(targets)
        bayes = require("sklearn.naive_bayes", extra="search").GaussianNB(
            var_smoothing=self.var_smoothing
        )
        bayes.fit(matrix.astype(np.float64), targets)
        constant = np.log(bayes.class_prior_) - 0.5 * np.log(2 * np.pi * bayes.var_).sum(axis=1)
        constant -= 0.5 * (bayes.theta_**2 / bayes.var_).sum(axis=1)
        return FittedNaiveBayes(
            quadratic=(-0.5 / bayes.var_).T,
            linear=(bayes.theta_ / bayes.var_).T,
            constant=constant,
            present=present,
            n_labels=n_labels,
        )


@dataclass(frozen=True, eq=False)
class FittedNaiveBayes:
    """The logarithm of each label's density as a polynomial: ``x^2 q + x l + c``.

    ``quadratic`` and ``linear`` have shape ``(n_features, n_present)``.
    """

    quadratic: NDArray[np.float64]
    linear: NDArray[np.float64]
    constant: NDArray[np.float64]
    present: NDArray[np.int64]
    n_labels: int

    def logits(self, matrix: Matrix) -> NDArray[np.float64]:
        """Logarithm of each label's joint density, the highest of a row put to 0."""
        rows = matrix.astype(np.float64)
        joint = rows**2 @ self.quadratic + rows @ self.linear + self.constant
        return spread(joint - joint.max(axis=1, keepdims=True), self.present, self.n_labels)

    def onnx(self, task: str) -> bytes:
        """Two products in double precision; less the highest, so that float32 keeps the rest."""
        require_all_labels(self.present, self.n_labels)
        graph = Graph(n_features=len(self.linear))
        rows = graph.cast(graph.input, np.float64)
        squares = graph.node("Mul", rows, rows)
        quadratic = graph.node("MatMul", squares, graph.constant(self.quadratic))
        linear = graph.node("MatMul", rows, graph.constant(self.linear))
        joint = graph.node(
            "Add", graph.node("Add", quadratic, linear), graph.constant(self.constant)
        )
        highest = graph.node("ReduceMax", joint, axes=[1], keepdims=1)
        return graph.model({task: graph.node("Sub", joint, highest)}, n_labels=self.n_labels)
