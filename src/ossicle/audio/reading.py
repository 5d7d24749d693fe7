"""Sound files and raw streams into samples: whole, in part, or block by block."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ossicle.audio.decoding import END_TOLERANCE, UNKNOWN_LENGTH, decode, opened
from ossicle.audio.limits import LIMITS, STREAM_LIMITS, Limits, check_amount, check_rate
from ossicle.audio.resampling import Resampler
from ossicle.errors import AudioError
from ossicle.types import Samples

__all__ = ["AudioInfo", "info", "rate_of", "read_audio", "read_blocks", "read_pcm"]

_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What a sound file's header says.

    Parameters
    ----------
    format, subtype : str
        As the decoding library names them, for example ``"WAV"`` and ``"PCM_16"``.
    sample_rate : int
        Hz.
    n_channels : int
    n_samples : int
        Per channel.

    >>> AudioInfo("WAV", "PCM_16", 16_000, 1, 8_000).duration
    0.5
    """

    format: str
    subtype: str
    sample_rate: int
    n_channels: int
    n_samples: int

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.n_samples / self.sample_rate


def info(path: str | Path) -> AudioInfo:
    """What a sound file holds, from its header (counted where the header does not say).

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    AudioInfo

    Raises
    ------
    AudioError
        If it is no sound file that can be read.

    >>> import tempfile
    >>> from ossicle.audio import write_audio
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_audio(f"{folder}/tone.wav", np.zeros(800), 16_000)
    ...     info(f"{folder}/tone.wav").duration
    0.05
    """
    path = Path(path)
    with opened(path, STREAM_LIMITS) as sound:
        n_samples = sound.frames
        if n_samples >= UNKNOWN_LENGTH:
            n_samples = sum(len(block) for block in decode(sound, path, 0, None, STREAM_LIMITS))
        return AudioInfo(sound.format, sound.subtype, sound.samplerate, sound.channels, n_samples)


def rate_of(path: str | Path) -> int:
    """Sample rate of a sound file in Hz, without a look at how long it is.

    Raises
    ------
    AudioError
        If it is no sound file that can be read.

    >>> import tempfile
    >>> from ossicle.audio import write_audio
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_audio(f"{folder}/tone.wav", np.zeros(800), 16_000)
    ...     rate_of(f"{folder}/tone.wav")
    16000
    """
    with opened(Path(path), STREAM_LIMITS) as sound:
        return int(sound.samplerate)


def read_audio(
    path: str | Path,
    *,
    sample_rate: int | None = None,
    start: float = 0.0,
    end: float | None = None,
    mono: bool = True,
    limits: Limits = LIMITS,
) -> tuple[Samples, int]:
    """Samples of a sound file, or of a part of it.

    Reads WAV, FLAC, Ogg (Vorbis, Opus), MP3, AIFF, CAF and AU, and with the extra ``media`` M4A,
    MP4, AAC, WebM, Matroska, WMA, WavPack and AMR; the content decides, not the ending.

    Parameters
    ----------
    path : str or Path
    sample_rate : int, optional
        Hz to resample to; the file's own by default.
    start, end : float
        Seconds; only this part is decoded. ``end=None``: to the end.
    mono : bool
        Average the channels.
    limits : Limits

    Returns
    -------
    samples : float32 array, shape (n_samples,), or (n_channels, n_samples) if not ``mono``
        Full scale is 1; floating-point and lossy files may pass it.
    sample_rate : int
        Hz.

    Raises
    ------
    AudioError
        If the file cannot be read, is damaged, cut off or too long, holds NaN or infinity, or
        ends before ``end``.

    >>> import tempfile
    >>> from ossicle.audio import write_audio
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_audio(f"{folder}/tone.wav", np.zeros(44_100), 44_100)
    ...     samples, sample_rate = read_audio(f"{folder}/tone.wav", sample_rate=16_000, end=0.5)
    >>> samples.shape, sample_rate
    ((8000,), 16000)
    """
    path, sample_rate = Path(path), _checked(sample_rate, limits)
    pieces: list[Samples] = []
    with opened(path, limits) as sound:
        to_rate = sample_rate or sound.samplerate
        blocks = decode(sound, path, *_part(sound, path, start, end), limits)
        n_samples = 0
        for piece in _converted(blocks, mono=mono, from_rate=sound.samplerate, to_rate=to_rate):
            n_samples += piece.shape[1]
            check_amount(
                n_samples, n_channels=len(piece), sample_rate=to_rate, limits=limits, name=str(path)
            )
            pieces.append(piece)
        samples = np.concatenate(pieces, axis=1)
    return (samples[0] if mono else samples), to_rate


