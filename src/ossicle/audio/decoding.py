"""Sound files opened and decoded block by block: by libsndfile, or by PyAV what it does not know.

A header is a claim: what a file holds is what can be decoded from it, under limits.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from ossicle.audio.containers import (
    FORMATS,
    counts_samples,
    format_of,
    likeness,
    media_of,
    missing_bytes,
)
from ossicle.audio.limits import Limits, check_amount, check_rate
from ossicle.audio.media import UNKNOWN_LENGTH, is_installed, opened_track
from ossicle.errors import AudioError, UnavailableError

__all__ = ["END_TOLERANCE", "UNKNOWN_LENGTH", "decode", "opened"]

END_TOLERANCE = 0.05
"""Seconds by which rounded annotations may pass the end."""

_BLOCK_VALUES = 65_536  # 256 KiB of float32 stay in the cache
_SYSTEM_ERROR = 2  # libsndfile's code for what the system, not the file, is to blame for
_LOUDEST = 1e6  # integers written as floats reach 32 768; beyond that the bytes are not sound


class _Forward(soundfile.SoundFile):  # type: ignore[misc]
    """Reads forward only: soundfile's seek after each read fails where the length is unknown."""

    def seekable(self) -> bool:
        return False


@contextmanager
def opened(path: Path, limits: Limits) -> Iterator[Any]:
    """The file as an open sound whose header keeps the limits; any fault becomes an AudioError."""
    try:
        _check_place(path)
        # Opened by descriptor, unbuffered: given a name, libsndfile would believe its ending.
        with path.open("rb", buffering=0) as file, _decoder(path, file) as sound:
            _check_header(sound, path, limits)
            yield sound
    except AudioError:
        raise
    except FileNotFoundError:
        raise UnavailableError(
            f"{path}: no such file; is the path relative to another folder?"
        ) from None
    except OSError as error:
        raise UnavailableError(f"{path}: cannot be opened ({error.strerror or error})") from error
    except MemoryError:
        raise UnavailableError(f"{path}: not enough memory; read it in blocks") from None
    except (soundfile.SoundFileError, ValueError, TypeError, OverflowError) as error:
        by_system = getattr(error, "code", None) == _SYSTEM_ERROR
        raise (UnavailableError if by_system else AudioError)(
            f"{path}: cannot be decoded ({_reason(error)}); damaged, cut off, or of a kind "
            f"libsndfile does not know? {FORMATS} are read"
        ) from error


def _check_place(path: Path) -> None:
    if path.is_dir():
        raise AudioError(f"{path}: is a folder; one sound file is expected")
    if path.exists() and not path.is_file():
        raise AudioError(f"{path}: is a device or pipe; a sound file is expected (see read_pcm)")


def _decoder(path: Path, file: FileIO) -> AbstractContextManager[Any]:
    """What decodes the file: chosen by its first bytes, and left at the first of them."""
    head = file.read(64)
    if not head:
        raise AudioError(f"{path}: is empty (0 bytes); was the copy or the recording interrupted?")
    file.seek(0)
    if demuxer := media_of(head):
        return opened_track(path, file, demuxer)
    if format_of(head) is None:
        name, cure = likeness(head)
        raise AudioError(f"{path}: looks like {name}; {FORMATS} are read; {cure}")
    if format_of(head) == "MP3" and not counts_samples(file) and is_installed():
        file.seek(0)
        return opened_track(path, file, "mp3")
    file.seek(0)
    _check_size(path, file)
    return _Forward(file.fileno(), closefd=False)


def _check_size(path: Path, file: FileIO) -> None:
    size = os.fstat(file.fileno()).st_size
    if missing := missing_bytes(file, size):
        raise AudioError(
            f"{path}: cut off: its header promises {missing} bytes more than its {size}; "
            "copy or record it again"
        )
    file.seek(0)


def _check_header(sound: Any, path: Path, limits: Limits) -> None:
    check_rate(sound.samplerate, limits=limits, name=f"{path}: sample rate")
    if not 1 <= sound.channels <= limits.max_channels:
        raise AudioError(
            f"{path}: {sound.channels} channels; 1 to {limits.max_channels} are allowed; "
            "is the header damaged?"
        )
    if sound.frames <= 0:
        raise AudioError(
            f"{path}: holds no samples; was the recorder stopped before it wrote its header?"
        )


def decode(
    sound: Any, path: Path, first: int, last: int | None, limits: Limits
) -> Iterator[NDArray[np.float32]]:
    """Blocks of shape (n_samples, n_channels), checked as they come."""
    promised = sound.frames if sound.frames < UNKNOWN_LENGTH else None
    stop = promised if last is None else last
    size = {"n_channels": sound.channels, "sample_rate": sound.samplerate}
    if stop is not None:
        check_amount(stop - first, **size, limits=limits, name=str(path))
    if first:
        sound.seek(first)
    place = first
    buffer = np.empty((max(1, _BLOCK_VALUES // sound.channels), sound.channels), np.float32)
    while last is None or place < last:
        wanted = len(buffer) if last is None else min(len(buffer), last - place)
        block = sound.read(out=buffer[:wanted])
        if not len(block):
            break
        _check_finite(block, path, place, sound.samplerate)
        place += len(block)
        check_amount(place - first, **size, limits=limits, name=str(path))
        yield block
    if place == first or (
        stop is not None and place < stop and _is_binding(path, sound, stop - place)
    ):
        raise AudioError(
            f"{path}: decoding stopped at {place / sound.samplerate:.2f} s; "
            "cut off or damaged? copy or record it again"
        )


def _is_binding(path: Path, sound: Any, n_missing: int) -> bool:
    """Whether the length is a count in the header, or was asked for and is clearly missed."""
    if sound.frames >= UNKNOWN_LENGTH:
        return bool(n_missing > END_TOLERANCE * sound.samplerate)
    with path.open("rb", buffering=0) as file:
        return counts_samples(file)


def _check_finite(block: NDArray[np.float32], path: Path, place: int, sample_rate: int) -> None:
    if not -_LOUDEST <= block.min() <= block.max() <= _LOUDEST:  # NaN compares false
        row, channel = np.argwhere(~(np.abs(block) <= _LOUDEST))[0]
        raise AudioError(
            f"{path}: value {block[row, channel]} at {(place + row) / sample_rate:.4f} s; finite "
            "values (full scale is 1) are allowed; damaged, or written by a diverging program?"
        )


def _reason(error: Exception) -> str:
    """What went wrong, in libsndfile's words where it has some."""
    words = str(getattr(error, "error_string", None) or error or type(error).__name__)
    # libsndfile's words for an MP3 without a frame, which would send the reader astray.
    return "no sound inside" if "does not exist" in words else words.strip().rstrip(".")
