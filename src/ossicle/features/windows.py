"""Samples, block by block → the features of each window, in memory for a few windows.

A window is cut from the samples, then described. Windows start at multiples of the hop; the last
full one is included; a sound shorter than a window is padded with zeros to one. Where windows
overlap by whole frames, each frame is computed once.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import FeatureError
from ossicle.features.base import FrontEnd
from ossicle.types import Samples

__all__ = ["describe_windows", "window_lengths"]

Features = NDArray[np.float32]


def window_lengths(
    front_end: FrontEnd, window: float | None, window_hop: float | None = None
) -> tuple[int, int] | None:
    """Samples of a window and between the starts of two.

    Parameters
    ----------
    front_end : FrontEnd
    window : float, optional
        Seconds; None: a whole clip is one window.
    window_hop : float, optional
        Seconds; None: half a window, rounded to whole frames so that windows share them.

    Returns
    -------
    (int, int) or None
        None if a whole clip is one window.

    Raises
    ------
    FeatureError
        If a time is not positive, or a hop is given without a window.

    >>> from ossicle.features import LogMel
    >>> window_lengths(LogMel(sample_rate=16_000), 1.0)
    (16000, 8000)
    """
    if window is None:
        if window_hop is not None:
            raise FeatureError(f"window_hop={window_hop:g} s without a window; give both or none")
        return None
    length = _samples("window", window, front_end.sample_rate)
    if window_hop is None:
        return length, max(1, round(length / 2 / front_end.hop_length)) * front_end.hop_length
    return length, _samples("window_hop", window_hop, front_end.sample_rate)


def _samples(name: str, seconds: float, sample_rate: int) -> int:
    if not 1.0 <= seconds * sample_rate < 2**40:
        raise FeatureError(
            f"{name}={seconds:g} s at {sample_rate} Hz; at least one sample is needed: "
            "is it in seconds?"
        )
    return round(seconds * sample_rate)


def describe_windows(
    blocks: Iterable[Samples], front_end: FrontEnd, lengths: tuple[int, int] | None
) -> Iterator[Features]:
    """Features of each window of a sound.

    Parameters
    ----------
    blocks : iterable of float32 array
        The sound at the front end's rate, in any blocks.
    front_end : FrontEnd
    lengths : (int, int) or None
        From :func:`window_lengths`.

    Yields
    ------
    float32 array, shape (n_frames, n_bands)
        The same numbers, bit for bit, as ``front_end(samples_of_the_window)``.

    >>> from ossicle.features import LogMel
    >>> blocks = [np.zeros(16_000, np.float32)] * 4
    >>> len(list(describe_windows(blocks, LogMel(), (16_000, 8_000))))
    7
    """
    if lengths is None:
        yield front_end(np.concatenate(list(blocks)))
        return
    length, hop = lengths
    held, to_skip, n_windows = np.empty(0, np.float32), 0, 0
    for block in blocks:
        held = np.concatenate([held, block])[to_skip:]
        to_skip = max(0, to_skip - len(block))
        n_new = max(0, 1 + (len(held) - length) // hop)
        yield from _full_windows(held, front_end, length=length, hop=hop, n_windows=n_new)
        to_skip += max(0, n_new * hop - len(held))  # windows further apart than long
        held = held[n_new * hop :]
        n_windows += n_new
    if n_windows == 0:
        yield front_end(np.pad(held, (0, length - len(held))))


def _full_windows(
    held: Samples, front_end: FrontEnd, *, length: int, hop: int, n_windows: int
) -> Iterator[Features]:
    """The first windows of the samples held, all of which are there."""
    starts = range(0, n_windows * hop, hop)
    n_shared = length - hop
    if front_end.center or n_shared < front_end.n_fft or hop % front_end.hop_length or not starts:
        yield from (front_end(held[start : start + length]) for start in starts)
        return
    frames = front_end.frames(held[: starts[-1] + length])
    n_frames, n_hop = front_end.n_frames(length), hop // front_end.hop_length
    for index in range(n_windows):
        yield front_end.finish(frames[index * n_hop : index * n_hop + n_frames])
