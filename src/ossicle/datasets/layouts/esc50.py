"""ESC-50 as published: ``meta/esc50.csv`` beside ``audio/``, or ``meta.csv`` with its columns.

K. J. Piczak, "ESC: Dataset for Environmental Sound Classification", ACM Multimedia 2015,
https://github.com/karolpiczak/ESC-50. 2,000 clips of 5 s, 50 labels, 5 official folds; the column
``esc10`` marks the ten labels of ESC-10. Licence of the set: CC BY-NC 3.0 (of ESC-10: CC BY 3.0).
Clips cut from one source recording are one group.
"""

from collections.abc import Sequence
from dataclasses import replace

from ossicle.datasets.dataset import Dataset
from ossicle.datasets.files import Found
from ossicle.datasets.layouts.layout import Layout, read_tabled
from ossicle.datasets.layouts.meta import AUDIO
from ossicle.datasets.table import columns_of
from ossicle.errors import DatasetError
from ossicle.types import Clip

__all__ = ["ESC50"]

TABLES = ("meta/esc50.csv", "meta.csv")
COLUMNS = {"filename", "fold", "target", "category", "esc10", "take"}
LICENCE = "CC BY-NC 3.0"


def _table(found: Found) -> str | None:
    return next(
        (t for t in TABLES if t in found.tables and columns_of(found.root / t) >= COLUMNS), None
    )


def _matches(found: Found) -> bool:
    return _table(found) is not None


def _read(found: Found, tasks: Sequence[str] | None) -> Dataset:
    table = _table(found)
    if table is None:
        raise DatasetError(
            f"{found.root} has neither {' nor '.join(TABLES)} with the columns "
            f"{', '.join(sorted(COLUMNS))}; is it one folder further down?"
        )
    dataset = read_tabled(found, table, root=found.root / AUDIO, tasks=tasks, inside=True)
    return replace(dataset, clips=tuple(map(_licensed, dataset.clips)))


def _licensed(clip: Clip) -> Clip:
    """With the licence of the set where the clip's own is not told."""
    if clip.recording.licence:
        return clip
    return replace(clip, recording=replace(clip.recording, licence=LICENCE))


ESC50 = Layout("esc50", f"{TABLES[0]} beside a folder {AUDIO}/", _matches, _read)
