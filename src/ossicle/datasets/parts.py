"""Training, validation and test parts of several data sets at once: functions on arrays.

Data sets are dealt one after another. Where one holds recordings of another that was dealt before,
these follow, so that no group is ever on two sides.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ossicle.datasets.members import Member
from ossicle.datasets.splits import deal_groups
from ossicle.errors import DatasetError

__all__ = [
    "LEFT_OUT",
    "TEST",
    "TRAIN",
    "VALIDATION",
    "deal",
    "sides",
    "tested",
]

Indices = NDArray[np.int64]

TRAIN, VALIDATION, TEST, LEFT_OUT = range(4)

N_FOLDS = 5
"""Where no data set came with folds."""


def deal(
    members: Sequence[Member], groups: Indices, fractions: Sequence[float], *, seed: int
) -> Indices:
    """The part of each clip, shape ``(n_clips,)``, with no group cut."""
    part = np.zeros(len(groups), np.int64)
    of_group = _unknown(groups)
    for member in members:
        part[member.rows] = _dealt(member, member.rows, groups, of_group, fractions, seed)
    return part


def tested(
    members: Sequence[Member], groups: Indices, n_folds: int | None, *, seed: int
) -> NDArray[np.bool_]:
    """Which clips test in which fold, shape ``(n_folds, n_clips)``."""
    n_rounds = _n_rounds(members, n_folds)
    rounds = np.arange(n_rounds)[:, None]
    found = np.zeros((n_rounds, len(groups)), np.bool_)
    of_group = _unknown(groups)
    for member in sorted(members, key=lambda member: member.folds is None):
        rows = member.rows
        if member.folds is not None:
            of_group[groups[rows]] = member.folds
            found[:, rows] = member.folds == rounds % member.n_folds
        elif member.has("test"):
            found[:, rows] = member.officially("test")
        else:
            equal = [1.0 / n_rounds] * n_rounds
            found[:, rows] = _dealt(member, rows, groups, of_group, equal, seed) == rounds
    return found


def sides(
    members: Sequence[Member],
    groups: Indices,
    test: NDArray[np.bool_],
    *,
    validation: float,
    seed: int,
) -> Indices:
    """The side of each clip in one fold, shape ``(n_clips,)``: `TRAIN`, `VALIDATION`, ...

    A clip that does not test, in a group of which another does, is left out; so is one officially
    in training of whose group another is officially in validation.
    """
    side = np.where(test, TEST, TRAIN)
    side[~test & np.isin(groups, groups[test])] = LEFT_OUT
    of_group = _unknown(groups)
    _keep_validation(
        [m for m in members if m.officially("validation").any()], groups, side, of_group
    )
    is_kept = of_group[groups] == VALIDATION
    for member in members:
        if not member.officially("validation").any():
            rows = member.rows[side[member.rows] == TRAIN]
            side[rows] = _cut(member, rows, groups, of_group, validation, seed)
    _keep_labels(members, groups, side, is_kept)
    return side


def _n_rounds(members: Sequence[Member], n_folds: int | None) -> int:
    if n_folds is not None:
        if n_folds != int(n_folds) or n_folds < 1:
            raise DatasetError(f"n_folds={n_folds}; a whole number of at least 1 is needed")
        return int(n_folds)
    is_free = any(m.folds is None and not m.has("test") for m in members)
    return max((m.n_folds for m in members if m.n_folds), default=N_FOLDS if is_free else 1)


def _dealt(
    member: Member,
    rows: Indices,
    groups: Indices,
    of_group: Indices,
    fractions: Sequence[float],
    seed: int,
) -> Indices:
    """The part of some clips of a data set; where those of the groups are is kept, and noted."""
    own = groups[rows]
    strata = member.strata[np.searchsorted(member.rows, rows)]
    try:
        part = deal_groups(own, strata, fractions, seed=seed, placed=of_group[own])
    except DatasetError as error:
        raise DatasetError(f"data set {member.name!r}: {error}") from error
    of_group[own] = part
    return part


def _keep_validation(
    members: Sequence[Member], groups: Indices, side: Indices, of_group: Indices
) -> None:
    """Write the official validation parts into the sides and groups."""
    for part, number in (("train", TRAIN), ("validation", VALIDATION)):
        for member in members:
            rows = member.rows[member.officially(part)]
            of_group[groups[rows[side[rows] == TRAIN]]] = number
    for member in members:
        rows = member.rows[side[member.rows] == TRAIN]
        is_official = member.officially("validation")[np.searchsorted(member.rows, rows)]
        held = np.where(is_official, VALIDATION, LEFT_OUT)
        side[rows] = np.where(of_group[groups[rows]] == VALIDATION, held, TRAIN)


def _cut(
    member: Member, rows: Indices, groups: Indices, of_group: Indices, share: float, seed: int
) -> Indices:
    """Training or validation for the clips of a data set that do not test."""
    if share > 0.0 and len(rows):
        return _dealt(member, rows, groups, of_group, (1.0 - share, share), seed)
    return np.where(of_group[groups[rows]] == VALIDATION, VALIDATION, TRAIN)


def _keep_labels(
    members: Sequence[Member], groups: Indices, side: Indices, is_kept: NDArray[np.bool_]
) -> None:
    """Give the clips of labels that would only be validated back to training."""
    for member in members:
        rows = member.rows
        trained = member.strata[side[rows] == TRAIN].any(axis=0)
        lost = ~trained & member.strata[side[rows] == VALIDATION].any(axis=0)
        back = rows[member.strata[:, lost].any(axis=1) & (side[rows] == VALIDATION)]
        back = back[~is_kept[back]]
        side[(side == VALIDATION) & np.isin(groups, groups[back])] = TRAIN


def _unknown(groups: Indices) -> Indices:
    """For each group the part it is in: none yet."""
    return np.full(int(groups.max(initial=-1)) + 1, -1)
