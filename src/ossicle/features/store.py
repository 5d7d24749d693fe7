"""The feature store: each clip is described once, by as many processes as there are.

    root/
      5c1e…/                 one front end and windowing, named by a digest of both, of the code
                             and of the versions of the libraries
        recipe.json          the same in words
        part-93ab….h5        the features of some clips, see parts.py

A clip is found by a digest of its file's bytes, its limits and the recipe: a renamed file is
found again, an edited one is not. A run that was killed leaves whole parts, and the next one makes
the missing ones. Several processes may fill one store: they write the same files.

Windows that overlap are stored with their shared frames repeated, so half-overlapping windows take
twice the space of the clips' own frames.
"""

import contextlib
import math
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ossicle.errors import FeatureError, WorkflowError
from ossicle.features.base import FrontEnd
from ossicle.features.parts import (
    DamagedPartError,
    Excerpt,
    MadePart,
    Part,
    PartJob,
    join_parts,
    make_part,
)
from ossicle.features.table import FeatureTable
from ossicle.features.windows import window_lengths
from ossicle.types import Clip
from ossicle.workflow.code import code_digest
from ossicle.workflow.executor import LocalCluster
from ossicle.workflow.files import canonical_json, digest, file_digests, write_json

__all__ = ["FeatureStore"]

PART_CLIPS = 64
"""Clips in a new part: what a killed run loses at most, per process."""

JOIN = 8
"""Parts of about one size that are joined to a larger one: an open file takes half a megabyte."""

ABANDONED_AFTER = 24 * 3600.0
"""Seconds after which an unfinished file belongs to a killed process and is removed."""

