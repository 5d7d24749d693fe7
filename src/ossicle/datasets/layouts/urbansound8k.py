"""UrbanSound8K as published: ``metadata/UrbanSound8K.csv`` and ``audio/fold1`` to ``fold10``.

J. Salamon, C. Jacoby, J. P. Bello, "A Dataset and Taxonomy for Urban Sound Research", ACM
Multimedia 2014, https://urbansounddataset.weebly.com. Licence of the set: CC BY-NC 3.0. Slices of
one Freesound recording (``fsID``) are one group. ``start`` and ``end`` speak of that recording, not
of the slice: they are kept as ``source_start`` and ``source_end``.
"""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from types import MappingProxyType

from ossicle.datasets.dataset import Dataset
from ossicle.datasets.files import Found
from ossicle.datasets.layouts.layout import Layout, labelled_dataset, one_task
from ossicle.datasets.table import columns_of, records
from ossicle.errors import DatasetError
from ossicle.types import Clip, Recording

__all__ = ["URBANSOUND8K"]

TABLES = ("metadata/UrbanSound8K.csv", "UrbanSound8K.csv")
COLUMNS = {"slice_file_name", "fsid", "start", "end", "salience", "fold", "classid", "class"}
KEPT = {"salience": "salience", "classID": "classID"} | {
    "start": "source_start",
    "end": "source_end",
}
LICENCE = "CC BY-NC 3.0"


def _table(found: Found) -> str | None:
    return next(
        (t for t in TABLES if t in found.tables and columns_of(found.root / t) >= COLUMNS), None
    )


def _matches(found: Found) -> bool:
    return _table(found) is not None


def _read(found: Found, tasks: Sequence[str] | None) -> Dataset:
    table, (task, kind) = _table(found), one_task(found, tasks)
    if table is None:
        raise DatasetError(
            f"{found.root} has no {TABLES[0]} with the columns {', '.join(sorted(COLUMNS))}"
        )
    clips, skipped, there = [], [], set(found.sounds)
    for line, row in records(found.root / table):
        name = f"audio/fold{row['fold']}/{row['slice_file_name']}"
        if name not in there and not (found.only and _is_file(found, name)):
            skipped.append((name, f"{table}, line {line}: no such file"))
            continue
        clips.append(_clip(found, name, row, task))
    return labelled_dataset(found, clips, (task, kind), skipped=skipped, companions=[table])


def _is_file(found: Found, name: str) -> bool:
    return ".." not in PurePosixPath(name).parts and (found.root / name).is_file()


def _clip(found: Found, name: str, row: Mapping[str, str], task: str) -> Clip:
    if not row["fold"].isdecimal():
        raise DatasetError(
            f"{found.root}: {name}: the fold is {row['fold']!r}; 1 to 10 are allowed"
        )
    return Clip(
        Recording(found.root / name, licence=LICENCE),
        labels=MappingProxyType({task: row["class"]}),
        group=row["fsID"],
        fold=int(row["fold"]),
        metadata=MappingProxyType({ours: row[theirs] for theirs, ours in KEPT.items()}),
    )


URBANSOUND8K = Layout("urbansound8k", f"{TABLES[0]} beside audio/fold1 ...", _matches, _read)
