"""K nearest neighbours with equal votes, or their mean value; all k from one distance matrix."""

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
from ossicle.types import TaskKind

__all__ = ["NearestNeighbours"]


@dataclass(frozen=True)
class NearestNeighbours(Model):
    """K nearest neighbours: Euclidean distance, equal votes, ties to the first label.

    Of values, the mean of the neighbours'.

    Parameters
    ----------
    n_neighbors : int
        Number of voting neighbours, at most the number of training rows.

    Source: scikit-learn, ``sklearn.neighbors.KNeighborsClassifier`` and
    ``KNeighborsRegressor``.

    >>> matrix = np.float32([[0.0], [1.0], [5.0], [6.0]])
    >>> fitted = NearestNeighbours(n_neighbors=1).fit(matrix, np.array([0, 0, 1, 1]), n_labels=2)
    >>> fitted.logits(np.float32([[0.4], [5.6]])).argmax(axis=1).tolist()
    [0, 1]
    """

    name: ClassVar[str] = "knn"
    kinds: ClassVar[tuple[TaskKind, ...]] = ("binary", "multiclass", "regression")
    n_neighbors: int = 5

    def __post_init__(self) -> None:
        check_whole("n_neighbors", self.n_neighbors)

    def fit(self, matrix: Matrix, targets: Targets, *, n_labels: int) -> "FittedNeighbours":
        """Keep all rows; see `Model.fit`."""
        present_labels(targets)
        return self._kept(matrix, np.eye(n_labels, dtype=np.float32)[targets], values=False)

    def fit_values(self, matrix: Matrix, values: NDArray[np.float64]) -> "FittedNeighbours":
        """Keep all rows and their values; see `Model.fit_values`."""
        return self._kept(matrix, values[:, None].astype(np.float32), values=True)

    def _kept(
        self, matrix: Matrix, answers: NDArray[np.float32], *, values: bool
    ) -> "FittedNeighbours":
        if self.n_neighbors > len(matrix):
            raise ModelError(
                f"n_neighbors is {self.n_neighbors}; allowed are 1 to {len(matrix)}, the number "
                "of training rows"
            )
        return FittedNeighbours(matrix, answers, self.n_neighbors, values)

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
        return fitted.staged(test, [model.n_neighbors for model in models])

    @classmethod
    def sweep_values(
        cls, models: Sequence[Self], train: Matrix, values: NDArray[np.float64], test: Matrix
    ) -> list[NDArray[np.float64]]:
        """As `sweep`."""
        largest = max(models, key=lambda model: model.n_neighbors)
        fitted = largest.fit_values(train, values)
        return fitted.staged(test, [model.n_neighbors for model in models])


@dataclass(frozen=True, eq=False)
class FittedNeighbours:
    """The training rows with their answers: one-hot labels, or ``values`` in one column."""

    matrix: Matrix
    answers: NDArray[np.float32]
    n_neighbors: int
    values: bool

    def neighbours(self, matrix: Matrix) -> NDArray[np.int64]:
        """Indices of the nearest training rows, nearest first, shape ``(n_rows, k)``.

        At equal distances the first row is the nearer, as for ONNX's TopK; scikit-learn leaves
        that open.
        """
        rows, points = matrix.astype(np.float64), self.matrix.astype(np.float64)
        distances = (rows**2).sum(axis=1)[:, None] + (points**2).sum(axis=1) - 2.0 * rows @ points.T
        return _smallest(distances, self.n_neighbors)

    def logits(self, matrix: Matrix) -> NDArray[np.float64]:
        """Logarithm of each label's share of the votes, or the mean value."""
        return self.staged(matrix, [self.n_neighbors])[0]

    def staged(self, matrix: Matrix, counts: Sequence[int]) -> list[NDArray[np.float64]]:
        """The same for the nearest few alone, for several numbers of neighbours."""
        near = self.answers[self.neighbours(matrix)].astype(np.float64)
        sums = near.cumsum(axis=1)  # (n_rows, k, n_labels)
        means = [sums[:, count - 1] / count for count in counts]
        return means if self.values else [log_share(mean) for mean in means]

    def onnx(self, task: str) -> bytes:
        """Distances, the k smallest, their answers' mean and, of votes, its logarithm."""
        n_labels = self.answers.shape[1]
        if not self.values:
            require_all_labels(np.flatnonzero(self.answers.any(axis=0)), n_labels)
        graph = Graph(n_features=self.matrix.shape[1])
        distances = graph.squared_distances(graph.input, self.matrix)
        k = graph.constant(np.array([self.n_neighbors], dtype=np.int64))
        _, nearest = graph.nodes("TopK", distances, k, n_outputs=2, axis=1, largest=0, sorted=1)
        answers = graph.node("Gather", graph.constant(self.answers), nearest, axis=0)
        mean = graph.node("ReduceMean", answers, axes=[1], keepdims=0)
        if not self.values:
            mean = graph.node("Max", mean, graph.constant(np.float32(LEAST_SHARE)))
            mean = graph.node("Log", mean)
        return graph.model({task: mean}, n_labels=n_labels)


def _smallest(distances: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Columns of the ``k`` smallest of each row, smallest first, the first at equal ones."""
    limits = np.partition(distances, k - 1, axis=1)[:, k - 1 : k]
    within = distances <= limits
    found = np.empty((len(distances), k), dtype=np.int64)
    clear = within.sum(axis=1) == k  # no column just outside is as near as the last inside
    columns = np.nonzero(within[clear])[1].reshape(-1, k)
    order = np.argsort(np.take_along_axis(distances[clear], columns, axis=1), kind="stable")
    found[clear] = np.take_along_axis(columns, order, axis=1)
    found[~clear] = np.argsort(distances[~clear], axis=1, kind="stable")[:, :k]
    return found
