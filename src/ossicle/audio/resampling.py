"""Change of sample rate by soxr (HQ: flat to 0.91 of the lower Nyquist rate, alias below -139 dB).

The output never depends on how the input was cut into blocks, bit for bit.
"""

from typing import Any

import numpy as np
import soxr

from ossicle.audio.limits import check_rate
from ossicle.errors import AudioError
from ossicle.types import Floats, Samples

__all__ = ["Resampler", "resample"]


class Resampler:
    """Resamples one channel block by block.

    ``push`` gives what is ready; ``finish`` gives the rest and makes ready for the next sound.
    Together they give ``ceil(n_samples * to_rate / from_rate)`` samples.

    Parameters
    ----------
    from_rate, to_rate : int
        Hz. Equal rates pass the samples through.

    >>> resampler = Resampler(48_000, 16_000)
    >>> blocks = [resampler.push(np.zeros(4_800)) for _ in range(10)]
    >>> sum(map(len, blocks)) + len(resampler.finish())
    16000
    """

    def __init__(self, from_rate: int, to_rate: int) -> None:
        self.from_rate = check_rate(from_rate, name="from_rate")
        self.to_rate = check_rate(to_rate, name="to_rate")
        self.reset()

    def __repr__(self) -> str:
        return f"Resampler({self.from_rate}, {self.to_rate})"

    def reset(self) -> None:
        """Forget the sound so far."""
        self._stream: Any = (
            None  # designed when a sound begins: that costs as much as a second of it
        )
        self._n_in = self._n_out = 0

    def push(self, block: Floats) -> Samples:
        """Resample the next block.

        Parameters
        ----------
        block : float array, shape (n_samples,)
            Of any length.

        Returns
        -------
        float32 array
            What is ready: the first blocks give less, ``finish`` the rest.
        """
        samples = _one_channel(block)
        return samples if self._passes_through else self._process(samples, last=False)

    def finish(self) -> Samples:
        """The samples still inside; afterwards the next sound can be pushed."""
        if self._passes_through or self._stream is None:
            return np.zeros(0, np.float32)
        rest = self._process(np.zeros(0, np.float32), last=True)
        missing = -(-self._n_in * self.to_rate // self.from_rate) - self._n_out
        self.reset()
        return np.pad(rest, (0, missing))

    @property
    def _passes_through(self) -> bool:
        return self.from_rate == self.to_rate

    def _process(self, samples: Samples, *, last: bool) -> Samples:
        if self._stream is None:
            self._stream = soxr.ResampleStream(self.from_rate, self.to_rate, 1)
        out: Samples = self._stream.resample_chunk(samples, last=last)
        self._n_in += samples.size
        self._n_out += out.size
        return out


def resample(samples: Floats, from_rate: int, to_rate: int) -> Samples:
    """Samples at another rate.

    Parameters
    ----------
    samples : float array, shape (n_samples,) or (n_channels, n_samples)
    from_rate, to_rate : int
        Hz.

    Returns
    -------
    float32 array, shape (..., ceil(n_samples * to_rate / from_rate))

    Raises
    ------
    AudioError
        If a rate is outside 1 to 768 kHz, or the array has another number of axes.

    >>> resample(np.zeros(44_100), 44_100, 16_000).shape
    (16000,)
    """
    samples = np.asarray(samples)
    if samples.ndim == 2:
        return np.stack([resample(channel, from_rate, to_rate) for channel in samples])
    resampler = Resampler(from_rate, to_rate)
    return np.concatenate([resampler.push(samples), resampler.finish()])


def _one_channel(block: Floats) -> Samples:
    samples = np.ascontiguousarray(block, dtype=np.float32)
    if samples.ndim != 1:
        raise AudioError(
            f"samples of shape {samples.shape}; one channel, shape (n_samples,), is allowed; "
            "average the channels, or use one Resampler for each"
        )
    return samples
