"""Searches that judge less than the whole grid: what they draw, what they drop, what they keep."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sounds import RATE, folders_of_tones, table_of_tones

from ossicle import SearchError
from ossicle.datasets import Dataset, read_dataset
from ossicle.selection import draw_configurations, expand, search
from ossicle.selection.halving import restrict, rungs
from ossicle.selection.material import Material
from ossicle.selection.questions import question_of

FRONT = {
    "front_end": ["log_mel"],
    "sample_rate": [RATE],
    "n_fft": [256],
    "hop_length": [128],
    "n_mels": [20],
}
GRID = {
    **FRONT,
    "integration": ["mean", "meanvar"],
    "model": ["svm", "knn"],
    "C": [0.01, 1.0, 100.0],
    "n_neighbors": [1, 3, 5],
}
COSTS = {"model": ["svm"], "C": {"from": 0.1, "to": 1000, "scale": "log"}}


def without_times(rows):
    return [{k: v for k, v in row.items() if k not in ("train_ms", "latency_ms")} for row in rows]


@pytest.fixture(scope="module")
def tones(tmp_path_factory) -> Dataset:
    return read_dataset(folders_of_tones(tmp_path_factory.mktemp("tones"), n_clips=20))


# --- drawing --------------------------------------------------------------------------------------


def test_more_than_there_are_is_the_whole_grid_in_its_order():
    assert draw_configurations(GRID, 99) == expand(GRID)


def test_each_configuration_of_a_grid_is_drawn_equally_often():
    counts = Counter(c for seed in range(600) for c in draw_configurations(GRID, 2, seed=seed))
    assert len(counts) == 12
    assert max(counts.values()) < 1.5 * 100 > min(counts.values()) > 0.6 * 100


@given(st.integers(0, 2**32 - 1))
def test_one_seed_draws_the_same_and_within_the_range(seed):
    drawn = draw_configurations(COSTS, 5, seed=seed)
    assert drawn == draw_configurations(COSTS, 5, seed=seed)
    assert all(0.1 <= c.model.C <= 1000 for c in drawn)


def test_a_logarithmic_range_is_drawn_evenly_in_decades():
    costs = [c.model.C for c in draw_configurations(COSTS, 400)]
    decades = Counter(np.floor(np.log10(costs)).astype(int).tolist())
    assert set(decades) == {-1, 0, 1, 2}
    assert min(decades.values()) > 70


def test_whole_ends_draw_whole_numbers_ends_included():
    grid = {"model": ["knn"], "n_neighbors": {"from": 1, "to": 4}}
    found = {c.model.n_neighbors for c in draw_configurations(grid, 50)}
    assert found == {1, 2, 3, 4}
    logarithmic = {"model": ["knn"], "n_neighbors": {"from": 1, "to": 4, "scale": "log"}}
    assert {c.model.n_neighbors for c in draw_configurations(logarithmic, 50)} == {1, 2, 3, 4}


@pytest.mark.parametrize(
    "value",
    [
        {"from": 5, "to": 1},
        {"from": 0, "to": 1, "scale": "log"},
        {"from": 1},
        {"from": 1, "to": "much"},
        {"from": 1, "to": 2, "scale": "cubic"},
        {"from": 1, "to": 2, "step": 1},
        {"from": float("nan"), "to": 2},
    ],
)
def test_a_range_that_is_none_is_refused(value):
    with pytest.raises(SearchError, match=r"grid key 'C' is .*numbers in order"):
        draw_configurations({"model": ["svm"], "C": value}, 1)


def test_a_range_is_only_for_drawing():
    with pytest.raises(SearchError, match="grid key 'C' is a range; say how many to draw"):
        expand(COSTS)
    with pytest.raises(SearchError, match="draw is 0"):
        draw_configurations(COSTS, 0)


def test_a_random_search_judges_what_was_drawn_as_the_whole_grid_does(tones, tmp_path):
    whole = {row["id"]: row for row in without_times(search(tones, grid=GRID, out=tmp_path).rows)}
    few = search(tones, grid=GRID, draw=5, seed=3, out=tmp_path)
    assert len(few.rows) == 5
    assert few.folds[0][1].tolist() != []
    again = search(tones, grid=GRID, draw=5, seed=3)
    assert without_times(few.rows) == without_times(again.rows)
    same_folds = search(tones, grid=GRID, draw=5)
    assert all(row == whole[row["id"]] for row in without_times(same_folds.rows))


# --- halving --------------------------------------------------------------------------------------


@given(st.integers(1, 5_000), st.integers(2, 10), st.integers(1, 10_000))
def test_rounds_shrink_the_configurations_and_widen_the_recordings(n, halving, n_groups):
    found = rungs(n, halving, n_groups=n_groups)
    shares, keeps = [rung.share for rung in found], [rung.keep for rung in found]
    assert shares == sorted(shares)
    assert all(0.1 - 1e-9 <= share <= 1 / halving for share in shares)
    assert keeps == sorted(keeps, reverse=True)
    assert all(1 <= keep <= n for keep in keeps)
    assert all(share * n_groups >= 20 - 1e-6 for share in shares)


def test_what_survives_is_judged_as_without_halving(tones, tmp_path):
    whole = {row["id"]: row for row in without_times(search(tones, grid=GRID, out=tmp_path).rows)}
    halved = search(tones, grid=GRID, halving=2, out=tmp_path)
    assert 1 <= len(halved.rows) < len(whole)
    assert all(row == whole[row["id"]] for row in without_times(halved.rows))
    assert len(halved.rows) + len(halved.dropped) == len(whole)
    assert {row["share"] for row in halved.dropped} == {0.5}
    assert halved.best().metrics["validation"]["n_folds"] == len(halved.folds)


def test_the_worst_configurations_are_dropped(tones):
    halved = search(tones, grid=GRID, halving=2, leave_out=0.2)
    dropped, kept = ([row["accuracy"] for row in rows] for rows in (halved.dropped, halved.rows))
    assert np.mean(dropped) < np.mean(kept)


def test_a_round_sees_no_recording_outside_its_share_and_cuts_no_group(tmp_path):
    dataset = read_dataset(table_of_tones(tmp_path))
    question = question_of(dataset.task())
    folds = tuple((train, test) for _, train, test in dataset.fold_indices())
    narrow = restrict(folds, dataset, question, 0.5, seed=0)
    seen = np.unique(np.concatenate([np.concatenate(fold) for fold in narrow]))
    assert len(seen) == 20
    groups = dataset.groups
    assert not set(groups[seen]) & set(np.delete(groups, seen))
    for train, test in narrow:
        assert not set(groups[train]) & set(groups[test])
        assert any(set(test) <= set(whole) for _, whole in folds)


def test_too_few_recordings_make_no_round(tmp_path):
    dataset = read_dataset(folders_of_tones(tmp_path, n_clips=6))
    assert len(search(dataset, grid=GRID, halving=2).rows) == len(expand(GRID))  # no round at all
    question = question_of(dataset.task())
    with pytest.raises(SearchError, match="1% of the recordings are too few to judge on"):
        restrict(((np.arange(6), np.arange(6, 12)),), dataset, question, 0.01, seed=0)
    with pytest.raises(SearchError, match="halving is 1; allowed are 2 and above"):
        search(dataset, grid=GRID, halving=1)


def test_the_truth_is_of_the_clips_of_the_material(tones, tmp_path):
    question = question_of(tones.task())
    material = Material(tones, question, None, None, "0" * 32, tmp_path, tmp_path / "features")
    assert material.truth.tolist() == tones.targets().tolist()


def test_what_learns_from_too_few_rows_in_a_round_is_told_to_do_without(tones):
    grid = {**FRONT, "integration": ["mean"], "model": ["knn"], "n_neighbors": [1, 3, 5, 25]}
    assert len(search(tones, grid=grid, leave_out=0.2).rows) == 4
    with pytest.raises(SearchError, match=r"n_neighbors is 25; .*: search without halving"):
        search(tones, grid=grid, leave_out=0.2, halving=2)
