"""Splits: no group on both sides, every clip once, labels no less even than by chance."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.model_selection import LeavePGroupsOut

from ossicle.datasets import grouped_folds, grouped_split, leave_k_out
from ossicle.datasets.splits import MAX_COMBINATIONS, deal_groups
from ossicle.errors import DatasetError

clips = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), min_size=2, max_size=80)


def unevenness(parts, targets, fractions):
    """The sum that the module's docstring minimises."""
    total = 0.0
    for label in [None, *np.unique(targets)]:
        counted = np.ones(len(targets)) if label is None else targets == label
        wanted = counted.sum() * np.asarray(fractions)
        found = np.array([counted[part].sum() for part in parts])
        total += (np.square(found - wanted) / wanted).sum()
    return total


@given(clips, st.integers(2, 6), st.integers(0, 5))
def test_no_group_in_two_folds_and_every_clip_tested_once(rows, n_folds, seed):
    groups, targets = np.array(rows).T
    assume(len(np.unique(groups)) >= n_folds)
    folds = grouped_folds(groups, targets, n_folds, seed=seed)
    assert len(folds) == n_folds
    tested = np.concatenate([test for _, test in folds])
    np.testing.assert_array_equal(np.sort(tested), np.arange(len(rows)))
    for train, test in folds:
        assert len(test) > 0 < len(train)
        assert not set(groups[train]) & set(groups[test])
        assert len(train) + len(test) == len(rows)


@given(clips, st.integers(2, 6), st.integers(0, 5))
def test_labels_are_at_least_as_even_as_the_mean_of_dealing_groups_at_random(rows, n_folds, seed):
    groups, targets = np.array(rows).T
    assume(len(np.unique(groups)) >= n_folds)
    tests = [test for _, test in grouped_folds(groups, targets, n_folds, seed=seed)]
    mean = 0.0
    for counted in [np.ones(len(rows)), *(targets == label for label in np.unique(targets))]:
        of_group = np.array([counted[groups == group].sum() for group in np.unique(groups)])
        mean += (n_folds - 1) * np.square(of_group).sum() / counted.sum()
    assert unevenness(tests, targets, [1 / n_folds] * n_folds) <= mean + 1e-9


@given(clips, st.integers(0, 5))
def test_a_grouped_split_partitions_the_clips_and_cuts_no_group(rows, seed):
    groups, targets = np.array(rows).T
    assume(len(np.unique(groups)) >= 3)
    parts = grouped_split(groups, targets, (0.7, 0.15, 0.15), seed=seed)
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(len(rows)))
    names = [set(groups[part]) for part in parts]
    assert all(names)
    assert sum(map(len, names)) == len(set.union(*names))


def test_labels_of_many_groups_are_spread_evenly():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(200), 5)
    targets = np.repeat(rng.integers(0, 10, 200), 5)
    for _, test in grouped_folds(groups, targets, 5):
        counts, whole = np.bincount(targets[test]), np.bincount(targets)
        assert np.abs(counts - whole / 5).max() <= 5
        assert abs(len(test) - 200) <= 5


def test_a_part_of_fraction_zero_stays_empty():
    train, validation, test = grouped_split(range(10), [0, 1] * 5, (0.8, 0.0, 0.2))
    assert (len(train), len(validation), len(test)) == (8, 0, 2)


def test_the_same_seed_gives_the_same_folds_and_another_seed_others():
    groups, targets = range(50), [0, 1] * 25
    first, again, other = (grouped_folds(groups, targets, 5, seed=s) for s in (1, 1, 2))
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a[1], b[1]) for a, b in zip(first, other, strict=True))


@given(st.lists(st.integers(0, 9), min_size=2, max_size=40), st.integers(1, 5), st.integers(0, 3))
def test_leave_k_out_leaves_each_group_out_once(groups, k, seed):
    groups = np.array(groups)
    n_groups = len(np.unique(groups))
    assume(k < n_groups)
    folds = leave_k_out(groups, k, seed=seed)
    assert len(folds) == math.ceil(n_groups / k)
    np.testing.assert_array_equal(
        np.sort(np.concatenate([test for _, test in folds])), np.arange(len(groups))
    )
    for train, test in folds:
        assert not set(groups[train]) & set(groups[test])
        assert len(set(groups[test])) <= k


