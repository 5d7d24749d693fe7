"""Models: equal to plain scikit-learn, and the written network equal to the model."""

import numpy as np
import pytest
from model_rows import N_ROWS, blobs, is_tie, run
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression as SkLogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from ossicle import ModelError
from ossicle.evaluation import fit_temperature
from ossicle.models import MODELS, LogisticRegression, NearestNeighbours, SupportVectorMachine
from ossicle.models import model as build

OF_LABELS = {name: kind for name, kind in MODELS.items() if not kind.one_class}


ESTIMATORS = [
    (SupportVectorMachine(C=3.0), SVC(C=3.0, break_ties=True)),
    (SupportVectorMachine(C=0.1, kernel="linear"), SVC(C=0.1, kernel="linear", break_ties=True)),
    (SupportVectorMachine(gamma=0.05), SVC(gamma=0.05, break_ties=True)),
    (
        SupportVectorMachine(class_weight="balanced"),
        SVC(class_weight="balanced", break_ties=True),
    ),
    (LogisticRegression(C=0.5), SkLogisticRegression(C=0.5, max_iter=1000)),
    (NearestNeighbours(n_neighbors=1), KNeighborsClassifier(1)),
    (NearestNeighbours(n_neighbors=7), KNeighborsClassifier(7)),
]


@pytest.mark.parametrize("n_labels", [2, 3, 12])
@pytest.mark.parametrize(("ours", "theirs"), ESTIMATORS, ids=str)
def test_labels_equal_plain_scikit_learn(ours, theirs, n_labels):
    matrix, targets = blobs(n_labels)
    train, test = slice(0, 600), slice(600, None)
    fitted = ours.fit(matrix[train], targets[train], n_labels=n_labels)
    logits = fitted.logits(matrix[test])
    expected = theirs.fit(matrix[train].astype(float), targets[train]).predict(
        matrix[test].astype(float)
    )
    differing = logits.argmax(axis=1) != expected
    assert not differing[~is_tie(logits)].any()
    assert differing.sum() <= 2


@pytest.mark.parametrize("n_labels", [2, 3, 12])
@pytest.mark.parametrize("ours", [pair[0] for pair in ESTIMATORS], ids=str)
def test_written_network_gives_the_labels_of_scikit_learn(ours, n_labels):
    matrix, targets = blobs(n_labels, n_rows=N_ROWS + 400)
    fitted = ours.fit(matrix[:400], targets[:400], n_labels=n_labels)
    rows = matrix[400:]
    logits = fitted.logits(rows)
    written = run(fitted.onnx("label"), rows, n_labels=n_labels)
    np.testing.assert_allclose(written, logits, atol=2e-5)
    assert (written.argmax(1) != logits.argmax(1)).sum() <= is_tie(logits).sum()


@pytest.mark.parametrize(
    "models",
    [
        [
            SupportVectorMachine(C=c, gamma=g, kernel=k)
            for k, g in [("rbf", "scale"), ("rbf", "4*scale"), ("linear", "scale")]
            for c in (0.1, 1, 10)
        ],
        [NearestNeighbours(n_neighbors=k) for k in (9, 1, 4)],
        [LogisticRegression(C=c) for c in (0.1, 1)],
    ],
    ids=["svm", "knn", "logreg"],
)
def test_sweep_answers_exactly_as_one_fit_at_a_time(models):
    matrix, targets = blobs(4, n_rows=300)
    train, answers, test = matrix[:200], targets[:200], matrix[200:]
    together = type(models[0]).sweep(models, train, answers, test, n_labels=4)
    for model, logits in zip(models, together, strict=True):
        alone = model.fit(train, answers, n_labels=4).logits(test)
        np.testing.assert_allclose(logits, alone, atol=1e-9)
        np.testing.assert_array_equal(logits.argmax(1), alone.argmax(1))


def test_neighbours_at_equal_distances_are_the_first_in_every_form():
    rng = np.random.default_rng(0)
    matrix = rng.integers(0, 3, size=(400, 4)).astype(np.float32)
    targets = rng.integers(0, 3, size=400)
    train, answers, test = matrix[:200], targets[:200], matrix[200:]
    models = [NearestNeighbours(n_neighbors=k) for k in (1, 3, 8)]
    swept = NearestNeighbours.sweep(models, train, answers, test, n_labels=3)
    for model, logits in zip(models, swept, strict=True):
        fitted = model.fit(train, answers, n_labels=3)
        np.testing.assert_array_equal(logits, fitted.logits(test))
        np.testing.assert_allclose(run(fitted.onnx("label"), test, n_labels=3), logits, atol=1e-6)


