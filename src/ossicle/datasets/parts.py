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
    "held_out",
    "sides",
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


def held_out(
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
    recordings: Indices,
    test: NDArray[np.bool_],
    *,
    validation: float,
    seed: int,
) -> Indices:
    """The side of each clip in one fold, shape ``(n_clips,)``: `TRAIN`, `VALIDATION`, ...

    Testing comes before validation, and that before training: a clip is left out of the later where
    its recording, or its group, is in the earlier. Only a group that a data set's own official
    parts cut may be on two sides, but none of its recordings.
    """
    side = np.where(test, TEST, TRAIN)
    _leave_out(members, groups, recordings, side, TEST, TRAIN)
    of_group = _unknown(groups)
    for member in members:
        official = member.rows[member.officially("validation")]
        official = official[side[official] == TRAIN]
        side[official], of_group[groups[official]] = VALIDATION, VALIDATION
    is_kept = of_group[groups] == VALIDATION
    for member in members:
        if not member.has("validation"):
            rows = member.rows[side[member.rows] == TRAIN]
            side[rows] = _cut(member, rows, groups, of_group, validation, seed)
    _leave_out(members, groups, recordings, side, VALIDATION, TRAIN)
    _keep_labels(members, groups, side, is_kept)
    return side


def _leave_out(
    members: Sequence[Member],
    groups: Indices,
    recordings: Indices,
    side: Indices,
    earlier: int,
    later: int,
) -> None:
    is_cut = np.zeros(int(groups.max(initial=-1)) + 1, np.bool_)
    for member in members:
        own, where = groups[member.rows], side[member.rows]
        is_cut[np.intersect1d(own[where == earlier], own[where == later])] = True
    shares_group = np.isin(groups, groups[side == earlier]) & ~is_cut[groups]
    shares_recording = np.isin(recordings, recordings[side == earlier])
    side[(side == later) & (shares_group | shares_recording)] = LEFT_OUT


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
