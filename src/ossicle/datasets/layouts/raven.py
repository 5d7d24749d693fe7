"""Raven's selection tables: tab-separated, ``Begin Time (s)``, ``End Time (s)``, an annotation.

https://ravensoundsoftware.com. ``Begin File`` names the recording; without it, ``1.wav`` has its
table in ``1.txt``, ``1.selections.txt``, ``1.Table.1.selections.txt``. Where there is a column
``File Offset (s)``, the begin time may run on over several files, so the offset is the start.
Selections that Raven lists once for each view count once; their frequencies are passed over.
Licence, author, group, fold and split come from ``recordings.csv``, where that is beside.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from ossicle.audio import info
from ossicle.datasets.dataset import Dataset
from ossicle.datasets.export import untaken
from ossicle.datasets.files import Found
from ossicle.datasets.layouts.annotations import Marks, annotated_dataset, annotations, seconds
from ossicle.datasets.layouts.layout import Layout, one_task
from ossicle.datasets.table import columns_of
from ossicle.errors import DatasetError
from ossicle.types import Event

__all__ = ["RAVEN"]

BEGIN, END, OFFSET, FILE = "begin time (s)", "end time (s)", "file offset (s)", "begin file"
ANNOTATIONS = ("annotation", "label", "species", "common name", "type", "tag", "call type")
"""Columns that may hold the label, best first, in lower case."""

HEADER = (
    *("Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)"),
    *("High Freq (Hz)", "Begin File", "File Offset (s)", "Annotation"),
)
ENDING = ".selections.txt"


def _tables(found: Found) -> list[str]:
    return [n for n in found.named(".txt") if {BEGIN, END} <= columns_of(found.root / n)]


def _matches(found: Found) -> bool:
    return bool(_tables(found))


def _read(found: Found, tasks: Sequence[str] | None) -> Dataset:
    tables, (task, kind) = _tables(found), one_task(found, tasks)
    if not tables:
        raise DatasetError(f"{found.root} has no table (.txt) with Begin Time (s), End Time (s)")
    marks = Marks({}, [])
    for table in tables:
        _read_table(found, table, task, marks)
    return annotated_dataset(found, marks, (task, kind), label_files=tables)


def _read_table(found: Found, table: str, task: str, marks: Marks) -> None:
    beside = _sound_of_table(found, table)
    if beside is not None:
        marks.of_sound.setdefault(beside, [])
    seen = set()
    for line, row in _selections(found.root / table):
        place = f"{table}, line {line}"
        named = PureWindowsPath(row.get(FILE, "")).name
        sound = _sound(found, table, named) if named else beside
        if sound is None:
            marks.skipped.append((place, f"no such file: {named or PurePosixPath(table).stem}"))
            continue
        start, end = _limits(row, place)
        label = row.get(_column(row, task, found.root / table), "").strip()
        selection = (sound, row.get("selection", line), start, end, label)
        if selection not in seen:
            marks.add(sound, place, start, end, label)
        seen.add(selection)


def _selections(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number, and cells by the column's name in lower case, of each selection."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            header = [name.strip().lower() for name in next(rows, [])]
            for line, cells in enumerate(rows, start=2):
                if any(cells):
                    yield line, dict(zip(header, cells, strict=False))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"cannot read {path}: {error}") from error


def _limits(row: Mapping[str, str], place: str) -> tuple[float, float]:
    start, end = seconds(row.get(BEGIN, ""), place), seconds(row.get(END, ""), place)
    offset = row.get(OFFSET, "").strip()
    if not offset or seconds(offset, place) == start:
        return start, end
    first = seconds(offset, place)
    return first, round(first + end - start, 9)


def _column(row: Mapping[str, str], task: str, path: Path) -> str:
    names = ([task.lower()] if task.lower() in row else []) + [n for n in ANNOTATIONS if n in row]
    if not names:
        raise DatasetError(
            f"{path} has no column {' or '.join(ANNOTATIONS)}; name the one of the labels in tasks="
        )
    return names[0]


def _sound(found: Found, table: str, name: str) -> str | None:
    """The sound of a name beside the table, else the only one of that name anywhere."""
    near = str(PurePosixPath(table).parent / name)
    same = [sound for sound in found.sounds if PurePosixPath(sound).name == name]
    return near if near in same else same[0] if len(same) == 1 else None


def _sound_of_table(found: Found, table: str) -> str | None:
    """The sound beside the table whose name the table's begins with."""
    path = PurePosixPath(table)
    near = [s for s in found.sounds if PurePosixPath(s).parent == path.parent]
    fits = [s for s in near if path.name.startswith(f"{PurePosixPath(s).stem}.")]
    return max(fits, key=len, default=None)


def _write(dataset: Dataset, path: Path, copied: bool) -> None:
    """A table beside each sound, and ``recordings.csv``."""
    tops = {clip.path.name: info(clip.path).sample_rate / 2 for clip in dataset.clips}
    for sound, events in annotations(dataset, path, copied=copied).items():
        name = PurePosixPath(sound).name
        lines = [_line(n, event, name, tops[name]) for n, event in enumerate(events, start=1)]
        with untaken(path / f"{sound}{ENDING}") as temporary:
            temporary.write_text("\n".join(["\t".join(HEADER), *lines, ""]), encoding="utf-8")


def _line(number: int, event: Event, name: str, top: float) -> str:
    limits = f"{event.start!r}\t{event.end!r}\t0.0\t{top:g}"
    return f"{number}\tSpectrogram 1\t1\t{limits}\t{name}\t{event.start!r}\t{event.label}"


RAVEN = Layout("raven", "Raven selection tables (.txt)", _matches, _read, _write, by_labels=True)
"""Selection tables as Raven saves them."""