@pytest.mark.parametrize("n_labels", [3, 5])
def test_svm_logits_grade_the_pairs_of_scikit_learn_and_its_vote_wins(n_labels):
    matrix, targets = blobs(n_labels, n_rows=400)
    machine = SVC(C=2.0, decision_function_shape="ovo").fit(matrix.astype(float), targets)
    pairs = [(i, j) for i in range(n_labels) for j in range(i + 1, n_labels)]
    expected = np.zeros((400, n_labels))
    for (first, second), margin in zip(pairs, machine.decision_function(matrix).T, strict=True):
        expected[:, first] += np.tanh(margin) / 2
        expected[:, second] -= np.tanh(margin) / 2
    winner = SVC(C=2.0, break_ties=True).fit(matrix.astype(float), targets).predict(matrix)
    expected[np.arange(400), winner] = expected.max(axis=1) + 1e-3
    ours = SupportVectorMachine(C=2.0).fit(matrix, targets, n_labels=n_labels).logits(matrix)
    np.testing.assert_allclose(ours, expected, atol=1e-9)


@pytest.mark.parametrize("n_labels", [4, 12])
def test_svm_scores_are_lower_where_it_errs_and_lowest_far_from_all_it_knows(n_labels):
    matrix, targets = blobs(n_labels)
    fitted = SupportVectorMachine(C=3.0).fit(matrix[:600], targets[:600], n_labels=n_labels)
    strange = np.random.default_rng(1).normal(scale=6, size=(500, 20)).astype(np.float32)
    logits = fitted.logits(matrix[1000:])
    temperature = fit_temperature(fitted.logits(matrix[600:1000]), targets[600:1000])
    top, far = (softmax(x / temperature, axis=1).max(1) for x in (logits, fitted.logits(strange)))
    right = logits.argmax(axis=1) == targets[1000:]
    assert len(np.unique(top.round(6))) > 900
    assert top[right].mean() > top[~right].mean() + 0.15
    assert np.mean(far[:, None] < top[right]) > 0.95


@pytest.mark.parametrize("kind", list(OF_LABELS.values()), ids=list(OF_LABELS))
def test_a_label_never_trained_is_never_answered(kind):
    matrix, targets = blobs(2, n_rows=60)
    fitted = kind().fit(matrix, targets * 2, n_labels=3)
    assert set(fitted.logits(matrix).argmax(axis=1)) == {0, 2}
    with pytest.raises(ModelError, match=r"labels \[1\].*no training row"):
        fitted.onnx("label")


@pytest.mark.parametrize("kind", list(OF_LABELS.values()), ids=list(OF_LABELS))
def test_one_label_cannot_be_learnt(kind):
    matrix, _ = blobs(2, n_rows=20)
    with pytest.raises(ModelError, match="at least 2 are needed"):
        kind().fit(matrix, np.zeros(20, dtype=np.int64), n_labels=2)


@pytest.mark.parametrize("kind", list(OF_LABELS.values()), ids=list(OF_LABELS))
def test_a_description_rebuilds_the_model_and_its_network_has_the_same_bytes(kind):
    matrix, targets = blobs(3, n_rows=90)
    first = kind().fit(matrix, targets, n_labels=3).onnx("label")
    again = build(kind().describe()).fit(matrix, targets, n_labels=3).onnx("label")
    assert first == again


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ("swm", "no model is called 'swm'.*did you mean 'svm'"),
        ({"name": "knn", "n_neighbours": 3}, "did you mean 'n_neighbors'"),
        ({"name": "svm", "C": -1}, "C is -1; it must be a number above 0"),
        ({"name": "svm", "gamma": "wide"}, "gamma is 'wide'"),
        ({"name": "logreg", "C": "abc"}, "C is 'abc'; it must be a number above 0"),
        ({"name": "logreg", "class_weight": "foo"}, "class_weight is 'foo'"),
        ({"name": "knn", "n_neighbors": 2.5}, "n_neighbors is 2.5; it must be a whole number"),
        ({"name": "svm", "kernel": "poly"}, "kernel is 'poly'"),
    ],
)
def test_a_wrong_word_is_named_with_what_was_allowed(description, message):
    with pytest.raises(ModelError, match=message):
        build(description)


def test_more_neighbours_than_rows_are_refused():
    matrix, targets = blobs(2, n_rows=4)
    with pytest.raises(ModelError, match="n_neighbors is 5; allowed are 1 to 4"):
        NearestNeighbours().fit(matrix, targets, n_labels=2)
