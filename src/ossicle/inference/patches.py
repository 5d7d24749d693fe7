"""A network that takes one patch of sound at a time: matrix in, one vector out."""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import ModelError, nearest
from ossicle.inference.session import prepared_session

__all__ = ["PatchNetwork", "patch_network"]

FLOATS = "tensor(float)"

Declared = Sequence[int | str | None]


class PatchNetwork:
    """A prepared ONNX network with one float32 input.

    Parameters
    ----------
    data : bytes
        An ONNX file. The first axis of its input, if there is more than one, is the number of
        patches; at most one other may be of any size.

    Raises
    ------
    ModelError
        If it is not such a network, or not a safe one (`inspect_network`).

    >>> from ossicle.models import Graph
    >>> graph = Graph(n_features=6)
    >>> doubled = graph.node("Add", graph.input, graph.input)
    >>> network = PatchNetwork(graph.model({"code": doubled}, n_labels=6))
    >>> network(np.ones((2, 3), np.float32), ["code"]).tolist()
    [2.0, 2.0, 2.0, 2.0, 2.0, 2.0]
    """

    def __init__(self, data: bytes) -> None:
        self._session = prepared_session(data)
        try:
            inputs = [(node.name, node.type, node.shape) for node in self._session.get_inputs()]
            outputs = [(node.name, node.type) for node in self._session.get_outputs()]
        except UnicodeDecodeError as error:
            raise ModelError(f"the network names something in no known text: {error}") from error
        if len(inputs) != 1 or inputs[0][1] != FLOATS or not inputs[0][2]:
            raise ModelError(f"the network's inputs are {inputs}; one of float32 is needed")
        self._input, _, self._declared = inputs[0]
        self.outputs = tuple(name for name, kind in outputs if kind == FLOATS)

    def n_rows(self, n_bands: int) -> int | None:
        """Rows of a patch of so many bands; None where the network leaves it open."""
        sizes = self._declared[1:] or self._declared
        known = [size for size in sizes if isinstance(size, int)]
        n_values = math.prod(known)
        fits = len(known) == len(sizes) and n_values % n_bands == 0
        return n_values // n_bands if fits else None

    def shape(self, n_rows: int, n_bands: int) -> tuple[int, ...]:
        """Shape in which the network takes a patch.

        Raises
        ------
        ModelError
            If the numbers of a patch do not fill its input.
        """
        declared, n_values = self._declared, n_rows * n_bands
        sizes = [1, *declared[1:]] if len(declared) > 1 else list(declared)
        fixed = math.prod(size for size in sizes if isinstance(size, int))
        n_open = sum(not isinstance(size, int) for size in sizes)
        several = len(declared) > 1 and isinstance(declared[0], int) and declared[0] != 1
        rest = n_values // fixed if n_open == 1 else 1
        if several or n_open > 1 or rest * fixed != n_values:
            raise ModelError(
                f"a patch of {n_rows} frames × {n_bands} bands does not fit the network, which "
                f"takes {declared}; is n_fft or the inner front end another than it learnt from?"
            )
        return tuple(size if isinstance(size, int) else rest for size in sizes)

    def __call__(self, patch: NDArray[np.float32], outputs: Sequence[str]) -> NDArray[np.float32]:
        """The outputs for one patch, one after the other.

        Parameters
        ----------
        patch : float32 array, shape (n_rows, n_bands)
        outputs : sequence of str
            Some of ``outputs``.

        Returns
        -------
        float32 array, shape (n,)

        Raises
        ------
        ModelError
            If the patch does not fit, an output is not there, or what comes out is not finite.
        """
        for name in outputs:
            if name not in self.outputs:
                raise ModelError(f"the network has no output {name!r}; {self._hint(name)}")
        shape = self.shape(*patch.shape)
        turned = [size for size in shape if size != 1] == [*patch.shape[::-1]]
        row = np.ascontiguousarray(patch.T if turned else patch, np.float32).reshape(shape)
        try:
            values = self._session.run(list(outputs), {self._input: row})
        except Exception as error:  # the runtime's exceptions share no base of their own
            raise ModelError(f"the network failed: {error}") from error
        vector = np.concatenate([np.ravel(value) for value in values])
        if not np.isfinite(vector).all():
            raise ModelError("what the network makes of a patch is not finite")
        return np.asarray(vector, np.float32)

    def _hint(self, name: str) -> str:
        return nearest(name, self.outputs) if self.outputs else "it has none of float32"


@lru_cache(maxsize=8)
def patch_network(data: bytes) -> PatchNetwork:
    """The network of a file, prepared once per process.

    >>> patch_network(b"GIF89a")
    Traceback (most recent call last):
        ...
    ossicle.errors.ModelError: the network is not an ONNX file: ...
    """
    return PatchNetwork(data)
