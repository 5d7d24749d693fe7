"""Scaling to zero mean and unit spread, with statistics from the training part alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ossicle.errors import FeatureError

__all__ = ["Scaler"]


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
    def fit(cls, matrix: ArrayLike) -> "Scaler":
        """Mean and population standard deviation of each column; constant columns have scale 1.

        Parameters
        ----------
        matrix : array, shape (n_rows, n)

        Raises
        ------
        FeatureError
            If there are no rows, or a value is not finite.
        """
        array = np.asarray(matrix)
        if array.ndim != 2 or len(array) == 0:
            raise FeatureError(f"cannot scale by shape {array.shape}; needed: (n_rows, n)")
        if not np.isfinite(array).all():
            column = int(np.argmin(np.isfinite(array).all(axis=0)))
            raise FeatureError(f"column {column} has values that are not finite; drop their rows")
        mean = array.sum(axis=0, dtype=np.float64) / len(array)
        centred = array - mean
        # The sum of the centred values is rounding error only; taking it out is scikit-learn's
        # two-pass formula (Chan, Golub & LeVeque 1983).
        residue = centred.sum(axis=0)
        variance = ((centred**2).sum(axis=0) - residue**2 / len(array)) / len(array)
        scale = np.sqrt(variance)
        scale[_constant(variance, mean, len(array))] = 1.0
        return cls(mean, scale)

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


def _constant(
    variance: NDArray[np.float64], mean: NDArray[np.float64], n_rows: int
) -> NDArray[np.bool_]:
    """Columns whose variance is no larger than its own rounding error."""
    epsilon = np.finfo(np.float64).eps
    return variance <= n_rows * epsilon * variance + (n_rows * mean * epsilon) ** 2
