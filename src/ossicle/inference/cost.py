"""What a network costs: multiplications for one row or window, and numbers that were learnt.

Counted are the products that make up nearly all the work: those of matrices and convolutions, one
multiply-add for each weight and place it is used at; and trees, one comparison for each branch on
the longest way through each. Additions of a bias, activations, pooling and scaling are not.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import ModelError
from ossicle.extras import require

__all__ = ["multiply_adds", "n_parameters"]

Shape = tuple[int, ...]


def multiply_adds(network: bytes, *, shape: Shape | None = None) -> int:
    """Multiply-adds of one row or window.

    Parameters
    ----------
    network : bytes
        An ONNX file whose first axis is the number of rows.
    shape : tuple of int, optional
        Of its input for one row, where the file leaves an axis open.

    Raises
    ------
    ModelError
        If it is no ONNX file, or the shape of a product cannot be told from it.

    >>> from ossicle.models.graph import Graph
    >>> graph = Graph(n_features=20)
    >>> product = graph.node("MatMul", graph.input, graph.constant(np.ones((20, 3), np.float32)))
    >>> multiply_adds(graph.model({"label": product}, n_labels=3))
    60
    """
    model = _loaded(network)
    for value in model.graph.input:
        axes = value.type.tensor_type.shape.dim
        for axis, size in zip(axes, shape or (1,), strict=False):
            axis.dim_value = size
    shapes = _shapes(require("onnx.shape_inference", extra="search").infer_shapes(model))
    return sum(
        COUNTS[node.op_type](node, shapes) for node in model.graph.node if node.op_type in COUNTS
    )


def n_parameters(network: bytes) -> int:
    """Numbers that were learnt: the constants of the file, and the trees' thresholds and values.

    Single numbers without an axis and whole numbers of 64 bits belong to the formula, as shapes
    and positions do, and are not counted.

    Raises
    ------
    ModelError
        If it is no ONNX file.

    >>> from ossicle.models.graph import Graph
    >>> graph = Graph(n_features=20)
    >>> product = graph.node("MatMul", graph.input, graph.constant(np.ones((20, 3), np.float32)))
    >>> n_parameters(graph.model({"label": product}, n_labels=3))
    60
    """
    model = _loaded(network)
    whole = require("onnx", extra="search").TensorProto.INT64
    tensors = list(model.graph.initializer)
    tensors += [a.t for node in model.graph.node for a in node.attribute if a.HasField("t")]
    constants = (math.prod(t.dims) for t in tensors if t.dims and t.data_type != whole)
    trees = (_tree_numbers(node) for node in model.graph.node if node.op_type in TREES)
    return int(sum(constants) + sum(trees))


def _loaded(network: bytes) -> Any:
    try:
        return require("onnx", extra="search").ModelProto.FromString(network)
    except Exception as error:  # the decoder's error is of a library that we do not name
        raise ModelError(f"the network is not an ONNX file: {error}") from error


def _shapes(model: Any) -> dict[str, Shape]:
    """Shape of everything in the graph of which each size is known."""
    graph = model.graph
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in [*graph.input, *graph.value_info, *graph.output]:
        dims = value.type.tensor_type.shape.dim
        if all(dim.HasField("dim_value") for dim in dims):
            shapes[value.name] = tuple(dim.dim_value for dim in dims)
    return shapes


def _shape(name: str, shapes: Mapping[str, Shape]) -> Shape:
    if name not in shapes:
        raise ModelError(
            f"the shape of {name!r} cannot be told from the network; "
            "export it with fixed sizes on every axis but the first"
        )
    return shapes[name]


def _matmul(node: Any, shapes: Mapping[str, Shape]) -> int:
    """Each number of the result is a sum over the axis that the two factors share."""
    return math.prod(_shape(node.output[0], shapes)) * _shape(node.input[0], shapes)[-1]


def _gemm(node: Any, shapes: Mapping[str, Shape]) -> int:
    n_rows, n_columns = _shape(node.input[0], shapes)
    shared = n_rows if _attributes(node).get("transA") else n_columns
    return math.prod(_shape(node.output[0], shapes)) * shared


def _conv(node: Any, shapes: Mapping[str, Shape]) -> int:
    """Weights have the shape ``(n_out, n_in / groups, *kernel)``: groups are in it already."""
    return math.prod(_shape(node.output[0], shapes)) * math.prod(_shape(node.input[1], shapes)[1:])


def _trees(node: Any, shapes: Mapping[str, Shape]) -> int:
    """Sum of the trees' depths: each level counts the trees that still branch on it."""
    attributes = _attributes(node)
    tree = np.array(attributes["nodes_treeids"])
    starts = np.searchsorted(tree, tree)  # a tree's nodes lie side by side, counted from 0
    left = starts + attributes["nodes_truenodeids"]
    right = starts + attributes["nodes_falsenodeids"]
    branch = _branches(attributes)
    level: NDArray[np.int64] = np.unique(starts)
    total = 0
    for _ in range(len(tree)):
        level = level[branch[level]]
        if not len(level):
            break
        total += len(np.unique(tree[level]))
        level = np.unique(np.concatenate([left[level], right[level]]))
    return total


def _tree_numbers(node: Any) -> int:
    attributes = _attributes(node)
    return int(_branches(attributes).sum()) + len(attributes["target_weights"])


def _branches(attributes: Mapping[str, Any]) -> NDArray[np.bool_]:
    return np.asarray(np.array(attributes["nodes_modes"]) != b"LEAF")


def _attributes(node: Any) -> dict[str, Any]:
    value = require("onnx.helper", extra="search").get_attribute_value
    return {attribute.name: value(attribute) for attribute in node.attribute}


TREES = ("TreeEnsembleRegressor",)
COUNTS: dict[str, Callable[[Any, Mapping[str, Shape]], int]] = {
    "MatMul": _matmul,
    "Gemm": _gemm,
    "Conv": _conv,
    **dict.fromkeys(TREES, _trees),
}