def test_exhaustive_leave_k_out_is_scikit_learns_leave_p_groups_out():
    groups = np.array([0, 0, 1, 2, 2, 3, 4])
    expected = LeavePGroupsOut(2).split(groups, groups=groups)
    found = leave_k_out(groups, 2, exhaustive=True)
    for (train, test), (other_train, other_test) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(train, other_train)
        np.testing.assert_array_equal(test, other_test)


@pytest.mark.parametrize(("k", "n_folds"), [(0.1, 10), (0.25, 5), (0.001, 20), (1, 20), (19, 2)])
def test_k_is_a_number_of_groups_or_a_fraction_of_them(k, n_folds):
    n_left_out = max(1, round(k * 20)) if k < 1 else k
    folds = leave_k_out(range(20), k)
    assert len(folds) == math.ceil(20 / n_left_out) or len(folds) == n_folds


@pytest.mark.parametrize("k", [0, -1, 0.0, 1.0, 2.5, True, math.nan])
def test_a_senseless_k_is_refused(k):
    with pytest.raises(DatasetError, match="number of groups"):
        leave_k_out(range(10), k)


def test_leaving_everything_out_is_refused():
    with pytest.raises(DatasetError, match="leaving 3 of 3 group"):
        leave_k_out([1, 1, 2, 3], 3)
    with pytest.raises(DatasetError, match="leaving 1 of 1 group"):
        leave_k_out([1, 1, 1], 0.1)


def test_too_many_combinations_are_counted_not_made():
    with pytest.raises(DatasetError, match=f"{math.comb(100, 10)} folds; at most"):
        leave_k_out(range(100), 10, exhaustive=True)
    assert math.comb(100, 10) > MAX_COMBINATIONS


def test_fewer_groups_than_parts_are_refused():
    with pytest.raises(DatasetError, match=r"6 clips of 2 group.*at least 5 groups"):
        grouped_folds([0, 0, 0, 1, 1, 1], [0, 1] * 3, 5)
    with pytest.raises(DatasetError, match=r"2 group.*3 parts"):
        grouped_split([0, 1], [0, 1], (0.6, 0.2, 0.2))


@pytest.mark.parametrize("n_folds", [1, 0, -2, 2.5])
def test_a_senseless_number_of_folds_is_refused(n_folds):
    with pytest.raises(DatasetError, match="n_folds"):
        grouped_folds(range(10), [0] * 10, n_folds)


@pytest.mark.parametrize("fractions", [(0.5, 0.4), (1.2, -0.2), (math.nan, 0.5), (), ((0.5, 0.5),)])
def test_fractions_that_do_not_sum_to_one_are_refused(fractions):
    with pytest.raises(DatasetError, match="sum to 1"):
        grouped_split(range(10), [0] * 10, fractions)


@given(clips, st.integers(0, 5))
def test_which_labels_each_clip_has_deals_as_the_labels_do_where_each_has_one(rows, seed):
    groups, targets = np.array(rows).T
    assume(len(np.unique(groups)) >= 3)
    shares = (0.7, 0.15, 0.15)
    named = grouped_split(groups, targets, shares, seed=seed)
    marked = grouped_split(groups, targets[:, None] == np.arange(4), shares, seed=seed)
    for one, other in zip(named, marked, strict=True):
        np.testing.assert_array_equal(one, other)


def test_each_of_several_labels_is_spread_evenly():
    rng = np.random.default_rng(0)
    targets = rng.random((1_000, 8)) < rng.uniform(0.02, 0.5, 8)
    for _, test in grouped_folds(range(1_000), targets, 5):
        assert np.abs(targets[test].sum(axis=0) - targets.sum(axis=0) / 5).max() <= 3


@given(clips, st.integers(0, 5))
def test_groups_that_have_a_part_keep_it(rows, seed):
    groups, targets = np.array(rows).T
    assume(len(np.unique(groups)) >= 2)
    placed = np.where(groups % 3 == 0, groups % 2, -1)
    part = deal_groups(groups, targets, (0.5, 0.5), seed=seed, placed=placed)
    np.testing.assert_array_equal(part[placed >= 0], placed[placed >= 0])
    assert all(len(np.unique(part[groups == group])) == 1 for group in groups)
