"""What the trees in a network may be: finite, in order, and each node with one way to it.

A runtime follows the numbers in a tree ensemble without mercy: a tree a hundred thousand branches
deep overflows its stack and ends the process, a billion outputs fill the memory, and a missing
leaf answers nothing. Such ensembles are refused from their bytes, in arrays rather than number by
number, since a forest holds hundreds of thousands. Only the form that ONNX's own library writes is
read: the name, the values, the type.

References: onnx.proto (field numbers); ai.onnx.ml, ``TreeEnsembleRegressor``.
"""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import ModelError

__all__ = ["TREE_OPERATOR", "inspect_trees"]

TREE_OPERATOR = "TreeEnsembleRegressor"
MAX_NODES = 4_000_000
MAX_DEPTH = 1_000
MAX_TARGETS = 10_000
MAX_VARINT_BYTES = 5

INT, FLOATS, INTS, STRINGS = 2, 6, 7, 8
TYPE_KEY = b"\xa0\x01"
INT_KEY, FLOAT_KEY, INTS_KEY = 0x18, 0x3D, 0x40
BRANCH, LEAF = b"J\x0aBRANCH_LEQ", b"J\x04LEAF"

NODES = ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids")
TARGETS = ("treeids", "nodeids", "ids", "weights")
KINDS = {"n_targets": INT, "nodes_modes": STRINGS, "nodes_values": FLOATS, "target_weights": FLOATS}
ATTRIBUTES = {
    name: KINDS.get(name, INTS)
    for name in ("n_targets", *(f"nodes_{n}" for n in NODES), *(f"target_{n}" for n in TARGETS))
}

Numbers = NDArray[np.int64] | NDArray[np.float32] | NDArray[np.bool_]


def inspect_trees(attributes: Iterable[memoryview], *, n_features: int) -> None:
    """Refuse an ensemble that is no set of plain, complete trees.

    Parameters
    ----------
    attributes : iterable of memoryview
        The node's attributes, each an encoded ``AttributeProto``.
    n_features : int
        Columns of the rows that the trees look at.

    Raises
    ------
    ModelError
        If an attribute is missing, unknown or of the wrong length, a node is reached by no way or
        by two, a tree is deeper than 1,000 branches, or a number is out of range or not finite.

    >>> inspect_trees([], n_features=2)
    Traceback (most recent call last):
        ...
    ossicle.errors.ModelError: the network's trees lack n_targets, ...
    """
    values: dict[str, Numbers] = {}
    for data in attributes:
        name, kind, body = _attribute(bytes(data))
        _require(name in ATTRIBUTES and name not in values, f"have {name!r} twice or for nothing")
        _require(kind == ATTRIBUTES[name], f"have {name!r} of type {kind}")
        values[name] = READERS[kind](body)
    missing = sorted(set(ATTRIBUTES) - set(values))
    _require(not missing, f"lack {', '.join(missing)}")
    nodes = {name: values[f"nodes_{name}"] for name in NODES}
    targets = {name: values[f"target_{name}"] for name in TARGETS}
    for columns in (nodes, targets):
        _require(len({len(column) for column in columns.values()}) == 1, "have uneven columns")
    starts = _check_order(nodes["treeids"], nodes["nodeids"])
    _check_ways(nodes, starts)
    _require(bool(np.isfinite(nodes["values"]).all()), "have a threshold that is not finite")
    _require(int(nodes["featureids"].max()) < n_features, f"ask for more than {n_features} columns")
    _check_leaves(targets, nodes["modes"], starts, int(values["n_targets"][0]))


def _check_order(members: Numbers, numbers: Numbers) -> NDArray[np.int64]:
    """Trees and their nodes must be counted from 0; gives where each tree starts, and the end."""
    _require(len(numbers) > 0 and numbers[0] == 0, "have no first node")
    starts = np.flatnonzero(numbers == 0)
    expected = np.cumsum(numbers == 0) - 1
    in_order = (members == expected).all()
    in_order &= (numbers == np.arange(len(numbers)) - starts[expected]).all()
    _require(bool(in_order), "are not counted in order")
    return np.append(starts, len(numbers))


def _check_ways(nodes: dict[str, Numbers], starts: NDArray[np.int64]) -> None:
    """Every node but the roots must follow one branch, and none be too deep."""
    branch, tree = nodes["modes"].astype(bool), nodes["treeids"].astype(np.int64)
    own = np.arange(len(tree))
    ways = []
    for side in ("truenodeids", "falsenodeids"):
        child = nodes[side].astype(np.int64) + starts[tree]
        _require(
            bool((child < starts[tree + 1]).all()), "have a branch to a node that is not there"
        )
        _require(bool((child > own)[branch].all()), "go back from a branch, which may be a cycle")
        _require(bool((nodes[side] == 0)[~branch].all()), "go on after a leaf")
        ways.append(child)
    reached = np.bincount(np.concatenate([way[branch] for way in ways]), minlength=len(tree))
    _require(bool((reached == (nodes["nodeids"] != 0)).all()), "have a node on no way or on two")
    level = starts[:-1]
    for _ in range(MAX_DEPTH + 1):
        level = level[branch[level]]
        if not len(level):
            return
        level = np.concatenate([way[level] for way in ways])
    raise ModelError(
        f"the network's trees are more than {MAX_DEPTH} branches deep; train them with max_depth"
    )


