"""Successive halving: all configurations on a few recordings, the better ones on more.

Source: Jamieson & Talwalkar (2016), non-stochastic best arm identification.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ossicle.datasets import Dataset
from ossicle.datasets.splits import grouped_split
from ossicle.errors import SearchError
from ossicle.selection.job import Fold
from ossicle.selection.question import Question

__all__ = ["Rung", "restrict", "rungs"]

LEAST_SHARE = 0.1
LEAST_GROUPS = 20
"""Share and number of groups a round judges on; fewer say little about any configuration."""


@dataclass(frozen=True)
class Rung:
    """One round: the share of the groups it judges on, and how many configurations it keeps."""

    share: float
    keep: int


def rungs(n_configurations: int, halving: int, *, n_groups: int) -> list[Rung]:
    """The rounds before the last, which judges what is left on everything.

    Parameters
    ----------
    n_configurations : int
    halving : int
        One configuration in this many goes on, with this many times the recordings; at least 2.
    n_groups : int
        Of the data set; with few of them there are fewer rounds, or none.

    Raises
    ------
    SearchError
        If ``halving`` is below 2.

    >>> rungs(27, 3, n_groups=200)
    [Rung(share=0.1111111111111111, keep=9), Rung(share=0.3333333333333333, keep=3)]
    """
    if halving < 2:
        raise SearchError(f"halving is {halving}; allowed are 2 and above")
    least = max(LEAST_SHARE, LEAST_GROUPS / n_groups)
    n_rungs = min(_rounds(1.0 / least, halving), _rounds(n_configurations, halving))
    left, found = n_configurations, []
    for rung in range(n_rungs, 0, -1):
        left = math.ceil(left / halving)
        found.append(Rung(float(halving) ** -rung, left))
    return found


def _rounds(factor: float, halving: int) -> int:
    """How often something can be divided before it is below one."""
    return int(math.log(max(1.0, factor), halving) + 1e-9)


def restrict(
    folds: tuple[Fold, ...], dataset: Dataset, question: Question[Any], share: float, *, seed: int
) -> tuple[Fold, ...]:
    """The folds on a share of the groups, drawn alike from all labels.

    A fold that would have nothing left to test, or to tell apart, is left out.

    Raises
    ------
    SearchError
        If no fold is left.
    """
    strata = question.strata(dataset)
    kept, _ = grouped_split(dataset.groups, strata, (share, 1.0 - share), seed=seed)
    inside = np.zeros(len(dataset), dtype=np.bool_)
    inside[kept] = True
    narrow = [(_within(train, inside), _within(test, inside)) for train, test in folds]
    fit = tuple(
        (train, test)
        for train, test in narrow
        if len(test) and len(np.unique(strata[train])) == len(np.unique(strata))
    )
    if not fit:
        raise SearchError(
            f"{dataset.name}: {share:.0%} of the recordings are too few to judge on; "
            "search without halving"
        )
    return fit


def _within(clips: NDArray[np.int64], inside: NDArray[np.bool_]) -> NDArray[np.int64]:
    return clips[inside[clips]]
