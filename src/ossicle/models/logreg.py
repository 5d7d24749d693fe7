"""Multinomial logistic regression (scikit-learn's, fitted by L-BFGS)."""

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
from ossicle.models.settings import check_penalty, check_whole

__all__ = ["LogisticRegression"]


@dataclass(frozen=True)
class LogisticRegression(Model):
    """Multinomial logistic regression with an L2 penalty.

    Parameters
    ----------
    C : float
        Inverse strength of the penalty, > 0.
    class_weight : None or "balanced"
        Weight rows by the inverse frequency of their label.
    max_iter : int
        Most iterations of the solver.

    Source: scikit-learn, ``sklearn.linear_model.LogisticRegression``.

    >>> matrix = np.float32([[0.0], [1.0], [2.0], [3.0]])
    >>> fitted = LogisticRegression().fit(matrix, np.array([0, 0, 1, 1]), n_labels=2)
    >>> fitted.logits(matrix).argmax(axis=1).tolist()
    [0, 0, 1, 1]
    """

    name: ClassVar[str] = "logreg"
    C: float = 1.0
    class_weight: str | None = None
    max_iter: int = 1000

    def __post_init__(self) -> None:
        check_penalty(self.C, self.class_weight)
        check_whole("max_iter", self.max_iter)

    def fit(self, matrix: Matrix, targets: Targets, *, n_labels: int) -> "FittedLogisticRegression":
        """Train on all rows; see `Model.fit`."""
        present = present_labels(targets)
        estimator = (
            require("sklearn.linear_model", extra="search")
            .LogisticRegression(C=self.C, class_weight=self.class_weight, max_iter=self.max_iter)
            .fit(matrix.astype(np.float64), targets)
        )
        weights, bias = estimator.coef_, estimator.intercept_
        if len(present) == 2:  # scikit-learn keeps one row, the logit of the second label
            weights = np.vstack([np.zeros_like(weights), weights])
            bias = np.append(0.0, bias)
        return FittedLogisticRegression(weights, bias, present, n_labels)


@dataclass(frozen=True, eq=False)
class FittedLogisticRegression:
    """Weights, shape ``(n_present, n_features)``, and bias of a logistic regression."""

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    present: NDArray[np.int64]
    n_labels: int

    def logits(self, matrix: Matrix) -> NDArray[np.float64]:
        """Linear function of each row, shape ``(n_rows, n_labels)``."""
        return spread(matrix @ self.weights.T + self.bias, self.present, self.n_labels)

    def onnx(self, task: str) -> bytes:
        """One Gemm."""
        require_all_labels(self.present, self.n_labels)
        graph = Graph(n_features=self.weights.shape[1])
        weights = graph.constant(self.weights.astype(np.float32))
        bias = graph.constant(self.bias.astype(np.float32))
        logits = graph.node("Gemm", graph.input, weights, bias, transB=1)
        return graph.model({task: logits}, n_labels=self.n_labels)
