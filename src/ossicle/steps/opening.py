"""Data sets opened: read, cut down to the clips that match, called by their own name."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ossicle.datasets import Dataset, licence_name, read_dataset
from ossicle.errors import DatasetError
from ossicle.steps.kept import is_kept, read_kept

__all__ = ["StageProgress", "open_dataset"]

StageProgress = Callable[[str, int, int], None]
"""Called with what is being done, how many are done and how many there are."""

TABLES = ("*.csv", "*/*.csv", "*.tsv", "*.jsonl", "*.selections.txt")
"""Files that may have a column for a task."""


def open_dataset(
    path: Path,
    *,
    layout: str | None = None,
    task: str | None = None,
    where: Mapping[str, str] | None = None,
    licences: Sequence[str] = (),
) -> Dataset:
    """Read a data set and keep the clips that match.

    Parameters
    ----------
    path : Path
        As for `read_dataset`; of an imported data set, its folder.
    layout : str, optional
        Detected if not given.
    task : str, optional
        Column of a table that is the task, if it is not ``label``; ``bpm:regression`` for a
        column of numbers.
    where : mapping of column to value, optional
    licences : sequence of str
        Keep the clips with one of these licences only; all by default.

    Raises
    ------
    DatasetError
        If nothing can be read or nothing matches.
    """
    tasks = None if task in (None, "label") else [task]
    if layout is None and is_kept(path):
        dataset = read_kept(path, tasks)
    else:
        dataset = read_dataset(path, layout=layout, tasks=tasks)
    if tasks and path.is_dir() and not any(any(path.glob(pattern)) for pattern in TABLES):
        raise DatasetError(f"{path} has folders, whose task is label; {task!r} is no column of it")
    kept = dataset.where(**where) if where else dataset
    if where and not len(kept):
        words = ", ".join(f"{column}={value}" for column, value in where.items())
        raise DatasetError(f"{path}: none of {len(dataset)} clips has {words}")
    return _licensed(kept, licences) if licences else kept


def _licensed(dataset: Dataset, licences: Sequence[str]) -> Dataset:
    kept = dataset.licensed(licences)
    if not len(kept):
        found = sorted({licence_name(clip.recording.licence) or "not stated" for clip in dataset})
        raise DatasetError(
            f"{dataset.name}: no clip has the licence {' or '.join(licences)}; there are: "
            f"{', '.join(found)}"
        )
    return kept
