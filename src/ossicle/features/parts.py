"""Part files of the feature store: the features of some clips in one HDF5 file.

A part is written whole or not at all, and never changed afterwards. Each chunk of it carries a
checksum (Fletcher-32, and HDF5's own on its metadata), so a damaged part is noticed.

    frames   (n_frames, n_bands) float32   all windows of all clips, one after the other
    offsets  (n_rows + 1,) int64           where each window's frames begin
    levels   (n_rows,) float64             how loud each window is, in dBFS
    index    bytes                         JSON: keys of the clips, windows of each, reasons

A clip whose bytes cannot be described is in the index with the reason and without windows: they
are part of its key, so another attempt would end in the same way. One that could not be read this
time (too many open files, no memory) is left out, so that the next run tries again.
"""

import contextlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from ossicle.audio import read_blocks
from ossicle.errors import AudioError, FeatureError, UnavailableError
from ossicle.extras import require
from ossicle.features.base import FrontEnd
from ossicle.features.windows import WindowCutter
from ossicle.workflow.files import canonical_json, digest, replacing

__all__ = ["DamagedPartError", "Excerpt", "MadePart", "Part", "PartJob", "join_parts", "make_part"]

BLOCK = 5.0
"""Seconds of a clip that are described at once."""

SLICE = 1 << 18
"""Numbers read or written at once (1 MB)."""

CHUNK = 1 << 14
"""Numbers in one chunk of the file (64 kB).

A window is read alone while a network learns, and the chunks it lies in are read whole: of
16,000 numbers in a fifth of the time that chunks of 256 kB take. Reading everything takes as long.
"""

CACHE = 1 << 20
"""Bytes of a file being written that are kept in memory."""

