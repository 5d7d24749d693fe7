"""Steps on data sets: open, split, describe."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ossicle.datasets import (
    FAULTS,
    Dataset,
    find_faults,
    licence_name,
    read_dataset,
    write_dataset,
)
from ossicle.datasets.dataset import SPLITS
from ossicle.errors import DatasetError, nearest
from ossicle.features import FeatureStore
from ossicle.features import front_end as build
from ossicle.selection import StageProgress
from ossicle.workflow.files import read_json

__all__ = [
    "SPLITS",
    "check_dataset",
    "export_dataset",
    "extract_features",
    "open_dataset",
    "split_dataset",
]

TABLE = "clips.csv"
ABOUT = "about.json"
"""Beside the table of an imported data set: its name, and the kinds of its tasks."""

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
    if (path / ABOUT).is_file():
        dataset = _imported(path, tasks)
    else:
        dataset = read_dataset(path, layout=layout, tasks=tasks)
    if tasks and path.is_dir() and not any(any(path.glob(pattern)) for pattern in TABLES):
        raise DatasetError(f"{path} has folders, whose task is label; {task!r} is no column of it")
    kept = dataset.where(**where) if where else dataset
    if where and not len(kept):
        words = ", ".join(f"{column}={value}" for column, value in where.items())
        raise DatasetError(f"{path}: none of {len(dataset)} clips has {words}")
    return _licensed(kept, licences) if licences else kept


def _imported(path: Path, tasks: Sequence[str] | None) -> Dataset:
    """A data set that was imported, under the name that it came with."""
    about = read_json(path / ABOUT)
    dataset = read_dataset(path / TABLE, layout="csv", tasks=tasks or about["tasks"] or None)
    return replace(dataset, name=about["name"])


def _licensed(dataset: Dataset, licences: Sequence[str]) -> Dataset:
    kept = dataset.licensed(licences)
    if not len(kept):
        found = sorted({licence_name(clip.recording.licence) or "not stated" for clip in dataset})
        raise DatasetError(
            f"{dataset.name}: no clip has the licence {' or '.join(licences)}; there are: "
            f"{', '.join(found)}"
        )
    return kept


def check_dataset(
    path: Path,
    *,
    layout: str | None = None,
    task: str | None = None,
    where: Mapping[str, str] | None = None,
    allowed: Sequence[str] = (),
    progress: StageProgress | None = None,
) -> dict[str, Any]:
    """Hear every clip of a data set and name what spoils learning or judging.

    Parameters
    ----------
    path, layout, task, where
        As for `open_dataset`.
    allowed : sequence of str
        Kinds of faults to pass over.

    Returns
    -------
    dict
        ``name, n_clips, ok, faults`` (kind, name and reason of each).

    Raises
    ------
    DatasetError
        If a kind is unknown.
    """
    for kind in allowed:
        if kind not in FAULTS:
            raise DatasetError(f"no kind of fault {kind!r}; {nearest(kind, FAULTS)}")
    dataset = open_dataset(path, layout=layout, task=task, where=where)
    faults = find_faults(dataset, progress=progress and partial(progress, "hearing"))
    found = [fault.to_dict() for fault in faults if fault.kind not in allowed]
    return {"name": dataset.name, "n_clips": len(dataset), "ok": not found, "faults": found}


def export_dataset(
    path: Path,
    *,
    out: Path,
    to: str,
    layout: str | None = None,
    task: str | None = None,
    where: Mapping[str, str] | None = None,
    licences: Sequence[str] = (),
    window: float | None = None,
    window_hop: float | None = None,
    copy: bool = True,
) -> dict[str, Any]:
    """Write a data set in another layout; see `ossicle.datasets.write_dataset`.

    With a ``window``, what is written are the windows of that many seconds, labelled by the events
    in them: see `ossicle.datasets.Dataset.windows`.

    Returns
    -------
    dict
        ``n_clips, out, licences`` (clips of each), ``lost`` (labels that no window bears).
    """
    read = open_dataset(path, layout=layout, task=task, where=where, licences=licences)
    dataset = read if window is None else read.windows(window, window_hop)
    write_dataset(dataset, out, layout=to, copy=copy)
    names = Counter(licence_name(clip.recording.licence) or "not stated" for clip in dataset)
    return {
        "n_clips": len(dataset),
        "out": str(out),
        "licences": dict(sorted(names.items())),
        "lost": sorted(_borne(read) - _borne(dataset)),
    }


def _borne(dataset: Dataset) -> set[str]:
    return {label for clip in dataset for label in clip.labels.values()}


def split_dataset(
    path: Path, *, out: Path, fractions: Sequence[float], seed: int = 0
) -> dict[str, int]:
    """Deal clips to train, validation and test, groups and labels considered.

    Writes ``clips.csv``, whose column ``split`` says the part of each clip, and the parts as
    ``train.csv``, ``validation.csv`` and ``test.csv``.

    Returns
    -------
    dict of name to number of clips
    """
    written = {name: out / f"{name}.csv" for name in SPLITS}
    made = {each.resolve() for each in (out, out / TABLE, *written.values())}
    if path.resolve() in made:
        raise DatasetError(f"{path} could be written over; choose another folder than {out}")
    dataset = open_dataset(path)
    dealt = zip(SPLITS, dataset.split(fractions, seed=seed), strict=True)
    parts = {name: _in_split(part, name) for name, part in dealt}
    for name, part in parts.items():
        part.to_csv(written[name])
    train, validation, test = parts.values()
    (train + validation + test).to_csv(out / TABLE)
    return {name: len(part) for name, part in parts.items()}


def _in_split(part: Dataset, name: str) -> Dataset:
    return replace(part, clips=tuple(replace(clip, split=name) for clip in part))


def extract_features(
    path: Path,
    *,
    out: Path,
    front_end: Mapping[str, Any] | str,
    window: float | None = None,
    window_hop: float | None = None,
    where: Mapping[str, str] | None = None,
    n_jobs: int = 1,
    progress: StageProgress | None = None,
) -> dict[str, Any]:
    """Describe every clip into a feature store.

    Returns
    -------
    dict
        ``n_clips, n_windows, n_frames, n_bands, front_end, skipped``.
    """
    dataset = open_dataset(path, where=where)
    front = build(front_end)
    table = FeatureStore(out).extract(
        dataset.clips,
        front,
        window=window,
        window_hop=window_hop,
        n_jobs=n_jobs,
        progress=progress and partial(progress, "features"),
    )
    return {
        "n_clips": len(dataset) - len(table.skipped),
        "n_windows": len(table),
        "n_frames": int(table.offsets[-1]),
        "n_bands": front.n_bands,
        "front_end": front.describe(),
        "skipped": [(str(clip.path), why) for clip, why in table.skipped],
    }
