"""Isolation forest: how few random cuts set a row apart from all others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ossicle.extras import require
from ossicle.models.graph import Graph
from ossicle.models.model import Matrix
from ossicle.models.one_class import OneClassModel
from ossicle.models.settings import check_whole
from ossicle.models.trees import Tree, tree_sums

__all__ = ["IsolationForest"]


@dataclass(frozen=True)
class IsolationForest(OneClassModel):
    """Trees of random cuts; what is alone after few of them is abnormal.

    Parameters
    ----------
    contamination : float
        Part of the training rows to call abnormal, above 0 and at most 0.5: the rate of false
        alarms that is wished for.
    seed : int
    n_estimators : int
        Number of trees.
    max_samples : int
        Most rows that a tree cuts apart.

    Source: Liu, Ting & Zhou (2008), "Isolation forest"; scikit-learn,
    ``sklearn.ensemble.IsolationForest``.

    >>> rows = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    >>> fitted = IsolationForest().fit(rows, np.ones(200, dtype=np.int64), n_labels=2)
    >>> fitted.logits(np.float32([[0.0, 0.0], [9.0, 9.0]])).argmax(axis=1).tolist()
    [1, 0]
    """

    name: ClassVar[str] = "isolation_forest"
    n_estimators: int = 100
    max_samples: int = 256

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole("n_estimators", self.n_estimators)
        check_whole("max_samples", self.max_samples, above=1)

    def score(self, matrix: Matrix) -> "Isolation":
        """See `OneClassModel.score`."""
        n_samples = min(self.max_samples, len(matrix))
        forest = require("sklearn.ensemble", extra="search").IsolationForest(
            n_estimators=self.n_estimators,
            max_samples=n_samples,
            random_state=self.seed,
        )
        trees = [_tree(member.tree_) for member in forest.fit(matrix).estimators_]
        typical = float(_path_length(np.array([n_samples]))[0])
        return Isolation(forest, trees, typical * len(trees))


@dataclass(frozen=True, eq=False)
class Isolation:
    """``2^(-depth / typical depth)``, of the depths in all trees."""

    forest: Any
    trees: Sequence[Tree]
    typical: float

    @property
    def n_features(self) -> int:
        """Columns of a row."""
        return int(self.forest.n_features_in_)

    def __call__(self, matrix: Matrix) -> NDArray[np.float64]:
        """Shape ``(n_rows,)``."""
        return np.asarray(-self.forest.score_samples(matrix))

    def nodes(self, graph: Graph) -> str:
        """The trees' summed depths, and two to their power."""
        depth = graph.cast(tree_sums(graph, graph.input, self.trees, n_outputs=1), np.float64)
        power = graph.node("Div", depth, graph.constant(np.float64(-self.typical)))
        return graph.node("Pow", graph.constant(np.float64(2.0)), power)


def _tree(tree: Any) -> Tree:
    """With the depth of each leaf, and what its rows would take to be set apart, as its value."""
    depth = np.zeros(tree.node_count)
    for node in np.flatnonzero(tree.children_left >= 0):  # parents come before children
        depth[[tree.children_left[node], tree.children_right[node]]] = depth[node] + 1.0
    return Tree(
        feature=tree.feature,
        threshold=tree.threshold,
        left=tree.children_left,
        right=tree.children_right,
        values=(depth + _path_length(tree.n_node_samples))[:, None],
    )


def _path_length(n_rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean depth of an unsuccessful search in a binary tree of so many rows.

    >>> _path_length(np.array([1, 2, 256])).round(4).tolist()
    [0.0, 1.0, 10.2448]
    """
    n = np.maximum(n_rows, 3).astype(np.float64)
    long = 2.0 * (np.log(n - 1.0) + np.euler_gamma) - 2.0 * (n - 1.0) / n
    return np.where(n_rows <= 1, 0.0, np.where(n_rows == 2, 1.0, long))
