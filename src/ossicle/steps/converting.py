"""The step that writes the sounds of a data set anew: another rate or format, cut into clips."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ossicle.audio import Conversion, Piece, convert_audio
from ossicle.datasets import Dataset, read_dataset
from ossicle.errors import AudioError, DatasetError, WorkflowError
from ossicle.features.store import LIBRARIES
from ossicle.types import Clip
from ossicle.workflow.code import code_digest
from ossicle.workflow.executor import LocalCluster
from ossicle.workflow.files import (
    canonical_json,
    claimed,
    digest,
    file_digest,
    read_json,
    write_json,
)

__all__ = ["FORMATS", "TABLE", "Converted", "convert_dataset"]

FORMATS = ("wav", "flac", "ogg")
"""What sounds can be written as."""

TABLE = "clips.csv"
RECORDS = ".converted"
"""Folder of what was made of each clip, by which a next run knows what is done."""


@dataclass(frozen=True)
class Converted:
    """What came of a conversion.

    Parameters
    ----------
    dataset : Dataset
        The clips as they are now, those that an earlier run had done among them.
    n_written : int
        Files written by this run.
    failed : tuple of (str, str)
        Sounds that could not be converted, and why.
    """

    dataset: Dataset
    n_written: int
    failed: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Job:
    """One clip to convert."""

    source: Path
    start: float
    end: float | None
    target: Path
    record: Path


@dataclass(frozen=True)
class _Done:
    """What became of it: its pieces, or why there are none."""

    pieces: tuple[Piece, ...] = ()
    n_written: int = 0
    fault: str = ""


def convert_dataset(
    source: str | Path,
    *,
    out: str | Path,
    conversion: Conversion,
    format: str = "wav",  # noqa: A002 - what users call it
    layout: str | None = None,
    n_jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Converted:
    """Write the sounds of a data set anew, in the same folders, with a table of what they are.

    Labels, groups, folds, splits, licence, author and every other column go with each clip into
    ``clips.csv``. Clips cut from one recording share its group, so that no fold cuts it. What an
    earlier run has done is not done again, unless the sound, the settings or the code are others
    now.

    Parameters
    ----------
    source : str or Path
        A sound, a folder, or a data set of any layout.
    out : str or Path
        A folder that is new, empty, or from an earlier conversion.
    conversion : Conversion
    format : {"wav", "flac", "ogg"}
    layout : str, optional
        Of the data set; detected by default.
    n_jobs : int
        Processes; -1: all cores.
    progress : callable, optional
        Called with the number of clips done and of all.

    Returns
    -------
    Converted

    Raises
    ------
    DatasetError
        If nothing can be read, or ``out`` is the source or holds other files.

    >>> import tempfile
    >>> import numpy as np
    >>> from ossicle.audio import write_audio
    >>> root = Path(tempfile.mkdtemp())
    >>> for label in ("bell", "dog"):
    ...     write_audio(root / "in" / label / "1.wav", np.zeros(24_000), 16_000)
    >>> conversion = Conversion(sample_rate=8_000, cut=1.0)
    >>> made = convert_dataset(root / "in", out=root / "out", conversion=conversion)
    >>> [clip.path.name for clip in made.dataset], made.dataset.labels().tolist()
    (['1-0000.wav', '1-0001.wav', '1-0000.wav', '1-0001.wav'], ['bell', 'bell', 'dog', 'dog'])
    """
    if format not in FORMATS:
        raise DatasetError(f"format {format!r}; {', '.join(FORMATS)} are allowed")
    dataset = read_dataset(source, layout=layout)
    out, root = _absolute(out), _absolute(source)
    root = root if root.is_dir() else root.parent
    with _kept(out, root):
        jobs = _jobs(dataset.clips, root, out, format)
        done = _run(jobs, partial(_convert, conversion), n_jobs, progress)
        clips = tuple(_clips(dataset.clips, root, jobs, done))
        failed = [(str(j.source), d.fault) for j, d in zip(jobs, done, strict=True) if d.fault]
        made = Dataset(clips, dataset.tasks if clips else (), tuple(failed), out.name)
        if clips:
            made.to_csv(out / TABLE)
    return Converted(made, sum(each.n_written for each in done), tuple(failed))


# What is to be done -------------------------------------------------------------------------


def _jobs(clips: Sequence[Clip], root: Path, out: Path, ending: str) -> list[_Job]:
    jobs = []
    taken: set[str] = set()
    for clip in clips:
        name = next(name for name in _names(clip, root) if name.lower() not in taken)
        taken.add(name.lower())
        record = out / RECORDS / f"{digest(name)}.json"
        target = out / f"{name}.{ending}"
        jobs.append(_Job(_absolute(clip.path), clip.start, clip.end, target, record))
    return jobs


def _names(clip: Clip, root: Path) -> Iterator[str]:
    """Names for a clip's file, without ending: where it lay, and what tells it from others."""
    inner = _inner(clip, root)
    is_whole = clip.start == 0.0 and clip.end is None
    end = "" if clip.end is None else f"{clip.end:g}"
    part = "" if is_whole else f"_{clip.start:g}-{end}"
    yield inner.with_name(inner.stem + part).as_posix()
    yield inner.with_name(f"{inner.stem}_{inner.suffix[1:]}{part}").as_posix()
    number = 2
    while True:
        yield inner.with_name(f"{inner.stem}{part}_{number}").as_posix()
        number += 1