Frames = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Which sound has which key."""

    key: str
    path: Path
    start: float
    end: float | None


@dataclass(frozen=True, slots=True)
class PartJob:
    """One part to be made: plain data, so that any process can make it."""

    folder: Path
    excerpts: tuple[Excerpt, ...]
    front_end: FrontEnd
    window: float | None
    window_hop: float | None


class MadePart(NamedTuple):
    """Where a part is (None: it would be empty), and why clips are missing, by their keys."""

    path: Path | None
    unavailable: dict[str, str]


class Row(NamedTuple):
    """One window: its features, shape ``(n_frames, n_bands)``, and its level in dBFS."""

    frames: Frames
    level: float


def make_part(job: PartJob) -> MadePart:
    """Describe the excerpts of a job and write their part."""
    unavailable: dict[str, str] = {}
    with _writing(job.folder, job.front_end.n_bands) as writer:
        for excerpt in job.excerpts:
            try:
                writer.add(excerpt.key, _rows(excerpt, job))
            except UnavailableError as error:
                unavailable[excerpt.key] = _reason(error, excerpt)
            except MemoryError:
                unavailable[excerpt.key] = "not enough memory for its features"
            except (AudioError, FeatureError) as error:
                writer.refuse(excerpt.key, _reason(error, excerpt))
    return MadePart(writer.path, unavailable)


def _rows(excerpt: Excerpt, job: PartJob) -> Iterator[Row]:
    """Every window of an excerpt."""
    front_end = job.front_end
    cutter = WindowCutter(front_end, window=job.window, window_hop=job.window_hop)
    for block in read_blocks(
        excerpt.path,
        block=BLOCK,
        sample_rate=front_end.sample_rate,
        start=excerpt.start,
        end=excerpt.end,
    ):
        for piece in cutter.push(block):
            yield Row(front_end.finish(piece.frames), piece.level)
    for piece in cutter.finish():
        yield Row(front_end.finish(piece.frames), piece.level)


def _reason(error: Exception, excerpt: Excerpt) -> str:
    return str(error).removeprefix(f"{excerpt.path}: ")


def join_parts(parts: list["Part"], folder: Path) -> Path:
    """Copy several parts into one and return its path; the old files are left as they are."""
    with _writing(folder, parts[0].n_bands) as writer:
        for part in parts:
            for key, rows, reason in part.clips():
                if reason:
                    writer.refuse(key, reason)
                else:
                    writer.add(key, (part.row(row) for row in rows))
    assert writer.path is not None
    return writer.path


class DamagedPartError(FeatureError):
    """A part file that is not what was once written."""


class Part:
    """A finished part, opened for reading.

    Parameters
    ----------
    path : Path

    Raises
    ------
    DamagedPartError
        If the file is damaged or is no part.
    FeatureError
        If the system does not let it be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._reading():
            self._open()
            self.offsets: NDArray[np.int64] = self._file["offsets"][:]
            self.levels: NDArray[np.float64] = self._file["levels"][:]
            index = json.loads(self._file["index"][:].tobytes())
            self.keys: list[str] = index["keys"]
            self.reasons: list[str] = index["reasons"]
            self.first_rows = np.concatenate([[0], np.cumsum(index["n_rows"], dtype=np.int64)])
            self.n_bands = int(self._stored.shape[1])

    def _open(self) -> None:
        # Parts never change: no lock is needed, and some file systems have none. Nor is a cache,
        # which would hold megabytes of each of many parts, most of them read in random order.
        self._file = require("h5py", extra="search").File(
            self.path, "r", locking=False, rdcc_nbytes=0, rdcc_nslots=1
        )
        self._stored = self._file["frames"]  # looking it up takes longer than reading a row
        self._process = os.getpid()

    def __reduce__(self) -> tuple[type["Part"], tuple[Path]]:
        return Part, (self.path,)

    def clips(self) -> Iterator[tuple[str, range, str]]:
        """Key, rows and reason for having none, of each clip."""
        rows = (range(a, b) for a, b in zip(self.first_rows[:-1], self.first_rows[1:], strict=True))
        yield from zip(self.keys, rows, self.reasons, strict=True)

    def frames(self, first_row: int, last_row: int) -> Frames:
        """Frames of the windows ``first_row:last_row``, one after the other."""
        return self._frames(int(self.offsets[first_row]), int(self.offsets[last_row]))

    def piece(self, row: int, first: int, last: int) -> Frames:
        """The frames ``first:last`` of one window; those that it does not have are left out."""
        begin, end = int(self.offsets[row]), int(self.offsets[row + 1])
        return self._frames(min(begin + first, end), min(begin + last, end))

    def _frames(self, first: int, last: int) -> Frames:
        with self._reading():
            if self._process != os.getpid():  # what a parent process opened is its own
                self._file.close()
                self._open()
            frames: Frames = self._stored[first:last]
            return frames

    def row(self, index: int) -> Row:
        """One window."""
        return Row(self.frames(index, index + 1), float(self.levels[index]))

    def verify(self) -> None:
        """Read everything once, which compares all checksums.

        Raises
        ------
        DamagedPartError
        """
        with self._reading():
            step = max(1, SLICE // self.n_bands)
            for first in range(0, int(self.offsets[-1]), step):
                self._stored[first : first + step]

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn every way in which a damaged file can fail into one error."""
        try:
            yield
        except (OSError, KeyError, ValueError, TypeError, RuntimeError, IndexError) as error:
            if isinstance(error, OSError) and error.errno is not None:  # from the system
                raise FeatureError(f"cannot read {self.path}: {error}") from error
            raise DamagedPartError(
                f"{self.path} is damaged ({error}); extract the features again, which replaces it"
            ) from error


class _Writer:
    """Appends windows to an open file, many at a time."""

    def __init__(self, file: Any, n_bands: int) -> None:
        self._file = file
        chunk = (max(1, CHUNK // n_bands), n_bands)
        self._frames = file.create_dataset(
            "frames", (0, n_bands), "f4", maxshape=(None, n_bands), chunks=chunk, fletcher32=True
        )
        self._step = max(1, SLICE // n_bands)
        self._waiting: list[Frames] = []
        self._n_written = 0
        self._offsets = [0]
        self._levels: list[float] = []
        self.path: Path | None = None
        self._index: dict[str, list[Any]] = {"keys": [], "n_rows": [], "reasons": []}

    @property
    def keys(self) -> list[str]:
        """Of the clips entered so far."""
        return self._index["keys"]

    def add(self, key: str, rows: Iterable[Row]) -> None:
        """Append a clip's windows; if they end in an error, none of them is kept."""
        n_rows = len(self._offsets) - 1
        try:
            for row in rows:
                self._waiting.append(row.frames)
                self._offsets.append(self._offsets[-1] + len(row.frames))
                self._levels.append(row.level)
                if self._offsets[-1] - self._n_written >= self._step:
                    self._flush()
        except BaseException:
            self._rewind(n_rows)
            raise
        self._enter(key, len(self._offsets) - 1 - n_rows, "")

    def refuse(self, key: str, reason: str) -> None:
        """Enter a clip that has no windows."""
        self._enter(key, 0, reason)

    def finish(self) -> None:
        """Write what is left, and the index."""
        self._flush()
        index = np.frombuffer(canonical_json(self._index).encode(), np.uint8)
        for name, values in (
            ("offsets", np.array(self._offsets, np.int64)),
            ("levels", np.array(self._levels, np.float64)),
            ("index", index),
        ):
            chunk = (max(1, len(values)),)
            self._file.create_dataset(
                name, data=values, maxshape=(None,), chunks=chunk, fletcher32=True
            )

    def _enter(self, key: str, n_rows: int, reason: str) -> None:
        for column, value in (("keys", key), ("n_rows", n_rows), ("reasons", reason)):
            self._index[column].append(value)

    def _flush(self) -> None:
        if not self._waiting:
            return
        frames = np.concatenate(self._waiting)
        last = self._n_written + len(frames)
        self._frames.resize(last, axis=0)
        self._frames[self._n_written : last] = frames
        self._waiting, self._n_written = [], last

    def _rewind(self, n_rows: int) -> None:
        # Without flushing, which may just have failed for want of memory.
        n_gone = len(self._levels) - n_rows
        del self._waiting[max(0, len(self._waiting) - n_gone) :]
        del self._offsets[n_rows + 1 :], self._levels[n_rows:]
        self._n_written = min(self._n_written, self._offsets[-1])
        self._frames.resize(self._n_written, axis=0)


@contextlib.contextmanager
def _writing(folder: Path, n_bands: int) -> Iterator[_Writer]:
    """A writer whose file appears when it is whole, under the name of the clips it holds."""
    h5py = require("h5py", extra="search")
    draft = folder / f".{uuid4().hex}.h5"
    # The newest layout has checksums on the metadata too.
    with (
        replacing(draft) as temporary,
        _closing(h5py.File(temporary, "w", libver="latest", rdcc_nbytes=CACHE)) as file,
    ):
        writer = _Writer(file, n_bands)
        yield writer
        writer.finish()
    if writer.keys:
        writer.path = draft.replace(folder / f"part-{digest(*writer.keys)}.h5")
    else:
        draft.unlink()


@contextlib.contextmanager
def _closing(file: Any) -> Iterator[Any]:
    """The open file, closed in the end; when writing fails it still is.

    HDF5 keeps what it cannot write, cannot close such a file, and takes the process down with it.
    """
    try:
        yield file
        file.flush()
    except BaseException as error:
        if hasattr(os, "memfd_create"):
            elsewhere = os.memfd_create("ossicle")  # the file is given up: the rest goes to memory
            os.dup2(elsewhere, file.id.get_vfd_handle())
            os.close(elsewhere)
        with contextlib.suppress(OSError, RuntimeError):
            file.close()
        if (refusal := _refusal(error)) is not None:
            raise refusal from error
        raise
    file.close()


def _refusal(error: BaseException | None) -> OSError | None:
    """What the system answered (disk full), which HDF5 tells in the text of its errors alone."""
    while isinstance(error, OSError | RuntimeError):
        if told := re.search(r"errno = (\d+)", str(error)):
            return OSError(int(told[1]), os.strerror(int(told[1])))
        error = error.__context__
    return None