def read_blocks(
    path: str | Path,
    *,
    block: float = 1.0,
    sample_rate: int | None = None,
    start: float = 0.0,
    end: float | None = None,
    mono: bool = True,
    limits: Limits = STREAM_LIMITS,
) -> Iterator[Samples]:
    """A sound file block by block, in constant memory.

    Parameters
    ----------
    path : str or Path
    block : float
        Seconds; the last block may be shorter.
    sample_rate, start, end, mono, limits
        As in `read_audio`.

    Yields
    ------
    float32 array, shape (n_samples,), or (n_channels, n_samples) if not ``mono``
        Joined, the blocks are what `read_audio` gives.

    Raises
    ------
    AudioError
        As `read_audio` does.

    >>> import tempfile
    >>> from ossicle.audio import write_audio
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_audio(f"{folder}/tone.wav", np.zeros(20_000), 16_000)
    ...     [len(block) for block in read_blocks(f"{folder}/tone.wav", block=0.5)]
    [8000, 8000, 4000]
    """
    path, sample_rate = Path(path), _checked(sample_rate, limits)
    with opened(path, limits) as sound:
        to_rate = sample_rate or sound.samplerate
        blocks = decode(sound, path, *_part(sound, path, start, end), limits)
        pieces = _converted(blocks, mono=mono, from_rate=sound.samplerate, to_rate=to_rate)
        for each in _recut(pieces, _block_length(block, to_rate)):
            yield each[0] if mono else each


def read_pcm(stream: BinaryIO, *, sample_rate: int, block: float = 1.0) -> Iterator[Samples]:
    """Raw signed 16-bit little-endian mono from a stream, such as standard input.

    Parameters
    ----------
    stream : binary file
    sample_rate : int
        Hz.
    block : float
        Seconds; the last block may be shorter.

    Yields
    ------
    float32 array, shape (n_samples,)

    >>> import io
    >>> [len(block) for block in read_pcm(io.BytesIO(bytes(6)), sample_rate=1_000, block=0.002)]
    [2, 1]
    """
    n_bytes = 2 * _block_length(block, check_rate(sample_rate))
    while data := _read_fully(stream, n_bytes):
        if len(data) > 1:
            yield np.frombuffer(data, "<i2", len(data) // 2).astype(np.float32) / np.float32(32_768)


def _checked(sample_rate: int | None, limits: Limits) -> int | None:
    return None if sample_rate is None else check_rate(sample_rate, limits=limits)


def _part(sound: Any, path: Path, start: float, end: float | None) -> tuple[int, int | None]:
    """First sample and the one after the last (None: as many as there are)."""
    rate, length = sound.samplerate, sound.frames / sound.samplerate
    if not (0.0 <= start < length and (end is None or start < end)):
        part = f"from {start:g} s on" if end is None else f"between {start:g} s and {end:g} s"
        raise AudioError(
            f"{path}: nothing {part}; 0 <= start < end is allowed, and it lasts {length:.2f} s"
        )
    if end is None:
        return round(start * rate), None
    if end > length + END_TOLERANCE:
        raise AudioError(
            f"{path}: end {end:g} s is after its end at {length:.2f} s; are times in milliseconds?"
        )
    last = min(round(end * rate), sound.frames)
    return min(round(start * rate), last - 1), last


def _converted(
    blocks: Iterable[NDArray[np.float32]], *, mono: bool, from_rate: int, to_rate: int
) -> Iterator[Samples]:
    """Pieces of shape (n_channels, n_samples) at the wanted rate; one row if ``mono``."""
    resamplers: list[Resampler] = []
    for block in blocks:
        rows = _average(block)[np.newaxis] if mono else block.T.copy()
        resamplers = resamplers or [Resampler(from_rate, to_rate) for _ in rows]
        yield np.stack([each.push(row) for each, row in zip(resamplers, rows, strict=True)])
    yield np.stack([each.finish() for each in resamplers])


def _average(block: NDArray[np.float32]) -> Samples:
    """The channels' mean, added in a fixed order so that blocks do not matter."""
    total = block[:, 0].copy()
    for channel in range(1, block.shape[1]):
        total += block[:, channel]
    total /= np.float32(block.shape[1])
    return total


def _recut(pieces: Iterable[Samples], length: int) -> Iterator[Samples]:
    """The same samples, (n_channels, n_samples), in blocks of ``length``, the last shorter."""
    held: list[Samples] = []
    n_held = 0
    for piece in pieces:
        held.append(piece)
        n_held += piece.shape[1]
        if n_held >= length:
            joined = np.concatenate(held, axis=1)
            n_ready = n_held - n_held % length
            yield from (joined[:, i : i + length].copy() for i in range(0, n_ready, length))
            held, n_held = [joined[:, n_ready:].copy()], n_held - n_ready
    if n_held:
        yield np.concatenate(held, axis=1)


def _block_length(block: float, sample_rate: int) -> int:
    if not 1.0 <= block * sample_rate < UNKNOWN_LENGTH:
        raise AudioError(
            f"block of {block:g} s at {sample_rate} Hz; at least one sample is needed, "
            "and a block is given in seconds"
        )
    return round(block * sample_rate)


def _read_fully(stream: BinaryIO, n_bytes: int) -> bytes:
    """As many bytes as asked for, fewer only at the end."""
    data = bytearray()
    # Asked for at once, a block of hours would take all its memory before the first sound.
    while len(data) < n_bytes and (more := stream.read(min(n_bytes - len(data), _READ_BYTES))):
        data += more
    return bytes(data)
