"""Sound files into others: another rate, fewer channels, another format, cut into clips."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, isfinite
from pathlib import Path
from typing import NamedTuple

from ossicle.audio.limits import check_rate
from ossicle.audio.reading import rate_of, read_blocks
from ossicle.audio.writing import audio_writer
from ossicle.errors import AudioError
from ossicle.types import Samples

__all__ = ["Conversion", "Piece", "convert_audio"]

_BLOCK = 1.0  # seconds held at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """What becomes of a sound file.

    Parameters
    ----------
    sample_rate : int, optional
        Hz; as it is by default.
    mono : bool
        Average the channels, or keep them.
    cut : float, optional
        Seconds of a clip; the whole sound by default.
    shortest : float
        Seconds that a clip must last: a shorter rest, or sound, is left out.
    """

    sample_rate: int | None = None
    mono: bool = True
    cut: float | None = None
    shortest: float = 0.0

    def __post_init__(self) -> None:
        if self.sample_rate is not None:
            check_rate(self.sample_rate)
        longest = inf if self.cut is None else self.cut
        if not longest >= 0.01 or (self.cut is not None and not isfinite(longest)):
            raise AudioError(f"clips of {self.cut} s; 0.01 s and more are allowed")
        if not 0.0 <= self.shortest <= longest or not isfinite(self.shortest):
            raise AudioError(
                f"a shortest clip of {self.shortest} s; from 0 to the {longest:g} s of a clip "
                "are allowed"
            )


class Piece(NamedTuple):
    """A file that was written, and the seconds of its source that it holds."""

    path: Path
    start: float
    end: float


def convert_audio(
    source: str | Path,
    target: str | Path,
    conversion: Conversion,
    *,
    start: float = 0.0,
    end: float | None = None,
) -> list[Piece]:
    """Write a sound file, or a part of it, anew: in constant memory, all of it or nothing.

    Parameters
    ----------
    source, target : str or Path
        The ending of the target decides the format, with 16 bits a sample where it is not lossy.
        Cut into clips, the files get a number: ``siren.wav`` becomes ``siren-0000.wav`` and on.
    conversion : Conversion
    start, end : float
        Seconds of the source to convert; ``end=None``: to its end.

    Returns
    -------
    list of Piece

    Raises
    ------
    AudioError
        If the source cannot be read, the target not be written, or nothing lasts long enough.

    >>> import tempfile
    >>> import numpy as np
    >>> from ossicle.audio import write_audio
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_audio(f"{folder}/long.wav", np.zeros((2, 44_100 * 5)), 44_100)
    ...     conversion = Conversion(sample_rate=16_000, cut=2.0, shortest=0.5)
    ...     pieces = convert_audio(f"{folder}/long.wav", f"{folder}/short.flac", conversion)
    ...     [(piece.path.name, piece.start, piece.end) for piece in pieces]
    [('short-0000.flac', 0.0, 2.0), ('short-0001.flac', 2.0, 4.0), ('short-0002.flac', 4.0, 5.0)]
    """
    source, target = Path(source), Path(target)
    rate = conversion.sample_rate or rate_of(source)
    blocks = read_blocks(
        source,
        block=_BLOCK,
        sample_rate=conversion.sample_rate,
        start=start,
        end=end,
        mono=conversion.mono,
    )
    written: list[Piece] = []
    try:
        for piece in _write_pieces(_Supply(blocks), target, conversion, rate):
            written.append(piece._replace(start=piece.start + start, end=piece.end + start))
    except BaseException:
        for piece in written:
            piece.path.unlink(missing_ok=True)
        raise
    if not written:
        raise AudioError(f"{source}: shorter than the {conversion.shortest:g} s asked for")
    return written


class _Supply:
    """Samples to take from, a number at a time."""

    def __init__(self, blocks: Iterator[Samples]) -> None:
        self._blocks = blocks
        self._rest: Samples | None = None

    def take(self, n_samples: int) -> Iterator[Samples]:
        """Blocks with this number of samples in all, fewer at the end only."""
        while n_samples > 0:
            block = self._rest if self._rest is not None else next(self._blocks, None)
            if block is None:
                return
            head, rest = block[..., :n_samples], block[..., n_samples:]
            self._rest = rest if rest.shape[-1] else None
            n_samples -= head.shape[-1]
            yield head


def _write_pieces(
    supply: _Supply, target: Path, conversion: Conversion, rate: int
) -> Iterator[Piece]:
    """Write one clip after the other until the rest is too short."""
    n_cut = 2**62 if conversion.cut is None else round(conversion.cut * rate)
    n_least = max(1, min(n_cut, round(conversion.shortest * rate)))
    number = first = 0
    while _length(head := list(supply.take(n_least))) == n_least:
        path = target if conversion.cut is None else _numbered(target, number)
        n_written = n_least
        n_channels = 1 if head[0].ndim == 1 else len(head[0])
        with audio_writer(path, rate, n_channels) as write:
            for block in head:
                write(block)
            for block in supply.take(n_cut - n_least):
                write(block)
                n_written += block.shape[-1]
        yield Piece(path, first / rate, (first + n_written) / rate)
        number, first = number + 1, first + n_written


def _length(blocks: list[Samples]) -> int:
    return sum(block.shape[-1] for block in blocks)


def _numbered(target: Path, number: int) -> Path:
    return target.with_name(f"{target.stem}-{number:04}{target.suffix}")
