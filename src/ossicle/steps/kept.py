"""Data sets kept with their sounds: folders that stand for themselves."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ossicle.datasets import Dataset, read_dataset
from ossicle.datasets.export import export_folder
from ossicle.datasets.shown import shown
from ossicle.workflow.files import read_json, write_json

__all__ = [
    "ABOUT",
    "SOUNDS",
    "TABLE",
    "called",
    "is_kept",
    "keep_dataset",
    "name_dataset",
    "read_kept",
]

TABLE, SOUNDS = "clips.csv", "sounds"

ABOUT = "about.json"
"""Beside the table: the name that the data set came with, and the kinds of its tasks."""

KEPT = {"table": TABLE, "about": ABOUT, "sounds": SOUNDS}
"""What such a folder holds, by the names that other steps use."""


def keep_dataset(dataset: Dataset, out: Path, *, source: Path | None = None) -> Dataset:
    """Write a data set with its sounds, byte for byte; give it as it lies there.

    Sounds keep the names of their folders, as far as those belong to the data set's ``source``.
    """
    inner = Path() if source is None else _inner(dataset, source)
    placed = export_folder(dataset, out / SOUNDS / inner, copied=True)
    placed.to_csv(out / TABLE)
    name_dataset(dataset, out, name=dataset.name)
    return placed


def _inner(dataset: Dataset, source: Path) -> Path:
    """The folder that all sounds share, from the data set's own on; none if it lies elsewhere."""
    root = source / SOUNDS if is_kept(source) else _absolute(source).parent
    shared = Path(os.path.commonpath([_absolute(clip.path).parent for clip in dataset.clips]))
    root = _absolute(root)
    inner = shared.relative_to(root) if shared.is_relative_to(root) else Path()
    return inner if shown(str(inner)) == str(inner) else Path()


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - Path.absolute keeps ".."


def name_dataset(dataset: Dataset, out: Path, *, name: str) -> None:
    """Write down what a data set in a folder is called, and the kinds of its tasks."""
    tasks = [f"{task.name}:{task.kind}" for task in dataset.tasks]
    write_json(out / ABOUT, {"name": name, "tasks": tasks})


def is_kept(path: Path) -> bool:
    """Whether a folder was written so."""
    return (path / ABOUT).is_file()


def called(path: Path) -> str:
    """The name of a data set, that it came with if it was kept."""
    name: str = read_json(path / ABOUT)["name"] if is_kept(path) else path.stem
    return name


def read_kept(path: Path, tasks: Sequence[str] | None = None) -> Dataset:
    """The data set of such a folder, under its own name."""
    about = read_json(path / ABOUT)
    dataset = read_dataset(path / TABLE, layout="csv", tasks=tasks or about["tasks"] or None)
    return replace(dataset, name=about["name"])
