"""Gradient boosting: small trees, each mending what those before it left."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ossicle.extras import require
from ossicle.models.graph import Graph
from ossicle.models.growing import Growing
from ossicle.models.model import (
    Matrix,
    Targets,
    present_labels,
    require_all_labels,
    spread,
)
from ossicle.models.settings import check_number, check_seed, check_whole, check_word
from ossicle.models.trees import Tree, tree_sums
from ossicle.types import TaskKind

__all__ = ["Boosting"]


@dataclass(frozen=True)
class Boosting(Growing):
    """Gradient boosting of trees over histograms of 255 bins a feature.

    Parameters
    ----------
    max_iter : int
        Rounds; each adds one tree, or one a label if there are more than two.
    learning_rate : float
        Share of each tree that is added, above 0 and at most 1.
    max_leaf_nodes : int
        Most leaves of a tree, at least 2.
    min_samples_leaf : int
        Fewest training rows in a leaf.
    max_features : float
        Share of the features tried at each branch, above 0 and at most 1.
    class_weight : None or "balanced"
        Weight rows by the inverse frequency of their label; without a part in a regression.
    seed : int
        For the features tried, if not all are.

    Source: scikit-learn, ``sklearn.ensemble.HistGradientBoostingClassifier`` and ``...Regressor``
    without early stopping.

    >>> matrix = np.float32([[0.0], [1.0], [5.0], [6.0]])
    >>> model = Boosting(max_iter=9, min_samples_leaf=1)
    >>> fitted = model.fit(matrix, np.array([0, 0, 1, 1]), n_labels=2)
    >>> fitted.logits(np.float32([[0.4], [5.6]])).argmax(axis=1).tolist()
    [0, 1]
    """

    name: ClassVar[str] = "boosting"
    kinds: ClassVar[tuple[TaskKind, ...]] = ("binary", "multiclass", "regression")
    counted: ClassVar[str] = "max_iter"
    max_iter: int = 100
    learning_rate: float = 0.1
    max_leaf_nodes: int = 31
    min_samples_leaf: int = 20
    max_features: float = 1.0
    class_weight: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        check_whole("max_iter", self.max_iter)
        check_number("learning_rate", self.learning_rate, most=1.0)
        check_whole("max_leaf_nodes", self.max_leaf_nodes, above=1)
        check_whole("min_samples_leaf", self.min_samples_leaf)
        check_number("max_features", self.max_features, most=1.0)
        check_word("class_weight", self.class_weight, (None, "balanced"))
        check_seed(self.seed)

    def fit(self, matrix: Matrix, targets: Targets, *, n_labels: int) -> "FittedBoosting":
        """Train on all rows; see `Model.fit`."""
        present = present_labels(targets)
        machine = self._estimator("Classifier", class_weight=self.class_weight)
        return FittedBoosting(machine.fit(matrix, targets), present, n_labels)

    def fit_values(self, matrix: Matrix, values: NDArray[np.float64]) -> "FittedBoosting":
        """Train a regression; see `Model.fit_values`."""
        return FittedBoosting(self._estimator("Regressor").fit(matrix, values), None, 1)

    def _estimator(self, kind: str, **settings: Any) -> Any:
        name = "HistGradientBoosting" + kind
        return getattr(require("sklearn.ensemble", extra="search"), name)(
            max_iter=self.max_iter,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.max_leaf_nodes,
            min_samples_leaf=self.min_samples_leaf,
            max_features=self.max_features,
            early_stopping=False,
            random_state=self.seed,
            **settings,
        )


@dataclass(frozen=True, eq=False)
class FittedBoosting:
    """Trained rounds of trees; without ``present`` labels, a regression."""

    estimator: Any
    present: NDArray[np.int64] | None
    n_labels: int

    def logits(self, matrix: Matrix) -> NDArray[np.float64]:
        """Sum of the trees for each label or of the value."""
        if self.present is None:
            return self._answer(self.estimator.predict(matrix))
        return self._answer(self.estimator.decision_function(matrix))

    def staged(self, matrix: Matrix, counts: Sequence[int]) -> dict[int, NDArray[np.float64]]:
        """The same after the first rounds alone, for several numbers of rounds."""
        name = "staged_predict" if self.present is None else "staged_decision_function"
        stages = enumerate(getattr(self.estimator, name)(matrix), start=1)
        return {number: self._answer(sums) for number, sums in stages if number in counts}

    def _answer(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        columns = sums.reshape(len(sums), -1)
        if self.present is None:
            return columns
        if len(self.present) == 2:  # scikit-learn keeps one sum, the logit of the second label
            columns = np.hstack([np.zeros_like(columns), columns])
        return spread(columns, self.present, self.n_labels)

    def onnx(self, task: str) -> bytes:
        """The trees and what they start from."""
        if self.present is not None:
            require_all_labels(self.present, self.n_labels)
        graph = Graph(n_features=self.estimator.n_features_in_)
        start = self.estimator._baseline_prediction
        sums = tree_sums(graph, graph.input, self._trees(), n_outputs=start.shape[1])
        sums = graph.node("Add", sums, graph.constant(start.astype(np.float32)))
        if self.n_labels == 2:
            sums = graph.node("Mul", sums, graph.constant(np.array([[0.0, 1.0]], np.float32)))
        return graph.model({task: sums}, n_labels=self.n_labels)

    def _trees(self) -> list[Tree]:
        rounds = self.estimator._predictors
        return [_tree(tree.nodes, output) for trees in rounds for output, tree in enumerate(trees)]


def _tree(nodes: NDArray[np.void], output: int) -> Tree:
    """From scikit-learn's table of nodes."""
    leaf = nodes["is_leaf"].astype(bool)
    return Tree(
        feature=nodes["feature_idx"].astype(np.int64),
        threshold=nodes["num_threshold"],
        left=np.where(leaf, -1, nodes["left"].astype(np.int64)),
        right=np.where(leaf, -1, nodes["right"].astype(np.int64)),
        values=nodes["value"][:, None],
        output=output,
    )
