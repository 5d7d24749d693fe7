"""Decision trees as arrays, and as the one operator of ONNX that holds them.

Reference: Open Neural Network Exchange, ai.onnx.ml, ``TreeEnsembleRegressor``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ossicle.models.graph import TREES_DOMAIN, Graph

__all__ = ["Tree", "round_down", "tree_sums"]

LARGEST = 2.0**127  # beyond it no feature lies


@dataclass(frozen=True, eq=False)
class Tree:
    """One binary tree: a row goes left where its feature is at most the threshold.

    Arrays hold one entry a node; the root is the first and every parent comes before its
    children. ``left`` and ``right`` are positions, -1 at a leaf; ``values`` has shape
    ``(n_nodes, n_values)``, counts at leaves only and adds to the outputs from ``output`` on.
    """

    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    values: NDArray[np.float64]
    output: int = 0


def round_down(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest float32 at or below each number.

    ``x <= threshold`` then has the same answer for every float32 ``x``.

    >>> float(round_down(np.array([0.1]))[0]) <= 0.1
    True
    """
    near = np.clip(threshold, -LARGEST, LARGEST).astype(np.float32)
    return np.where(near > threshold, np.nextafter(near, np.float32(-np.inf)), near)


def tree_sums(graph: Graph, rows: str, trees: Sequence[Tree], *, n_outputs: int) -> str:
    """Append the sum of all trees' leaf values; gives its name, shape ``(n, n_outputs)``.

    Values of zero are left out of the file, one a leaf aside.
    """
    sizes = [len(tree.feature) for tree in trees]
    numbers = np.concatenate([np.arange(size) for size in sizes])
    members = np.repeat(np.arange(len(trees)), sizes)
    left = np.concatenate([tree.left for tree in trees])
    right = np.concatenate([tree.right for tree in trees])
    values = np.concatenate([tree.values for tree in trees]).astype(np.float32)
    leaf = left < 0
    kept = leaf[:, None] & (values != 0)
    kept[:, 0] |= leaf & ~kept.any(axis=1)
    nodes, columns = np.nonzero(kept)
    outputs = columns + np.array([tree.output for tree in trees])[members[nodes]]
    threshold = np.concatenate([round_down(tree.threshold) for tree in trees])
    return graph.node(
        "TreeEnsembleRegressor",
        rows,
        domain=TREES_DOMAIN,
        n_targets=n_outputs,
        nodes_treeids=members.tolist(),
        nodes_nodeids=numbers.tolist(),
        nodes_featureids=_at_branches(np.concatenate([t.feature for t in trees]), leaf).tolist(),
        nodes_modes=np.where(leaf, "LEAF", "BRANCH_LEQ").tolist(),
        nodes_values=_at_branches(threshold, leaf).tolist(),
        nodes_truenodeids=_at_branches(left, leaf).tolist(),
        nodes_falsenodeids=_at_branches(right, leaf).tolist(),
        target_treeids=members[nodes].tolist(),
        target_nodeids=numbers[nodes].tolist(),
        target_ids=outputs.tolist(),
        target_weights=values[nodes, columns].tolist(),
    )


def _at_branches(values: NDArray[Any], leaf: NDArray[np.bool_]) -> NDArray[Any]:
    return np.where(leaf, np.zeros_like(values), values)
