"""Training, validation and test parts of several data sets at once: functions on arrays.

Data sets are dealt one after another. Where one holds recordings of another that was dealt before,
these follow, so that no group comes to be on two sides.
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
    its group, or its recording, is in the earlier. What a data set itself cuts, by its official
    parts or by several groups in one recording, stays cut.

    Raises
    ------
    DatasetError
        If ``validation`` is not from 0 to below 1, or a data set has too few groups.
    """
    if not 0.0 <= validation < 1.0:
        raise DatasetError(f"validation={validation}; a share from 0 to below 1 is allowed")
    side = np.where(test, TEST, TRAIN)
    _leave_out(members, (groups, recordings), side, TEST, TRAIN)
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
    _leave_out(members, (groups, recordings), side, VALIDATION, TRAIN)
    _keep_labels(members, groups, side, is_kept)
    return side


def _leave_out(
    members: Sequence[Member], marks: Sequence[Indices], side: Indices, earlier: int, later: int
) -> None:
    """Leave clips out that share a mark with those on an earlier side of another data set."""
    is_early, is_late = side == earlier, side == later
    for mark in marks:
        is_cut = np.zeros(int(mark.max(initial=-1)) + 1, np.bool_)
        for member in members:
            own, early, late = mark[member.rows], is_early[member.rows], is_late[member.rows]
            is_cut[np.intersect1d(own[early], own[late])] = True
        side[is_late & np.isin(mark, mark[is_early]) & ~is_cut[mark]] = LEFT_OUT


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
    placed = of_group[own]
    strata = member.strata[np.searchsorted(member.rows, rows)]
    try:
        part = deal_groups(own, strata, fractions, seed=seed, placed=placed)
    except DatasetError as error:
        raise DatasetError(f"data set {member.name!r}: {error}") from error
    of_group[own] = part
    return part


def _cut(
    member: Member, rows: Indices, groups: Indices, of_group: Indices, share: float, seed: int
) -> Indices:
    """Training or validation for the clips of a data set that do not test."""
    placed = of_group[groups[rows]]
    if share == 0.0 or np.all(placed >= 0):
        return np.where(placed == VALIDATION, VALIDATION, TRAIN)
    if np.all(groups[rows] == groups[rows[0]]):
        raise DatasetError(
            f"data set {member.name!r}: validation={share} cannot be cut from {len(rows)} clips of "
            "one group; record more sources, give a validation set, or ask for validation=0"
        )
    return _dealt(member, rows, groups, of_group, (1.0 - share, share), seed)


def _keep_labels(
    members: Sequence[Member], groups: Indices, side: Indices, is_kept: NDArray[np.bool_]
) -> None:
    """Give the clips of labels that would only be validated back to training."""
    for member in members:
        rows = member.rows
        heard = np.hstack([*member.heard.values()])
        trained = heard[side[rows] == TRAIN].any(axis=0)
        back = rows[heard[:, ~trained].any(axis=1) & (side[rows] == VALIDATION)]
        back = back[~is_kept[back]]
        side[(side == VALIDATION) & np.isin(groups, groups[back])] = TRAIN


def _unknown(groups: Indices) -> Indices:
    """For each group the part it is in: none yet."""
    return np.full(int(groups.max(initial=-1)) + 1, -1)
