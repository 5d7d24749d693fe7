import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ossicle.classifier.activation import calibrate, sigmoid, softmax
from ossicle.classifier.pooling import POOLINGS, majority, mean, pool

LOGITS = arrays(
    np.float32,
    st.tuples(st.integers(1, 9), st.integers(2, 5)),
    elements=st.floats(-50, 50, width=32),
)


@pytest.mark.parametrize("how", POOLINGS)
@given(logits=LOGITS)
def test_pooled_shares_are_shares(how, logits):
    pooled = pool(softmax(logits), how=how)
    assert np.isfinite(pooled).all()
    assert (pooled >= 0).all()
    assert pooled.sum() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("how", POOLINGS)
@given(logits=LOGITS)
def test_pooled_independent_scores_stay_between_the_windows(how, logits):
    scores = sigmoid(logits)
    pooled = pool(scores, how=how, exclusive=False)
    assert (pooled <= scores.max(axis=0) * (1 + 1e-6) + 2e-7).all()
    assert (pooled >= scores.min(axis=0) * (1 - 1e-6)).all()


@pytest.mark.parametrize("how", POOLINGS)
@given(logits=LOGITS)
def test_one_window_is_its_own_pool(how, logits):
    scores = softmax(logits[:1])
    np.testing.assert_allclose(pool(scores, how=how), scores[0], atol=1e-6)


@given(logits=LOGITS)
def test_mean_and_majority_are_equal_on_unanimous_windows(logits):
    logits[:, 1] = logits.max() + 1
    scores = softmax(logits)
    np.testing.assert_array_equal(mean(scores), majority(scores))


def test_majority_and_mean_differ_where_one_window_shouts():
    scores = np.float32([[0.55, 0.45], [0.55, 0.45], [0.0, 1.0]])
    assert majority(scores).argmax() == 0
    assert mean(scores).argmax() == 1


def test_a_tied_vote_goes_to_the_higher_mean():
    scores = np.float32([[0.6, 0.4], [0.1, 0.9]])
    assert majority(scores).argmax() == 1


def test_independent_majority_counts_each_label():
    scores = np.float32([[0.9, 0.1], [0.7, 0.2], [0.1, 0.9]])
    np.testing.assert_allclose(majority(scores, exclusive=False), [0.8, 0.15], rtol=1e-6)


@pytest.mark.parametrize("how", POOLINGS)
def test_no_window_heard_gives_zeros(how):
    assert pool(np.zeros((0, 3), np.float32), how=how).tolist() == [0.0, 0.0, 0.0]


@given(logits=LOGITS, temperature=st.floats(0.05, 20))
def test_a_temperature_divides_the_logits(logits, temperature):
    logits = np.clip(logits, -8, 8)
    calibrated = calibrate(softmax(logits), temperature=temperature, exclusive=True)
    np.testing.assert_allclose(calibrated, softmax(logits / temperature), atol=2e-4)
    calibrated = calibrate(sigmoid(logits), temperature=temperature, exclusive=False)
    np.testing.assert_allclose(calibrated, sigmoid(logits / temperature), atol=2e-3)


@given(logits=LOGITS, temperature=st.floats(0.001, 1000))
def test_calibrated_scores_are_scores(logits, temperature):
    for exclusive, scores in ((True, softmax(logits)), (False, sigmoid(logits))):
        calibrated = calibrate(scores, temperature=temperature, exclusive=exclusive)
        assert np.isfinite(calibrated).all()
        assert (calibrated >= 0).all()
        assert (calibrated <= 1).all()


def test_quiet_zeros_stay_zeros_under_a_temperature():
    silence = np.zeros((2, 3), np.float32)
    np.testing.assert_array_equal(calibrate(silence, temperature=3.0, exclusive=True), silence)
