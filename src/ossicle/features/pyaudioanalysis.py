"""The numbers of pyAudioAnalysis 0.3.14 as they are, for models and studies that stand on them.

Frames are not tapered, each bin is named after the next one's frequency, the filters lie an octave
low, a note that has several bins holds one of them, and a window is normalised by its own peak.
Golden: ``pyAudioAnalysis.ShortTermFeatures.feature_extraction``, tolerance 1e-9.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import FeatureError
from ossicle.features.descriptors import EPSILON, Bank, describe_frames
from ossicle.features.mel import band_groups
from ossicle.features.mfcc import dct_matrix
from ossicle.types import Floats

__all__ = ["old_bank", "old_short_term"]

_LINEAR, _LOGARITHMIC = 13, 27  # filters
_FIRST_HZ, _STEP_HZ, _FACTOR = 133.33, 200 / 3, 1.0711703
_A0 = 27.5  # hertz


def old_short_term(
    samples: Floats, *, sample_rate: int, n_fft: int, hop_length: int
) -> NDArray[np.float64]:
    """The 34 numbers of each frame in double precision.

    Parameters
    ----------
    samples : float array, shape (n_samples,)
        The whole signal in [-1, 1], at least one frame long.
    sample_rate : int
        Hz.
    n_fft, hop_length : int
        Samples of a frame, and between two.

    Returns
    -------
    float64 array, shape (n_frames, 34)

    Raises
    ------
    FeatureError
        Where the original stops with an IndexError or ValueError.

    >>> old_short_term(np.ones(1600), sample_rate=16_000, n_fft=800, hop_length=400).shape
    (3, 34)
    """
    centred = samples.astype(np.float64)
    centred -= centred.mean()
    centred /= np.abs(centred).max() + 1e-10
    bank = old_bank(sample_rate=sample_rate, n_fft=n_fft)
    return np.asarray(describe_frames(centred, bank, hop_length=hop_length), np.float64)


@lru_cache(maxsize=32)
def old_bank(*, sample_rate: int, n_fft: int) -> Bank:
    """The arrays that the original uses."""
    n_bins = n_fft // 2
    steps = np.arange(n_bins) / n_bins
    return Bank(
        taper=np.ones(n_fft),
        scale=1.0 / n_bins,
        bins=slice(0, n_bins),
        frequencies=steps + 1.0 / n_bins,
        rolloffs=steps,
        mel=band_groups(_filters(sample_rate, n_bins)),
        cepstrum=band_groups(dct_matrix(_LINEAR + _LOGARITHMIC, 13)),
        chroma=band_groups(_notes(sample_rate, n_fft)),
        floor=EPSILON,
        silence=EPSILON,
        keep_rest=True,
        only_notes=False,
    )


def _filters(sample_rate: int, n_bins: int) -> Floats:
    """Triangles over bins that are taken to reach from 0 to the sample rate."""
    linear = _FIRST_HZ + np.arange(_LINEAR) * _STEP_HZ
    edges = np.concatenate([linear, linear[-1] * _FACTOR ** np.arange(1, _LOGARITHMIC + 3)])
    last_bins = np.floor(edges * n_bins / sample_rate)[:, None]
    if last_bins[-1] >= n_bins:
        raise FeatureError(
            f"pyAudioAnalysis has no filters for sample_rate={sample_rate}; allowed: more than "
            f"{edges[-1]:.0f} Hz, or compat=None"
        )
    bins = np.arange(n_bins)
    hertz, widths = bins / n_bins * sample_rate, np.diff(edges)[:, None]
    rising = (bins > last_bins[:-2]) & (bins <= last_bins[1:-1])
    falling = (bins > last_bins[1:-1]) & (bins <= last_bins[2:])
    slopes = rising * (hertz - edges[:-2, None]) / widths[:-1]
    slopes += falling * (edges[2:, None] - hertz) / widths[1:]
    return np.asarray(slopes * (2.0 / (edges[2:] - edges[:-2]))[:, None]).T


def _notes(sample_rate: int, n_fft: int) -> Floats:
    """Of the bins with one note the last alone is heard, divided by the number of another's."""
    n_bins = n_fft // 2
    hertz = np.arange(1, n_bins + 1) * sample_rate / (2 * n_bins)
    notes = np.round(12 * np.log2(hertz / _A0)).astype(int)
    if notes.max() >= n_bins:
        raise FeatureError(
            f"pyAudioAnalysis has no chroma for n_fft={n_fft} at {sample_rate} Hz; allowed: "
            f"at least {2 * notes.max() + 2}, or compat=None"
        )
    _, which, counts = np.unique(notes, return_inverse=True, return_counts=True)
    last = {int(note) % n_bins: bin_ for bin_, note in enumerate(notes)}
    matrix = np.zeros((n_bins, 12))
    for note, bin_ in last.items():
        matrix[bin_, note % 12] += 1.0 / counts[which[notes[note]]]
    return matrix
