"""Forests: many trees on random parts of the data, their answers averaged."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ossicle.extras import require
from ossicle.models.graph import Graph
from ossicle.models.growing import Growing
from ossicle.models.model import (
    LEAST_SHARE,
    Matrix,
    Targets,
    log_share,
    present_labels,
    require_all_labels,
    spread,
)
from ossicle.models.settings import check_number, check_seed, check_whole, check_word
from ossicle.models.trees import Tree, tree_sums
from ossicle.types import TaskKind

__all__ = ["ExtraTrees", "RandomForest"]


@dataclass(frozen=True)
class _Forest(Growing):
    """Settings that both kinds of forest share."""

    kinds: ClassVar[tuple[TaskKind, ...]] = ("binary", "multiclass", "regression")
    counted: ClassVar[str] = "n_estimators"
    estimator: ClassVar[str]
    n_estimators: int = 100
    max_depth: int | None = None
    min_samples_leaf: int = 1
    max_features: float | str = "sqrt"
    class_weight: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        check_whole("n_estimators", self.n_estimators)
        if self.max_depth is not None:
            check_whole("max_depth", self.max_depth)
        check_whole("min_samples_leaf", self.min_samples_leaf)
        if isinstance(self.max_features, str):
            check_word("max_features", self.max_features, ("sqrt", "log2"))
        else:
            check_number("max_features", self.max_features, most=1.0)
        check_word("class_weight", self.class_weight, (None, "balanced"))
        check_seed(self.seed)

    def fit(self, matrix: Matrix, targets: Targets, *, n_labels: int) -> "FittedForest":
        """Train on all rows; see `Model.fit`."""
        present = present_labels(targets)
        forest = self._estimator("Classifier", class_weight=self.class_weight)
        return FittedForest(forest.fit(matrix, targets).estimators_, present, n_labels)

    def fit_values(self, matrix: Matrix, values: NDArray[np.float64]) -> "FittedForest":
        """Train a regression; see `Model.fit_values`."""
        forest = self._estimator("Regressor").fit(matrix, values)
        return FittedForest(forest.estimators_, None, 1)

    def _estimator(self, kind: str, **settings: Any) -> Any:
        return getattr(require("sklearn.ensemble", extra="search"), self.estimator + kind)(
            n_estimators=self.n_estimators,
            max_depth=self.max_depth,
            min_samples_leaf=self.min_samples_leaf,
            max_features=self.max_features,
            random_state=self.seed,
            n_jobs=1,
            **settings,
        )


@dataclass(frozen=True)
class RandomForest(_Forest):
    """Trees on resampled rows, the best threshold of some features at each branch.

    Parameters
    ----------
    n_estimators : int
        Number of trees.
    max_depth : int or None
        Most branches on the way to a leaf; None: until the leaves are pure.
    min_samples_leaf : int
        Fewest training rows in a leaf; larger makes a smaller network.
    max_features : "sqrt", "log2" or float
        Features tried at each branch; a number is their share, above 0 and at most 1.
    class_weight : None or "balanced"
        Weight rows by the inverse frequency of their label; without a part in a regression.
    seed : int

    Source: scikit-learn, ``sklearn.ensemble.RandomForestClassifier`` and ``...Regressor``.

    >>> matrix = np.float32([[0.0], [1.0], [5.0], [6.0]])
    >>> fitted = RandomForest(n_estimators=20).fit(matrix, np.array([0, 0, 1, 1]), n_labels=2)
    >>> fitted.logits(np.float32([[0.4], [5.6]])).argmax(axis=1).tolist()
    [0, 1]
    """

    name: ClassVar[str] = "forest"
    estimator: ClassVar[str] = "RandomForest"


@dataclass(frozen=True)
class ExtraTrees(_Forest):
    """Extremely randomised trees: all rows, random thresholds; quicker to train than a forest.

    Parameters
    ----------
    n_estimators : int
        Number of trees.
    max_depth : int or None
        Most branches on the way to a leaf; None: until the leaves are pure.
    min_samples_leaf : int
        Fewest training rows in a leaf; larger makes a smaller network.
    max_features : "sqrt", "log2" or float
        Features tried at each branch; a number is their share, above 0 and at most 1.
    class_weight : None or "balanced"
        Weight rows by the inverse frequency of their label; without a part in a regression.
    seed : int

    Source: scikit-learn, ``sklearn.ensemble.ExtraTreesClassifier`` and ``...Regressor``.

    >>> matrix = np.float32([[0.0], [1.0], [5.0], [6.0]])
    >>> fitted = ExtraTrees(n_estimators=20).fit_values(matrix, np.array([0.0, 1.0, 5.0, 6.0]))
    >>> fitted.logits(matrix).round(6).ravel().tolist()
    [0.0, 1.0, 5.0, 6.0]
    """

    name: ClassVar[str] = "extra_trees"
    estimator: ClassVar[str] = "ExtraTrees"


@dataclass(frozen=True, eq=False)
class FittedForest:
    """Trained trees; without ``present`` labels, a regression."""

    trees: Sequence[Any]
    present: NDArray[np.int64] | None
    n_labels: int

    def logits(self, matrix: Matrix) -> NDArray[np.float64]:
        """Logarithm of each label's mean share in the leaves, or the mean value."""
        return self.staged(matrix, [len(self.trees)])[len(self.trees)]

    def staged(self, matrix: Matrix, counts: Sequence[int]) -> dict[int, NDArray[np.float64]]:
        """The same for the first trees alone, for several numbers of trees."""
        rows = np.ascontiguousarray(matrix, dtype=np.float32)
        total, answers = 0.0, {}
        for number, tree in enumerate(self.trees, start=1):
            total = total + tree.tree_.predict(rows)
            if number in counts:
                answers[number] = self._answer(np.asarray(total) / number)
        return answers

    def _answer(self, mean: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.present is None:
            return mean
        return spread(log_share(mean), self.present, self.n_labels)

    def onnx(self, task: str) -> bytes:
        """The trees, their mean and, of labels, its logarithm."""
        if self.present is not None:
            require_all_labels(self.present, self.n_labels)
        graph = Graph(n_features=self.trees[0].n_features_in_)
        trees = [_tree(tree.tree_) for tree in self.trees]
        total = tree_sums(graph, graph.input, trees, n_outputs=self.n_labels)
        answer = graph.node("Div", total, graph.constant(np.float32(len(self.trees))))
        if self.present is not None:
            answer = graph.node("Max", answer, graph.constant(np.float32(LEAST_SHARE)))
            answer = graph.node("Log", answer)
        return graph.model({task: answer}, n_labels=self.n_labels)


def _tree(tree: Any) -> Tree:
    """From scikit-learn's arrays, which already hold shares of labels or mean values."""
    return Tree(
        feature=tree.feature,
        threshold=tree.threshold,
        left=tree.children_left,
        right=tree.children_right,
        values=tree.value[:, 0, :],
    )
