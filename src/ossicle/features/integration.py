"""Temporal integration: a matrix of frames × bands → one vector for a classical model.

Reference: Joder, Essid & Richard, "Temporal integration for audio classification" (2009), "early"
integration. Sums run in float64, so a band that does not change has a variance of exactly zero.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ossicle.errors import FeatureError, nearest
from ossicle.types import Floats

__all__ = ["INTEGRATIONS", "common_size", "integrate", "integrate_rows", "integrated_size"]

LAGS = (1, 4, 16)
N_PARTS = 5
N_OCTAVES = 8
PERCENTILES = {"p10": 10, "p25": 25, "median": 50, "p75": 75, "p90": 90}


def _mean(matrix: Floats) -> Floats:
    return np.asarray(matrix.mean(axis=0, dtype=np.float64))


def _var(matrix: Floats) -> Floats:
    centred = matrix - _mean(matrix)
    return np.asarray(np.einsum("ij,ij->j", centred, centred) / len(matrix))


def _std(matrix: Floats) -> Floats:
    return np.sqrt(_var(matrix))


def _meanvar(matrix: Floats) -> Floats:
    return np.concatenate([_mean(matrix), _var(matrix)])


def _change(matrix: Floats) -> Floats:
    """Mean absolute difference between frames 1, 4 and 16 apart (or the furthest there are)."""
    lags = [min(lag, len(matrix) - 1) for lag in LAGS]
    zero = np.zeros(matrix.shape[1])
    return np.concatenate([_mean(np.abs(matrix[k:] - matrix[:-k])) if k else zero for k in lags])


def _parts(matrix: Floats) -> Floats:
    """Means of five equal parts in their order, each of at least one frame."""
    edges = np.arange(N_PARTS + 1) * len(matrix) / N_PARTS
    first, last = np.floor(edges[:-1]).astype(int), np.ceil(edges[1:]).astype(int)
    return np.concatenate([_mean(matrix[a:b]) for a, b in zip(first, last, strict=True)])


def _slope(matrix: Floats) -> Floats:
    """Steepness of the line fitted to each band, per frame."""
    times = np.arange(len(matrix)) - (len(matrix) - 1) / 2
    return np.asarray(times @ (matrix - _mean(matrix)) / max(1.0, float(times @ times)))


def _modulation(matrix: Floats) -> Floats:
    """Root of each band's deviation within octaves of periods: 2 to 4 frames ... 256 to 512.

    The root evens out what is spread over decades, as a logarithm would, but needs no floor.
    """
    n_frames = len(matrix)
    spectra = np.fft.rfft(matrix - _mean(matrix), axis=0)
    power = (spectra.real**2 + spectra.imag**2) * (2.0 / n_frames**2)
    if n_frames % 2 == 0:
        power[-1] /= 2.0  # the shortest period has no mirror image
    limits = np.floor(n_frames / 2.0 ** np.arange(1, N_OCTAVES + 2)).astype(int) + 1
    octaves = zip(limits[1:], limits[:-1], strict=True)
    return np.concatenate([power[first:last].sum(axis=0) ** 0.25 for first, last in octaves])


def _percentiles(*shares: int) -> Callable[[Floats], Floats]:
    """Values below which so many percent of the frames lie, between two frames linearly."""

    def found(matrix: Floats) -> Floats:
        ordered = np.sort(matrix, axis=0)  # three times as fast as numpy.percentile
        places = np.array(shares) / 100.0 * (len(matrix) - 1)
        below = places.astype(int)
        low, high = ordered[below].astype(float), ordered[np.ceil(places).astype(int)]
        return np.asarray(low + (places - below)[:, None] * (high - low)).ravel()

    return found


def _stack(matrix: Floats) -> Floats:
    return matrix.ravel()


INTEGRATIONS: dict[str, Callable[[Floats], Floats]] = {
    "mean": _mean,
    "var": _var,
    "std": _std,
    "min": lambda matrix: matrix.min(axis=0),
    "max": lambda matrix: matrix.max(axis=0),
    "change": _change,
    "parts": _parts,
    "slope": _slope,
    "modulation": _modulation,
    **{name: _percentiles(share) for name, share in PERCENTILES.items()},
    "percentiles": _percentiles(*PERCENTILES.values()),
    "meanvar": _meanvar,
    "stack": _stack,
}
"""Name: function from a matrix (n_frames, n_bands) to a vector."""


def _function(how: str) -> Callable[[Floats], Floats]:
    """The statistic, or several joined by ``+`` one after the other."""
    names = str(how).split("+")
    for name in names:
        if name not in INTEGRATIONS:
            raise FeatureError(f"no integration {name!r}; {nearest(name, INTEGRATIONS)}")
    statistics = [INTEGRATIONS[name] for name in names]
    return lambda matrix: np.concatenate([statistic(matrix) for statistic in statistics])


def integrate(matrix: ArrayLike, how: str = "meanvar") -> NDArray[np.float32]:
    """Summarise the frames of one window in one vector.

    Parameters
    ----------
    matrix : array, shape (n_frames, n_bands)
    how : str
        ``mean``, ``var`` and ``std`` (of the population), ``min``, ``max``; ``change``: mean
        absolute differences over 1, 4 and 16 frames; ``parts``: means of five equal parts in
        order; ``slope``: steepness per frame; ``modulation``: root of the deviation within eight
        octaves of periods, from 2 to 512 frames (0 for periods longer than the window); ``p10``,
        ``p25``, ``median``, ``p75``, ``p90`` and all five at once, ``percentiles``; ``meanvar``;
        ``stack``: all frames. Several are joined by ``+``.

    Returns
    -------
    float32 array, shape (n,)
        ``n`` as given by :func:`integrated_size`.

    Raises
    ------
    FeatureError
        If ``how`` is unknown or the matrix has no frames.

    >>> integrate([[1.0, 5.0], [3.0, 5.0]], how="meanvar").tolist()
    [2.0, 5.0, 1.0, 0.0]
    >>> integrate([[1.0, 5.0], [3.0, 5.0]], how="mean+max").tolist()
    [2.0, 5.0, 3.0, 5.0]
    """
    array = np.asarray(matrix)
    if array.ndim != 2 or len(array) == 0:
        raise FeatureError(
            f"features of shape {array.shape} cannot be integrated; needed: (n_frames, n_bands) "
            "with at least one frame"
        )
    return _function(how)(array).astype(np.float32)


def integrated_size(n_frames: int, n_bands: int, how: str = "meanvar") -> int:
    """Length of the vector that :func:`integrate` makes.

    >>> integrated_size(97, 64, "meanvar")
    128
    """
    return int(_function(how)(np.zeros((n_frames, n_bands), np.float32)).size)


def integrate_rows(
    frames: NDArray[np.float32], offsets: Sequence[int] | NDArray[np.int64], how: str = "meanvar"
) -> NDArray[np.float32]:
    """Integrate many windows whose frames lie one after the other.

    Parameters
    ----------
    frames : float32 array, shape (n_all_frames, n_bands)
    offsets : sequence of int, length n_rows + 1
        Row ``i`` is ``frames[offsets[i]:offsets[i + 1]]``.
    how : str
        As in :func:`integrate`, whose numbers these are, bit for bit.

    Returns
    -------
    float32 array, shape (n_rows, n)

    Raises
    ------
    FeatureError
        If the rows come out of different lengths (``how="stack"`` needs equal windows).

    >>> integrate_rows(np.array([[1.0], [3.0], [8.0]], np.float32), [0, 2, 3], "mean").tolist()
    [[2.0], [8.0]]
    """
    limits = np.asarray(offsets)
    size = common_size(np.diff(limits), frames.shape[1], how)
    out = np.empty((len(limits) - 1, size), np.float32)
    for row, first, last in zip(out, limits[:-1], limits[1:], strict=True):
        row[:] = integrate(frames[first:last], how)
    return out


def common_size(n_frames: NDArray[np.int64], n_bands: int, how: str) -> int:
    """Length of the vector of every window, given the windows' frames; 0 if there are none."""
    sizes = {integrated_size(int(n), n_bands, how) for n in np.unique(n_frames)}
    if len(sizes) > 1:
        raise FeatureError(
            f"integration {how!r} makes vectors of {min(sizes)} to {max(sizes)} numbers, as the "
            f"windows have {n_frames.min()} to {n_frames.max()} frames; cut windows of one length "
            "(window: seconds), or take the integration 'meanvar'"
        )
    return sizes.pop() if sizes else 0
