"""A folder that was filled, made ready to be an artifact: what is kept, digested, on the disk."""

import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ossicle.errors import WorkflowError
from ossicle.workflow.files import digest, file_digest, flush, flush_folder, readable_json

__all__ = [
    "LOG",
    "MANIFEST",
    "TIMES",
    "UNSEALED",
    "chosen",
    "content_of",
    "files_of",
    "seal",
    "take_away",
    "write_times",
]

MANIFEST, TIMES, LOG = UNSEALED = ("manifest.json", "times.json", "log.txt")
"""Files that are no part of a result."""

_LARGE = 500_000  # bytes, from which a digest is taken beside the wait for the disk
_LONG = 1.0  # seconds


def files_of(folder: Path) -> list[str]:
    """Names of all files in a folder, relative to it, in stable order; links count as files."""
    return sorted(_below(str(folder), ""))


def _below(folder: str, prefix: str) -> Iterator[str]:
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            yield from _below(entry.path, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name


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


def chosen(folder: Path, into: Path, keep: Sequence[str] | None) -> Path:
    """The files to keep, and the log, once more under another folder: scratch stays behind."""
    names = files_of(folder)
    kept = names if keep is None else [*_matching(folder, names, keep), *({LOG} & set(names))]
    for name in dict.fromkeys(kept):
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        _link(folder / name, target)
    into.mkdir(exist_ok=True)
    return into


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
    names = [name for name in files_of(folder) if name != LOG]
    for name in names:
        if name in UNSEALED or (folder / name).is_symlink():
            raise WorkflowError(f"an artifact cannot hold {name}: reserved name, or a link")
    files = _settled(folder, names)
    times = _matching(folder, names, measured) if measured else []
    manifest = {
        **about,
        "files": files,
        "measured": times,
        "content": content_of(files, times),
    }
    seconds = time.time() - started
    _write(folder / MANIFEST, manifest)
    write_times(folder, seconds)
    if seconds > _LONG:
        _flush_all(folder)
    return manifest


def write_times(folder: Path, seconds: float | None) -> None:
    """Say when an artifact was finished, and in how many seconds if that is known."""
    finished = datetime.now(UTC).isoformat(timespec="seconds")
    rounded = None if seconds is None else round(seconds, 3)
    _write(folder / TIMES, {"finished": finished, "seconds": rounded})


def _write(path: Path, value: Any) -> None:
    path.write_bytes(readable_json(value).encode())


def _settled(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Digest of each file; all are on the disk afterwards."""
    paths = [folder / name for name in names]
    if sum(path.lstat().st_size for path in paths) < _LARGE:
        for path in paths:
            flush(path)
        return {name: file_digest(path) for name, path in zip(names, paths, strict=True)}
    with ThreadPoolExecutor(1) as disk:
        flushed = disk.map(flush, paths)
        files = {name: file_digest(path) for name, path in zip(names, paths, strict=True)}
        list(flushed)
    return files


def _flush_all(folder: Path) -> None:
    """Wait for the manifest and for all names."""
    flush(folder / MANIFEST)
    for place, _, _ in os.walk(folder):
        flush_folder(Path(place))


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
