"""Sounds without labels: something to listen to, to mix with, or to label."""

from collections.abc import Sequence

from ossicle.datasets.dataset import Dataset
from ossicle.datasets.files import Found
from ossicle.datasets.layouts.layout import Layout
from ossicle.errors import DatasetError
from ossicle.types import Clip, Recording

__all__ = ["RECORDINGS"]


def _matches(found: Found) -> bool:
    return bool(found.sounds)


def _read(found: Found, tasks: Sequence[str] | None) -> Dataset:
    if tasks:
        raise DatasetError(
            f"{found.root}: tasks={tuple(tasks)}, but these sounds have no labels; add a CSV with "
            "a column for each task"
        )
    clips = tuple(Clip(Recording(found.root / name)) for name in found.sounds)
    tables = ((name, "a table that names no sounds") for name in found.tables)
    return Dataset(clips, (), (*tables, *found.others), found.root.name)


RECORDINGS = Layout("recordings", "sounds without labels", _matches, _read)
