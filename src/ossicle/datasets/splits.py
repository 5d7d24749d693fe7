"""Which clips train and which test: plain functions on arrays of groups and targets.

A group (one source recording, one speaker) is never on both sides. All functions give positions of
clips, in rising order.

Stratification is greedy: groups are dealt largest first, each to the part where it adds least to

    sum over parts j and labels l of (count[j, l] - wanted[j, l])² / wanted[j, l]

The number of clips counts as one more label. This greedy choice is dealing at random with the luck
taken out (the method of conditional expectations), so it is never worse than the mean of that.

Clips that have several labels, or labels of several tasks, count in the column of each: every label
is spread by itself. Which labels occur together is not looked at.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ossicle.errors import DatasetError

__all__ = [
    "MAX_COMBINATIONS",
    "deal_groups",
    "fifths",
    "grouped_folds",
    "grouped_split",
    "leave_k_out",
]

Indices = NDArray[np.int64]

MAX_COMBINATIONS = 10_000
"""Folds that an exhaustive leave-k-out may have."""


def grouped_folds(
    groups: ArrayLike, targets: ArrayLike, n_folds: int, *, seed: int = 0
) -> list[tuple[Indices, Indices]]:
    """Cross-validation folds with no group cut and the labels spread evenly.

    Parameters
    ----------
    groups : array, shape (n_clips,)
        Any values that can be told apart.
    targets : array, shape (n_clips,) or (n_clips, n_labels)
        Any values that can be told apart, or which labels each clip has.
    n_folds : int
    seed : int

    Returns
    -------
    list of (train, test)
        Every clip is in one test part.

    Raises
    ------
    DatasetError
        If there are fewer than 2 folds, or fewer groups than folds.

    >>> folds = grouped_folds(["a", "a", "b", "c"], [0, 0, 1, 1], 3)
    >>> sorted(test.tolist() for train, test in folds)
    [[0, 1], [2], [3]]
    """
    if n_folds != int(n_folds) or n_folds < 2:
        raise DatasetError(f"n_folds={n_folds}; a whole number of at least 2 is needed")
    parts = grouped_split(groups, targets, [1.0 / n_folds] * int(n_folds), seed=seed)
    everything = np.arange(len(np.asarray(groups)))
    return [(np.setdiff1d(everything, test), test) for test in parts]


def grouped_split(
    groups: ArrayLike, targets: ArrayLike, fractions: Sequence[float], *, seed: int = 0
) -> list[Indices]:
    """Parts of given sizes with no group cut and the labels spread alike.

    Parameters
    ----------
    groups : array, shape (n_clips,)
    targets : array, shape (n_clips,) or (n_clips, n_labels)
    fractions : sequence of float
        Of the clips, as near as whole groups allow. Only a part of fraction 0 stays empty.
    seed : int

    Returns
    -------
    list of int array, one a part

    Raises
    ------
    DatasetError
        If a fraction is negative, they do not sum to 1, or there are fewer groups than parts.

    >>> [len(part) for part in grouped_split(range(20), [0, 1] * 10, (0.7, 0.15, 0.15))]
    [14, 3, 3]
    """
    part = deal_groups(groups, targets, fractions, seed=seed)
    return [np.flatnonzero(part == j) for j in range(len(fractions))]


def deal_groups(
    groups: ArrayLike,
    targets: ArrayLike,
    fractions: Sequence[float],
    *,
    seed: int = 0,
    placed: ArrayLike | None = None,
) -> Indices:
    """The part of each clip, as in `grouped_split`, where some are in a part already.

    Parameters
    ----------
    groups, targets, fractions, seed
        As for `grouped_split`.
    placed : int array, shape (n_clips,), optional
        The part that a clip's group is in already; -1: it is still to be dealt.

    >>> deal_groups(list("aabbc"), [0, 0, 1, 1, 1], (0.5, 0.5), placed=[1, 1, -1, -1, -1]).tolist()
    [1, 1, 0, 0, 1]
    """
    shares = _checked_fractions(fractions)
    names, of_group = np.unique(np.asarray(groups), return_inverse=True)
    wanted = np.flatnonzero(shares)
    if len(names) < len(wanted):
        raise DatasetError(
            f"{len(of_group)} clips of {len(names)} group(s) cannot make {len(wanted)} parts; "
            f"at least {len(wanted)} groups are needed. Record more sources, or ask for fewer parts"
        )
    known = np.full(len(names), -1)
    if placed is not None:
        known[of_group] = np.asarray(placed)
    part = _deal(
        _counts(of_group, np.asarray(targets), len(names)), shares, known, _generator(seed)
    )
    return part[of_group]


def leave_k_out(
    groups: ArrayLike, k: int | float = 0.1, *, seed: int = 0, exhaustive: bool = False
) -> list[tuple[Indices, Indices]]:
    """Folds that leave ``k`` groups out at a time.

    Parameters
    ----------
    groups : array, shape (n_clips,)
        For plain leave-k-out, where each clip stands for itself: ``range(n_clips)``.
    k : int or float
        A number of groups, or a fraction of them (at least one group).
    seed : int
        Of the order in which the groups are left out.
    exhaustive : bool
        Every choice of ``k`` groups, instead of each group once.

    Returns
    -------
    list of (train, test)
        ``ceil(n_groups / k)`` folds of equal size as far as possible, or ``C(n_groups, k)``.

    Raises
    ------
    DatasetError
        If nothing would be left to train on, or the choices are more than `MAX_COMBINATIONS`.

    >>> len(leave_k_out(range(10), 3)), len(leave_k_out(range(5), 2, exhaustive=True))
    (4, 10)
    """
    names, of_group = np.unique(np.asarray(groups), return_inverse=True)
    size = _groups_left_out(k, len(names))
    left_out: Iterator[Sequence[int]] | list[Indices]
    if exhaustive:
        _check_combinations(len(names), size)
        left_out = combinations(range(len(names)), size)
    else:
        order = _generator(seed).permutation(len(names))
        left_out = np.array_split(order, math.ceil(len(names) / size))
    tests = (np.isin(of_group, chosen) for chosen in left_out)
    return [(np.flatnonzero(~test), np.flatnonzero(test)) for test in tests]


def _groups_left_out(k: int | float, n_groups: int) -> int:
    whole = isinstance(k, int | np.integer) and not isinstance(k, bool)
    if not (k >= 1 if whole else isinstance(k, float) and 0.0 < k < 1.0):
        raise DatasetError(
            f"k={k!r}; a number of groups (1, 2, ...) or a fraction of them (0.1) is allowed"
        )
    size = int(k) if whole else max(1, round(k * n_groups))
    if size >= n_groups:
        raise DatasetError(
            f"leaving {size} of {n_groups} group(s) out leaves nothing to train on; leave out "
            "less, or record more sources"
        )
    return size


def _check_combinations(n_groups: int, size: int) -> None:
    n_folds = math.comb(n_groups, size)
    if n_folds > MAX_COMBINATIONS:
        raise DatasetError(
            f"leaving {size} of {n_groups} groups out in every way makes {n_folds} folds; at most "
            f"{MAX_COMBINATIONS} are allowed. Leave each group out once instead (exhaustive=False)"
        )


def _generator(seed: int) -> np.random.Generator:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise DatasetError(f"seed={seed!r}; a whole number from 0 is allowed")
    return np.random.default_rng(seed)


def _checked_fractions(fractions: Sequence[float]) -> NDArray[np.float64]:
    shares = np.asarray(fractions, dtype=np.float64)
    if shares.ndim != 1 or not np.all(shares >= 0.0) or not math.isclose(shares.sum(), 1.0):
        raise DatasetError(
            f"fractions {tuple(fractions)}; numbers from 0 that sum to 1 are allowed, "
            "such as (0.7, 0.15, 0.15)"
        )
    return shares


def fifths(values: ArrayLike) -> Indices:
    """Which fifth of all values each belongs to: labels for splits of a regression.

    >>> fifths([90.0, 60.0, 120.0, 100.0, 70.0]).tolist()
    [2, 0, 4, 3, 1]
    """
    numbers = np.asarray(values, np.float64)
    return np.searchsorted(np.quantile(numbers, (0.2, 0.4, 0.6, 0.8)), numbers)


def _counts(of_group: Indices, targets: NDArray[np.generic], n_groups: int) -> NDArray[np.float64]:
    """Clips of each group by label, and in all: (n_groups, n_labels + 1)."""
    if targets.ndim == 1:
        labels, label = np.unique(targets, return_inverse=True)
        counts = np.zeros((n_groups, len(labels)))
        np.add.at(counts, (of_group, label), 1.0)
    else:
        counts = np.zeros((n_groups, targets.shape[1]))
        clip, label = np.nonzero(targets)
        np.add.at(counts, (of_group[clip], label), 1.0)
        counts = counts[:, counts.any(axis=0)]
    return np.column_stack([counts, np.bincount(of_group, minlength=n_groups)])


def _deal(
    counts: NDArray[np.float64],
    shares: NDArray[np.float64],
    part: Indices,
    rng: np.random.Generator,
) -> Indices:
    """The part of each group; ``part`` says where those are that are not to be dealt."""
    used = np.flatnonzero(shares).tolist()
    weights = np.zeros((len(shares), counts.shape[1]))
    weights[used] = 1.0 / (shares[used, None] * counts.sum(axis=0))
    filled = np.zeros_like(weights)
    np.add.at(filled, part[part >= 0], counts[part >= 0])
    part, order = part.copy(), _largest_first(counts, rng)
    left = order[part[order] < 0].tolist()
    added, rows, scales = _sparse(counts), filled.tolist(), weights.tolist()
    empty = used
    for n_dealt, group in enumerate(left):
        empty = [j for j in empty if not rows[j][-1]]
        allowed = empty if len(left) - n_dealt <= len(empty) else used
        costs = [_cost(rows[j], added[group], scales[j]) for j in allowed]
        least = min(costs) * (1.0 + 1e-12)
        best = [j for j, cost in zip(allowed, costs, strict=True) if cost <= least]
        chosen = best[rng.integers(len(best))] if len(best) > 1 else best[0]
        part[group] = chosen
        for column, n_clips in added[group]:
            rows[chosen][column] += n_clips
    return part


def _largest_first(counts: NDArray[np.float64], rng: np.random.Generator) -> Indices:
    """The groups by falling size, equal ones at random."""
    order = rng.permutation(len(counts))
    return order[np.argsort(-np.square(counts[order]).sum(axis=1), kind="stable")]


def _sparse(counts: NDArray[np.float64]) -> list[list[tuple[int, float]]]:
    """Column and number of what is not zero in each row: lists are faster for single numbers."""
    row, column = np.nonzero(counts)
    pairs = list(zip(column.tolist(), counts[row, column].tolist(), strict=True))
    ends = np.cumsum(np.bincount(row, minlength=len(counts))).tolist()
    return [pairs[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _cost(filled: list[float], added: list[tuple[int, float]], weights: list[float]) -> float:
    """What a group adds to the unevenness of one part."""
    return sum([n * (2.0 * filled[c] + n) * weights[c] for c, n in added])
