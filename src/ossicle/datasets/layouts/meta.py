"""``meta.csv`` beside a folder ``audio/`` that its paths begin at."""

from collections.abc import Sequence

from ossicle.datasets.dataset import Dataset
from ossicle.datasets.files import Found
from ossicle.datasets.layouts.layout import Layout, read_tabled
from ossicle.errors import DatasetError

__all__ = ["AUDIO", "META"]

TABLE = "meta.csv"
AUDIO = "audio"


def _matches(found: Found) -> bool:
    return TABLE in found.tables and any(name.startswith(f"{AUDIO}/") for name in found.sounds)


def _read(found: Found, tasks: Sequence[str] | None) -> Dataset:
    if TABLE not in found.tables:
        raise DatasetError(f"{found.root} has no {TABLE}; is it one folder further down?")
    return read_tabled(found, TABLE, root=found.root / AUDIO, tasks=tasks, inside=True)


META = Layout("meta", f"{TABLE} beside a folder {AUDIO}/", _matches, _read)
