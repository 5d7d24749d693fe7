"""The features of a data set, window by window, read from the store as they are needed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ossicle.features.integration import common_size, integrate_rows
from ossicle.features.parts import SLICE, Part
from ossicle.types import Clip

__all__ = ["FeatureTable"]


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """One row per window, in the order of the clips and of the windows in them.

    Nothing of the features is in memory until it is asked for.

    Parameters
    ----------
    clips : sequence of Clip
        As given to :meth:`FeatureStore.extract`.
    skipped : list of (Clip, str)
        Clips without rows, and why.
    n_unavailable : int
        Distinct sounds among them that were there but could not be read this time.
    clip_index : int64 array, shape (n_rows,)
        Which clip each row is from.
    starts : float64 array, shape (n_rows,)
        Seconds from the start of the clip to that of the window.
    levels : float64 array, shape (n_rows,)
        dBFS of each window, as a classifier measures it to find out what is quiet.
    offsets : int64 array, shape (n_rows + 1,)
        Where each row's frames would begin if all lay one after the other.
    """

    clips: Sequence[Clip]
    skipped: list[tuple[Clip, str]]
    n_unavailable: int
    clip_index: NDArray[np.int64]
    starts: NDArray[np.float64]
    levels: NDArray[np.float64]
    offsets: NDArray[np.int64]
    _parts: Sequence[Part] = field(repr=False)
    _places: NDArray[np.int64] = field(repr=False)  # (n_rows, 2): part, row in it

    def __len__(self) -> int:
        return len(self.clip_index)

    @property
    def n_bands(self) -> int:
        """Columns of each row; 0 if there are none."""
        return self._parts[0].n_bands if self._parts else 0

    def row(self, index: int) -> NDArray[np.float32]:
        """Features of one window: float32 array, shape ``(n_frames, n_bands)``."""
        number, row = self._places[index]
        features: NDArray[np.float32] = self._parts[number].frames(row, row + 1)
        return features

    def piece(self, index: int, first: int, last: int) -> NDArray[np.float32]:
        """The frames ``first:last`` of one window, read alone; fewer where it ends before."""
        number, row = self._places[index]
        features: NDArray[np.float32] = self._parts[number].piece(row, first, last)
        return features

    def matrix(self, how: str = "meanvar") -> NDArray[np.float32]:
        """Every window integrated: float32 array, shape ``(n_rows, n)``.

        Parameters
        ----------
        how : str
            As in :func:`ossicle.integrate`.

        Raises
        ------
        FeatureError
            If ``how`` needs windows of one length and there are others, or a part is damaged.
        """
        size = common_size(np.diff(self.offsets), self.n_bands, how)
        out = np.empty((len(self), size), np.float32)
        for rows in self._batches():
            number, first = self._places[rows[0]]
            last = self._places[rows[-1], 1] + 1
            part = self._parts[number]
            offsets = part.offsets[first : last + 1]
            out[rows] = integrate_rows(part.frames(first, last), offsets - offsets[0], how)
        return out

    def _batches(self) -> Iterator[NDArray[np.int64]]:
        """Rows in groups that lie side by side in one part and fit into memory together."""
        order = np.lexsort((self._places[:, 1], self._places[:, 0]))
        sizes = np.diff(self.offsets)[order] * self.n_bands
        steps = np.diff(self._places[order], axis=0)
        apart = np.concatenate([[True], (steps[:, 0] != 0) | (steps[:, 1] != 1)])
        first, total = 0, 0
        for position, size in enumerate(sizes):
            if position > first and (apart[position] or total + size > SLICE):
                yield order[first:position]
                first, total = position, 0
            total += int(size)
        if len(order):
            yield order[first:]
