"""Hugging Face's audiofolder: ``metadata.csv`` or ``metadata.jsonl`` with a column ``file_name``.

https://huggingface.co/docs/datasets/audio_dataset. The table lies at the top or in the folder of
each split; its names begin where it lies. Without a column ``split``, a file below a folder
``train``, ``validation`` or ``test`` is in that part.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ossicle.datasets.columns import SPLIT_NAMES
from ossicle.datasets.dataset import Dataset
from ossicle.datasets.export import export_folder, untaken
from ossicle.datasets.files import Found
from ossicle.datasets.layouts.layout import Layout
from ossicle.datasets.table import columns_of, read_table, write_table
from ossicle.errors import DatasetError
from ossicle.types import Clip

__all__ = ["AUDIOFOLDER"]

CSV_NAME = "metadata.csv"
JSON_NAME = "metadata.jsonl"
COLUMN = "file_name"


def _tables(found: Found) -> list[str]:
    """The tables of the set, those at the top alone where there are any."""
    named = [n for n in found.tables if PurePosixPath(n).name == CSV_NAME]
    listed = [n for n in found.named(JSON_NAME) if PurePosixPath(n).name == JSON_NAME]
    tables = [n for n in named if COLUMN in columns_of(found.root / n)] + listed
    return [n for n in tables if "/" not in n][:1] or tables


def _matches(found: Found) -> bool:
    return bool(_tables(found))


def _read(found: Found, tasks: Sequence[str] | None) -> Dataset:
    tables = _tables(found)
    if not tables:
        raise DatasetError(f"{found.root} has no {CSV_NAME} or {JSON_NAME} with {COLUMN}")
    sets = [_part(found, table, tasks) for table in tables]
    whole = sum(sets[1:], sets[0])
    used = {clip.path for clip in whole}
    told = {name for name, _ in whole.skipped}
    rest = () if found.only else (*found.sounds, *found.tables)
    unused = tuple(
        (name, f"not named in {' or '.join(tables)}")
        for name in rest
        if found.root / name not in used and name not in told and name not in tables
    )
    others = tuple(pair for pair in found.others if pair[0] not in tables and not found.only)
    clips = tuple(_in_split(clip, found.root) for clip in whole.clips)
    return Dataset(clips, whole.tasks, (*whole.skipped, *unused, *others), found.root.name)


def _part(found: Found, table: str, tasks: Sequence[str] | None) -> Dataset:
    path = found.root / table
    rows = _json_rows(path) if table.endswith(JSON_NAME) else None
    content = read_table(path, root=path.parent, tasks=tasks, inside=True, rows=rows)
    folder = PurePosixPath(table).parent
    skipped = tuple((str(folder / name), why) for name, why in content.skipped)
    return Dataset(content.clips, content.tasks, skipped, found.root.name)


def _in_split(clip: Clip, root: Path) -> Clip:
    top = clip.path.relative_to(root).parts[0].lower()
    return clip if clip.split or top not in SPLIT_NAMES else replace(clip, split=SPLIT_NAMES[top])


def _json_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The header, then the cells of each line, as if they were a CSV."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        rows = [(n, json.loads(line)) for n, line in enumerate(lines, start=1) if line.strip()]
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(f"{path} is not one JSON object a line: {error}") from error
    for number, row in rows:
        if not isinstance(row, dict):
            raise DatasetError(f"{path}, line {number}: {row!r}; an object is needed")
    names = list(dict.fromkeys(name for _, row in rows for name in row))
    yield 0, names
    for number, row in rows:
        yield number, [_cell(row.get(name)) for name in names]


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _write(dataset: Dataset, path: Path, copied: bool) -> None:
    """``metadata.csv`` and the sounds, in the folder of their split."""
    placed = export_folder(dataset, path, copied=copied, by_split=True, cut=True)
    with untaken(path / CSV_NAME) as temporary:
        write_table(temporary, placed.clips, placed.tasks, path_column=COLUMN)


AUDIOFOLDER = Layout(
    "audiofolder", f"{CSV_NAME} with a column {COLUMN}", _matches, _read, _write, by_labels=True
)
