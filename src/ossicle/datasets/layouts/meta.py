"""``meta.csv`` or ``events.csv`` beside a folder ``audio/`` that its paths begin at.

``events.csv`` has one row an event (``filename, onset, offset, label``): strong labels. Beside a
``clips.csv`` it only says when what is in the clips is heard, and the clips are read.
"""

from collections.abc import Sequence

from ossicle.datasets.dataset import Dataset
from ossicle.datasets.files import Found
from ossicle.datasets.layouts.csv_table import PREFERRED
from ossicle.datasets.layouts.layout import Layout, read_tabled
from ossicle.errors import DatasetError

__all__ = ["AUDIO", "META"]

TABLES = ("meta.csv", "events.csv")
AUDIO = "audio"
MIXED = "clips.csv"
"""The table of a mixed folder, which is read as CSV though its events are beside it."""


def _table(found: Found) -> str | None:
    named = TABLES[:1] if PREFERRED in found.tables else TABLES
    return next((name for name in named if name in found.tables), None)


def _matches(found: Found) -> bool:
    beside = any(name.startswith(f"{AUDIO}/") for name in found.sounds)
    return beside and _table(found) is not None and MIXED not in found.tables


def _read(found: Found, tasks: Sequence[str] | None) -> Dataset:
    table = _table(found)
    if table is None:
        raise DatasetError(
            f"{found.root} has no {' and no '.join(TABLES)}; is it one folder further down?"
        )
    return read_tabled(found, table, root=found.root / AUDIO, tasks=tasks, inside=True)


META = Layout("meta", f"{TABLES[0]} beside a folder {AUDIO}/", _matches, _read)
