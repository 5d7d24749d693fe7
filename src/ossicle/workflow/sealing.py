"""A folder that was filled, made ready to be an artifact: what is kept, digested, on the disk."""

import contextlib
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from ossicle.errors import WorkflowError
from ossicle.workflow.files import canonical_json, digest, file_digest, flush, flush_folder

__all__ = [
    "LOG",
    "MANIFEST",
    "TIMES",
    "UNSEALED",
    "as_lines",
    "choose",
    "content_of",
    "discard",
    "faults",
    "files_of",
    "seal",
    "settle",
    "take_away",
    "write_times",
]

MANIFEST, TIMES, LOG = UNSEALED = ("manifest.json", "times.json", "log.txt")
"""Files that are no part of a result."""

_LARGE = 50_000  # bytes, from which the disk is set to work before the digest is taken
_LONG = 1.0  # seconds


def files_of(folder: Path) -> list[str]:
    """Names of all files in a folder, relative to it, in stable order; links count as files."""
    return sorted(name for name, _ in _below(str(folder), ""))


def _below(folder: str, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _below(entry.path, f"{prefix}{entry.name}/")
            else:
                yield prefix + entry.name, entry


def faults(folder: Path, files: Mapping[str, str], name: str) -> Iterator[tuple[str, str]]:
    """Files that are not what they were when these digests were taken; below ``name``, if any."""
    there = {each for each in files_of(folder) if each not in UNSEALED}
    for each in sorted(there | files.keys()):
        if name and name not in _ways_to(each):
            continue
        if each not in files:
            yield each, "was added later"
        elif each not in there:
            yield each, "is missing"
        elif file_digest(folder / each) != files[each]:
            yield each, "has changed"


def content_of(files: Mapping[str, str], measured: Iterable[str] = ()) -> str:
    """Digest over names and digests of files, but for the measured ones."""
    passed = set(measured)
    names = [name for name in sorted(files) if name not in passed]
    return digest(*(piece for name in names for piece in (name, files[name])))


def _matching(folder: Path, names: Iterable[str], patterns: Sequence[str]) -> list[str]:
    """The names that match a glob pattern, or lie below a folder that does."""
    hits = {
        path.relative_to(folder).as_posix() for pattern in patterns for path in folder.glob(pattern)
    }
    return [name for name in names if not hits.isdisjoint(_ways_to(name))]


def _ways_to(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]


def _kept(folder: Path, keep: Sequence[str] | None) -> list[str]:
    """The files to keep, and the log."""
    names = files_of(folder)
    matching = names if keep is None else _matching(folder, names, keep)
    return list(dict.fromkeys([*matching, *({LOG} & set(names))]))


def discard(folder: Path, keep: Sequence[str]) -> None:
    """Remove what is not to be kept, and folders that are empty then."""
    kept = _kept(folder, keep)
    for name in set(files_of(folder)).difference(kept):
        (folder / name).unlink()
    needed = {way for name in kept for way in _ways_to(name)}
    for place, _, _ in os.walk(folder, topdown=False):
        path = Path(place)
        if path != folder and path.relative_to(folder).as_posix() not in needed:
            path.rmdir()


def choose(folder: Path, into: Path, keep: Sequence[str] | None) -> None:
    """The files to keep, and the log, once more under another folder: scratch stays behind."""
    for name in _kept(folder, keep):
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        _link(folder / name, target)
    into.mkdir(exist_ok=True)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # a file system without links
        shutil.copy2(source, target, follow_symlinks=False)


def seal(
    folder: Path, about: Mapping[str, Any], *, measured: Sequence[str], started: float
) -> dict[str, Any]:
    """Add manifest and times to a folder whose files are on the disk when this returns.

    Returns
    -------
    dict
        The manifest.
    """
    found = {name: entry for name, entry in _below(str(folder), "") if name != LOG}
    for name, entry in found.items():
        if name in UNSEALED or not entry.is_file(follow_symlinks=False):
            raise WorkflowError(
                f"an artifact cannot hold {name}: a reserved name, or a link, pipe or device"
            )
    names, n_bytes = sorted(found), sum(entry.stat().st_size for entry in found.values())
    if n_bytes > _LARGE and time.time() - started < _LONG:
        for name in names:
            _set_out(folder / name)
    digests = {name: file_digest(folder / name) for name in names}
    for name in names:
        flush(folder / name)
    times = _matching(folder, names, measured) if measured else []
    content = content_of(digests, times)
    manifest = {**about, "files": digests, "measured": times, "content": content}
    _write(folder / MANIFEST, manifest)
    write_times(folder, time.time() - started)
    folders = (Path(place) for place, _, _ in os.walk(folder))
    settle(chain([folder / MANIFEST], folders), started=started)
    return manifest


def settle(paths: Iterable[Path], *, started: float) -> None:
    """Wait for files and for the names in folders, if the work was worth more than the wait."""
    if time.time() - started > _LONG:
        for path in paths:
            flush_folder(path) if path.is_dir() else flush(path)


def write_times(folder: Path, seconds: float | None) -> None:
    """Say when an artifact was finished, and in how many seconds if that is known."""
    finished = datetime.now(UTC).isoformat(timespec="seconds")
    rounded = None if seconds is None else round(seconds, 3)
    _write(folder / TIMES, {"finished": finished, "seconds": rounded})


def _write(path: Path, value: Mapping[str, Any]) -> None:
    path.write_bytes(as_lines(value))


def as_lines(value: Mapping[str, Any]) -> bytes:
    """JSON with one line a key: readable, and written fast."""
    lines = (f'"{key}": {canonical_json(part)}' for key, part in value.items())
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def _set_out(path: Path) -> None:
    """Let the system begin to write a file to the disk, without waiting for it.

    What is on the disk already would be forgotten, so this is for files that are just written.
    """
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file, contextlib.suppress(OSError):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def take_away(folder: Path, aside: Path) -> None:
    """Remove a folder by renaming it first: whoever is killed meanwhile has taken all of it away.

    Raises
    ------
    WorkflowError
        If the system refuses.
    """
    try:
        folder.rename(aside)
    except OSError as error:
        raise WorkflowError(f"cannot remove {folder}: {error.strerror}") from error
    shutil.rmtree(aside, ignore_errors=True)
