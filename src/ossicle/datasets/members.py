"""One data set among several, as those see it that deal clips into parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ossicle.datasets.dataset import Dataset
from ossicle.datasets.questions import answers
from ossicle.datasets.splits import fifths
from ossicle.errors import DatasetError
from ossicle.types import Task

__all__ = ["Member", "check_labels", "member"]


@dataclass(frozen=True, eq=False)
class Member:
    """One data set among several.

    Parameters
    ----------
    name : str
        For messages.
    rows : int array, shape (n_rows,)
        Places of its clips among all, rising.
    heard : mapping of task to bool array, shape (n_rows, n_labels)
        Which labels each clip has; of a regression, whether it has a number.
    strata : bool array, shape (n_rows, n_columns)
        What is to be spread alike: the labels of all tasks, and fifths of numbers.
    folds : int array, shape (n_rows,), optional
        Official folds from 0 on, which are kept.
    split : str array, shape (n_rows,), optional
        Official parts, which are kept.
    """

    name: str
    rows: NDArray[np.int64]
    heard: Mapping[str, NDArray[np.bool_]]
    strata: NDArray[np.bool_]
    folds: NDArray[np.int64] | None
    split: NDArray[np.str_] | None

    @property
    def n_folds(self) -> int:
        """How many official folds there are."""
        return 0 if self.folds is None else int(self.folds.max()) + 1

    def officially(self, part: str) -> NDArray[np.bool_]:
        """Which clips are officially in a part, shape ``(n_rows,)``."""
        nowhere = np.zeros(len(self.rows), np.bool_)
        return nowhere if self.split is None else self.split == part

    def has(self, part: str) -> bool:
        """Whether there is such an official part."""
        return bool(self.officially(part).any())


def member(
    name: str,
    dataset: Dataset,
    rows: NDArray[np.int64],
    tasks: Mapping[str, Task],
    n_folds: int | None,
) -> Member:
    """A data set with its clips' places, its tasks as all call them, and what is official of it.

    Official folds count where ``n_folds`` is None or their number; an official split where there
    are no such folds, and clips to train on and others in it.
    """
    heard: dict[str, NDArray[np.bool_]] = {}
    strata = []
    for own, task in tasks.items():
        texts = [clip.labels.get(own, "") for clip in dataset.clips]
        mask, targets = answers(texts, task)
        is_number = task.kind == "regression"
        heard[task.name] = mask[:, None] if is_number else targets > 0.0
        strata.append(_fifths(mask, targets[:, 0]) if is_number else heard[task.name])
    folds = _folds(dataset, n_folds)
    split = None if folds is not None else _split(dataset)
    return Member(name, rows, heard, np.hstack(strata), folds, split)


def check_labels(
    members: Sequence[Member], tasks: Sequence[Task], train: NDArray[np.bool_], part: str
) -> None:
    """Refuse a training part, ``(n_clips,)``, that lacks a label.

    Raises
    ------
    DatasetError
        Naming the label, its data set and the part.
    """
    for task in tasks:
        asking = [m for m in members if task.name in m.heard]
        trained = np.any([m.heard[task.name][train[m.rows]].any(axis=0) for m in asking], axis=0)
        for place in np.flatnonzero(~trained).tolist():
            having = [m.name for m in asking if m.heard[task.name][:, place].any()]
            raise DatasetError(
                f"data set {(having or [asking[0].name])[0]!r}: no clip to train on with the label "
                f"{task.labels[place]!r} of the task {task.name!r} in {part}; "
                + ("record more sources of it, ask for other parts" if having else "add some")
                + ", or drop the label"
            )


def _fifths(mask: NDArray[np.bool_], values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which fifth of the numbers each is in, a column each; none where there is no number."""
    found = np.zeros((len(mask), 5), np.bool_)
    if mask.any():
        found[np.flatnonzero(mask), fifths(values[mask])] = True
    return found


def _folds(dataset: Dataset, n_folds: int | None) -> NDArray[np.int64] | None:
    numbers = {clip.fold for clip in dataset.clips if clip.fold is not None}
    if len(numbers) < 2 or n_folds not in (None, len(numbers)):
        return None
    found = np.empty(len(dataset), np.int64)
    for place, (_, _, test) in enumerate(dataset.fold_indices()):
        found[test] = place
    return found


def _split(dataset: Dataset) -> NDArray[np.str_] | None:
    names = {clip.split for clip in dataset.clips}
    if "train" not in names or len(names) < 2:
        return None
    return np.array(dataset.official("split"), dtype=np.str_)
