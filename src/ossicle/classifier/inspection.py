"""What a network file may hold, read from its bytes before a runtime sees them.

An ONNX file is data, but a runtime can be led by it to other files (external tensors), to code
that was registered beside it (unknown domains), into endless loops (subgraphs) and to more memory
than there is (shapes without data). Networks that hold any of these are refused here, with a
reader of the Protocol Buffers wire format that needs no ONNX library.

References: onnx.proto (field numbers); Protocol Buffers, Encoding.
"""

import math
from collections.abc import Iterator

from ossicle.errors import ModelError

__all__ = ["MAX_NETWORK_BYTES", "inspect_network"]

MAX_NETWORK_BYTES = 200 * 2**20
MAX_NODES = 10_000
MAX_FIELDS = 2_000_000
MAX_NAME_BYTES = 1_000
DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
RANDOM = ("Bernoulli", "Multinomial", "Random")  # beginnings of names

VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5

MODEL_GRAPH, MODEL_OPSET, MODEL_TRAINING, MODEL_FUNCTION = 7, 8, 20, 25
OPSET_DOMAIN = 1
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_SPARSE = 1, 5, 11, 15
NODE_INPUT, NODE_OUTPUT, NODE_OPERATOR, NODE_ATTRIBUTE, NODE_DOMAIN = 1, 2, 4, 5, 7
ATTRIBUTE_TENSOR, ATTRIBUTE_TENSORS = 5, 10
ATTRIBUTE_REFUSED = {6: "a subgraph", 11: "subgraphs", 22: "a sparse tensor", 23: "sparse tensors"}
TENSOR_DIMS, TENSOR_NAME, TENSOR_EXTERNAL, TENSOR_LOCATION = 1, 8, 13, 14
VALUE_NAME = 1


def inspect_network(data: bytes) -> None:
    """Refuse a network that is more than a plain, finite computation on its own numbers.

    Parameters
    ----------
    data : bytes
        An ONNX file.

    Raises
    ------
    ModelError
        If it is too large, no ONNX file, holds external data, subgraphs, functions, sparse or
        empty-handed tensors, random operators or operators of unknown domains, or if its nodes
        are not in the order of computation (a cycle is never in order).

    >>> inspect_network(b"GIF89a")
    Traceback (most recent call last):
        ...
    ossicle.errors.ModelError: the network is not an ONNX file: ...
    """
    if len(data) > MAX_NETWORK_BYTES:
        raise ModelError(
            f"the network has {len(data)} bytes; allowed are {MAX_NETWORK_BYTES}; "
            "a classifier for one machine is rarely above a tenth of that"
        )
    _Inspection(memoryview(data)).model()


