"""Seven statistics of each log-mel band: a whole window in one row.

Source: Georgiev et al., "Low-resource multi-task audio sensing", Proc. ACM IMWUT 1(3), 2017.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import FeatureError
from ossicle.features.integration import integrate
from ossicle.features.log_mel import LogMel

__all__ = ["LogbankSummary"]

STATISTICS = ("min", "max", "std", "mean", "median", "p25", "p75")


@dataclass(frozen=True, kw_only=True)
class LogbankSummary(LogMel):
    """Least, greatest, deviation, mean, median and quartiles of each log-mel band of a window.

    Parameters
    ----------
    **settings
        As in :class:`LogMel`, but for ``window_scaling``: one row has nothing to be scaled by.

    Raises
    ------
    FeatureError
        As in :class:`LogMel`.

    >>> LogbankSummary(n_mels=24, n_fft=480)(np.zeros(16_000)).shape
    (1, 168)
    """

    name: ClassVar[str] = "logbank_summary"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.window_scaling is not None:
            raise FeatureError(
                f"window_scaling={self.window_scaling!r} would make the one row of a window zero; "
                "allowed: None"
            )

    @property
    def n_bands(self) -> int:
        """Columns of the one row: seven for each band and its deltas."""
        return len(STATISTICS) * super().n_bands

    @property
    def band_names(self) -> tuple[str, ...]:
        """What each column is called: all bands of one statistic, then of the next."""
        bands = range(1, super().n_bands + 1)
        return tuple(f"{statistic}_{band}" for statistic in STATISTICS for band in bands)

    def n_rows(self, n_frames: int) -> int:
        """One row, however many frames."""
        return 1

    def _finish(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        return integrate(super()._finish(frames), "+".join(STATISTICS))[None]

    def _multiply_adds(self, n_frames: int) -> int:
        summing = 3 * n_frames * super().n_bands  # mean and deviation; the others compare
        return super()._multiply_adds(n_frames) + summing
