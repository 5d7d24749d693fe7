"""What a sound may cost: bounds on rate, channels, duration and memory.

They are enforced while decoding, because a header can promise anything: thirty kilobytes that
claim a rate of 1 Hz would become half a gigabyte at 16 kHz.
"""

from dataclasses import dataclass, replace
from math import inf

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import AudioError
from ossicle.types import Floats

__all__ = ["LIMITS", "STREAM_LIMITS", "Limits", "check_amount", "check_channel", "check_rate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds a sound file must keep.

    Parameters
    ----------
    min_rate, max_rate : int
        Hz, of the file and of what it is resampled to.
    max_channels : int
    max_duration : float
        Seconds that one call decodes.
    max_bytes : float
        Bytes of float32 that one call decodes or returns.

    >>> Limits(max_duration=600.0).max_rate
    768000
    """

    min_rate: int = 1_000
    max_rate: int = 768_000
    max_channels: int = 64
    max_duration: float = 86_400.0
    max_bytes: float = 4 * 2**30


LIMITS = Limits()
"""For sounds read whole: a day, 4 GiB."""

STREAM_LIMITS = replace(LIMITS, max_duration=inf, max_bytes=inf)
"""For sounds read in blocks, which may last for ever."""


def check_rate(rate: float, *, limits: Limits = LIMITS, name: str = "sample_rate") -> int:
    """The rate as an integer.

    Raises
    ------
    AudioError
        If it is no whole number of hertz between the limits.

    >>> check_rate(16_000.0)
    16000
    """
    if not limits.min_rate <= rate <= limits.max_rate or rate != int(rate):
        raise AudioError(
            f"{name} of {rate} Hz; whole numbers from {limits.min_rate} to {limits.max_rate} Hz "
            "are allowed; a wrong rate usually means a damaged header or kilohertz given as hertz"
        )
    return int(rate)


def check_amount(
    n_samples: int, *, n_channels: int, sample_rate: int, limits: Limits, name: str
) -> None:
    """Refuse more sound than the limits allow.

    Raises
    ------
    AudioError
        If ``n_samples`` per channel last too long or take too many bytes.

    >>> check_amount(10, n_channels=1, sample_rate=10, limits=LIMITS, name="tone.wav")
    """
    if n_samples > limits.max_duration * sample_rate:
        raise AudioError(
            f"{name}: more than the {limits.max_duration:g} s allowed; "
            "read a part of it (start, end), or read it in blocks"
        )
    if 4 * n_samples * n_channels > limits.max_bytes:
        raise AudioError(
            f"{name}: more than the {limits.max_bytes / 2**20:g} MiB of decoded sound allowed; "
            "read a part of it (start, end), or read it in blocks"
        )


def check_channel(samples: Floats, *, name: str = "samples") -> NDArray[np.float64]:
    """Samples as one channel of finite values.

    Raises
    ------
    AudioError
        If they have several axes, or hold NaN or infinity.

    >>> check_channel(np.ones(2, np.float32))
    array([1., 1.])
    """
    channel = np.asarray(samples, dtype=np.float64)
    if channel.ndim != 1 or not np.isfinite(channel).all():
        raise AudioError(
            f"{name} of shape {channel.shape}: one channel of finite values, shape (n_samples,), "
            "is allowed; average the channels first"
        )
    return channel
