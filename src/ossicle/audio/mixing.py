"""One sound laid over another at a wanted signal-to-noise ratio."""

import numpy as np
from numpy.typing import NDArray

from ossicle.audio.levels import SILENCE, gain, level
from ossicle.errors import AudioError
from ossicle.types import Floats, Samples

__all__ = ["active_level", "mix", "unclipped"]

_PIECE = 256  # samples over which a sound counts as active or pausing
_PAUSE = -40.0  # dB below the loudest piece


def mix(
    event: Floats,
    background: Floats,
    *,
    snr: float,
    offset: float = 0.0,
    sample_rate: int | None = None,
) -> Samples:
    """The event over the background at a signal-to-noise ratio.

    The ratio is between the level of the event where it sounds (its pauses left out) and the level
    of the background under it. Where the sum would clip, the whole is made softer.

    Parameters
    ----------
    event, background : float array, shape (n_samples,)
        At one sample rate. What of the event passes the end of the background is left out.
    snr : float
        dB.
    offset : float
        Where the event begins: in seconds if ``sample_rate`` is given, else in samples.
    sample_rate : int, optional
        Hz.

    Returns
    -------
    float32 array, as long as the background

    Raises
    ------
    AudioError
        If either is silent there, so that no ratio exists, or the event lies outside.

    >>> tone = np.sin(np.arange(800) / 3)
    >>> mix(tone, np.full(1600, 0.1), snr=6.0, offset=400).shape
    (1600,)
    """
    first = _first_sample(offset, sample_rate, len(background))
    event = np.asarray(event)[: len(background) - first]
    under = np.asarray(background)[first : first + len(event)]
    loudness, noise = active_level(event), level(under)
    if loudness <= SILENCE or noise <= SILENCE or not np.isfinite(loudness + noise + snr):
        raise AudioError(
            f"event at {loudness:.1f} dBFS over background at {noise:.1f} dBFS with snr={snr}: "
            "no ratio exists; both need sound where they meet (add a little noise?)"
        )
    mixed = np.array(background, dtype=np.float32)
    mixed[first : first + len(event)] += gain(event, noise + snr - loudness)
    return unclipped(mixed)


def unclipped(samples: Samples) -> Samples:
    """Samples made softer as a whole where they pass full scale."""
    largest = float(np.max(np.abs(samples), initial=0.0))
    return samples if largest <= 1.0 else samples / np.float32(largest)


def active_level(samples: Floats) -> float:
    """Level in dBFS of the part of a sound that is no pause.

    Pieces of 256 samples more than 40 dB below the loudest one are pauses.

    >>> active_level(np.concatenate([np.ones(2560), np.zeros(2560)]))
    0.0
    """
    return level(np.asarray(samples)[_active(np.asarray(samples, dtype=np.float64))])


def _active(samples: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which samples belong to no pause."""
    starts = np.arange(0, samples.size, _PIECE)
    if not starts.size:
        return np.zeros(0, np.bool_)
    lengths = np.diff(np.append(starts, samples.size))
    powers = np.add.reduceat(np.square(samples), starts) / lengths
    loud = powers > powers.max() * 10.0 ** (_PAUSE / 10.0)
    return np.repeat(loud, lengths)


def _first_sample(offset: float, sample_rate: int | None, n_background: int) -> int:
    place = offset if sample_rate is None else offset * sample_rate
    if not 0 <= place < n_background:
        raise AudioError(
            f"offset {offset:g} {'samples' if sample_rate is None else 's'} is outside the "
            f"background of {n_background} samples; with sample_rate an offset is in seconds"
        )
    return min(round(place), n_background - 1)
