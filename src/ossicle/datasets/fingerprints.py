"""Names for what a data set is: digests of its files, and of its table with them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ossicle.errors import WorkflowError
from ossicle.types import Clip, Task
from ossicle.workflow.files import canonical_json, digest, file_digests

__all__ = ["clips_digest", "recording_marks"]

N_MARK = 8
UNREADABLE = "unreadable"
"""In place of the digest of a file that cannot be read: who uses the clips skips and names it."""


def clips_digest(clips: Sequence[Clip], tasks: Sequence[Task]) -> str:
    """Digest of the table and of the bytes of its files; where these lie does not matter."""
    digests = file_digests([clip.path for clip in clips])
    asked = [[task.name, task.kind, task.labels, task.positive or ""] for task in tasks]
    rows = [_row(clip, digests) for clip in clips]
    return digest(canonical_json([asked, rows]))


def recording_marks(paths: Sequence[Path]) -> dict[Path, str]:
    """A short name for the bytes of each readable file, to know a recording again by.

    Eight hexadecimal digits of the file's digest: two of a thousand recordings have the same one
    in ten thousand times.
    """
    digests = file_digests(paths)
    return {path: file[:N_MARK] for path, file in digests.items() if isinstance(file, str)}


def _row(clip: Clip, digests: Mapping[Path, str | WorkflowError]) -> list[object]:
    file = digests[clip.path]
    return [
        file if isinstance(file, str) else UNREADABLE,
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
