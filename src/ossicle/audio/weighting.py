"""A-weighting: how loud a frequency sounds to people against 1 kHz, as IEC 61672-1 has it."""

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ossicle.audio.limits import check_rate
from ossicle.errors import AudioError
from ossicle.types import Floats

__all__ = ["Weighting", "a_weighting", "check_weighting", "weighting_filter"]

Weighting = Literal["A", "Z"]
"""A, or Z: every frequency alike."""

_LOW = (20.598997, 20.598997, 107.65265, 737.86223)  # Hz, the poles of IEC 61672-1, annex E
_HIGH = 12_194.217  # Hz, a double pole


def a_weighting(frequency: Floats | float) -> NDArray[np.float64]:
    """The A-weighting at some frequencies, in dB.

    Parameters
    ----------
    frequency : float or float array
        Hz, above 0.

    Source: IEC 61672-1:2013, annex E.

    >>> a_weighting(np.array([31.5, 100.0, 1_000.0, 4_000.0])).round(1)
    array([-39.5, -19.1,   0. ,   1. ])
    """
    return np.asarray(20.0 * np.log10(_gain(frequency) / _gain(1_000.0)))


def _gain(frequency: Floats | float) -> NDArray[np.float64]:
    hertz = np.asarray(frequency, dtype=np.float64)
    low = np.prod([hertz / np.hypot(hertz, pole) for pole in _LOW], axis=0)
    return np.asarray(low / (1.0 + (hertz / _HIGH) ** 2))


def weighting_filter(weighting: Weighting, sample_rate: int) -> NDArray[np.float64]:
    """The weighting as a filter in second-order sections, 0 dB at 1 kHz.

    Each pole is where the analogue one is, and each zero such that a section meets its analogue
    at the lowest and the highest frequency (Vicanek, Matched Second Order Digital Filters, 2016):
    closer than the bilinear transform, whose highest octave is lost. Within class 1 of the
    standard at 8 kHz and above, for every frequency below half the sample rate.

    >>> weighting_filter("A", 48_000).shape
    (3, 6)
    """
    from scipy import signal

    rate = check_rate(sample_rate)
    if check_weighting(weighting) == "Z":
        return np.array([[1.0, 0.0, 0.0, 1.0, 0.0, 0.0]])
    low = np.exp(-2.0 * np.pi * np.array(_LOW) / rate)
    high = np.exp(-2.0 * np.pi * _HIGH / rate)
    at_top = (1.0 + high) / np.hypot(1.0, rate / 2.0 / _HIGH)
    zero = (at_top - (1.0 - high)) / (at_top + (1.0 - high))
    sections: NDArray[np.float64] = signal.zpk2sos([1.0] * 4 + [zero] * 2, [*low, high, high], 1.0)
    _, response = signal.sosfreqz(sections, [1_000.0], fs=rate)
    sections[0, :3] /= np.abs(response[0])
    return sections


def check_weighting(weighting: Any) -> Weighting:
    """The weighting, if it is one.

    >>> check_weighting("A")
    'A'
    """
    if weighting not in get_args(Weighting):
        raise AudioError(f"weighting {weighting!r}; 'A' and 'Z' (none) are allowed")
    return "A" if weighting == "A" else "Z"
