"""Samples into sound files: complete under their name, or not there at all."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile

from ossicle.audio.limits import check_rate
from ossicle.errors import AudioError
from ossicle.types import Floats
from ossicle.workflow.files import replacing

__all__ = ["audio_writer", "write_audio"]

_KINDS = {
    ".wav": ("WAV", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
    ".opus": ("OGG", "OPUS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
    ".aiff": ("AIFF", "PCM_16"),
    ".aif": ("AIFF", "PCM_16"),
}
_BLOCK = 65_536  # libsndfile's Vorbis encoder overflows its stack on long single writes


def write_audio(
    path: str | Path, samples: Floats, sample_rate: int, *, subtype: str | None = None
) -> None:
    """Write a sound file; the ending decides the format.

    The folder is made where it is missing; a killed program leaves no half file.

    Parameters
    ----------
    path : str or Path
        Ending in wav, flac, ogg, opus, mp3, aiff or aif.
    samples : float array, shape (n_samples,) or (n_channels, n_samples)
        In [-1, 1]; integer formats clip what is beyond.
    sample_rate : int
        Hz.
    subtype : str, optional
        As libsndfile names it, for example ``"PCM_24"`` or ``"FLOAT"``; 16 bit by default.

    Raises
    ------
    AudioError
        If the ending, the samples or the rate cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_audio(f"{folder}/tone.flac", np.zeros(100), 16_000)
    """
    columns = _columns(samples, Path(path))
    with audio_writer(path, sample_rate, columns.shape[1], subtype=subtype) as write:
        write(columns.T)


@contextmanager
def audio_writer(
    path: str | Path, sample_rate: int, n_channels: int, *, subtype: str | None = None
) -> Iterator[Callable[[Floats], None]]:
    """Write a sound file block by block; it takes its name when the block of code ends well.

    Parameters
    ----------
    path, sample_rate, subtype
        As in `write_audio`.
    n_channels : int

    Yields
    ------
    function of samples
        Shape (n_samples,) or (n_channels, n_samples); to be called for one block after the other.

    Raises
    ------
    AudioError
        If the ending, the samples or the rate cannot be written.

    >>> import tempfile
    >>> with (
    ...     tempfile.TemporaryDirectory() as folder,
    ...     audio_writer(f"{folder}/long.wav", 16_000, 1) as write,
    ... ):
    ...     for _ in range(3):
    ...         write(np.zeros(16_000))
    """
    path = Path(path)
    kind, usual = _kind(path)
    rate = check_rate(sample_rate)
    try:
        with (
            replacing(path) as temporary,
            soundfile.SoundFile(
                temporary, "w", rate, n_channels, subtype or usual, format=kind
            ) as sound,
        ):

            def write(samples: Floats) -> None:
                columns = _columns(samples, path)
                for first in range(0, len(columns), _BLOCK):
                    sound.write(columns[first : first + _BLOCK])

            yield write
    except (soundfile.SoundFileError, ValueError, TypeError) as error:
        reason = str(getattr(error, "error_string", None) or error).rstrip(".")
        full = "is the disk full?" if "System error" in reason else "WAV holds any rate and number"
        raise AudioError(
            f"{path}: cannot write {n_channels} channels of {kind} {subtype or usual} at "
            f"{rate} Hz ({reason}); {full}"
        ) from error


def _kind(path: Path) -> tuple[str, str]:
    """Format and usual subtype for an ending."""
    if path.suffix.lower() not in _KINDS:
        raise AudioError(
            f"{path}: cannot write {path.suffix or 'a file without an ending'}; "
            f"{' '.join(_KINDS)} are allowed"
        )
    return _KINDS[path.suffix.lower()]


def _columns(samples: Floats, path: Path) -> Floats:
    """Samples as (n_samples, n_channels), finite."""
    array = np.atleast_2d(np.asarray(samples, dtype=np.float32))
    if array.ndim != 2 or array.size == 0:
        raise AudioError(
            f"{path}: samples of shape {np.shape(samples)}; (n_samples,) or "
            "(n_channels, n_samples) with at least one sample is allowed"
        )
    if not np.isfinite(array).all():
        raise AudioError(f"{path}: samples hold NaN or infinity; finite values are allowed")
    return array.T
