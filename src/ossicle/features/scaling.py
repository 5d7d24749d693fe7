"""Scaling to zero mean and unit spread: by the training part's statistics, or by a window's own."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ossicle.errors import FeatureError
from ossicle.types import Floats

__all__ = ["WINDOW_SCALINGS", "Scaler", "scale_window"]

WINDOW_SCALINGS = {"mean": 2, "standard": 4}
"""How a window is scaled by its own statistics: multiply-adds per value."""

PIECE = 1 << 16
"""Numbers that are added up at once (half a megabyte)."""


@dataclass(frozen=True, slots=True, eq=False)
class Scaler:
    """Subtract a mean and divide by a scale, column by column.

    Parameters
    ----------
    mean, scale : float64 array, shape (n,)

    Golden: ``sklearn.preprocessing.StandardScaler``, equal to the last bit.

    >>> scaler = Scaler.fit([[0.0, 7.0], [2.0, 7.0]])
    >>> scaler([[0.0, 7.0], [4.0, 8.0]]).tolist()
    [[-1.0, 0.0], [3.0, 1.0]]
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def fit(cls, matrix: ArrayLike, *, n_bands: int | None = None) -> "Scaler":
        """Mean and population standard deviation of each column; constant columns have scale 1.

        Parameters
        ----------
        matrix : array, shape (n_rows, n)
        n_bands : int, optional
            Columns ``k``, ``k + n_bands``, ``k + 2 n_bands`` ... share one mean and one scale:
            those of a band in stacked frames. None: each column (cell) has its own.

        Raises
        ------
        FeatureError
            If there are no rows, a value is not finite, or bands do not fill the columns evenly.

        >>> Scaler.fit([[0.0, 7.0, 2.0, 7.0]], n_bands=2).mean.tolist()
        [1.0, 7.0, 1.0, 7.0]
        """
        array = np.asarray(matrix)
        if array.ndim != 2 or len(array) == 0:
            raise FeatureError(f"cannot scale by shape {array.shape}; needed: (n_rows, n)")
        return cls.fit_blocks(lambda: [array], n_bands=n_bands)

    @classmethod
    def fit_blocks(
        cls, blocks: Callable[[], Iterable[Floats]], *, n_bands: int | None = None
    ) -> "Scaler":
        """As :meth:`fit`, of a matrix that comes in blocks of rows and is never held as a whole.

        However the rows are dealt out to blocks, the result is that of :meth:`fit` to the last
        bit: both add them up in pieces of one size, one after the other.

        Parameters
        ----------
        blocks : function
            Gives the blocks, each of shape ``(any number, n)``; called twice.
        n_bands : int, optional
            As in :meth:`fit`.

        Raises
        ------
        FeatureError
            If there are no rows, a value is not finite, or bands do not fill the columns evenly.

        >>> Scaler.fit_blocks(lambda: [np.zeros((1, 2)), np.ones((3, 2))]).mean.tolist()
        [0.75, 0.75]
        """
        width = next((block.shape[1] for block in blocks()), 0)
        if width == 0:
            raise FeatureError("there are no rows to scale by; at least one is needed")
        n_repeats = 1 if n_bands is None else _repeats(width, n_bands)

        def pieces() -> Iterator[Floats]:
            checked = map(_finite, blocks())
            return _pieces(block.reshape(-1, width // n_repeats) for block in checked)

        mean, scale = _statistics(pieces)
        return cls(np.tile(mean, n_repeats), np.tile(scale, n_repeats))

    def __call__(self, matrix: ArrayLike) -> NDArray[np.float32]:
        """The scaled matrix (or vector), float32."""
        array = np.asarray(matrix)
        if array.shape[-1:] != self.mean.shape:
            raise FeatureError(
                f"features of shape {array.shape} do not fit a scaler of {len(self.mean)} columns; "
                "was it fitted with another front end or integration?"
            )
        centred = array.astype(np.float32) - self.mean.astype(np.float32)
        return np.asarray(centred / self.scale.astype(np.float32))


def scale_window(
    features: NDArray[np.float32], how: str | None = "standard"
) -> NDArray[np.float32]:
    """Scale each band of a window by its own statistics over the frames.

    Parameters
    ----------
    features : float32 array, shape (n_frames, n_bands)
    how : {"mean", "standard", None}
        Subtract the mean, divide by the spread too (bands that do not change become zero), or
        leave everything as it is.

    >>> scale_window(np.array([[1.0, 5.0], [3.0, 5.0]], np.float32)).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """
    if how is None:
        return features
    mean, scale = _statistics(lambda: [features])
    centred = features - mean
    return np.asarray(centred / scale if how == "standard" else centred, np.float32)


def _statistics(
    blocks: Callable[[], Iterable[Floats]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and scale of each column of a matrix in blocks of rows."""
    n_rows, total = 0, None
    for block in blocks():
        n_rows, total = n_rows + len(block), _added(total, block)
    assert total is not None
    mean = total / n_rows
    residue = squares = None
    for block in blocks():
        centred = block - mean
        residue, squares = _added(residue, centred), _added(squares, centred**2)
    assert residue is not None
    assert squares is not None
    # The sum of the centred values is rounding error only; taking it out is scikit-learn's
    # two-pass formula (Chan, Golub & LeVeque 1983).
    variance = (squares - residue**2 / n_rows) / n_rows
    scale = np.sqrt(variance)
    scale[_constant(variance, mean, n_rows)] = 1.0
    return mean, scale


def _added(total: NDArray[np.float64] | None, block: Floats) -> NDArray[np.float64]:
    """The sum of the rows before and those of a block, one after the other."""
    rows = block if total is None else np.concatenate([total[np.newaxis], block])
    return np.asarray(rows.sum(axis=0, dtype=np.float64))


def _finite(block: Floats) -> Floats:
    if not np.isfinite(block).all():
        column = int(np.argmin(np.isfinite(block).all(axis=0)))
        raise FeatureError(f"column {column} has values that are not finite; drop their rows")
    return block


def _pieces(blocks: Iterable[Floats]) -> Iterator[Floats]:
    """The same rows in pieces whose size does not depend on how they came, the last one apart."""
    held: list[Floats] = []
    for block in blocks:
        size = max(1, PIECE // block.shape[1])
        while len(block):
            part = block[: size - sum(map(len, held))]
            block = block[len(part) :]
            held.append(part)
            if sum(map(len, held)) == size:
                yield np.concatenate(held) if len(held) > 1 else held[0]
                held = []
    if held:
        yield np.concatenate(held) if len(held) > 1 else held[0]


def _repeats(n_columns: int, n_bands: int) -> int:
    """How often the bands fill the columns."""
    if n_bands < 1 or n_columns % n_bands:
        raise FeatureError(
            f"n_bands={n_bands} do not fill {n_columns} columns evenly; take the front end's "
            "n_bands and frames that are stacked, or None to scale each column alone"
        )
    return n_columns // n_bands


def _constant(
    variance: NDArray[np.float64], mean: NDArray[np.float64], n_rows: int
) -> NDArray[np.bool_]:
    """Columns whose variance is no larger than its own rounding error."""
    epsilon = np.finfo(np.float64).eps
    return variance <= n_rows * epsilon * variance + (n_rows * mean * epsilon) ** 2
