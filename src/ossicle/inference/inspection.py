"""What a network file may hold, read from its bytes before a runtime sees them.

An ONNX file is data, but a runtime can be led by it to other files (external tensors), to code
that was registered beside it (unknown domains), into endless loops (subgraphs, trees with a
cycle) and to more memory than there is (shapes without data). Networks that hold any of these are
refused here, with a reader of the Protocol Buffers wire format that needs no ONNX library.

References: onnx.proto (field numbers); Protocol Buffers, Encoding.
"""

import math
from collections.abc import Iterator

from ossicle.errors import ModelError
from ossicle.inference.tree_inspection import TREE_OPERATOR, inspect_trees

__all__ = ["MAX_NETWORK_BYTES", "inspect_network"]

MAX_NETWORK_BYTES = 200 * 2**20
MAX_NODES = 10_000
MAX_FIELDS = 2_000_000
MAX_NAME_BYTES = 1_000
TREE_DOMAIN = "ai.onnx.ml"
DOMAINS = frozenset({"", "ai.onnx", TREE_DOMAIN})
RANDOM = ("Bernoulli", "Multinomial", "Random")  # beginnings of names

VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5

MODEL_GRAPH, MODEL_OPSET, MODEL_TRAINING, MODEL_FUNCTION = 7, 8, 20, 25
OPSET_DOMAIN = 1
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_SPARSE = 1, 5, 11, 15
NODE_INPUT, NODE_OUTPUT, NODE_OPERATOR, NODE_ATTRIBUTE, NODE_DOMAIN = 1, 2, 4, 5, 7
NODE_FIELDS = {NODE_INPUT, NODE_OUTPUT, NODE_OPERATOR, NODE_ATTRIBUTE, NODE_DOMAIN}
ATTRIBUTE_TENSOR, ATTRIBUTE_TENSORS = 5, 10
ATTRIBUTE_REFUSED = {6: "a subgraph", 11: "subgraphs", 22: "a sparse tensor", 23: "sparse tensors"}
TENSOR_DIMS, TENSOR_NAME, TENSOR_EXTERNAL, TENSOR_LOCATION = 1, 8, 13, 14
VALUE_NAME, VALUE_TYPE, TYPE_TENSOR, TENSOR_SHAPE, SHAPE_DIM, DIM_VALUE = 1, 2, 1, 2, 1, 1


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
        empty-handed tensors, random operators, operators of unknown domains or malformed trees
        (`inspect_trees`), or if its nodes are not in the order of computation (a cycle is never
        in order).

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
        self._widths: dict[str, int] = {}

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
        constants = set()
        for number, value in self._fields(data):
            if number == GRAPH_NODE:
                nodes.append(_message(value))
                if len(nodes) > MAX_NODES:
                    raise ModelError(f"the network has more than the {MAX_NODES} nodes allowed")
            elif number == GRAPH_INITIALIZER:
                constants.add(self._tensor(_message(value)))
            elif number == GRAPH_INPUT:
                self._input(_message(value))
            elif number == GRAPH_SPARSE:
                raise ModelError("the network holds sparse tensors; export it with dense ones")
        known |= constants | set(self._widths)
        self._widths = {
            name: width for name, width in self._widths.items() if name not in constants
        }
        for node in nodes:
            self._node(node, known)

    def _input(self, data: memoryview) -> None:
        """Remember an input's name and its number of columns, 0 if that is not fixed."""
        names = [_text(value) for value in self._at(data, VALUE_NAME)]
        dims = list(self._at(data, VALUE_TYPE, TYPE_TENSOR, TENSOR_SHAPE, SHAPE_DIM))
        sizes = list(self._at(_message(dims[1]), DIM_VALUE)) if len(dims) == 2 else []
        width = sizes[0] if len(sizes) == 1 and isinstance(sizes[0], int) else 0
        self._widths |= dict.fromkeys(names, width)

    def _at(self, data: memoryview, *path: int) -> Iterator["int | memoryview"]:
        """The values at the end of a path of field numbers."""
        for number, value in self._fields(data):
            if number == path[0]:
                yield from self._at(_message(value), *path[1:]) if path[1:] else [value]

    def _node(self, data: memoryview, known: set[str]) -> None:
        """Check one node whose inputs must be among the ``known`` names; adds its outputs."""
        found: dict[int, list[memoryview]] = {}
        for number, value in self._fields(data):
            if number in NODE_FIELDS:
                found.setdefault(number, []).append(_message(value))
        inputs, outputs, operators, domains = (
            [_text(value) for value in found.get(number, [])]
            for number in (NODE_INPUT, NODE_OUTPUT, NODE_OPERATOR, NODE_DOMAIN)
        )
        _check_order(inputs, known)
        _check_operator(operators, domains)
        if TREE_OPERATOR in operators:
            inspect_trees(found.get(NODE_ATTRIBUTE, []), n_features=self._width_of(inputs))
        else:
            for attribute in found.get(NODE_ATTRIBUTE, []):
                self._attribute(attribute)
        known.update(outputs)

    def _width_of(self, inputs: list[str]) -> int:
        """Columns of the rows that trees look at: those of the network's own input alone."""
        if len(inputs) != 1 or not self._widths.get(inputs[0]):
            raise ModelError(f"the network's trees look at {inputs}, no input of fixed width")
        return self._widths[inputs[0]]

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


def _check_order(inputs: list[str], known: set[str]) -> None:
    for name in inputs:
        if name not in known:
            raise ModelError(
                f"the network uses {name!r} before it is computed; "
                "nodes must be in order and without a cycle"
            )


def _check_operator(operators: list[str], domains: list[str]) -> None:
    for domain in domains:
        _check_domain(domain)
    for operator in operators:
        if operator.startswith(RANDOM):
            raise ModelError(f"the network draws random numbers ({operator})")
        if TREE_DOMAIN in domains and operator != TREE_OPERATOR:
            raise ModelError(
                f"the network uses {operator} of {TREE_DOMAIN}; allowed is {TREE_OPERATOR} alone"
            )


def _check_domain(domain: str) -> None:
    if domain not in DOMAINS:
        raise ModelError(
            f"the network uses operators of {domain!r}; allowed are those of ONNX itself "
            "(ai.onnx, ai.onnx.ml)"
        )
