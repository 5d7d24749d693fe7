"""Samples → frames → power spectra, in blocks that stay in the processor's cache.

One large transform would be 1.4 to 4 times slower: its result leaves the cache before the next
operation reads it. So some hundred frames at a time are tapered into one scratch array,
transformed by ``scipy.fft`` (whose float32 transform is faster than numpy's), and squared in place.

A frame's numbers never depend on the frames around it: the number of rows handed to the SIMD
transform and to matrix products is always a multiple of a tile, so no row is ever computed by
another code path (the remainder loop) than the same row in a longer sound.
"""

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from ossicle.types import Floats

__all__ = [
    "BLOCK",
    "ONE_THREAD",
    "TAPERS",
    "TILE",
    "block_rows",
    "cut",
    "padded",
    "power_blocks",
    "read_only",
    "spectrum_multiply_adds",
    "taper",
]

TILE = 48
"""Rows of a matrix product: a multiple of the 4, 8, 12 and 16 that OpenBLAS's kernels take at once.
Its kernels for the rows left over add in another order."""

BLOCK = 10 * TILE
"""Frames per block, of up to 1024 samples; measured best of 48 to 960 with 1 MB of cache."""

ONE_THREAD = 1 << 18
"""Multiplications of a matrix product up to which OpenBLAS starts no threads: they cost more than
they give here, and cut the rows at other places."""

_LANES = 16
"""Rows of a transform: a multiple of the widest SIMD register."""

TAPERS = {"hann": 0.5, "hamming": 0.54, "ones": 1.0}
"""Name of a taper: the mean of its raised cosine."""


@lru_cache(maxsize=32)
def taper(kind: str, n: int) -> NDArray[np.float32]:
    """The periodic taper that each frame is multiplied by.

    >>> taper("hann", 4).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    mean = TAPERS[kind]
    # Of period n, not n - 1, so that overlapping tapers add up to a constant.
    cosine = np.cos(2.0 * np.pi * np.arange(n) / n)
    return read_only(mean - (1.0 - mean) * cosine)


def read_only(values: Floats) -> NDArray[np.float32]:
    """A float32 copy that cannot be changed, as many may share it."""
    copy = np.array(values, np.float32, order="C")
    copy.setflags(write=False)
    return copy


def cut(samples: Floats, n_fft: int, hop_length: int) -> Floats:
    """Overlapping frames as a view, nothing copied: shape ``(n_frames, n_fft)``.

    >>> cut(np.arange(6, dtype=np.float32), 4, 2).tolist()
    [[0.0, 1.0, 2.0, 3.0], [2.0, 3.0, 4.0, 5.0]]
    """
    return np.lib.stride_tricks.sliding_window_view(samples, n_fft)[::hop_length]


def padded(n_rows: int, tile: int = TILE) -> int:
    """``n_rows`` rounded up to whole tiles.

    >>> padded(49)
    96
    """
    return -(-n_rows // tile) * tile


def block_rows(n_fft: int) -> int:
    """Frames per block: whole tiles that together stay in the cache.

    >>> block_rows(512), block_rows(4096)
    (480, 96)
    """
    return max(TILE, min(BLOCK, (1 << 19) // n_fft // TILE * TILE))


def spectrum_multiply_adds(n_fft: int) -> int:
    """Multiply-adds of one frame's power spectrum: taper, real transform, squares.

    A real transform counts 2.5 n log2 n operations, two to a multiply-add, as in FFTW's benchmark
    (Frigo & Johnson, https://www.fftw.org/speed/method.html).

    >>> spectrum_multiply_adds(512)
    6786
    """
    return n_fft + round(1.25 * n_fft * math.log2(n_fft)) + 2 * (n_fft // 2 + 1)


def power_blocks(
    samples: Floats, taper: Floats, hop_length: int, *, zero_padding: int = 0
) -> Iterator[tuple[slice, Floats]]:
    """Power spectra of all frames, block by block.

    Parameters
    ----------
    samples : float array, shape (n_samples,)
        At least one frame long.
    taper : float array, shape (n_fft,)
        Its precision is that of the spectra.
    hop_length : int
        Samples between two frames.
    zero_padding : int
        Zeros after each frame: the transform has ``n_fft = len(taper) + zero_padding`` points.

    Yields
    ------
    rows : slice
        Which frames.
    power : float array, shape (n_rows, 1 + n_fft // 2)
        One row for each of them, then rows of zeros up to a whole tile; overwritten by the next
        block.

    >>> blocks = list(power_blocks(np.zeros(8, np.float32), np.ones(4, np.float32), 2))
    >>> [(rows, power.shape) for rows, power in blocks]
    [(slice(0, 3, None), (48, 3))]
    """
    n_taper, n_fft = len(taper), len(taper) + zero_padding
    frames = cut(samples, n_taper, hop_length)
    n_block = min(block_rows(n_fft), padded(len(frames)))
    tapered = np.zeros((n_block, n_fft), taper.dtype)
    power = np.empty((n_block, n_fft // 2 + 1), taper.dtype)
    for first in range(0, len(frames), n_block):
        block = frames[first : first + n_block]
        n_rows, n_lanes = len(block), padded(len(block), _LANES)
        np.multiply(block, taper, out=tapered[:n_rows, :n_taper])
        tapered[n_rows:n_lanes] = 0.0
        spectra = scipy.fft.rfft(tapered[:n_lanes], axis=1, workers=1)
        # Squaring the interleaved real and imaginary parts in one contiguous sweep, then adding
        # the pairs, takes 0.6 of the time of real**2 + imag**2 on two strided halves.
        parts = spectra.view(taper.dtype)
        np.multiply(parts, parts, out=parts)
        np.add(parts[:, ::2], parts[:, 1::2], out=power[:n_lanes])
        power[n_lanes:] = 0.0
        yield slice(first, first + n_rows), power[: padded(n_rows)]
