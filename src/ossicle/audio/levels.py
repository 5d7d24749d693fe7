"""How loud a sound is, in dBFS: decibels re a full-scale square wave (a full-scale sine: -3 dB)."""

import numpy as np

from ossicle.types import Floats, Samples

__all__ = ["SILENCE", "gain", "level", "peak"]

SILENCE = -200.0
"""dBFS given to digital silence and to no samples at all."""


def level(samples: Floats) -> float:
    """Level of the root mean square, in dBFS.

    Parameters
    ----------
    samples : float array, any shape

    Returns
    -------
    float
        At least ``SILENCE`` (-200).

    >>> level(np.full(100, 0.5))
    -6.02...
    """
    samples = np.asarray(samples)
    if samples.size == 0:
        return SILENCE
    return _decibels(float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))))


def peak(samples: Floats) -> float:
    """Level of the largest absolute value, in dBFS.

    >>> peak(np.array([0.1, -1.0]))
    0.0
    """
    return _decibels(float(np.max(np.abs(samples), initial=0.0)))


def gain(samples: Floats, decibels: float) -> Samples:
    """Samples made louder by ``decibels`` (softer where negative).

    >>> gain(np.array([0.1]), 20.0)
    array([1.], dtype=float32)
    """
    louder: Samples = (np.asarray(samples) * 10.0 ** (decibels / 20.0)).astype(np.float32)
    return louder


def _decibels(amplitude: float) -> float:
    return max(SILENCE, 20.0 * float(np.log10(amplitude))) if amplitude > 0.0 else SILENCE
