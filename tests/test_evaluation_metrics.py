"""Metrics equal scikit-learn's and are defined where nothing was measured."""

import numpy as np
import pytest
import sklearn.metrics as golden
from hypothesis import given, settings
from hypothesis import strategies as st

from ossicle.errors import EvaluationError
from ossicle.evaluation import metrics


@pytest.fixture(params=[(2, 40), (3, 60), (10, 400), (50, 500)], ids=lambda p: f"{p[0]} labels")
def judged(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Targets, answers and scores of which many are tied."""
    n_labels, n_clips = request.param
    rng = np.random.default_rng(n_labels)
    targets = np.concatenate([np.arange(n_labels), rng.integers(n_labels, size=n_clips)])
    scores = rng.random((targets.size, n_labels))
    scores[np.arange(targets.size), targets] += 0.4
    scores = (scores / scores.sum(axis=1, keepdims=True)).round(2)
    return targets, scores.argmax(axis=1), scores


def test_confusion_and_accuracy_equal_scikit_learn(judged: tuple[np.ndarray, ...]) -> None:
    targets, answers, scores = judged
    ours = metrics.confusion_matrix(targets, answers, n_labels=scores.shape[1])
    np.testing.assert_array_equal(ours, golden.confusion_matrix(targets, answers))
    assert metrics.accuracy(targets, answers) == golden.accuracy_score(targets, answers)


@pytest.mark.parametrize("how", ["macro", "micro", "weighted"])
def test_averages_equal_scikit_learn(judged: tuple[np.ndarray, ...], how: str) -> None:
    targets, answers, scores = judged
    confusion = metrics.confusion_matrix(targets, answers, n_labels=scores.shape[1])
    expected = golden.precision_recall_fscore_support(
        targets, answers, average=how, zero_division=np.nan
    )[:3]
    np.testing.assert_allclose(metrics.averages(confusion, how), expected, atol=1e-12)


def test_class_scores_equal_scikit_learn(judged: tuple[np.ndarray, ...]) -> None:
    targets, answers, scores = judged
    confusion = metrics.confusion_matrix(targets, answers, n_labels=scores.shape[1])
    expected = golden.precision_recall_fscore_support(targets, answers, zero_division=np.nan)
    for ours, theirs in zip(metrics.class_scores(confusion), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_curves_and_areas_equal_scikit_learn(judged: tuple[np.ndarray, ...]) -> None:
    targets, _, scores = judged
    for label in range(min(scores.shape[1], 5)):
        positives, score = targets == label, scores[:, label]
        curve = metrics.roc_curve(positives, score)
        expected = golden.roc_curve(positives, score, drop_intermediate=False)
        for ours, theirs in zip(curve, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-12)
        assert metrics.auc(positives, score) == pytest.approx(
            golden.roc_auc_score(positives, score), abs=1e-12
        )
        assert metrics.average_precision(positives, score) == pytest.approx(
            golden.average_precision_score(positives, score), abs=1e-12
        )


def test_macro_auc_equals_scikit_learn(judged: tuple[np.ndarray, ...]) -> None:
    targets, _, scores = judged
    each = np.eye(scores.shape[1])[targets]
    expected = golden.roc_auc_score(each, scores, average="macro")
    assert metrics.macro_auc(targets, scores) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=1, max_size=25))
def test_auc_is_the_share_of_pairs_in_order_with_ties_as_half(
    clips: list[tuple[bool, int]],
) -> None:
    positives = np.array([positive for positive, _ in clips])
    scores = np.array([float(score) for _, score in clips])
    gaps = scores[positives][:, None] - scores[~positives][None, :]
    area = metrics.auc(positives, scores)
    if gaps.size:
        assert area == pytest.approx(float((gaps > 0).mean() + (gaps == 0).mean() / 2))
        curve = metrics.roc_curve(positives, scores)
        assert area == pytest.approx(float(golden.auc(curve.fpr, curve.tpr)))
    else:
        assert np.isnan(area)


def test_binary_rates_speak_of_the_positive_label() -> None:
    confusion = np.array([[90, 10], [30, 70]])
    assert metrics.rates(confusion, positive=1) == (0.7, 0.1)
    assert metrics.rates(confusion, positive=0) == (0.9, 0.3)


def test_macro_rates_are_means_of_each_label_against_the_rest() -> None:
    confusion = np.array([[3, 1, 0], [0, 4, 0], [1, 1, 2]])
    tpr = (3 / 4 + 4 / 4 + 2 / 4) / 3
    fpr = (1 / 8 + 2 / 8 + 0 / 8) / 3
    assert metrics.rates(confusion) == pytest.approx((tpr, fpr))


def test_columns_beyond_the_labels_are_never_right() -> None:
    confusion = metrics.confusion_matrix([0, 1, 1], [0, 1, 2], n_labels=2, n_answers=3)
    assert confusion.tolist() == [[1, 0, 0], [0, 1, 1]]
    assert metrics.class_scores(confusion).recall.tolist() == [1.0, 0.5]
    assert metrics.rates(confusion) == (0.75, 0.0)


def test_nothing_measured_is_nan_and_never_zero() -> None:
    assert np.isnan(metrics.accuracy([], []))
    empty = metrics.confusion_matrix([], [], n_labels=2)
    assert np.isnan(metrics.rates(empty)).all()
    assert np.isnan(metrics.averages(empty)).all()
    assert np.isnan(metrics.averages(empty, "micro")).all()
    assert np.isnan(metrics.averages(empty, "weighted")).all()
    assert np.isnan(metrics.auc([], []))
    assert np.isnan(metrics.average_precision([False], [0.5]))
    assert np.isnan(metrics.macro_auc([0, 0], [[0.9, 0.1], [0.8, 0.2]]))
    assert np.isnan(metrics.roc_curve([True], [0.5]).fpr).all()


def test_one_class_gives_its_recall_and_no_false_positive_rate() -> None:
    confusion = metrics.confusion_matrix([1, 1], [1, 0], n_labels=2)
    tpr, fpr = metrics.rates(confusion, positive=1)
    assert tpr == 0.5
    assert np.isnan(fpr)


def test_label_never_answered_has_no_precision_but_an_f1_of_zero() -> None:
    figures = metrics.class_scores([[2, 0], [3, 0]])
    assert np.isnan(figures.precision[1])
    assert (figures.recall[1], figures.f1[1]) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.confusion_matrix([0], [0, 1], n_labels=2), "targets have shape"),
        (
            lambda: metrics.confusion_matrix([0], [2], n_labels=2),
            "between 2 and 2; allowed: 0 to 1",
        ),
        (lambda: metrics.confusion_matrix([0.5], [0], n_labels=2), "wanted one label index"),
        (lambda: metrics.auc([True, False], [0.5]), "one of each per clip"),
        (lambda: metrics.auc([True, False], [0.5, np.nan]), "1 of 2 scores are not finite"),
        (lambda: metrics.macro_auc([0], [0.5]), r"wanted \(n_clips, n_labels\)"),
        (lambda: metrics.averages([[1, 0], [0, 1]], "median"), "allowed: macro, micro, weighted"),
        (lambda: metrics.rates([[1], [2]]), "a confusion matrix of shape"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(call: object, message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        call()
