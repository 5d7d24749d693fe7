"""A sound level meter: equivalent, largest and percentile levels, block by block or at once.

Levels are dBFS (a full-scale sine: -3 dB), or decibels of sound pressure where the calibration is
given: the sound pressure level of what reads 0 dBFS.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import log10, nan

import numpy as np
from numpy.typing import NDArray

from ossicle.audio.levels import SILENCE
from ossicle.audio.limits import check_channel, check_rate
from ossicle.audio.weighting import Weighting, check_weighting, weighting_filter
from ossicle.errors import AudioError
from ossicle.types import Floats

__all__ = ["LevelMeter", "Levels", "measure"]

_FAST = 0.125  # seconds: the time weighting F of IEC 61672-1
_PIECE = 0.125  # seconds whose equivalent levels the percentiles are of
_FINEST = 10  # steps in a decibel that percentiles are told apart by
_LOUDEST = 100.0  # dBFS


@dataclass(frozen=True, slots=True)
class Levels:
    """What a level meter reads.

    Parameters
    ----------
    duration : float
        Seconds.
    leq : float
        Equivalent level: that of a steady sound of the same energy.
    lmax : float
        Largest level with the time weighting F (fast, 125 ms).
    l10, l50, l90 : float
        Levels that are exceeded a tenth, half, and nine tenths of the time: the loud moments, the
        middle, the background. Of the equivalent levels of pieces of 125 ms, to 0.1 dB; NaN for
        less than one piece.
    peak : float
        Of the largest sample, not weighted by frequency.
    weighting : {"A", "Z"}
    """

    duration: float
    leq: float
    lmax: float
    l10: float
    l50: float
    l90: float
    peak: float
    weighting: Weighting


class LevelMeter:
    """Reads the levels of one channel as it comes, in constant memory.

    The levels never depend on how the sound was cut into blocks, bit for bit.

    Parameters
    ----------
    sample_rate : int
        Hz; A-weighting needs 8000 for the accuracy of the standard's class 1.
    weighting : {"A", "Z"}
    calibration : float
        dB added to every level: the sound pressure level of what reads 0 dBFS.

    >>> meter = LevelMeter(16_000)
    >>> for block in np.split(np.sin(2.0 * np.pi * np.arange(32_000) / 16.0), 4):
    ...     meter.push(block)
    >>> round(meter.levels().leq, 1)
    -3.0
    """

    def __init__(
        self, sample_rate: int, *, weighting: Weighting = "A", calibration: float = 0.0
    ) -> None:
        self.sample_rate = check_rate(sample_rate)
        self.weighting = check_weighting(weighting)
        if not abs(calibration) <= 300.0:
            raise AudioError(f"calibration of {calibration} dB; -300 to 300 dB are allowed")
        self.calibration = float(calibration)
        self._sections = weighting_filter(self.weighting, self.sample_rate)
        self._kept = float(np.exp(-1.0 / (_FAST * self.sample_rate)))
        self._n_piece = round(_PIECE * self.sample_rate)
        self.reset()

    def reset(self) -> None:
        """Forget the sound so far."""
        self._inside = np.zeros((len(self._sections), 2))
        self._fast = np.zeros(1)
        self.restart()

    def restart(self) -> None:
        """Begin a new reading of the same sound: the filters stay as they are."""
        self._counts = np.zeros(int(_FINEST * (_LOUDEST - SILENCE)) + 1, np.int64)
        self._energy = self._largest = self._peak = 0.0
        self._n_samples = 0
        self._rest: NDArray[np.float64] = np.zeros(0)

    def push(self, block: Floats) -> None:
        """Hear the next block.

        Parameters
        ----------
        block : float array, shape (n_samples,)
            Of any length.
        """
        from scipy import signal

        samples = check_channel(block)
        if not samples.size:
            return
        weighted, self._inside = signal.sosfilt(self._sections, samples, zi=self._inside)
        power = np.square(weighted)
        fast, self._fast = signal.lfilter(
            [1.0 - self._kept], [1.0, -self._kept], power, zi=self._fast
        )
        self._largest = max(self._largest, float(fast.max()))
        self._peak = max(self._peak, float(np.abs(samples).max()))
        self._n_samples += samples.size
        self._take(np.concatenate([self._rest, power]))

    def levels(self) -> Levels:
        """The levels so far."""
        energy = self._energy + float(self._rest.sum())
        mean = energy / self._n_samples if self._n_samples else 0.0
        l10, l50, l90 = (self._exceeded(share) for share in (0.1, 0.5, 0.9))
        return Levels(
            duration=self._n_samples / self.sample_rate,
            leq=self._level(mean),
            lmax=self._level(self._largest),
            l10=l10,
            l50=l50,
            l90=l90,
            peak=self._level(self._peak**2),
            weighting=self.weighting,
        )

    def _take(self, power: NDArray[np.float64]) -> None:
        """Count the whole pieces and keep the rest."""
        n_whole = power.size - power.size % self._n_piece
        energies = power[:n_whole].reshape(-1, self._n_piece).sum(axis=1)
        for energy in energies.tolist():
            self._energy += energy
        self._rest = power[n_whole:]
        with np.errstate(divide="ignore"):
            levels = np.clip(10.0 * np.log10(energies / self._n_piece), SILENCE, _LOUDEST)
        places = np.rint(_FINEST * (levels - SILENCE)).astype(np.int64)
        self._counts += np.bincount(places, minlength=self._counts.size)

    def _exceeded(self, share: float) -> float:
        """The level that is reached in this share of the pieces."""
        total = int(self._counts.sum())
        if not total:
            return nan
        reached = np.cumsum(self._counts[::-1]) >= share * total
        place = self._counts.size - 1 - int(np.argmax(reached))
        return SILENCE + place / _FINEST + self.calibration

    def _level(self, power: float) -> float:
        level = 10.0 * log10(power) if power > 0.0 else SILENCE
        return max(SILENCE, level) + self.calibration


def measure(
    samples: Floats,
    *,
    sample_rate: int,
    weighting: Weighting = "A",
    calibration: float = 0.0,
) -> Levels:
    """The levels of a sound.

    Parameters
    ----------
    samples : float array, shape (n_samples,)
    sample_rate, weighting, calibration
        As in `LevelMeter`.

    Returns
    -------
    Levels

    Raises
    ------
    AudioError
        If the samples are no single channel of finite values, or a setting is not allowed.

    >>> steady = np.full(16_000, 0.1)
    >>> round(measure(steady, sample_rate=16_000, weighting="Z", calibration=94.0).leq, 3)
    74.0
    """
    meter = LevelMeter(sample_rate, weighting=weighting, calibration=calibration)
    for block in _blocks(samples):
        meter.push(block)
    return meter.levels()


def _blocks(samples: Floats, size: int = 1 << 20) -> Iterator[Floats]:
    """Blocks small enough that an hour needs little memory besides itself."""
    whole = np.asarray(samples)
    if whole.ndim != 1:
        check_channel(whole)
    yield from (whole[first : first + size] for first in range(0, len(whole), size))
