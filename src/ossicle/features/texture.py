"""How peaky a spectrum is: its flatness, and the contrast of peaks and valleys in each octave.

Sources: Johnston, IEEE JSAC 6(2), 1988 (flatness; golden: librosa 0.11 ``spectral_flatness``);
Jiang et al., "Music type classification by spectral contrast feature", ICME 2002.
"""

import math
from itertools import pairwise

import numpy as np

from ossicle.types import Floats

__all__ = ["octave_bins", "texture", "texture_names"]

_FIRST_HZ = 200.0  # above it octaves begin
_EXTREMES = 0.02  # share of the bins that are a peak or valley
_LEAST_POWER = 1e-30
_LEAST = 1e-10


def octave_bins(hertz: Floats) -> tuple[slice, ...]:
    """Bins below 200 Hz, from 200 to 400 Hz, to 800 Hz ...; octaves without a bin are left out.

    >>> octave_bins(np.arange(1, 9) * 100.0)
    (slice(0, 1, None), slice(1, 3, None), slice(3, 7, None), slice(7, 8, None))
    """
    octaves = (1 + np.floor(np.log2(hertz / _FIRST_HZ))).clip(0)
    edges = np.flatnonzero(np.diff(octaves, prepend=-1, append=-1)).tolist()
    return tuple(slice(first, last) for first, last in pairwise(edges))


def texture_names(octaves: tuple[slice, ...]) -> tuple[str, ...]:
    """Names of the columns.

    >>> texture_names((slice(0, 1), slice(1, 3)))
    ('spectral_flatness', 'contrast_1', 'contrast_2')
    """
    return ("spectral_flatness", *(f"contrast_{octave + 1}" for octave in range(len(octaves))))


def texture(magnitudes: Floats, power: Floats, octaves: tuple[slice, ...]) -> Floats:
    """Flatness and contrasts of each spectrum.

    Parameters
    ----------
    magnitudes, power : float array, shape (n_rows, n_bins)
    octaves : tuple of slice
        From :func:`octave_bins`.

    Returns
    -------
    float array, shape (n_rows, 1 + n_octaves)
        Geometric over arithmetic mean of the powers, 1 for silence; decibels between the means of
        the strongest and the weakest fiftieth of each octave (at least one bin).

    >>> texture(np.array([[1.0, 100.0]]), np.ones((1, 2)), (slice(0, 2),)).tolist()
    [[1.0, 40.0]]
    """
    raised = np.maximum(power, _LEAST_POWER)
    flatness = np.exp(np.log(raised).mean(axis=1)) / raised.mean(axis=1)
    return np.column_stack([flatness, *(_contrast(magnitudes[:, bins]) for bins in octaves)])


def _contrast(magnitudes: Floats) -> Floats:
    ordered = np.maximum(np.sort(magnitudes, axis=1), _LEAST)
    n_extreme = max(1, round(_EXTREMES * ordered.shape[1]))
    peaks, valleys = ordered[:, -n_extreme:].mean(axis=1), ordered[:, :n_extreme].mean(axis=1)
    return np.asarray(np.log(peaks / valleys) * (20.0 / math.log(10.0)))
