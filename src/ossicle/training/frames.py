"""Windows as a loader asks for them, and windows that are described already."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ossicle.training.augmentation import Augmentation

__all__ = ["Frames", "Windows"]

Features = NDArray[np.float32]


class Windows(Protocol):
    """What batches are made of: windows of clips, and what the clips answer."""

    @property
    def rows(self) -> NDArray[np.int64]:
        """Clip and number of each window, shape ``(n_rows, 2)``."""

    @property
    def source(self) -> NDArray[np.int64]:
        """Data set of each clip."""

    @property
    def targets(self) -> Mapping[str, NDArray[np.float32]]:
        """By task, shape ``(n_clips, n_columns)``."""

    @property
    def mask(self) -> Mapping[str, NDArray[np.bool_]]:
        """By task, whether each clip answers it."""

    def fixed(self, row: int) -> Features:
        """A window as the classifier will hear it, shape ``(n_frames, n_bands)``."""

    def varied(
        self, row: int, *, rng: np.random.Generator, augmentation: Augmentation | None = None
    ) -> Features:
        """The window changed at random."""

    def answered(self, row: int) -> list[str]:
        """The tasks that the window answers."""


class Frames:
    """Described windows of one data set, each a clip of its own, all answering the same tasks.

    Parameters
    ----------
    matrix : float32 array, shape (n_rows, n_frames, n_bands)
    targets : mapping of task name to float32 array, shape (n_rows, n_columns)

    >>> windows = Frames(np.zeros((3, 10, 4), np.float32), {"label": np.eye(3, dtype=np.float32)})
    >>> windows.fixed(2).shape, windows.answered(2)
    ((10, 4), ['label'])
    """

    def __init__(self, matrix: Features, targets: Mapping[str, NDArray[np.float32]]) -> None:
        n_rows = len(matrix)
        self._matrix = matrix
        self.targets = dict(targets)
        self.mask = {task: np.ones(n_rows, bool) for task in targets}
        self.rows = np.column_stack([np.arange(n_rows), np.zeros(n_rows, np.int64)])
        self.source = np.zeros(n_rows, np.int64)

    def fixed(self, row: int) -> Features:
        """The window."""
        window: Features = self._matrix[row]
        return window

    def varied(
        self, row: int, *, rng: np.random.Generator, augmentation: Augmentation | None = None
    ) -> Features:
        """The window as it is: of its sound nothing can be changed any more."""
        return self.fixed(row)

    def answered(self, row: int) -> list[str]:
        """All tasks."""
        return list(self.targets)
