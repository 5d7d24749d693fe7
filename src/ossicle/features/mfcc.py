"""Mel-frequency cepstral coefficients: the cosine transform of a log-mel spectrogram.

Source: Davis & Mermelstein (1980). Golden: librosa 0.11 ``mfcc``, tolerance 1e-4 (librosa clips at
``top_db=80`` unless told otherwise; here that is a setting, and off).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import FeatureError
from ossicle.features.checks import number, whole
from ossicle.features.deltas import append_deltas, delta_multiply_adds
from ossicle.features.log_mel import LogMel
from ossicle.features.spectrum import ONE_THREAD

__all__ = ["MFCC", "dct_matrix"]


@lru_cache(maxsize=32)
def dct_matrix(n_mels: int, n_mfcc: int, lifter: float = 0.0) -> NDArray[np.float64]:
    """Orthonormal DCT-II from bands to coefficients, times the lifter.

    Parameters
    ----------
    n_mels, n_mfcc : int
        Rows and columns.
    lifter : float
        Coefficient ``n`` (from 1) is weighted ``1 + lifter / 2 * sin(pi * n / lifter)``; 0: none.

    Returns
    -------
    float64 array, shape (n_mels, n_mfcc)
        Read-only.

    >>> dct_matrix(4, 4).T.dot(dct_matrix(4, 4)).round(6).trace()
    np.float64(4.0)
    """
    bands, orders = np.arange(n_mels)[:, None], np.arange(n_mfcc)
    matrix: NDArray[np.float64] = np.sqrt(2.0 / n_mels) * np.cos(
        np.pi * orders * (bands + 0.5) / n_mels
    )
    matrix[:, 0] /= np.sqrt(2.0)
    if lifter > 0:
        matrix *= 1.0 + lifter / 2.0 * np.sin(np.pi * (orders + 1) / lifter)
    matrix.setflags(write=False)
    return matrix


@dataclass(frozen=True, kw_only=True)
class MFCC(LogMel):
    """Mel-frequency cepstral coefficients.

    Parameters
    ----------
    n_mfcc : int
        Coefficients kept, at most ``n_mels``; the first is the level.
    lifter : float
        HTK's sine lifter, 0 for none (22 in HTK).
    with_bands : bool
        Keep the log-mel bands too, before the coefficients: for classifiers that gain from both.
    **settings
        As in :class:`LogMel`.

    Raises
    ------
    FeatureError
        If there are more coefficients than bands, or as in :class:`LogMel`.

    >>> MFCC(n_mfcc=13, deltas=2)(np.zeros(16_000)).shape
    (97, 39)
    """

    n_mfcc: int = 20
    lifter: float = 0.0
    with_bands: bool = False

    name: ClassVar[str] = "mfcc"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(
            n_mfcc=whole("n_mfcc", self.n_mfcc, low=1),
            lifter=number("lifter", self.lifter, low=0.0),
        )
        if not isinstance(self.with_bands, bool):
            raise FeatureError(f"with_bands={self.with_bands!r}; allowed: True, False")
        if self.n_mfcc > self.n_mels:
            raise FeatureError(
                f"n_mfcc={self.n_mfcc} coefficients cannot come from n_mels={self.n_mels} bands; "
                f"allowed: 1 to {self.n_mels}"
            )

    @property
    def n_bands(self) -> int:
        """Columns of the features: bands if kept, coefficients, and the deltas of all."""
        return (self.n_mfcc + self.with_bands * self.n_mels) * (1 + self.deltas)

    def _finish(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Clip to ``top_db``, transform, append deltas: shape ``(n_frames, n_bands)``."""
        matrix = dct_matrix(self.n_mels, self.n_mfcc, self.lifter)
        levels, n_rows = self._clip(frames), max(1, ONE_THREAD // matrix.size)
        coefficients = np.empty((len(levels), self.n_mfcc), np.float32)
        for first in range(0, len(levels), n_rows):
            # In float64: the sum of 64 bands near -100 dB would lose 1e-4 in float32.
            block = levels[first : first + n_rows].astype(np.float64)
            coefficients[first : first + n_rows] = block @ matrix
        found = np.hstack([levels, coefficients]) if self.with_bands else coefficients
        return append_deltas(found, self.deltas)

    def _multiply_adds(self, n_frames: int) -> int:
        deltas = delta_multiply_adds(self.n_bands // (1 + self.deltas), self.deltas)
        return n_frames * (self._band_multiply_adds + self.n_mels * self.n_mfcc + deltas)
