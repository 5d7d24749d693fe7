"""Which networks are trained on what and judged on what: folds × data sets as one list."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ossicle.datasets import Dataset, combine, outer_parts, single_part
from ossicle.datasets.groups import linked_groups, recording_numbers
from ossicle.errors import DatasetError
from ossicle.types import Clip
from ossicle.workflow.files import file_digests

__all__ = ["ALL", "Round", "named_apart", "rounds_of", "with_validation"]

ALL = "all"
"""The round that trains on everything, where each fold or group was judged before."""

SINGLE = "test"


@dataclass(frozen=True, slots=True)
class Round:
    """One network to train.

    Parameters
    ----------
    net : str
        Which data sets it learns from: one name for all of them, or that of one.
    name : str
        What is held out: ``fold-1``, a group, ``test``; or ``all`` if nothing is.
    train : tuple of Dataset
    tests : tuple of (str, Dataset)
        Name of each part that is judged, and its clips, none of which is in ``train``.
    left_out : int
        Clips that do not train because a test part has them too, or another data set tests their
        recording.
    """

    net: str
    name: str
    train: tuple[Dataset, ...]
    tests: tuple[tuple[str, Dataset], ...] = ()
    left_out: int = 0

    @property
    def folder(self) -> str:
        """Where its run lies, below that of the training."""
        return f"{re.sub(r'[^0-9A-Za-z_.-]+', '_', self.net)}/{self.name}"


def named_apart(datasets: Sequence[Dataset]) -> tuple[Dataset, ...]:
    """The data sets with their tasks named as in their combination.

    >>> from pathlib import Path
    >>> from ossicle.datasets import make_task
    >>> from ossicle.types import Clip, Recording
    >>> def few(name, labels):
    ...     clips = (Clip(Recording(Path(f"{name}/{x}.wav")), labels={"label": x}) for x in labels)
    ...     return Dataset(tuple(clips), (make_task("label", labels),), name=name)
    >>> [each.tasks[0].name for each in named_apart([few("farm", "ab"), few("town", "bc")])]
    ['farm.label', 'town.label']
    """
    combined = combine(datasets)
    return tuple(combined.of(place) for place in range(len(datasets)))


def rounds_of(
    datasets: Sequence[Dataset], tests: Sequence[str], *, net: str, seed: int = 0
) -> list[Round]:
    """The rounds of one network: each held-out part in turn, then everything.

    Where data sets have different numbers of parts, those with fewer start again; one that has a
    single part repeats it. A network that is trained on everything follows where there are several
    rounds; of a data set with a single part, it does not see that.

    Parameters
    ----------
    datasets : sequence of Dataset
        With tasks as `named_apart` names them.
    tests : sequence of str
        What is held out of each, one of `TESTS` or ``COLUMN=VALUE``.
    net : str
    seed : int

    Raises
    ------
    DatasetError
        If a data set lacks what is asked for, or nothing is left to train on.
    """
    parts = [_parts(each, test, seed=seed) for each, test in zip(datasets, tests, strict=True)]
    longest = max(parts, key=len)
    rounds = [_round(net, name, parts, place) for place, name in enumerate(longest)]
    if len(longest) == 1:
        return rounds
    kept = (
        dataset if len(each) > 1 else next(iter(each.values()))[0]
        for dataset, each in zip(datasets, parts, strict=True)
    )
    return [*rounds, Round(net, ALL, tuple(kept))]


Parts = dict[str, tuple[Dataset, Dataset | None]]


def _parts(dataset: Dataset, test: str, *, seed: int) -> Parts:
    """Training and test part of each round of one data set."""
    outer: Parts = dict(outer_parts(dataset, test))
    return outer or {SINGLE if test != "none" else ALL: single_part(dataset, test, seed=seed)}


def _round(net: str, name: str, parts: Sequence[Parts], place: int) -> Round:
    """One round: what each data set trains on, with no recording of a test part in it."""
    chosen = [list(each.items())[place % len(each)] for each in parts]
    several = len(parts) > 1
    tests = tuple(
        (f"{held_out.name} {part}" if several else part, held_out)
        for part, (_, held_out) in chosen
        if held_out is not None
    )
    train = _apart([pair for _, pair in chosen])
    left_out = sum(len(pair[0]) for _, pair in chosen) - sum(map(len, train))
    if empty := [dataset.name for dataset in train if not len(dataset)]:
        raise DatasetError(f"{empty[0]}: round {name} leaves no clip to train on; hold out less")
    return Round(net, name, train, tests, left_out)


def _apart(pairs: Sequence[tuple[Dataset, Dataset | None]]) -> tuple[Dataset, ...]:
    """The training parts without what is tested, under whatever file name.

    Official parts of one data set are kept as they are, even where they cut a group; but a
    recording that another data set tests, and a copy of a clip that is tested, does not train.
    """
    tables = [(*train, *(() if test is None else test)) for train, test in pairs]
    clips = [clip for table in tables for clip in table]
    of_table = np.repeat(np.arange(len(tables)), [len(table) for table in tables])
    is_test = np.concatenate(
        [
            np.arange(len(table)) >= len(train)
            for table, (train, _) in zip(tables, pairs, strict=True)
        ]
    )
    tested = _copied(clips, is_test)
    groups = linked_groups(tables, recording_numbers(clips))
    for place in range(len(tables)):
        own = of_table == place
        tested[own] |= np.isin(groups[own], groups[is_test & ~own])
    kept = ~tested[~is_test]
    pieces = np.split(kept, np.cumsum([len(train) for train, _ in pairs])[:-1])
    return tuple(train.subset(piece) for (train, _), piece in zip(pairs, pieces, strict=True))


def _copied(clips: Sequence[Clip], is_test: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Clips that are the same part of the same bytes as one that is tested."""
    digests = file_digests(clip.path for clip in clips)
    marks = np.array([f"{digests[clip.path]} {clip.start} {clip.end}" for clip in clips])
    return np.isin(marks, marks[is_test])


def with_validation(
    datasets: Sequence[Dataset], share: float, *, seed: int = 0
) -> tuple[list[Dataset], list[Dataset]]:
    """What the weights are learnt from, and what chooses the epoch, of each data set.

    The official validation part where a data set came with one and its test part is held out; else
    a share, with no group cut and the labels spread alike.

    Parameters
    ----------
    datasets : sequence of Dataset
    share : float
    seed : int

    Raises
    ------
    DatasetError
        If there are too few groups.
    """
    pairs = [_validated(dataset, share, seed=seed) for dataset in datasets]
    kept = _apart(pairs)
    return list(kept), [validation for _, validation in pairs if len(validation)]


def _validated(dataset: Dataset, share: float, *, seed: int) -> tuple[Dataset, Dataset]:
    if {clip.split for clip in dataset} == {"train", "validation"}:
        official = np.array([clip.split == "validation" for clip in dataset], dtype=np.bool_)
        return dataset.subset(~official), dataset.subset(official)
    train, validation = dataset.split((1.0 - share, share), seed=seed)
    return train, validation
