"""Log-mel spectrogram: what most networks and many classical models listen to.

Source: Davis & Mermelstein (1980). Golden: librosa 0.11 ``melspectrogram`` and ``power_to_db``,
tolerance 1e-4. Frames are transformed in float32: some 140 dB below the loudest band of its frame
a band holds rounding noise only, where librosa (which transforms in float64) still resolves.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import FeatureError
from ossicle.features.base import FrontEnd
from ossicle.features.checks import number, one_of, whole
from ossicle.features.deltas import append_deltas, delta_multiply_adds
from ossicle.features.mel import (
    MEL_SCALES,
    SLOPES,
    BandGroup,
    band_groups,
    mel_energies,
    mel_matrix,
)
from ossicle.features.spectrum import TAPERS, spectrum_multiply_adds, taper
from ossicle.types import Samples

__all__ = ["LOGS", "LogMel"]

LOGS = {"db": 10.0 / math.log(10.0), "ln": 1.0}
"""Unit of the logarithm of a power: its factor on the natural one."""


@dataclass(frozen=True, kw_only=True)
class LogMel(FrontEnd):
    """Log-mel spectrogram.

    Parameters
    ----------
    sample_rate, n_fft, hop_length, center
        As in :class:`FrontEnd`.
    n_mels : int
        Bands.
    fmin, fmax : float
        Lowest and highest edge, Hz; ``fmax=None`` is ``sample_rate / 2``.
    mel_scale : {"slaney", "htk"}
    norm : {"slaney", None}
        Triangles of equal area, or of height 1.
    power : {2.0, 1.0}
        Exponent of the magnitudes that are summed in a band.
    log : {"db", "ln"}
        Decibels re 1 (``20 log10`` of magnitudes), or the natural logarithm.
    floor : float
        Least value of a band before the logarithm; with 1e-10, silence is -100 dB.
    top_db : float, optional
        Nothing lies further below the loudest value of the window than this, dB.
    deltas : {0, 1, 2}
        Orders of derivatives over time appended as further bands.
    taper : {"hann", "hamming", "ones"}
        Periodic window on each frame.
    zero_padding : int
        Zeros after each frame before it is transformed: more bins from frames of the same length.
    slopes : {"hertz", "mel"}
        Along which axis the sides of the triangles are straight.
    offset : float
        Added to each band before the logarithm, which keeps faint sounds from spreading.

    Raises
    ------
    FeatureError
        If a setting is out of its range, or bands are narrower than the FFT can tell apart.

    >>> front_end = LogMel(n_mels=40)
    >>> front_end(np.zeros(16_000)).shape
    (97, 40)
    >>> front_end.n_frames(16_000), front_end.n_samples(97)
    (97, 15872)
    """

    n_mels: int = 64
    fmin: float = 0.0
    fmax: float | None = None
    mel_scale: str = "slaney"
    norm: str | None = "slaney"
    power: float = 2.0
    log: str = "db"
    floor: float = 1e-10
    top_db: float | None = None
    deltas: int = 0
    taper: str = "hann"
    zero_padding: int = 0
    slopes: str = "hertz"
    offset: float = 0.0

    name: ClassVar[str] = "log_mel"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(
            n_mels=whole("n_mels", self.n_mels, low=1),
            fmin=number("fmin", self.fmin, low=0.0),
            fmax=None if self.fmax is None else number("fmax", self.fmax, above=0.0),
            mel_scale=one_of("mel_scale", self.mel_scale, MEL_SCALES),
            norm=None if self.norm is None else one_of("norm", self.norm, ["slaney"]),
            power=number("power", self.power, above=0.0),
            log=one_of("log", self.log, LOGS),
            floor=number("floor", self.floor, above=0.0),
            top_db=None if self.top_db is None else number("top_db", self.top_db, above=0.0),
            deltas=whole("deltas", self.deltas, low=0, high=2),
            taper=one_of("taper", self.taper, TAPERS),
            zero_padding=whole("zero_padding", self.zero_padding, low=0, high=1 << 15),
            slopes=one_of("slopes", self.slopes, SLOPES),
            offset=number("offset", self.offset, low=0.0),
        )
        if self.power not in (1.0, 2.0):
            raise FeatureError(f"power={self.power:g}; allowed: 1 (magnitudes) or 2 (powers)")
        self._check_range()
        self._matrix()

    def _check_range(self) -> None:
        half = self.sample_rate / 2
        fmax = half if self.fmax is None else self.fmax
        if fmax > half:
            raise FeatureError(
                f"fmax={fmax:g} Hz is above half of sample_rate={self.sample_rate}; allowed: up to "
                f"{half:g}, or None for that"
            )
        if self.fmin >= fmax:
            raise FeatureError(f"fmin={self.fmin:g} Hz is not below fmax={fmax:g} Hz")

    def _matrix(self) -> NDArray[np.float32]:
        """Weights of the FFT's bins in the bands: (n_bins, n_mels)."""
        return mel_matrix(
            sample_rate=self.sample_rate,
            n_fft=self.n_fft + self.zero_padding,
            n_mels=self.n_mels,
            fmin=self.fmin,
            fmax=self.fmax,
            mel_scale=self.mel_scale,
            norm=self.norm,
            slopes=self.slopes,
        )

    @cached_property
    def _groups(self) -> tuple[BandGroup, ...]:
        return band_groups(self._matrix())

    @property
    def n_bands(self) -> int:
        """Columns of the features: bands and their deltas."""
        return self.n_mels * (1 + self.deltas)

    @property
    def unit(self) -> float:
        """What one neper of band energy is in the features' unit."""
        return LOGS[self.log] * (2.0 / self.power if self.log == "db" else 1.0)

    def _frames(self, samples: Samples) -> NDArray[np.float32]:
        return mel_energies(
            samples,
            taper(self.taper, self.n_fft),
            self._groups,
            hop_length=self.hop_length,
            power=self.power,
            zero_padding=self.zero_padding,
            compress=self._compress,
        )

    def _compress(self, energies: NDArray[np.float32]) -> None:
        # numpy has a vectorised float32 natural logarithm but not a base-10 one: log times a
        # constant takes a third of the time of log10.
        if self.offset:
            np.add(energies, np.float32(self.offset), out=energies)
        np.maximum(energies, np.float32(self.floor), out=energies)
        np.log(energies, out=energies)
        if self.unit != 1.0:
            np.multiply(energies, np.float32(self.unit), out=energies)

    def _clip(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Raise everything to ``top_db`` below the loudest band of the window."""
        if self.top_db is None:
            return frames
        depth = self.top_db if self.log == "db" else self.top_db * self.power / (2 * LOGS["db"])
        return np.asarray(np.maximum(frames, frames.max() - np.float32(depth)))

    def _finish(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Clip to ``top_db`` and append deltas: shape ``(n_frames, n_bands)``."""
        return append_deltas(self._clip(frames), self.deltas)

    @property
    def _band_multiply_adds(self) -> int:
        """Of one frame's spectrum, bands and their logarithms with the unit."""
        weights = int(np.count_nonzero(self._matrix()))
        offsets = self.n_mels if self.offset else 0
        spectrum = spectrum_multiply_adds(self.n_fft + self.zero_padding)
        return spectrum + weights + offsets + 2 * self.n_mels

    def _multiply_adds(self, n_frames: int) -> int:
        deltas = delta_multiply_adds(self.n_mels, self.deltas)
        return n_frames * (self._band_multiply_adds + deltas)