def _check_leaves(
    targets: dict[str, Numbers], branch: Numbers, starts: NDArray[np.int64], n_targets: int
) -> None:
    """Every leaf, and no branch, must have finite values for outputs that there are."""
    _require(0 < n_targets <= MAX_TARGETS, f"have {n_targets} outputs, not 1 to {MAX_TARGETS}")
    tree, node = targets["treeids"].astype(np.int64), targets["nodeids"].astype(np.int64)
    _require(bool((tree < len(starts) - 1).all()), "have values for a tree that is not there")
    position = starts[tree] + node
    _require(bool((position < starts[tree + 1]).all()), "have values for a node that is not there")
    with_value = np.bincount(position, minlength=len(branch)) > 0
    _require(
        bool((with_value == ~branch.astype(bool)).all()), "have a leaf without or a branch with"
    )
    _require(
        bool((targets["ids"] < n_targets).all()), "have values for an output that is not there"
    )
    _require(bool(np.isfinite(targets["weights"]).all()), "have a value that is not finite")


def _attribute(data: bytes) -> tuple[str, int, bytes]:
    """Name, type and encoded values of one attribute."""
    size = data[1] if len(data) > 1 else 0
    name, body, kind = data[2 : 2 + size], data[2 + size : -3], data[-3:]
    plain = data[:1] == b"\x0a" and 0 < size < 128 and kind[:2] == TYPE_KEY
    _require(plain and name.isascii(), "are written in an unknown form")
    _require(len(body) <= MAX_NODES * len(BRANCH), f"have more than {MAX_NODES} nodes")
    return name.decode("ascii"), kind[2], body


def _int(body: bytes) -> NDArray[np.int64]:
    """A single number, read as a list of one."""
    _require(body[:1] == bytes([INT_KEY]), "are written in an unknown form")
    return _ints(bytes([INTS_KEY]) + body[1:])


def _ints(body: bytes) -> NDArray[np.int64]:
    """Whole numbers from 0, each a key and groups of seven bits."""
    raw = np.frombuffer(body, np.uint8)
    ends = np.flatnonzero(raw < 128)
    ended = len(ends) % 2 == 0 and len(ends) > 0 and ends[-1] == len(raw) - 1
    _require(ended, "are written in an unknown form")
    first = np.append(0, ends[:-1] + 1)
    keys, start, length = first[::2], first[1::2], (ends - first + 1)[1::2]
    _require(bool((raw[keys] == INTS_KEY).all()), "are written in an unknown form")
    _require(int(length.max()) <= MAX_VARINT_BYTES, "have a number below 0 or far too large")
    values = np.zeros(len(start), dtype=np.int64)
    for byte in range(int(length.max())):
        more = length > byte
        values[more] |= (raw[start[more] + byte].astype(np.int64) & 127) << 7 * byte
    return values


def _floats(body: bytes) -> NDArray[np.float32]:
    """Numbers of four bytes, each after a key."""
    fits = len(body) > 0 and len(body) % 5 == 0
    _require(fits and set(body[::5]) == {FLOAT_KEY}, "are written in an unknown form")
    columns = np.frombuffer(body, np.uint8).reshape(-1, 5)[:, 1:]
    return np.ascontiguousarray(columns).view("<f4").ravel()


def _modes(body: bytes) -> NDArray[np.bool_]:
    """Whether each node is a branch; the only other word allowed is that of a leaf."""
    short = body.replace(BRANCH, b"B").replace(LEAF, b"L")
    branch = np.frombuffer(short, np.uint8) == ord("B")
    n_bytes = branch.sum() * len(BRANCH) + (~branch).sum() * len(LEAF)
    plain = set(short) <= {ord("B"), ord("L")} and n_bytes == len(body)
    _require(bool(plain), "have nodes that are neither a leaf nor compare by <=")
    return np.asarray(branch)


READERS: dict[int, Callable[[bytes], Numbers]] = {
    INT: _int,
    FLOATS: _floats,
    INTS: _ints,
    STRINGS: _modes,
}


def _require(fine: bool, fault: str) -> None:
    if not fine:
        raise ModelError(f"the network's trees {fault}")
