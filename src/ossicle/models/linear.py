"""A linear function of each row: what several models are once they are fitted."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ossicle.models.graph import Graph
from ossicle.models.model import Matrix, require_all_labels, spread

__all__ = ["FittedLinear", "both_labels"]


@dataclass(frozen=True, eq=False)
class FittedLinear:
    """Weights, shape ``(n_present, n_features)``, and bias; without ``present``, a regression."""

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    present: NDArray[np.int64] | None
    n_labels: int

    def logits(self, matrix: Matrix) -> NDArray[np.float64]:
        """Linear function of each row, shape ``(n_rows, n_labels)``."""
        answers = matrix @ self.weights.T + self.bias
        return answers if self.present is None else spread(answers, self.present, self.n_labels)

    def onnx(self, task: str) -> bytes:
        """One Gemm."""
        if self.present is not None:
            require_all_labels(self.present, self.n_labels)
        graph = Graph(n_features=self.weights.shape[1])
        weights = graph.constant(self.weights.astype(np.float32))
        bias = graph.constant(self.bias.astype(np.float32))
        logits = graph.node("Gemm", graph.input, weights, bias, transB=1)
        return graph.model({task: logits}, n_labels=self.n_labels)


def both_labels(weights: NDArray[Any], bias: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Two rows where scikit-learn keeps one, the logit of the second label against 0."""
    if len(weights) > 1:
        return weights, bias
    return np.vstack([np.zeros_like(weights), weights]), np.append(0.0, bias)
