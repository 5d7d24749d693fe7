"""Steps on data sets: open, split, describe."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ossicle.datasets import Dataset, read_dataset
from ossicle.errors import DatasetError
from ossicle.features import FeatureStore
from ossicle.features import front_end as build
from ossicle.selection import StageProgress

__all__ = ["SPLITS", "extract_features", "open_dataset", "split_dataset"]

SPLITS = ("train", "validation", "test")


def open_dataset(
    path: Path,
    *,
    layout: str | None = None,
    task: str | None = None,
    where: Mapping[str, str] | None = None,
) -> Dataset:
    """Read a data set and keep the clips that match.

    Parameters
    ----------
    path : Path
    layout : str, optional
        Detected if not given.
    task : str, optional
        Column of a table that is the task, if it is not ``label``.
    where : mapping of column to value, optional

    Raises
    ------
    DatasetError
        If nothing can be read or nothing matches.
    """
    tasks = None if task in (None, "label") else [task]
    dataset = read_dataset(path, layout=layout, tasks=tasks)
    if tasks and path.is_dir() and not any([*path.glob("*.csv"), *path.glob("*/*.csv")]):
        raise DatasetError(f"{path} has folders, whose task is label; {task!r} is no column of it")
    kept = dataset.where(**where) if where else dataset
    if where and not len(kept):
        words = ", ".join(f"{column}={value}" for column, value in where.items())
        raise DatasetError(f"{path}: none of {len(dataset)} clips has {words}")
    return kept


def split_dataset(
    path: Path, *, out: Path, fractions: Sequence[float], seed: int = 0
) -> dict[str, int]:
    """Write ``train.csv``, ``validation.csv`` and ``test.csv``, groups and labels considered.

    Returns
    -------
    dict of name to number of clips
    """
    parts = dict(zip(SPLITS, open_dataset(path).split(fractions, seed=seed), strict=True))
    for name, part in parts.items():
        part.to_csv(out / f"{name}.csv")
    return {name: len(part) for name, part in parts.items()}


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
