"""Rooms: how one answers a click, and how a sound is heard in it.

References: Kuttruff, Room Acoustics (reflection density, critical distance); Schroeder (1965),
by whose backward integration the reverberation time is checked.
"""

from math import isfinite, log, pi

import numpy as np

from ossicle.audio.levels import gain, level
from ossicle.audio.limits import LIMITS, check_amount, check_channel, check_rate
from ossicle.audio.mixing import unclipped
from ossicle.errors import AudioError
from ossicle.types import Floats, Samples

__all__ = ["reverberate", "room_response"]

_SPEED = 343.0  # m/s, of sound at 20 degrees


def room_response(
    *,
    sample_rate: int,
    rt60: float,
    volume: float = 50.0,
    distance: float = 1.5,
    seed: int | np.random.Generator = 0,
) -> Samples:
    """What a microphone in a room hears of a click: direct sound, early reflections, decay.

    Reflections come at random and ever denser, by ``4 pi c^3 t^2 / volume`` a second; each is as
    weak as its way was long, and the walls take 60 dB in ``rt60``, at every frequency alike.
    So the direct sound and the reverberation are equally strong at the critical distance,
    ``0.057 sqrt(volume / rt60)`` metres.

    Parameters
    ----------
    sample_rate : int
        Hz.
    rt60 : float
        Seconds in which the reverberation falls by 60 dB: a furnished room 0.3 to 0.6, a
        bathroom 1, a church 3 and more.
    volume : float
        Cubic metres.
    distance : float
        Metres from the source to the microphone.
    seed : int or Generator
        Same seed, same room.

    Returns
    -------
    float32 array, shape (n_samples,)
        ``rt60`` long. The direct sound is its first sample, 1.

    Raises
    ------
    AudioError
        If the room cannot be.

    >>> response = room_response(sample_rate=16_000, rt60=0.5)
    >>> response.shape, float(response[0])
    ((8000,), 1.0)
    """
    rate = check_rate(sample_rate)
    for name, value in {"rt60": rt60, "volume": volume, "distance": distance}.items():
        if not (isfinite(value) and value > 0.0):
            raise AudioError(f"{name} of {value} is no room's; a positive number is allowed")
    size = {"n_channels": 2, "sample_rate": rate, "limits": LIMITS, "name": "room response"}
    check_amount(int(min(rt60 * rate, 2**62)), **size)  # type: ignore[arg-type]
    rng = np.random.default_rng(seed)
    seconds = np.arange(max(1, round(rt60 * rate))) / rate
    travelled = seconds + distance / _SPEED
    density = np.minimum(1.0, 4.0 * pi * _SPEED**3 * travelled**2 / (volume * rate))
    power = 4.0 * pi * _SPEED * distance**2 / (volume * rate) * np.exp(-log(1e6) * seconds / rt60)
    # Signs instead of Gaussian noise: each sample has the power that the decay asks for.
    sign = np.where(rng.random(seconds.size) < 0.5, -1.0, 1.0)
    arrives = rng.random(seconds.size) < density
    response: Samples = (arrives * sign * np.sqrt(power / density)).astype(np.float32)
    response[0] = 1.0
    return response


def reverberate(samples: Floats, response: Floats) -> Samples:
    """A sound as it is heard in a room.

    The direct sound, which is the largest value of the response, is not delayed. The level
    (root mean square) stays what it was, unless the peaks would then pass full scale: in that
    case the whole is made softer.

    Parameters
    ----------
    samples : float array, shape (n_samples,)
    response : float array, shape (n_response,)
        At the same rate: from `room_response`, or measured.

    Returns
    -------
    float32 array, as long as ``samples``
        The reverberation after the end is left out.

    Raises
    ------
    AudioError
        If either is no single channel of finite values, or the response is silent.

    >>> dry = np.sin(np.arange(8_000) / 3.0) / 10.0
    >>> wet = reverberate(dry, room_response(sample_rate=8_000, rt60=0.3))
    >>> wet.shape, abs(level(wet) - level(dry)) < 0.001
    ((8000,), True)
    """
    from scipy import signal

    dry, room = check_channel(samples, name="samples"), check_channel(response, name="response")
    if not room.any():
        raise AudioError("response is silent or empty; a room answers with at least one sample")
    if not dry.any():
        return np.zeros(dry.size, np.float32)
    room = room[int(np.argmax(np.abs(room))) :]
    wet = signal.oaconvolve(dry, room)[: dry.size]
    return unclipped(gain(wet, level(dry) - level(wet)))
