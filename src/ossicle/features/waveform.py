"""The samples themselves as features, for networks that begin with the sound as it is."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import FeatureError
from ossicle.features.base import FrontEnd
from ossicle.types import Samples

__all__ = ["Waveform"]


@dataclass(frozen=True, kw_only=True)
class Waveform(FrontEnd):
    """Each sample is a frame of one band, unchanged.

    Parameters
    ----------
    sample_rate, window_scaling
        As in :class:`~ossicle.features.base.FrontEnd`.
    n_fft, hop_length, center
        1, 1 and False: a frame is a sample.

    Raises
    ------
    FeatureError
        If a setting is out of its range.

    >>> Waveform(sample_rate=8_000)(np.array([0.5, -0.5, 0.0])).tolist()
    [[0.5], [-0.5], [0.0]]
    """

    n_fft: int = 1
    hop_length: int = 1

    name: ClassVar[str] = "waveform"
    least_n_fft: ClassVar[int] = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.n_fft, self.hop_length, self.center) != (1, 1, False):
            raise FeatureError(
                f"a waveform with n_fft={self.n_fft}, hop_length={self.hop_length}, "
                f"center={self.center}; allowed: 1, 1, False, each sample being a frame"
            )

    @property
    def n_bands(self) -> int:
        """One."""
        return 1

    def _frames(self, samples: Samples) -> NDArray[np.float32]:
        return samples[:, np.newaxis].copy()  # the caller may use its array again

    def _finish(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        return frames

    def _multiply_adds(self, n_frames: int) -> int:
        return 0
