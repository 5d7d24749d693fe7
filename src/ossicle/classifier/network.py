"""The network of a bundle: features → one row of logits a task, by ONNX Runtime on one thread."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import ModelError
from ossicle.inference import prepared_session

__all__ = ["INPUT", "Network"]

INPUT = "features"
FLOATS = "tensor(float)"


class Network:
    """A prepared ONNX network.

    Parameters
    ----------
    data : bytes
        An ONNX file with one float32 input ``features``, shape ``(n, d)`` or
        ``(n, n_frames, n_bands)``, and one float32 output ``(n, n_labels)`` a task.
    n_labels : mapping of task name to int
        The outputs it must have.

    Raises
    ------
    ModelError
        If the file is not such a network, or not a safe one (`inspect_network`).
    """

    def __init__(self, data: bytes, *, n_labels: Mapping[str, int]) -> None:
        self._n_labels = dict(n_labels)
        self._session = prepared_session(data)
        try:
            self.input_shape = self._check_input()
            self._check_outputs()
        except UnicodeDecodeError as error:
            raise ModelError(f"the network names something in no known text: {error}") from error

    def __call__(self, features: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Logits of each task for one window.

        Parameters
        ----------
        features : float32 array, shape (d,) or (n_frames, n_bands)

        Returns
        -------
        dict of task name to float32 array, shape (n_labels,)

        Raises
        ------
        ModelError
            If the features do not fit the network, or its answer is not finite.
        """
        self.check_shape(features.shape)
        if not np.isfinite(features).all():
            raise ModelError(
                "the features are not finite; is a column constant in training but not here?"
            )
        row = np.ascontiguousarray(features[np.newaxis], dtype=np.float32)
        try:
            values = self._session.run(list(self._n_labels), {INPUT: row})
        except Exception as error:  # the runtime's exceptions share no base of their own
            raise ModelError(f"the network failed: {error}") from error
        return {
            task: self._checked(task, value)
            for task, value in zip(self._n_labels, values, strict=True)
        }

    def _check_input(self) -> tuple[int | None, ...]:
        inputs = [(node.name, node.type) for node in self._session.get_inputs()]
        if inputs != [(INPUT, FLOATS)]:
            raise ModelError(f"the network's inputs are {inputs}; allowed is one {INPUT}, float32")
        shape = self._session.get_inputs()[0].shape
        one_row = bool(shape) and (shape[0] == 1 or not isinstance(shape[0], int))
        if len(shape) not in (2, 3) or not one_row:
            raise ModelError(f"the network's input has shape {shape}; allowed is (n, ...)")
        return tuple(size if isinstance(size, int) else None for size in shape[1:])

    def _check_outputs(self) -> None:
        outputs = {node.name: node for node in self._session.get_outputs()}
        if set(outputs) != set(self._n_labels):
            raise ModelError(
                f"the network's outputs are {sorted(outputs)}; the tasks {sorted(self._n_labels)}"
            )
        for task, n_labels in self._n_labels.items():
            width = outputs[task].shape[-1] if outputs[task].shape else None
            if outputs[task].type != FLOATS or (isinstance(width, int) and width != n_labels):
                raise ModelError(
                    f"output {task!r} of the network has {width} columns of "
                    f"{outputs[task].type}; its task has {n_labels} labels of {FLOATS}"
                )

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Refuse features whose shape does not fit the network."""
        wanted = self.input_shape
        fits = len(wanted) == len(shape) and all(
            size in (None, got) for size, got in zip(wanted, shape, strict=True)
        )
        if not fits:
            raise ModelError(
                f"features of shape {shape}; the network takes {wanted}; "
                "was it trained with another front end, integration or window?"
            )

    def _checked(self, task: str, value: NDArray[np.float32]) -> NDArray[np.float32]:
        if value.shape != (1, self._n_labels[task]):
            raise ModelError(
                f"output {task!r} of the network has shape {value.shape}; "
                f"its task has {self._n_labels[task]} labels"
            )
        if not np.isfinite(value).all():
            raise ModelError(f"output {task!r} of the network is not finite: {value[0].tolist()}")
        row: NDArray[np.float32] = value[0]
        return row