def _inner(clip: Clip, root: Path) -> Path:
    """Where the clip's recording lies in the source."""
    path = _absolute(clip.path)
    return path.relative_to(root if path.is_relative_to(root) else path.anchor)


def _clips(
    clips: Sequence[Clip], root: Path, jobs: Sequence[_Job], done: Sequence[_Done]
) -> Iterator[Clip]:
    """A clip for each file: what its source was, with a group where a recording gave several."""
    n_pieces: dict[Path, int] = {}
    for job, each in zip(jobs, done, strict=True):
        n_pieces[job.source] = n_pieces.get(job.source, 0) + len(each.pieces)
    for clip, job, each in zip(clips, jobs, done, strict=True):
        group = clip.group or (_inner(clip, root).as_posix() if n_pieces[job.source] > 1 else "")
        for piece in each.pieces:
            recording = replace(clip.recording, path=piece.path)
            yield replace(clip, recording=recording, start=0.0, end=None, group=group)


# Doing it -----------------------------------------------------------------------------------


def _run(
    jobs: Sequence[_Job],
    function: Callable[[_Job], _Done],
    n_jobs: int,
    progress: Callable[[int, int], None] | None,
) -> list[_Done]:
    done = [_Done()] * len(jobs)
    for count, (place, result) in enumerate(LocalCluster(n_jobs).run(function, jobs), start=1):
        done[place] = result
        if progress is not None:
            progress(count, len(jobs))
    return done


def _convert(conversion: Conversion, job: _Job) -> _Done:
    """Convert a clip if its record does not say that it is done."""
    try:
        made_of = _made_of(conversion, job)
        held = _held(job.record)
        pieces = _pieces(held, job) if held.get("made_of") == made_of else ()
        if pieces:
            return _Done(pieces)
        written = tuple(
            convert_audio(job.source, job.target, conversion, start=job.start, end=job.end)
        )
        rows = [[p.path.name, p.start, p.end, p.path.stat().st_size] for p in written]
        write_json(job.record, {"made_of": made_of, "pieces": rows})
        _remove_others(held, rows, job)
    except AudioError as error:
        return _Done(fault=str(error))
    return _Done(written, len(written))


def _made_of(conversion: Conversion, job: _Job) -> str:
    """Names the sound by its bytes, all that is done to it, and the code that does it."""
    try:
        source = file_digest(job.source)
    except WorkflowError as error:
        raise AudioError(str(error)) from error
    asked = [source, job.start, job.end, job.target.suffix, asdict(conversion)]
    return digest(canonical_json([*asked, code_digest("audio", libraries=LIBRARIES)]))


def _held(record: Path) -> dict[str, Any]:
    """What an earlier run wrote down; nothing where it wrote nothing that can be read."""
    try:
        held = read_json(record)
    except WorkflowError:
        return {}
    return held if isinstance(held, dict) else {}


def _pieces(held: dict[str, Any], job: _Job) -> tuple[Piece, ...]:
    """The files of a record, if all are there as they were written."""
    pieces = []
    for name, start, end, size in held["pieces"]:
        path = job.target.with_name(name)
        if not path.is_file() or path.stat().st_size != size:
            return ()
        pieces.append(Piece(path, start, end))
    return tuple(pieces)


def _remove_others(held: dict[str, Any], rows: Sequence[Sequence[Any]], job: _Job) -> None:
    """Remove what earlier settings made of this clip and these did not."""
    for name in {row[0] for row in held.get("pieces", ())} - {row[0] for row in rows}:
        job.target.with_name(name).unlink(missing_ok=True)


# The folder ---------------------------------------------------------------------------------


@contextmanager
def _kept(out: Path, root: Path) -> Iterator[None]:
    """The folder for this run alone, if it may be written to."""
    if out == root or out.is_relative_to(root):
        raise DatasetError(
            f"{out} lies in {root}, where the next run would find its own clips; "
            "choose a folder elsewhere"
        )
    if out.exists() and not out.is_dir():
        raise DatasetError(f"{out} is a file; give a new or empty folder")
    names = {path.name for path in out.iterdir()} if out.is_dir() else set()
    if names and RECORDS not in names:
        raise DatasetError(
            f"{out} is not empty, it holds {min(names)}; give a new or empty folder, or that of "
            "an earlier conversion"
        )
    try:
        (out / RECORDS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(f"cannot write to {out}: {error.strerror}") from error
    with claimed(out):
        yield


def _absolute(path: str | Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - Path.absolute keeps ".."
