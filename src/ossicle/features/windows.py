"""Samples into windows with their frames, each frame computed once.

Training and the trained classifier cut with the same cutter, so that what was learned from is what
is heard. Windows are cut from the samples, then described; they start at multiples of the hop; the
last full one is included; a sound shorter than a window is padded with zeros to one.

Where the hop of the windows is a multiple of the hop of the frames, overlapping windows share
frames: the first window is computed as one block of frames, every later one as one block of its
new frames, after those that the front end looks back to. The shapes of the blocks are fixed, so
the numbers do not depend on how the sound arrived.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ossicle.audio import level
from ossicle.errors import AudioError, FeatureError
from ossicle.features.base import FrontEnd
from ossicle.types import Samples, Window

__all__ = ["Piece", "WindowCutter", "window_lengths"]

LONGEST_CLIP = 3600.0
"""Seconds that are taken as one window."""


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
        Seconds, at most a window; None: half a window, rounded to whole frames so that windows
        share them.

    Returns
    -------
    (int, int) or None
        None if a whole clip is one window.

    Raises
    ------
    FeatureError
        If a time is not positive, the hop is longer than the window, or there is a hop without a
        window.

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
        n_frames = max(1, round(length / 2 / front_end.hop_length))
        return length, min(length, n_frames * front_end.hop_length)
    hop = _samples("window_hop", window_hop, front_end.sample_rate)
    if hop > length:
        raise FeatureError(
            f"window_hop={window_hop:g} s leaves gaps between windows of {window:g} s; "
            "a window is the most that is allowed"
        )
    return length, hop


def _samples(name: str, seconds: float, sample_rate: int) -> int:
    if not 0.5 < seconds * sample_rate < 2**40:
        raise FeatureError(
            f"{name}={seconds:g} s at {sample_rate} Hz; at least one sample is needed: "
            "is it in seconds?"
        )
    return round(seconds * sample_rate)


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """One window of a sound.

    Parameters
    ----------
    window : Window
        Its times; a sound shorter than a window ends where it ends.
    level : float
        dBFS.
    frames : float32 array, shape (n_frames, n_base_bands)
        Before the front end's per-window part.
    """

    window: Window
    level: float
    frames: NDArray[np.float32]


class WindowCutter:
    """Cuts a stream of samples into windows, the last full one included.

    Parameters
    ----------
    front_end : FrontEnd
    window, window_hop : float, optional
        As in :func:`window_lengths`.

    >>> from ossicle.features import LogMel
    >>> cutter = WindowCutter(LogMel(sample_rate=16_000), window=1.0, window_hop=0.5)
    >>> len(cutter.push(np.zeros(4 * 16_000, dtype=np.float32)))
    7
    """

    def __init__(
        self, front_end: FrontEnd, *, window: float | None, window_hop: float | None = None
    ) -> None:
        self._front_end = front_end
        self._lengths = window_lengths(front_end, window, window_hop)
        self._n_new = None if self._lengths is None else _new_frames(front_end, *self._lengths)
        self.reset()

    def reset(self) -> None:
        """Forget the sound."""
        self._blocks: list[Samples] = []
        self._n_held = 0
        self._first = 0  # position in the sound of the first sample held
        self._frames: NDArray[np.float32] | None = None

    def push(self, samples: Samples) -> list[Piece]:
        """Take samples at the front end's rate and return the windows they complete."""
        self._blocks.append(samples)
        self._n_held += len(samples)
        if self._lengths is None:
            self._check_length()
            return []
        length, hop = self._lengths
        if self._n_held < length:
            return []
        held = np.concatenate(self._blocks)
        starts = range(0, len(held) - length + 1, hop)
        pieces = [self._piece(held[start : start + length], hop) for start in starts]
        rest = held[len(starts) * hop :].copy()  # do not keep the whole block alive
        self._blocks, self._n_held = [rest], len(rest)
        return pieces

    def finish(self) -> list[Piece]:
        """The one window of a sound shorter than a window, zero-padded; else nothing."""
        if self._first > 0 or self._n_held == 0:
            return []
        sound = np.concatenate(self._blocks)
        length = len(sound) if self._lengths is None else self._lengths[0]
        padded = np.pad(sound, (0, length - len(sound)))
        end = len(sound) / self._front_end.sample_rate
        return [Piece(Window(0.0, end), level(sound), self._front_end.frames(padded))]

    def _check_length(self) -> None:
        if self._n_held > LONGEST_CLIP * self._front_end.sample_rate:
            raise AudioError(
                f"a clip of more than {LONGEST_CLIP:g} s cannot be one window; "
                "cut it, or train a classifier with window= in seconds"
            )

    def _piece(self, samples: Samples, hop: int) -> Piece:
        rate = self._front_end.sample_rate
        window = Window(self._first / rate, (self._first + len(samples)) / rate)
        self._frames = self._next_frames(samples)
        self._first += hop
        return Piece(window, level(samples), self._frames)

    def _next_frames(self, samples: Samples) -> NDArray[np.float32]:
        """All frames of the first window, the new ones of a later window."""
        if self._frames is None or self._n_new is None:
            return self._front_end.frames(samples)
        before = self._front_end.lookback
        n_shared = len(self._frames) - self._n_new
        first = (n_shared - before) * self._front_end.hop_length
        last = (len(self._frames) - 1) * self._front_end.hop_length + self._front_end.n_fft
        new = self._front_end.frames(samples[first:last])[before:]
        return np.concatenate([self._frames[self._n_new :], new])


def _new_frames(front_end: FrontEnd, length: int, hop: int) -> int | None:
    """Frames a window does not share with the one before; None: windows share none."""
    if not front_end.shares_frames or hop % front_end.hop_length:
        return None
    n_new = hop // front_end.hop_length
    n_needed = n_new + max(1, front_end.lookback)
    shares = n_needed <= front_end.n_frames(length) and length >= front_end.n_fft
    return n_new if shares else None
