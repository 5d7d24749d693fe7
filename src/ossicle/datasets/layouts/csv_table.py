"""A CSV that names the sounds, or a folder with one such CSV in it."""

from collections.abc import Sequence
from pathlib import Path

from ossicle.datasets.columns import COLUMNS
from ossicle.datasets.dataset import Dataset
from ossicle.datasets.export import untaken
from ossicle.datasets.files import TABLE_ENDING, Found
from ossicle.datasets.layouts.layout import Layout, read_tabled
from ossicle.datasets.table import columns_of
from ossicle.errors import DatasetError

__all__ = ["CSV"]

COMPANIONS = (".converted", "events.csv", "mixes.jsonl", "recipe.json")
"""Written by mixing and converting beside the table: how each clip came about."""

PREFERRED = "clips.csv"
"""The table to read where there are several."""


def _tables(found: Found) -> list[str]:
    """The tables at the top that name files; whatever the user named is one."""
    top = [name for name in found.tables if "/" not in name]
    paths = set(COLUMNS["path"])
    return top if found.only else [n for n in top if columns_of(found.root / n) & paths]


def _matches(found: Found) -> bool:
    return bool(_tables(found))


def _read(found: Found, tasks: Sequence[str] | None) -> Dataset:
    tables = _tables(found)
    tables = [PREFERRED] if PREFERRED in tables else tables
    if len(tables) != 1:
        raise DatasetError(
            f"{found.root} holds {len(tables)} tables of clips ({', '.join(tables) or 'none'}); "
            "one with a column 'path' or 'filename' is needed. Name the CSV itself"
        )
    return read_tabled(
        found, tables[0], root=found.root, tasks=tasks, inside=False, companions=COMPANIONS
    )


def _write(dataset: Dataset, path: Path, copied: bool) -> None:
    """A CSV at ``path``, or ``clips.csv`` in it; the sounds stay where they are."""
    table = path if path.suffix.lower() == TABLE_ENDING else path / PREFERRED
    with untaken(table) as temporary:
        dataset.to_csv(temporary)


CSV = Layout("csv", "a CSV with a column path or filename", _matches, _read, _write)
