"""What is held out of learning and judged once: a part, each fold in turn, or each group."""

import numpy as np

from ossicle.datasets.dataset import Dataset
from ossicle.errors import DatasetError, nearest

__all__ = ["TESTS", "check_test", "outer_parts", "single_part"]

TESTS = ("auto", "split", "holdout", "folds", "groups", "none")
"""What can be held out of learning and judged once."""

HELD_OUT = 0.2
"""Share of the groups that ``holdout`` keeps for the test."""


def check_test(test: str) -> None:
    """Refuse what names nothing that can be held out.

    Raises
    ------
    DatasetError

    >>> check_test("fold=1")
    >>> check_test("fold")
    Traceback (most recent call last):
        ...
    ossicle.errors.DatasetError: test is 'fold'; did you mean 'folds'?
    """
    column, equals, value = test.partition("=")
    if test not in TESTS and not (equals and column and value):
        near = nearest(test, TESTS)
        more = "" if near.startswith("did") else ", or COLUMN=VALUE such as fold=1"
        raise DatasetError(f"test is {test!r}; {near}{more}")


def outer_parts(dataset: Dataset, test: str) -> dict[str, tuple[Dataset, Dataset]]:
    """Training and test part of each fold or group; none for a single test part.

    Parameters
    ----------
    dataset : Dataset
    test : str
        One of `TESTS`, or ``COLUMN=VALUE``.

    Raises
    ------
    DatasetError
        If there are no folds, or one group only.
    """
    if test == "groups":
        return {name: (train, part) for name, train, part in dataset.leave_one_group_out()}
    if test != "folds":
        return {}
    if not dataset.has_folds:
        raise DatasetError(f"{dataset.name} has no column fold; test on holdout or groups instead")
    return {f"fold-{number}": (train, part) for number, train, part in dataset.folds()}


def single_part(
    dataset: Dataset, test: str, *, task: str | None = None, seed: int = 0
) -> tuple[Dataset, Dataset | None]:
    """What is learnt from, and the one part that is judged, if any.

    Parameters
    ----------
    dataset : Dataset
    test : str
        ``split``: the official test split; ``holdout``: a fifth of the groups; ``auto``: split if
        there is one, else holdout; ``none``; ``COLUMN=VALUE``: the clips with this value.
    task : str, optional
        Whose labels are spread alike.
    seed : int

    Raises
    ------
    DatasetError
        If there is no official split, no such column, or nothing in either part.
    """
    if test == "none":
        return dataset, None
    if "=" in test:
        return _with_value(dataset, *test.split("=", 1))
    if test == "split" or (test == "auto" and dataset.has_split):
        return _official(dataset)
    development, held_out = dataset.split((1.0 - HELD_OUT, HELD_OUT), seed=seed, task=task)
    return development, held_out


def _official(dataset: Dataset) -> tuple[Dataset, Dataset]:
    if not dataset.has_split:
        raise DatasetError(f"{dataset.name} has no column split; test on holdout instead")
    train, validation, held_out = dataset.official_split()
    if not len(held_out):
        raise DatasetError(
            f"{dataset.name}: no clip has the split test; test on holdout or none instead"
        )
    return train + validation, held_out


def _with_value(dataset: Dataset, column: str, value: str) -> tuple[Dataset, Dataset]:
    """The clips without a value in a column, and those with it."""
    chosen = {id(clip) for clip in dataset.where(**{column: value})}
    is_test = np.array([id(clip) in chosen for clip in dataset], dtype=np.bool_)
    if is_test.all() or not is_test.any():
        raise DatasetError(
            f"{dataset.name}: {int(is_test.sum())} of {len(dataset)} clips have {column}={value}; "
            "some, not all, can be held out"
        )
    return dataset.subset(~is_test), dataset.subset(is_test)
