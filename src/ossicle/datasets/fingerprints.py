"""Names for what a data set is: digests of its files, and of its table with them."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ossicle.errors import DatasetError, WorkflowError
from ossicle.types import Clip, Task
from ossicle.workflow.files import canonical_json, digest, file_digest

__all__ = ["clips_digest", "file_digests"]

_N_THREADS = 4
_SETTLED = 2.0  # seconds; the clock of a file system may be coarser than two writes are apart
_known: dict[tuple[str, int, int, int], str] = {}


def file_digests(paths: Sequence[Path]) -> dict[Path, str]:
    """Digest of each file's bytes, kept as long as the file keeps its size and time.

    Raises
    ------
    DatasetError
        If a file cannot be read.
    """
    unique = list(dict.fromkeys(paths))
    try:
        with ThreadPoolExecutor(_N_THREADS) as threads:
            return dict(zip(unique, threads.map(_file_digest, unique), strict=True))
    except (OSError, WorkflowError) as error:
        raise DatasetError(f"{error}; was a file of the data set moved or deleted?") from error


def clips_digest(clips: Sequence[Clip], tasks: Sequence[Task]) -> str:
    """Digest of the table and of the bytes of its files; where these lie does not matter.

    Raises
    ------
    DatasetError
        If a file cannot be read.
    """
    digests = file_digests([clip.path for clip in clips])
    asked = [[task.name, task.kind, task.labels, task.positive or ""] for task in tasks]
    rows = [_row(clip, digests) for clip in clips]
    return digest(canonical_json([asked, rows]))


def _row(clip: Clip, digests: Mapping[Path, str]) -> list[object]:
    return [
        digests[clip.path],
        clip.recording.name,
        clip.recording.licence,
        clip.start,
        clip.end,
        dict(clip.labels),
        clip.group,
        clip.fold,
        clip.split,
        dict(clip.metadata),
    ]


def _file_digest(path: Path) -> str:
    now, status = time.time(), path.stat()
    key = (str(path), status.st_ino, status.st_size, status.st_mtime_ns)
    if key in _known:
        return _known[key]
    value = file_digest(path)
    if now - status.st_mtime > _SETTLED:
        _known[key] = value
    return value
