"""How features change over time: slopes and curvatures of short fits through the frames."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["append_deltas", "delta_multiply_adds"]

WIDTH = 9
_TIMES = np.arange(WIDTH) - WIDTH // 2
_SQUARES = _TIMES**2 - np.mean(_TIMES**2)
_FITS = {
    1: (_TIMES / np.sum(_TIMES**2)).astype(np.float32),
    2: (2.0 * _SQUARES / np.sum(_SQUARES**2)).astype(np.float32),
}
"""Order: weights of nine frames that give the derivative of the polynomial fitted to them."""


def append_deltas(frames: NDArray[np.float32], orders: int) -> NDArray[np.float32]:
    """Append derivatives of the bands over time, per frame, as further bands.

    The derivative of order 1 (2) is that of the line (parabola) fitted to nine frames; towards
    the ends it is that of the first and last nine. With fewer than nine frames the outer ones are
    repeated.

    Parameters
    ----------
    frames : float32 array, shape (n_frames, n_bands)
    orders : {0, 1, 2}
        Highest order.

    Returns
    -------
    float32 array, shape (n_frames, n_bands * (1 + orders))

    Golden: ``librosa.feature.delta`` 0.11 (width 9, "interp"; "nearest" below nine frames).

    >>> ramp = np.arange(12, dtype=np.float32)[:, None]
    >>> append_deltas(ramp, 1)[:, 1].round(5).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    if orders == 0:
        return frames
    derivatives = (_derivative(frames, _FITS[order]) for order in range(1, orders + 1))
    return np.hstack([frames, *derivatives])


def delta_multiply_adds(n_bands: int, orders: int) -> int:
    """Multiply-adds of one frame's derivatives.

    >>> delta_multiply_adds(64, 2)
    1152
    """
    return WIDTH * n_bands * orders


def _derivative(frames: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    edge = ((WIDTH // 2, WIDTH // 2), (0, 0))
    short = len(frames) < WIDTH
    padded = np.pad(frames, edge, mode="edge") if short else frames
    n_fits = len(padded) - WIDTH + 1
    fits = sum(weight * padded[k : k + n_fits] for k, weight in enumerate(weights))
    # A line's slope and a parabola's curvature are the same everywhere on it, so the values
    # towards the ends are those of the first and last fit.
    return np.asarray(fits if short else np.pad(fits, edge, mode="edge"), np.float32)
