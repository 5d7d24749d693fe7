"""Writing a small network as ONNX, node by node.

Operators are the plain ones of opset 17, so that every runtime and every later exporter reads
them, and one of ai.onnx.ml for trees. Reference: Open Neural Network Exchange, operator schemas.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ossicle.extras import require

__all__ = ["INPUT", "OPSET", "TREES_DOMAIN", "Graph"]

OPSET = 17
TREES_DOMAIN, TREES_OPSET = "ai.onnx.ml", 3
IR_VERSION = 8
INPUT = "features"


class Graph:
    """An ONNX graph under construction: one input ``features``, one output a task.

    >>> graph = Graph(n_features=2)
    >>> half = graph.node("Mul", graph.input, graph.constant(np.float32(0.5)))
    >>> len(graph.model({"label": half}, n_labels=2)) > 0
    True
    """

    def __init__(self, *, n_features: int) -> None:
        self._helper = require("onnx.helper", extra="search")
        self._numpy = require("onnx.numpy_helper", extra="search")
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self.n_features = n_features
        self.input = INPUT

    def constant(self, values: NDArray[Any] | np.generic) -> str:
        """Keep an array in the file and return its name."""
        name = f"constant_{len(self._constants)}"
        self._constants.append(self._numpy.from_array(np.asarray(values), name))
        return name

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Append a node with one output and return that output's name."""
        return self.nodes(operator, *inputs, n_outputs=1, **attributes)[0]

    def nodes(self, operator: str, *inputs: str, n_outputs: int, **attributes: Any) -> list[str]:
        """Append a node with several outputs and return their names."""
        number = len(self._nodes)
        outputs = [f"{operator.lower()}_{number}_{k}" for k in range(n_outputs)]
        self._nodes.append(self._helper.make_node(operator, inputs, outputs, **attributes))
        return outputs

    def cast(self, name: str, dtype: type[np.generic]) -> str:
        """Convert to another number type."""
        return self.node("Cast", name, to=self._helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def squared_distances(self, name: str, points: NDArray[np.float32]) -> str:
        """Squared Euclidean distance of each row to each of ``points``, in double precision.

        Uses ``|x|^2 + |p|^2 - 2 x.p``; double precision keeps its cancellation far below the
        distances that decide a label. The points are stored as float32.
        """
        rows = self.cast(name, np.float64)
        stored = self.cast(self.constant(points.astype(np.float32)), np.float64)
        products = self.node("MatMul", rows, self.node("Transpose", stored, perm=[1, 0]))
        squares = self.node("ReduceSumSquare", rows, axes=[1], keepdims=1)
        doubled = self.node("Mul", products, self.constant(np.float64(-2.0)))
        lengths = self.constant((points.astype(np.float64) ** 2).sum(axis=1)[None, :])
        return self.node("Add", self.node("Add", doubled, squares), lengths)

    def model(self, outputs: dict[str, str], *, n_labels: int) -> bytes:
        """Finish the graph and return the file's bytes.

        Parameters
        ----------
        outputs : dict of task name to node output
            Logits, shape ``(n, n_labels)``; written as float32 under the task's name.
        n_labels : int
        """
        helper, kind = self._helper, require("onnx", extra="search").TensorProto.FLOAT
        for task, source in outputs.items():
            self._nodes.append(helper.make_node("Cast", [source], [task], to=kind))
        graph = helper.make_graph(
            self._nodes,
            "classifier",
            [_values(helper, INPUT, kind, ["n", self.n_features])],
            [_values(helper, task, kind, ["n", n_labels]) for task in outputs],
            self._constants,
        )
        model = helper.make_model(graph, opset_imports=self._opsets(), producer_name="ossicle")
        model.ir_version = IR_VERSION
        require("onnx.checker", extra="search").check_model(model)
        return bytes(model.SerializeToString(deterministic=True))

    def _opsets(self) -> list[Any]:
        known = {"": OPSET, TREES_DOMAIN: TREES_OPSET}
        used = {"", *(node.domain for node in self._nodes)}
        return [self._helper.make_opsetid(domain, known[domain]) for domain in sorted(used)]


def _values(helper: Any, name: str, kind: int, shape: Sequence[str | int]) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)
