"""K nearest neighbours with equal votes; all k from one distance matrix."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import ModelError
from ossicle.models.graph import Graph
from ossicle.models.model import (
    LEAST_SHARE,
    Matrix,
    Model,
    Targets,
    log_share,
    present_labels,
    require_all_labels,
)
from ossicle.models.settings import check_whole

__all__ = ["NearestNeighbours"]


@dataclass(frozen=True)
class NearestNeighbours(Model):
    """K nearest neighbours: Euclidean distance, equal votes, ties to the first label.

    Parameters
    ----------
    n_neighbors : int
        Number of voting neighbours, at most the number of training rows.

    Source: scikit-learn, ``sklearn.neighbors.KNeighborsClassifier``.

    >>> matrix = np.float32([[0.0], [1.0], [5.0], [6.0]])
    >>> fitted = NearestNeighbours(n_neighbors=1).fit(matrix, np.array([0, 0, 1, 1]), n_labels=2)
    >>> fitted.logits(np.float32([[0.4], [5.6]])).argmax(axis=1).tolist()
    [0, 1]
    """

    name: ClassVar[str] = "knn"
    n_neighbors: int = 5

    def __post_init__(self) -> None:
        check_whole("n_neighbors", self.n_neighbors)

    def fit(self, matrix: Matrix, targets: Targets, *, n_labels: int) -> "FittedNeighbours":
        """Keep all rows; see `Model.fit`."""
        present_labels(targets)
        if self.n_neighbors > len(matrix):
            raise ModelError(
                f"n_neighbors is {self.n_neighbors}; allowed are 1 to {len(matrix)}, the number "
                "of training rows"
            )
        return FittedNeighbours(matrix, _one_hot(targets, n_labels), self.n_neighbors)

    @classmethod
    def sweep(
        cls,
        models: Sequence[Self],
        train: Matrix,
        targets: Targets,
        test: Matrix,
        *,
        n_labels: int,
    ) -> list[NDArray[np.float64]]:
        """All k from the distances of one neighbour search, by cumulative votes."""
        largest = max(models, key=lambda model: model.n_neighbors)
        fitted = largest.fit(train, targets, n_labels=n_labels)
        votes = fitted.one_hot[fitted.neighbours(test)].cumsum(axis=1)  # (n_test, k, n_labels)
        return [log_share(votes[:, m.n_neighbors - 1] / m.n_neighbors) for m in models]


@dataclass(frozen=True, eq=False)
class FittedNeighbours:
    """The training rows with their one-hot labels."""

    matrix: Matrix
    one_hot: NDArray[np.float32]
    n_neighbors: int

    def neighbours(self, matrix: Matrix) -> NDArray[np.int64]:
        """Indices of the nearest training rows, nearest first, shape ``(n_rows, k)``.

        At equal distances the first row is the nearer, as for ONNX's TopK; scikit-learn leaves
        that open.
        """
        rows, points = matrix.astype(np.float64), self.matrix.astype(np.float64)
        distances = (rows**2).sum(axis=1)[:, None] + (points**2).sum(axis=1) - 2.0 * rows @ points.T
        order: NDArray[np.int64] = np.argsort(distances, axis=1, kind="stable")
        return order[:, : self.n_neighbors]

    def logits(self, matrix: Matrix) -> NDArray[np.float64]:
        """Logarithm of each label's share of the votes, shape ``(n_rows, n_labels)``."""
        votes = self.one_hot[self.neighbours(matrix)].sum(axis=1)
        return log_share(votes / self.n_neighbors)

    def onnx(self, task: str) -> bytes:
        """Distances, the k smallest, their labels' mean, its logarithm."""
        n_labels = self.one_hot.shape[1]
        require_all_labels(np.flatnonzero(self.one_hot.any(axis=0)), n_labels)
        graph = Graph(n_features=self.matrix.shape[1])
        distances = graph.squared_distances(graph.input, self.matrix)
        k = graph.constant(np.array([self.n_neighbors], dtype=np.int64))
        _, nearest = graph.nodes("TopK", distances, k, n_outputs=2, axis=1, largest=0, sorted=1)
        votes = graph.node("Gather", graph.constant(self.one_hot), nearest, axis=0)
        share = graph.node("ReduceMean", votes, axes=[1], keepdims=0)
        share = graph.node("Max", share, graph.constant(np.float32(LEAST_SHARE)))
        return graph.model({task: graph.node("Log", share)}, n_labels=n_labels)


def _one_hot(targets: Targets, n_labels: int) -> NDArray[np.float32]:
    return np.eye(n_labels, dtype=np.float32)[targets]
