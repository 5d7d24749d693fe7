"""What is held out of learning and judged once: a part, each fold in turn, or each group."""

from ossicle.datasets import Dataset
from ossicle.errors import DatasetError

__all__ = ["TESTS", "outer_parts", "single_part"]

TESTS = ("auto", "split", "holdout", "folds", "groups", "none")
"""What can be held out of learning and judged once."""

HELD_OUT = 0.2
"""Share of the groups that ``holdout`` keeps for the test."""


def outer_parts(dataset: Dataset, test: str) -> dict[str, tuple[Dataset, Dataset]]:
    """Training and test part of each fold or group; none for a single test part.

    Parameters
    ----------
    dataset : Dataset
    test : str
        One of `TESTS`.

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
        there is one, else holdout; ``none``.
    task : str, optional
        Whose labels are spread alike.
    seed : int

    Raises
    ------
    DatasetError
        If there is no official split, or nothing in it.
    """
    if test == "none":
        return dataset, None
    if test == "split" or (test == "auto" and dataset.has_split):
        if not dataset.has_split:
            raise DatasetError(f"{dataset.name} has no column split; test on holdout instead")
        train, validation, held_out = dataset.official_split()
        if not len(held_out):
            raise DatasetError(
                f"{dataset.name}: no clip has the split test; test on holdout or none instead"
            )
        return train + validation, held_out
    development, held_out = dataset.split((1.0 - HELD_OUT, HELD_OUT), seed=seed, task=task)
    return development, held_out