LIBRARIES = ("numpy", "onnxruntime", "scipy", "soundfile", "soxr")
"""What decides the numbers, besides ossicle's own code."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class FeatureStore:
    """Features of clips, kept on disk in HDF5.

    Parameters
    ----------
    root : path
        Folder of the store; made when first written to. It may be deleted at any time: everything
        in it can be computed again.

    >>> import tempfile
    >>> from ossicle.audio import write_audio
    >>> from ossicle.features import LogMel
    >>> from ossicle.types import Recording
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_audio(f"{folder}/tone.wav", np.zeros(64_000, np.float32), 16_000)
    ...     clips = [Clip(Recording(Path(folder, "tone.wav")))]
    ...     table = FeatureStore(f"{folder}/store").extract(clips, LogMel(n_mels=40), window=1.0)
    ...     len(table), table.starts.max(), table.matrix("mean").shape
    (7, np.float64(3.0), (7, 40))
    """

    root: Path | str

    def extract(
        self,
        clips: Sequence[Clip],
        front_end: FrontEnd,
        *,
        window: float | None = None,
        window_hop: float | None = None,
        n_jobs: int = 1,
        progress: Progress | None = None,
    ) -> FeatureTable:
        """Describe every window of every clip, or find it described.

        Parameters
        ----------
        clips : sequence of Clip
        front_end : FrontEnd
            Clips are read at its sample rate, all channels mixed to one.
        window : float, optional
            Seconds; None: each whole clip is one window.
        window_hop : float, optional
            Seconds between the starts of two windows; None: half a window, in whole frames.
        n_jobs : int
            Processes; the features do not depend on it, in any bit.
        progress : function, optional
            Called with the number of distinct clips done and of all.

        Returns
        -------
        FeatureTable
            Clips that cannot be read are in its ``skipped``, with the reason. What is no fault
            of theirs (a missing file, too many open files) is forgotten: the next run tries again.

        Raises
        ------
        FeatureError
            If the windowing is impossible.
        WorkflowError
            If the store cannot be written (disk full, no permission) or a process dies.
        """
        lengths = window_lengths(front_end, window, window_hop)
        folder = self._folder(front_end, lengths)
        excerpts = _excerpts(clips, folder.name)
        wanted = {each.key: each for each in excerpts if isinstance(each, Excerpt)}
        parts = _find_parts(folder, wanted)
        found = {key for part in parts for key in part.keys}
        missing = [each for key, each in wanted.items() if key not in found]
        jobs = [
            PartJob(
                folder, tuple(missing[first : first + PART_CLIPS]), front_end, window, window_hop
            )
            for first in range(0, len(missing), PART_CLIPS)
        ]
        report, done = progress or _silently, len(wanted) - len(missing)
        report(done, len(wanted))
        unavailable: dict[str, str] = {}
        for index, made in _in_order(LocalCluster(n_jobs).run(make_part, jobs)):
            unavailable |= made.unavailable
            if made.path is not None:
                parts = _joined([*parts, Part(made.path)], folder)
            done += len(jobs[index].excerpts)
            report(done, len(wanted))
        seconds = 0.0 if lengths is None else lengths[1] / front_end.sample_rate
        return _table(clips, excerpts, unavailable, parts, seconds)

    def _folder(self, front_end: FrontEnd, lengths: tuple[int, int] | None) -> Path:
        """Folder of one recipe, made and swept."""
        recipe = {"front_end": front_end.describe(), "window_and_hop_samples": lengths}
        code = code_digest("audio", "features", "inference", libraries=LIBRARIES)
        name = digest(canonical_json(recipe), code)
        folder = Path(self.root) / name
        if not (folder / "recipe.json").exists():
            write_json(folder / "recipe.json", recipe)
        for unfinished in folder.glob(".*.h5"):
            with contextlib.suppress(OSError):
                if time.time() - unfinished.stat().st_mtime > ABANDONED_AFTER:
                    unfinished.unlink()
        return folder


def _in_order(results: Iterator[tuple[int, MadePart]]) -> Iterator[tuple[int, MadePart]]:
    """The parts as one process would make them, so that the joined ones are the same too."""
    waiting: dict[int, MadePart] = {}
    first = 0
    for index, made in results:
        waiting[index] = made
        while first in waiting:
            yield first, waiting.pop(first)
            first += 1


def _silently(done: int, total: int) -> None:
    """Progress that nobody watches."""


def _excerpts(clips: Sequence[Clip], recipe: str) -> list[Excerpt | str]:
    """Each clip with its key; the reason in place of those whose file cannot be opened."""
    digests = file_digests(clip.path for clip in clips)
    return [_excerpt(clip, digests[clip.path], recipe) for clip in clips]


def _excerpt(clip: Clip, file: str | WorkflowError, recipe: str) -> Excerpt | str:
    if not isinstance(file, str):
        return str(file)
    key = digest(file, canonical_json([clip.start, clip.end]), recipe)
    return Excerpt(key, clip.path, clip.start, clip.end)


def _find_parts(folder: Path, wanted: Collection[str]) -> list[Part]:
    """The parts that hold any of the keys; damaged and superfluous ones are removed."""
    parts = [part for path in sorted(folder.glob("part-*.h5")) if (part := _intact(path, wanted))]
    kept: list[Part] = []
    found: set[str] = set()
    # Largest first: a run killed after joining leaves the small parts beside the large one.
    for part in sorted(parts, key=lambda part: -len(part.keys)):
        if found.issuperset(part.keys):
            part.path.unlink(missing_ok=True)
        else:
            kept.append(part)
            found.update(part.keys)
    return kept


def _intact(path: Path, wanted: Collection[str]) -> Part | None:
    """The part, if it is of use and undamaged; a damaged one is removed."""
    try:
        part = Part(path)
        if not any(key in wanted for key in part.keys):
            return None
        part.verify()
    except DamagedPartError:
        path.unlink(missing_ok=True)
        return None
    except FeatureError:
        if path.exists():
            raise
        return None  # another process has just joined it into a larger one
    return part


def _joined(parts: list[Part], folder: Path) -> list[Part]:
    """The same parts, with each 8 of about one size joined: few files for any number of clips."""
    equals = [part for part in parts if _level(part) == _level(parts[-1])]
    if len(equals) < JOIN:
        return parts
    joined = Part(join_parts(equals, folder))
    for part in equals:
        # Tables of this and other processes that read it keep it open, and so readable.
        part.path.unlink(missing_ok=True)
    return _joined([*(part for part in parts if part not in equals), joined], folder)


def _level(part: Part) -> int:
    """How often parts were joined into this one, roughly."""
    return int(math.log(len(part.keys) * 1.001, JOIN))


def _table(
    clips: Sequence[Clip],
    excerpts: Sequence[Excerpt | str],
    unavailable: Mapping[str, str],
    parts: Sequence[Part],
    hop: float,
) -> FeatureTable:
    """Look up the rows of every clip."""
    entries = _entries(parts)
    skipped: list[tuple[Clip, str]] = []
    places: list[tuple[int, int, int, int]] = []  # clip, window in it, part, row in it
    for index, (clip, excerpt) in enumerate(zip(clips, excerpts, strict=True)):
        if isinstance(excerpt, str):
            skipped.append((clip, excerpt))
            continue
        if excerpt.key in unavailable:
            skipped.append((clip, unavailable[excerpt.key]))
            continue
        number, rows, reason = entries[excerpt.key]
        if reason:
            skipped.append((clip, reason))
        places.extend((index, window, number, row) for window, row in enumerate(rows))
    table = np.array(places, np.int64).reshape(-1, 4)
    lengths = np.empty(len(table), np.int64)
    levels = np.empty(len(table), np.float64)
    for number, part in enumerate(parts):
        here = table[:, 2] == number
        lengths[here] = np.diff(part.offsets)[table[here, 3]]
        levels[here] = part.levels[table[here, 3]]
    return FeatureTable(
        clips=clips,
        skipped=skipped,
        clip_index=table[:, 0].copy(),
        n_unavailable=len(unavailable),
        levels=levels,
        starts=np.asarray(table[:, 1] * hop, np.float64),
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        _parts=parts,
        _places=table[:, 2:].copy(),
    )


def _entries(parts: Sequence[Part]) -> Mapping[str, tuple[int, range, str]]:
    """Key: part, rows in it, reason for having none."""
    return {
        key: (index, rows, reason)
        for index, part in enumerate(parts)
        for key, rows, reason in part.clips()
    }