class _Inspection:
    """One walk over a file; counts fields so that the walk itself stays short."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._n_fields = 0

    def model(self) -> None:
        graphs = []
        for number, value in self._fields(self._data):
            if number == MODEL_GRAPH:
                graphs.append(_message(value))
            elif number == MODEL_OPSET:
                self._opset(_message(value))
            elif number in (MODEL_FUNCTION, MODEL_TRAINING):
                raise ModelError("the network defines functions of its own; export it inlined")
        if len(graphs) != 1:
            raise ModelError(f"the network is not an ONNX file: {len(graphs)} graphs, not 1")
        self._graph(graphs[0])

    def _opset(self, data: memoryview) -> None:
        for number, value in self._fields(data):
            if number == OPSET_DOMAIN:
                _check_domain(_text(value))

    def _graph(self, data: memoryview) -> None:
        nodes = []
        known = {""}  # an input that is left out has no name
        for number, value in self._fields(data):
            if number == GRAPH_NODE:
                nodes.append(_message(value))
                if len(nodes) > MAX_NODES:
                    raise ModelError(f"the network has more than the {MAX_NODES} nodes allowed")
            elif number == GRAPH_INITIALIZER:
                known.add(self._tensor(_message(value)))
            elif number == GRAPH_INPUT:
                known |= {_text(v) for n, v in self._fields(_message(value)) if n == VALUE_NAME}
            elif number == GRAPH_SPARSE:
                raise ModelError("the network holds sparse tensors; export it with dense ones")
        for node in nodes:
            self._node(node, known)

    def _node(self, data: memoryview, known: set[str]) -> None:
        """Check one node whose inputs must be among the ``known`` names; adds its outputs."""
        outputs = []
        for number, value in self._fields(data):
            if number == NODE_INPUT and _text(value) not in known:
                raise ModelError(
                    f"the network uses {_text(value)!r} before it is computed; "
                    "nodes must be in order and without a cycle"
                )
            if number == NODE_OUTPUT:
                outputs.append(_text(value))
            elif number == NODE_OPERATOR and _text(value).startswith(RANDOM):
                raise ModelError(f"the network draws random numbers ({_text(value)})")
            elif number == NODE_DOMAIN:
                _check_domain(_text(value))
            elif number == NODE_ATTRIBUTE:
                self._attribute(_message(value))
        known.update(outputs)

    def _attribute(self, data: memoryview) -> None:
        for number, value in self._fields(data):
            if number in (ATTRIBUTE_TENSOR, ATTRIBUTE_TENSORS):
                self._tensor(_message(value))
            elif number in ATTRIBUTE_REFUSED:
                raise ModelError(
                    f"a node of the network holds {ATTRIBUTE_REFUSED[number]}; "
                    "loops and branches are not allowed in a classifier"
                )

    def _tensor(self, data: memoryview) -> str:
        """Check a tensor's data are here and as many as its shape says; gives its name."""
        name, dims = "", []
        for number, value in self._fields(data):
            if number == TENSOR_NAME:
                name = _text(value)
            elif number == TENSOR_DIMS:
                dims += [value] if isinstance(value, int) else list(_varints(value))
            elif number == TENSOR_EXTERNAL or (number == TENSOR_LOCATION and value != 0):
                raise ModelError(
                    f"tensor {name!r} of the network lies in another file (external data); "
                    "a bundle holds everything itself"
                )
        # A four-bit number is the smallest there is: two in a byte. Negative sizes wrap to huge.
        if math.prod(dims) > 2 * len(data):
            raise ModelError(f"tensor {name!r} of the network has shape {dims} without the data")
        return name

    def _fields(self, data: memoryview) -> Iterator[tuple[int, "int | memoryview"]]:
        """Field numbers and values of one message."""
        position = 0
        while position < len(data):
            self._n_fields += 1
            if self._n_fields > MAX_FIELDS:
                raise ModelError(f"the network has more than {MAX_FIELDS} fields")
            key, position = _varint(data, position)
            kind = key & 7
            if kind == VARINT:
                value: int | memoryview
                value, position = _varint(data, position)
            else:
                size, position = _size(data, position, kind)
                value = data[position : position + size]
                position += size
                if len(value) < size:
                    raise ModelError("the network is not an ONNX file: it is cut off")
            yield key >> 3, value


def _size(data: memoryview, position: int, kind: int) -> tuple[int, int]:
    """Bytes of a value that is no varint, and where they start."""
    if kind == BYTES:
        return _varint(data, position)
    if kind in (FIXED_32, FIXED_64):
        return (4 if kind == FIXED_32 else 8), position
    raise ModelError(f"the network is not an ONNX file: wire type {kind}")


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    """An integer in groups of seven bits, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            break
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
    raise ModelError("the network is not an ONNX file: a number does not end")


def _varints(data: memoryview) -> Iterator[int]:
    position = 0
    while position < len(data):
        value, position = _varint(data, position)
        yield value


def _message(value: "int | memoryview") -> memoryview:
    if isinstance(value, int):
        raise ModelError("the network is not an ONNX file: a number in place of a message")
    return value


def _text(value: "int | memoryview") -> str:
    data = _message(value)
    if len(data) > MAX_NAME_BYTES:
        raise ModelError(f"the network has a name of {len(data)} bytes")
    return bytes(data).decode("utf-8", errors="replace")


def _check_domain(domain: str) -> None:
    if domain not in DOMAINS:
        raise ModelError(
            f"the network uses operators of {domain!r}; allowed are those of ONNX itself "
            "(ai.onnx, ai.onnx.ml)"
        )
