"""Mel filter banks and their fast product with power spectra.

Two families exist and cannot be exchanged: Slaney's (linear below 1 kHz, triangles of equal area)
and HTK's (2595 log10(1 + f / 700), triangles of equal height). Both are here, as in librosa.

References: Slaney, Auditory Toolbox (1998); Young et al., The HTK Book (2006).
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import FeatureError
from ossicle.features.spectrum import ONE_THREAD, TILE, padded, power_blocks, read_only
from ossicle.types import Floats, Samples

__all__ = [
    "MEL_SCALES",
    "SLOPES",
    "BandGroup",
    "band_edges",
    "band_groups",
    "mel_energies",
    "mel_matrix",
    "project",
]

_LINEAR_HZ = 200.0 / 3.0  # hertz per mel below the corner
_CORNER_HZ = 1000.0
_CORNER_MEL = _CORNER_HZ / _LINEAR_HZ
_LOG_STEP = np.log(6.4) / 27.0  # 27 mels from 1 kHz to 6.4 kHz

_GROUP = 8
"""Bands in one matrix product. As fast as any (4 to 32 and all were tried), and OpenBLAS adds in
the same order for each row then; with 16 and more columns the order depends on where a row lies."""


def _slaney_mels(hertz: Floats) -> Floats:
    above = _CORNER_MEL + np.log(np.maximum(hertz, _CORNER_HZ) / _CORNER_HZ) / _LOG_STEP
    return np.where(hertz < _CORNER_HZ, hertz / _LINEAR_HZ, above)


def _slaney_hertz(mels: Floats) -> Floats:
    above = _CORNER_HZ * np.exp(_LOG_STEP * np.maximum(mels - _CORNER_MEL, 0.0))
    return np.where(mels < _CORNER_MEL, mels * _LINEAR_HZ, above)


def _htk_mels(hertz: Floats) -> Floats:
    return np.asarray(2595.0 * np.log10(1.0 + hertz / 700.0))


def _htk_hertz(mels: Floats) -> Floats:
    return np.asarray(700.0 * (10.0 ** (mels / 2595.0) - 1.0))


MEL_SCALES: dict[str, tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]] = {
    "slaney": (_slaney_mels, _slaney_hertz),
    "htk": (_htk_mels, _htk_hertz),
}
"""Name of a scale: (hertz to mels, mels to hertz)."""

SLOPES = ("hertz", "mel")
"""Axes along which the sides of a triangle can be straight."""


def band_edges(n_mels: int, *, fmin: float, fmax: float, mel_scale: str) -> Floats:
    """Lower edge, centres and upper edge of ``n_mels`` bands in hertz: shape ``(n_mels + 2,)``.

    >>> band_edges(2, fmin=0.0, fmax=800.0, mel_scale="slaney").round(1).tolist()
    [0.0, 266.7, 533.3, 800.0]
    """
    to_mels, to_hertz = MEL_SCALES[mel_scale]
    low, high = to_mels(np.array([fmin, fmax]))
    return to_hertz(np.linspace(low, high, n_mels + 2))


@lru_cache(maxsize=32)
def mel_matrix(
    *,
    sample_rate: int,
    n_fft: int,
    n_mels: int,
    fmin: float = 0.0,
    fmax: float | None = None,
    mel_scale: str = "slaney",
    norm: str | None = "slaney",
    slopes: str = "hertz",
) -> NDArray[np.float32]:
    """The weight of each FFT bin in each mel band.

    Parameters
    ----------
    sample_rate : int
        Hz.
    n_fft, n_mels : int
        Samples of a frame, bands.
    fmin, fmax : float
        Hz; ``fmax=None`` is ``sample_rate / 2``.
    mel_scale : {"slaney", "htk"}
    norm : {"slaney", None}
        Triangles of equal area, or of height 1.
    slopes : {"hertz", "mel"}
        Along which axis the sides of the triangles are straight.

    Returns
    -------
    float32 array, shape (1 + n_fft // 2, n_mels)
        Read-only.

    Raises
    ------
    FeatureError
        If a band is so narrow that no FFT bin falls into it: it would be the same for each sound.

    Golden: ``librosa.filters.mel`` 0.11, 1e-7; slopes straight in mel as in the HTK Book and
    TensorFlow's ``linear_to_mel_weight_matrix``.

    >>> mel_matrix(sample_rate=16_000, n_fft=512, n_mels=40).shape
    (257, 40)
    """
    fmax = sample_rate / 2 if fmax is None else fmax
    edges = band_edges(n_mels, fmin=fmin, fmax=fmax, mel_scale=mel_scale)
    bins = np.arange(n_fft // 2 + 1) * (sample_rate / n_fft)
    along = MEL_SCALES[mel_scale][0] if slopes == "mel" else np.asarray
    distances = along(edges)[:, None] - along(bins)  # (n_mels + 2, n_bins)
    widths = np.diff(along(edges))[:, None]
    weights = np.maximum(0.0, np.minimum(-distances[:-2] / widths[:-1], distances[2:] / widths[1:]))
    if norm == "slaney":
        weights *= (2.0 / (edges[2:] - edges[:-2]))[:, None]
    _refuse_empty(weights, edges, sample_rate=sample_rate, n_fft=n_fft)
    return read_only(weights.T)


def _refuse_empty(weights: Floats, edges: Floats, *, sample_rate: int, n_fft: int) -> None:
    """Refuse exactly the filter banks that librosa warns of as having empty filters."""
    empty = np.flatnonzero((weights.max(axis=1) == 0.0) & (edges[:-2] > 0.0))
    if not empty.size:
        return
    raise FeatureError(
        f"n_mels={len(weights)} bands do not fit: {empty.size} of them (the first at "
        f"{edges[empty[0] + 1]:.0f} Hz) fall between the FFT's bins, {sample_rate / n_fft:.1f} Hz "
        f"apart at n_fft={n_fft}; take fewer bands or a longer frame (n_fft)"
    )


class BandGroup(NamedTuple):
    """Neighbouring bands with the only bins that they touch."""

    bins: slice
    bands: slice
    weights: Floats

    @property
    def n_rows(self) -> int:
        """Rows of spectra for one product: as many whole tiles as one thread takes."""
        return max(1, ONE_THREAD // (self.weights.size * TILE)) * TILE


def band_groups(matrix: Floats) -> tuple[BandGroup, ...]:
    """Cut a mel matrix into groups of bands, each with the bins that it touches.

    Nearly all of the matrix is zero: skipping the zeros is exact and takes 0.2 to 0.4 of the time
    of the full product. The last group reaches back so that it has eight bands too.

    >>> [group.weights.shape for group in band_groups(np.eye(30, 20, dtype=np.float32))]
    [(8, 8), (8, 8), (8, 8)]
    """
    last = max(0, matrix.shape[1] - _GROUP)
    return tuple(
        _group(matrix, min(first, last), min(first, last) + _GROUP)
        for first in range(0, matrix.shape[1], _GROUP)
    )


def _group(matrix: Floats, first: int, last: int) -> BandGroup:
    """Bands ``first:last`` with the bins that any of them touches."""
    weights = matrix[:, first:last]
    touched = np.flatnonzero(weights.any(axis=1))
    bins = slice(int(touched.min(initial=len(matrix) - 1)), int(touched.max(initial=0)) + 1)
    bands = slice(first, first + weights.shape[1])
    return BandGroup(bins, bands, np.ascontiguousarray(weights[bins]))


def project(spectra: Floats, groups: Sequence[BandGroup], out: Floats) -> None:
    """Product of rows of spectra, in whole tiles, with the matrix that was cut into groups.

    Parameters
    ----------
    spectra : float array, shape (n_rows, n_bins)
        ``n_rows`` is a multiple of ``TILE``.
    groups : sequence of BandGroup
        From :func:`band_groups`.
    out : float array, shape (at least n_rows, n_bands)
        Where the products are written.

    >>> out = np.empty((48, 2), np.float32)
    >>> project(np.ones((48, 3), np.float32), band_groups(np.eye(3, 2, dtype=np.float32)), out)
    >>> out[0].tolist()
    [1.0, 1.0]
    """
    for group in groups:
        for first in range(0, len(spectra), group.n_rows):
            tile = spectra[first : first + group.n_rows, group.bins]
            np.matmul(tile, group.weights, out=out[first : first + len(tile), group.bands])


def mel_energies(
    samples: Samples,
    taper: NDArray[np.float32],
    groups: Sequence[BandGroup],
    *,
    hop_length: int,
    power: float = 2.0,
    zero_padding: int = 0,
    compress: Callable[[NDArray[np.float32]], None] | None = None,
) -> NDArray[np.float32]:
    """Energy of each frame in each mel band.

    Parameters
    ----------
    samples : float32 array, shape (n_samples,)
        At least one frame long.
    taper : float32 array, shape (n_fft,)
    groups : sequence of BandGroup
        From :func:`band_groups`.
    hop_length : int
        Samples between two frames.
    power : {2.0, 1.0}
        Exponent of the magnitudes that are summed.
    zero_padding : int
        Zeros after each frame before it is transformed.
    compress : function
        Called on each block of bands while it lies in the cache, to change it in place.

    Returns
    -------
    float32 array, shape (n_frames, n_mels)

    >>> ones, groups = np.ones(4, np.float32), band_groups(np.eye(3, dtype=np.float32))
    >>> mel_energies(ones, ones, groups, hop_length=2).tolist()
    [[16.0, 0.0, 0.0]]
    """
    n_frames = 1 + (len(samples) - len(taper)) // hop_length
    energies = np.empty((padded(n_frames), groups[-1].bands.stop), np.float32)
    for rows, spectra in power_blocks(samples, taper, hop_length, zero_padding=zero_padding):
        if power == 1.0:
            np.sqrt(spectra, out=spectra)
        project(spectra, groups, energies[rows.start :])
        if compress is not None:
            compress(energies[rows])
    return energies[:n_frames]
