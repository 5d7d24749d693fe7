"""What must never be parted between training and test."""

import os
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ossicle.types import Clip

__all__ = ["group_names", "group_numbers", "linked_groups", "recording_numbers"]


def group_names(clips: Sequence[Clip]) -> list[tuple[str, str]]:
    """Kind and name of each clip's group: the one it names, else its recording.

    So a blank group is a group of its own, and clips cut from one recording share it.
    """
    return [("group", c.group) if c.group else ("path", os.fspath(c.path)) for c in clips]


def group_numbers(clips: Sequence[Clip]) -> NDArray[np.int64]:
    """The groups as numbers, in the order in which they come first; shape ``(n_clips,)``."""
    numbers: dict[tuple[str, str], int] = {}
    found = [numbers.setdefault(name, len(numbers)) for name in group_names(clips)]
    return np.array(found, dtype=np.int64)


def linked_groups(
    tables: Sequence[Sequence[Clip]], recordings: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The groups of several tables of clips in one row of numbers; shape ``(n_clips,)``.

    Names of groups mean nothing beyond their table, but groups of two tables that hold clips of the
    same recording are one. ``recordings`` are their numbers; see `recording_numbers`.

    >>> from pathlib import Path
    >>> from ossicle.types import Recording
    >>> a, b, c = (Clip(Recording(Path(name)), group="x") for name in ("1.wav", "2.wav", "./1.wav"))
    >>> linked_groups([[a], [b], [c]], recording_numbers([a, b, c])).tolist()
    [0, 1, 0]
    """
    own = [group_numbers(clips) for clips in tables]
    sizes = [int(numbers.max(initial=-1)) + 1 for numbers in own]
    offsets = np.cumsum([0, *sizes])
    groups = np.concatenate([numbers + first for numbers, first in zip(own, offsets, strict=False)])
    table = np.repeat(np.arange(len(tables)), [len(clips) for clips in tables])
    linked = _linked(groups, table, recordings)
    _, first, numbers = np.unique(linked, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[numbers]


def _linked(
    groups: NDArray[np.int64], table: NDArray[np.int64], recordings: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The groups, those of several tables that share a recording under one number."""
    in_tables = np.unique(np.stack([recordings, table]), axis=1)[0]
    shared = np.flatnonzero(np.bincount(in_tables)[recordings] > 1)
    if not len(shared):
        return groups
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n_groups = int(groups.max()) + 1
    n_nodes = n_groups + int(recordings.max()) + 1
    links = (np.ones(len(shared)), (groups[shared], n_groups + recordings[shared]))
    _, component = connected_components(coo_array(links, shape=(n_nodes, n_nodes)), directed=False)
    return np.asarray(component[groups], np.int64)


def recording_numbers(clips: Iterable[Clip]) -> NDArray[np.int64]:
    """The recordings as numbers, in the order in which they come first; shape ``(n_clips,)``.

    A recording is one file, however its folder is written.
    """
    folders: dict[str, str] = {}
    numbers: dict[tuple[str, str], int] = {}
    found = []
    for clip in clips:
        folder, name = os.path.split(clip.path)
        if folder not in folders:
            folders[folder] = os.path.realpath(folder)
        found.append(numbers.setdefault((folders[folder], name), len(numbers)))
    return np.array(found, dtype=np.int64)
