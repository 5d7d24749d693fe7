"""The tables of DCASE: tab-separated, one row an event, a recording or a scene.

    filename  onset  offset  event_label         strong labels; a row with a name only: no event
    filename  event_labels                       weak labels, separated by commas: multilabel
    filename  scene_label                        one label

https://dcase.community. Names begin at the table, at ``audio/`` beside it, or in whichever folder
holds them. A table called after an official part is that part. Licence, author, group, fold and
split come from ``recordings.csv``, where that is beside.
"""

import csv
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from ossicle.datasets.columns import SPLIT_NAMES
from ossicle.datasets.dataset import Dataset
from ossicle.datasets.export import untaken
from ossicle.datasets.files import Found
from ossicle.datasets.layouts.annotations import annotations, companion_of, described
from ossicle.datasets.layouts.layout import Layout, labelled_dataset, one_task
from ossicle.datasets.table import columns_of, read_table, records
from ossicle.errors import DatasetError
from ossicle.types import Clip, TaskKind

__all__ = ["DCASE"]

LABELS = ("event_label", "event_labels", "scene_label")
HEADER = ("filename", "onset", "offset", "event_label")
TABLE = "events.tsv"


def _tables(found: Found) -> list[str]:
    def is_one(name: str) -> bool:
        columns = columns_of(found.root / name)
        return "filename" in columns and not columns.isdisjoint(LABELS)

    return [name for name in found.named(".tsv", ".txt") if is_one(name)]


def _matches(found: Found) -> bool:
    return bool(_tables(found))


def _read(found: Found, tasks: Sequence[str] | None) -> Dataset:
    tables, (task, kind) = _tables(found), one_task(found, tasks)
    if not tables:
        raise DatasetError(f"{found.root} has no table (.tsv) with filename and {LABELS[0]}")
    if any("event_labels" in columns_of(found.root / name) for name in tables):
        kind = kind or "multilabel"
    clips: list[Clip] = []
    skipped: list[tuple[str, str]] = []
    for name in tables:
        read, left_out = _part(found, name, task, kind)
        clips += read
        skipped += left_out
    return labelled_dataset(
        found,
        described(found, clips),
        (task, kind),
        skipped=skipped,
        companions=[*tables, *companion_of(found)],
    )


def _part(
    found: Found, table: str, task: str, kind: TaskKind | None
) -> tuple[list[Clip], Sequence[tuple[str, str]]]:
    """The clips of one table, and what it names and is not there."""
    path = found.root / table
    asked = f"label:{kind}" if kind else "label"
    content = read_table(path, root=_home(found, path), tasks=[asked], inside=True)
    stem = PurePosixPath(table).stem.lower()
    split = SPLIT_NAMES.get(stem, "")
    return [_plain(clip, task, split) for clip in content.clips], content.skipped


def _plain(clip: Clip, task: str, split: str) -> Clip:
    """With the label under the task's name, and not kept a second time under the column's."""
    label = clip.labels.get("label")
    labels = MappingProxyType({task: label} if label else {})
    kept = {name: value for name, value in clip.metadata.items() if name not in LABELS}
    return replace(clip, labels=labels, metadata=MappingProxyType(kept), split=clip.split or split)


def _home(found: Found, table: Path) -> Path:
    """The folder that holds most of the files that a table names."""
    names = _names(table)
    folders = {found.root, found.root / "audio", table.parent}
    folders |= {(found.root / name).parent for name in found.sounds}
    return max(sorted(folders), key=lambda folder: sum((folder / n).is_file() for n in names))


def _names(table: Path) -> list[str]:
    """The first names of a table, without those that would leave its folder."""
    first = islice(records(table), 50)
    names = (next(v for k, v in row.items() if k.strip().lower() == "filename") for _, row in first)
    return [n for n in names if n and ".." not in PurePosixPath(n).parts and "\0" not in n]


def _write(dataset: Dataset, path: Path, copied: bool) -> None:
    """``events.tsv``, ``recordings.csv`` and the sounds."""
    found = annotations(dataset, path, copied=copied)
    with (
        untaken(path / TABLE) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(HEADER)
        for name, events in found.items():
            rows = [(name, repr(e.start), repr(e.end), e.label) for e in events]
            writer.writerows(rows or [(name, "", "", "")])


DCASE = Layout(
    "dcase",
    "a table (.tsv) with filename, onset, offset, event_label",
    _matches,
    _read,
    _write,
    by_labels=True,
)
