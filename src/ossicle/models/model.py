"""What every classical model is: settings that fit, and a fit that answers and can be written.

A model is a frozen dataclass whose fields are its hyper-parameters. ``fit`` returns something
with ``logits`` (higher is likelier; the label is the first highest) and ``onnx``. ``sweep``
answers for many settings on one training and one test matrix at once; a model overrides it
where settings can share work *exactly*.
"""

import abc
import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import ModelError
from ossicle.models.settings import Described
from ossicle.types import TaskKind

__all__ = [
    "LEAST_SHARE",
    "Fitted",
    "Matrix",
    "Model",
    "Targets",
    "log_share",
    "present_labels",
    "require_all_labels",
    "spread",
]

Matrix = NDArray[np.float32]
"""Scaled, integrated features, shape ``(n_rows, n_features)``; of a model that takes frames,
shape ``(n_rows, n_frames, n_bands)``."""

Targets = NDArray[np.int64]
"""Index of each row's label, shape ``(n_rows,)``."""

LEAST_SHARE = 1e-4
"""Share of the votes that a label without any is given, so that its logit is finite."""


class Fitted(Protocol):
    """A trained model."""

    def logits(self, matrix: Matrix) -> NDArray[np.float64]:
        """Shape ``(n_rows, n_labels)``; minus infinity for a label never seen in training."""

    def onnx(self, task: str) -> bytes:
        """The same function as an ONNX file with one output named ``task``."""


@dataclasses.dataclass(frozen=True)
class Model(Described, abc.ABC):
    """Base of the models: learning, and the plain way to sweep."""

    kinds: ClassVar[tuple[TaskKind, ...]] = ("binary", "multiclass")
    """Kinds of task that the model answers."""
    one_class: ClassVar[bool] = False
    """Whether it learns what is normal from rows of one label alone, and doubts all else."""
    takes_frames: ClassVar[bool] = False
    """Whether it takes the frames of a window as they are, not integrated to one vector."""
    code: ClassVar[tuple[str, ...]] = ()
    """Parts of ossicle that decide what it learns, beside `ossicle.models`."""
    libraries: ClassVar[tuple[str, ...]] = ()
    """What else decides it, as called in the package index."""

    @abc.abstractmethod
    def fit(self, matrix: Matrix, targets: Targets, *, n_labels: int) -> Fitted:
        """Train on all rows.

        Parameters
        ----------
        matrix : float32 array, shape (n_rows, n_features)
        targets : int array, shape (n_rows,)
        n_labels : int
            Width of the logits; labels missing from ``targets`` get minus infinity.

        Raises
        ------
        ModelError
            If fewer than two labels are present (or, of a one-class model, more than one), or a
            hyper-parameter is out of range.
        """

    def fit_values(self, matrix: Matrix, values: NDArray[np.float64]) -> Fitted:
        """Train a regression; its logits have shape ``(n_rows, 1)`` and are the values.

        Parameters
        ----------
        matrix : float32 array, shape (n_rows, n_features)
        values : float array, shape (n_rows,)

        Raises
        ------
        ModelError
            If the model answers no regression.
        """
        raise ModelError(f"{self.name} answers {' and '.join(self.kinds)}, no regression")

    @classmethod
    def sweep(
        cls,
        models: Sequence[Self],
        train: Matrix,
        targets: Targets,
        test: Matrix,
        *,
        n_labels: int,
    ) -> list[NDArray[np.float64]]:
        """Logits of each of ``models``, trained on ``train``, for the rows of ``test``."""
        return [m.fit(train, targets, n_labels=n_labels).logits(test) for m in models]

    @classmethod
    def sweep_values(
        cls, models: Sequence[Self], train: Matrix, values: NDArray[np.float64], test: Matrix
    ) -> list[NDArray[np.float64]]:
        """Values that each of ``models`` gives the rows of ``test``, shape ``(n_test, 1)``."""
        return [m.fit_values(train, values).logits(test) for m in models]


def present_labels(targets: Targets) -> NDArray[np.int64]:
    """The labels that occur, in order.

    Raises
    ------
    ModelError
        If there are fewer than two: nothing can be told apart.

    >>> present_labels(np.array([2, 0, 2])).tolist()
    [0, 2]
    """
    present = np.unique(targets)
    if len(present) < 2:
        raise ModelError(
            f"{len(targets)} training rows hold {len(present)} label(s); at least 2 are needed "
            "to learn a difference"
        )
    return present


def spread(
    logits: NDArray[np.float64], present: NDArray[np.int64], n_labels: int
) -> NDArray[np.float64]:
    """Put the columns of the labels seen in training at their places among all ``n_labels``."""
    wide = np.full((len(logits), n_labels), -np.inf)
    wide[:, present] = logits
    return wide


def log_share(shares: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Logits of shares of votes, none below that of `LEAST_SHARE`."""
    return np.log(np.maximum(shares.astype(np.float64), LEAST_SHARE))


def require_all_labels(present: NDArray[np.int64], n_labels: int) -> None:
    """Refuse to write a network in which a label could never be answered."""
    if len(present) < n_labels:
        missing = sorted(set(range(n_labels)) - set(present.tolist()))
        raise ModelError(
            f"labels {missing} (by position) have no training row; drop them or add recordings"
        )
