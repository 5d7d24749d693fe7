"""Sound tracks of M4A, MP4, WebM, WMA and the like, decoded by PyAV (the extra ``media``).

Samples are as the decoder makes them: FFmpeg's own mixing, whose mono is 3 dB too loud for two
equal channels, and its resampling take no part. What an encoder puts in front is cut where the
file tells of it (the edit list of M4A and MP4, the codec delay of WebM; AAC without a container,
WMA and MP4 in fragments do not tell), and so is its padding behind, to the millisecond that M4A
and MP4 tell; elsewhere up to a frame of it stays.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import AudioError, MissingExtraError, UnavailableError
from ossicle.extras import require

__all__ = ["UNKNOWN_LENGTH", "Track", "is_installed", "opened_track"]

UNKNOWN_LENGTH = 2**62
"""At least this many samples are promised where a file does not say how many it holds."""

Block = NDArray[np.float32]
Placed = tuple[int, Block]

_READ_BYTES = 1 << 18
_PADDING = 8_192  # samples; what is more is sound that the header does not know of
_SHORTFALL = 0.25  # seconds by which a whole file may end before its header says
_PREROLL = 1.0  # seconds decoded before a part, in which a decoder finds its state
_TELLS_DURATION = frozenset({"mov", "matroska", "asf", "wv"})


def is_installed() -> bool:
    """Whether the extra ``media`` is there."""
    try:
        require("av", extra="media")
    except MissingExtraError:
        return False
    return True


@contextmanager
def opened_track(path: Path, file: FileIO, demuxer: str) -> Iterator["Track"]:
    """The first sound track of an open file; FFmpeg's faults become an AudioError.

    The demuxer is named, and reads from the open file alone: a file that is in truth a playlist
    can make it open nothing else.
    """
    try:
        av = require("av", extra="media")
    except MissingExtraError as error:
        raise UnavailableError(f"{path}: of a kind that needs PyAV; {error}") from None
    try:
        with av.open(_Reader(file), format=demuxer, buffer_size=_READ_BYTES) as container:
            yield Track(path, container, demuxer)
    except av.FFmpegError as error:
        raise AudioError(
            f"{path}: cannot be decoded ({error.strerror}); damaged, cut off, or protected?"
        ) from error


class _Reader:
    """A file whose seeks fail as FFmpeg expects; exceptions would be printed by PyAV."""

    def __init__(self, file: FileIO) -> None:
        self.read, self.tell, self._file = file.read, file.tell, file

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self._file.seek(offset, whence)
        except (OSError, OverflowError):
            return -1


class Track:
    """The first sound track of a container, with the reading side of a soundfile.

    Parameters
    ----------
    path : Path
        For messages.
    container : av.container.InputContainer
    demuxer : str
        The container's format, as FFmpeg calls it.
    """

    frames = UNKNOWN_LENGTH

    def __init__(self, path: Path, container: Any, demuxer: str) -> None:
        if not container.streams.audio:
            raise AudioError(f"{path}: holds no sound track; is it a film without sound?")
        self._path, self._container = path, container
        self._stream = container.streams.audio[0]
        if self._stream.codec_context is None:
            raise AudioError(f"{path}: of a coding that PyAV does not know; damaged, or protected?")
        self._stream.codec_context.thread_count = 1
        self._ticks_are_samples = demuxer == "mov"
        self.format, self.subtype = demuxer.upper(), self._stream.codec_context.name.upper()
        self._frames = container.decode(self._stream)
        first = next(self._frames, None)
        if first is None:
            raise AudioError(f"{path}: holds no samples; was the recorder stopped at once?")
        self.samplerate, self.channels = first.sample_rate, first.layout.nb_channels
        told = _told_duration(container, self._stream) if demuxer in _TELLS_DURATION else 0.0
        self._told = round(told * self.samplerate)
        self._blocks = self._from(first)
        self._rest = np.empty((0, self.channels), np.float32)

    def seek(self, first: int) -> None:
        """Go forward to a sample: by the clock of M4A and MP4, else by decoding what is before."""
        if self._ticks_are_samples and first > 2 * _PREROLL * self.samplerate:
            seconds = first / self.samplerate - _PREROLL
            place = int(seconds / self._stream.time_base) + (self._stream.start_time or 0)
            self._container.seek(place, stream=self._stream)
            self._frames = self._container.decode(self._stream)
            self._blocks = self._from(next(self._frames, None))
        for place, block in self._blocks:
            if place + len(block) > first:
                self._rest = block[max(0, first - place) :]
                break

    def read(self, *, out: Block) -> Block:
        """Fill ``out``; give the part that is filled, shorter than ``out`` at the end only."""
        n_filled = 0
        while n_filled < len(out):
            if not len(self._rest):
                _, self._rest = next(self._blocks, (0, self._rest))
            if not len(self._rest):
                break
            piece = self._rest[: len(out) - n_filled]
            out[n_filled : n_filled + len(piece)] = piece
            self._rest = self._rest[len(piece) :]
            n_filled += len(piece)
        return out[:n_filled]

    def _from(self, frame: Any) -> Iterator[Placed]:
        """Place and samples of each frame from this one on, without the padding at the end."""
        placed = self._placed(frame)
        exact = self._ticks_are_samples and self._told
        return _without_padding(placed, self._told) if exact else placed

    def _placed(self, frame: Any) -> Iterator[Placed]:
        place = self._place_of(frame)
        while frame is not None:
            self._check(frame)
            if frame.samples:
                yield place, _floats(frame)
            place += frame.samples
            frame = next(self._frames, None)
        if place < self._told - _SHORTFALL * self.samplerate:
            raise AudioError(
                f"{self._path}: decoding stopped at {place / self.samplerate:.2f} s of "
                f"{self._told / self.samplerate:.2f} s; cut off or damaged? copy or record it again"
            )

    def _place_of(self, frame: Any) -> int:
        if not self._ticks_are_samples or frame is None or frame.pts is None:
            return 0
        ticks = frame.pts - (self._stream.start_time or 0)
        return max(0, round(float(ticks * frame.time_base * self.samplerate)))

    def _check(self, frame: Any) -> None:
        n_channels, rate = frame.layout.nb_channels, frame.sample_rate
        if (n_channels, rate) != (self.channels, self.samplerate):
            raise AudioError(
                f"{self._path}: goes from {self.channels} channels at {self.samplerate} Hz to "
                f"{n_channels} at {rate} Hz; damaged, or two sounds in one file?"
            )


def _told_duration(container: Any, stream: Any) -> float:
    """Seconds that the header tells of the track; 0 where it tells none, or only of a film."""
    if stream.duration:
        return float(stream.duration * stream.time_base)
    is_alone = len(container.streams) == 1
    return container.duration / 1e6 if container.duration and is_alone else 0.0


def _without_padding(placed: Iterable[Placed], told: int) -> Iterator[Placed]:
    """Up to the sample the header tells; to the end where much more follows."""
    held: list[Placed] = []
    for place, block in placed:
        if place + len(block) <= told:
            yield place, block
            continue
        held.append((place, block))
        if place + len(block) > told + _PADDING:
            yield from held
            held.clear()
    yield from ((place, block[: told - place]) for place, block in held if place < told)


def _floats(frame: Any) -> Block:
    """Samples of shape (n_samples, n_channels); full scale of integers is 1."""
    samples: NDArray[Any] = frame.to_ndarray()
    rows = samples.T if frame.format.is_planar else samples.reshape(frame.samples, -1)
    if samples.dtype.kind == "f":
        return rows.astype(np.float32)
    middle = 128.0 if samples.dtype.kind == "u" else 0.0
    full_scale = 2.0 ** (8 * samples.dtype.itemsize - 1)
    return ((rows.astype(np.float64) - middle) / full_scale).astype(np.float32)
