"""Samplers: pure functions of seed and epoch, each dealing as it says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ossicle.errors import TrainingError
from ossicle.training.sampling import SAMPLERS, sampler

SOURCE = np.repeat([0, 1, 2], [50, 20, 7])
TARGETS = {
    "a": np.eye(3)[np.r_[np.zeros(40, int), np.ones(8, int), [2, 2]]].tolist() + [[0, 0, 0]] * 27,
    "b": [[0, 0]] * 50 + np.eye(2)[np.arange(27) % 2].tolist(),
    "value": np.linspace(0, 99, 77)[:, np.newaxis],
}
given_sampler = given(
    name=st.sampled_from(sorted(SAMPLERS)),
    batch_size=st.integers(1, 90),
    seed=st.integers(0, 2**32),
    epoch=st.integers(0, 1_000),
)


def made(name, batch_size=8, seed=0):
    return sampler(name, source=SOURCE, targets=TARGETS, batch_size=batch_size, seed=seed)


@given_sampler
def test_an_epoch_is_the_same_whatever_was_drawn_before(name, batch_size, seed, epoch):
    one, other = made(name, batch_size, seed), made(name, batch_size, seed)
    for before in range(3):
        one.batches(before)
    for mine, theirs in zip(one.batches(epoch), other.batches(epoch), strict=True):
        assert mine.dtype == np.int64
        assert mine.tolist() == theirs.tolist()


@given_sampler
def test_batches_are_full_but_for_the_last_of_a_deal(name, batch_size, seed, epoch):
    batches = made(name, batch_size, seed).batches(epoch)
    assert all(0 < len(batch) <= batch_size for batch in batches)
    assert all(0 <= row < len(SOURCE) for batch in batches for row in batch)


@pytest.mark.parametrize("name", sorted(SAMPLERS))
def test_no_batch_of_one_epoch_is_met_in_the_next(name):
    each = made(name, batch_size=8)
    first, second = (  # a data set of less than a batch is one batch, and always the same
        {tuple(sorted(batch)) for batch in each.batches(epoch) if len(batch) == 8}
        for epoch in (0, 1)
    )
    assert first
    assert first.isdisjoint(second)


@pytest.mark.parametrize("name", ["mixed", "one_data_set"])
@given(batch_size=st.integers(1, 90), epoch=st.integers(0, 99))
def test_every_window_is_in_an_epoch_once(name, batch_size, epoch):
    rows = np.concatenate(made(name, batch_size).batches(epoch))
    assert sorted(rows.tolist()) == list(range(len(SOURCE)))


@pytest.mark.parametrize("name", ["one_data_set", "alternating"])
@given(batch_size=st.integers(1, 60), epoch=st.integers(0, 99))
def test_a_batch_is_of_one_data_set(name, batch_size, epoch):
    for batch in made(name, batch_size).batches(epoch):
        assert len(set(SOURCE[batch])) == 1


def test_the_order_of_the_data_sets_is_random():
    orders = {
        tuple(SOURCE[batch[0]] for batch in made("one_data_set").batches(epoch))
        for epoch in range(5)
    }
    assert len(orders) > 1


@given(batch_size=st.integers(1, 60), epoch=st.integers(0, 99))
def test_data_sets_alternate_and_the_largest_is_used_up_once(batch_size, epoch):
    batches = made("alternating", batch_size).batches(epoch)
    homes = [int(SOURCE[batch[0]]) for batch in batches]
    assert homes == [0, 1, 2] * (len(homes) // 3)
    counts = np.bincount(np.concatenate(batches), minlength=len(SOURCE))
    assert (counts[SOURCE == 0] == 1).all()
    assert counts.min() >= 1
    for home in (1, 2):  # restarted only when used up
        assert np.ptp(counts[home == SOURCE]) <= 1 + (len(SOURCE) // batch_size == 0)


def test_labels_are_drawn_evenly_and_all_members_of_each_in_turn():
    rows = np.concatenate(made("balanced").batches(3))
    assert len(rows) == len(SOURCE)
    labels = np.hstack([TARGETS["a"], TARGETS["b"]])
    counts = labels[rows].sum(axis=0)
    assert counts.max() - counts.min() <= 1
    uses = np.bincount(rows, minlength=len(SOURCE))
    for column in labels.T:
        assert np.ptp(uses[column > 0]) <= 1


def test_windows_that_have_numbers_alone_are_drawn_as_often_as_those_of_a_label():
    targets = {"label": np.eye(3)[:2].repeat(30, axis=0)[:, :2], "value": np.ones((60, 1))}
    targets["label"][40:] = 0.0
    each = sampler("balanced", source=np.zeros(60), targets=targets, batch_size=8, seed=0)
    rows = np.concatenate(each.batches(1))
    assert [np.sum(rows < 30), np.sum((rows >= 30) & (rows < 40)), np.sum(rows >= 40)] == [20] * 3


def test_a_regression_alone_cannot_be_balanced():
    each = sampler("balanced", source=[0, 0], targets=[[0.9], [3.0]], batch_size=2, seed=0)
    with pytest.raises(TrainingError, match="a regression is sampled by 'mixed'"):
        each.batches(0)


def test_what_cannot_be_sampled_is_said():
    with pytest.raises(TrainingError, match="no sampler 'alternate'; did you mean 'alternating'"):
        made("alternate")
    with pytest.raises(TrainingError, match="batch_size=0; 1 to"):
        made("mixed", batch_size=0)
    with pytest.raises(TrainingError, match="no windows to sample"):
        sampler("mixed", source=[], batch_size=1, seed=0)
