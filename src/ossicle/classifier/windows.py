"""Samples into windows with their frames, each frame computed once.

Windows are cut from the samples, then described. Where the hop of the windows is a multiple of
the hop of the frames, overlapping windows share frames: the first window is computed as one block
of frames, every later one as one block of its new frames. The shapes of the blocks are fixed, so
the numbers do not depend on how the sound arrived.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ossicle.audio import level
from ossicle.errors import AudioError
from ossicle.features import FrontEnd
from ossicle.types import Samples, Window

__all__ = ["Piece", "WindowCutter"]

LONGEST_CLIP = 3600.0
"""Seconds that are taken as one window."""


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
        Seconds; None: the whole sound is the one window.

    >>> from ossicle.features import LogMel
    >>> cutter = WindowCutter(LogMel(sample_rate=16_000), window=1.0, window_hop=0.5)
    >>> len(cutter.push(np.zeros(4 * 16_000, dtype=np.float32)))
    7
    """

    def __init__(
        self, front_end: FrontEnd, *, window: float | None, window_hop: float | None
    ) -> None:
        self._front_end = front_end
        rate = front_end.sample_rate
        self._length = None if window is None else max(1, round(window * rate))
        self._hop = None if window_hop is None else max(1, round(window_hop * rate))
        self._n_new = _new_frames(front_end, self._length, self._hop)
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
        if self._length is None and self._n_held > LONGEST_CLIP * self._front_end.sample_rate:
            raise AudioError(
                f"a clip of more than {LONGEST_CLIP:g} s for a classifier of whole clips; "
                "cut it, or train a classifier with window= in seconds"
            )
        if self._length is None or self._hop is None or self._n_held < self._length:
            return []
        held = np.concatenate(self._blocks)
        starts = range(0, len(held) - self._length + 1, self._hop)
        pieces = [self._piece(held[start : start + self._length]) for start in starts]
        rest = held[len(starts) * self._hop :].copy()  # do not keep the whole block alive
        self._blocks, self._n_held = [rest], len(rest)
        return pieces

    def finish(self) -> list[Piece]:
        """The one window of a sound shorter than a window, zero-padded; else nothing."""
        if self._first > 0 or self._n_held == 0:
            return []
        sound = np.concatenate(self._blocks)
        padded = np.pad(sound, (0, max(0, (self._length or 0) - len(sound))))
        end = len(sound) / self._front_end.sample_rate
        return [Piece(Window(0.0, end), level(sound), self._front_end.frames(padded))]

    def _piece(self, samples: Samples) -> Piece:
        rate = self._front_end.sample_rate
        window = Window(self._first / rate, (self._first + len(samples)) / rate)
        self._frames = self._next_frames(samples)
        self._first += self._hop or 0
        return Piece(window, level(samples), self._frames)

    def _next_frames(self, samples: Samples) -> NDArray[np.float32]:
        """All frames of the first window, the new ones of a later window."""
        if self._frames is None or self._n_new is None:
            return self._front_end.frames(samples)
        n_shared = len(self._frames) - self._n_new
        first = n_shared * self._front_end.hop_length
        last = (len(self._frames) - 1) * self._front_end.hop_length + self._front_end.n_fft
        new = self._front_end.frames(samples[first:last])
        return np.concatenate([self._frames[self._n_new :], new])


def _new_frames(front_end: FrontEnd, length: int | None, hop: int | None) -> int | None:
    """Frames a window does not share with the one before; None: windows share none."""
    if length is None or hop is None or front_end.center or hop % front_end.hop_length:
        return None
    n_new = hop // front_end.hop_length
    shares = n_new < front_end.n_frames(length) and length >= front_end.n_fft
    return n_new if shares else None
