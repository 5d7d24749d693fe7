"""Every further model: its written network answers as plain scikit-learn does."""

import numpy as np
import pytest
from model_rows import N_ROWS, blobs, is_tie, run, waves
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import Ridge as SkRidge
from sklearn.linear_model import RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor

from ossicle import ModelError
from ossicle.models import (
    MODELS,
    Boosting,
    ExtraTrees,
    GaussianNaiveBayes,
    NearestNeighbours,
    Perceptron,
    RandomForest,
    Ridge,
)
from ossicle.models import model as build

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CLASSIFIERS = [
    (RandomForest(n_estimators=50, seed=3), RandomForestClassifier(50, random_state=3)),
    (
        RandomForest(n_estimators=40, max_depth=6, max_features=0.5, class_weight="balanced"),
        RandomForestClassifier(
            40, max_depth=6, max_features=0.5, class_weight="balanced", random_state=0
        ),
    ),
    (
        ExtraTrees(n_estimators=50, min_samples_leaf=3),
        ExtraTreesClassifier(50, min_samples_leaf=3, random_state=0),
    ),
    (
        Boosting(max_iter=10),
        HistGradientBoostingClassifier(max_iter=10, early_stopping=False),
    ),
    (
        Boosting(max_iter=10, learning_rate=0.3, max_leaf_nodes=5, max_features=0.5, seed=2),
        HistGradientBoostingClassifier(
            max_iter=10,
            learning_rate=0.3,
            max_leaf_nodes=5,
            max_features=0.5,
            early_stopping=False,
            random_state=2,
        ),
    ),
    (GaussianNaiveBayes(), GaussianNB()),
    (GaussianNaiveBayes(var_smoothing=0.1), GaussianNB(var_smoothing=0.1)),
    (Perceptron(hidden_units=30, max_iter=50), MLPClassifier((30,), max_iter=50, random_state=0)),
    (
        Perceptron(hidden_units=12, n_hidden_layers=2, max_iter=20, learning_rate=0.01, alpha=1.0),
        MLPClassifier((12, 12), max_iter=20, learning_rate_init=0.01, alpha=1.0, random_state=0),
    ),
    (Ridge(), RidgeClassifier()),
    (
        Ridge(alpha=50.0, class_weight="balanced"),
        RidgeClassifier(alpha=50.0, class_weight="balanced"),
    ),
]
REGRESSORS = [
    (
        RandomForest(n_estimators=50, max_features=1.0),
        RandomForestRegressor(50, random_state=0),
    ),
    (
        ExtraTrees(n_estimators=50, max_features=1.0, min_samples_leaf=2),
        ExtraTreesRegressor(50, min_samples_leaf=2, random_state=0),
    ),
    (Boosting(max_iter=30), HistGradientBoostingRegressor(max_iter=30, early_stopping=False)),
    (Ridge(alpha=3.0), SkRidge(alpha=3.0)),
    (NearestNeighbours(n_neighbors=4), KNeighborsRegressor(4)),
    (Perceptron(max_iter=50), MLPRegressor(max_iter=50, random_state=0)),
]
SWEEPS = [
    [RandomForest(n_estimators=n, max_depth=d) for n in (5, 20, 10) for d in (None, 3)],
    [ExtraTrees(n_estimators=n) for n in (1, 30)],
    [Ridge(alpha=a, class_weight=w) for a in (0.01, 1, 100.0) for w in (None, "balanced")],
    [NearestNeighbours(n_neighbors=k) for k in (9, 1, 4)],
    [Boosting(max_iter=n, max_features=0.5, min_samples_leaf=m) for n in (3, 12) for m in (5, 9)],
]


def named(value):
    return getattr(value, "name", "") or type(value).__name__


@pytest.mark.parametrize("n_labels", [2, 3, 12])
@pytest.mark.parametrize(("ours", "theirs"), CLASSIFIERS, ids=named)
def test_labels_of_the_network_are_scikit_learns(ours, theirs, n_labels):
    matrix, targets = blobs(n_labels, n_rows=N_ROWS + 400)
    rows, answers = matrix[:400], targets[:400]
    fitted = ours.fit(rows, answers, n_labels=n_labels)
    logits = fitted.logits(matrix[400:])
    written = run(fitted.onnx("label"), matrix[400:], n_labels=n_labels)
    expected = theirs.fit(rows, answers).predict(matrix[400:])
    ties = is_tie(logits)
    differing = written.argmax(axis=1) != expected
    assert not differing[~ties].any(), f"{differing.sum()} differ; {ties.sum()} of {N_ROWS} tied"
    np.testing.assert_array_equal(logits.argmax(axis=1)[~ties], expected[~ties])
    np.testing.assert_allclose(written, logits, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("ours", "theirs"), REGRESSORS, ids=named)
def test_values_of_the_network_are_scikit_learns(ours, theirs):
    matrix, values = waves(n_rows=N_ROWS + 400)
    fitted = ours.fit_values(matrix[:400], values[:400])
    expected = theirs.fit(matrix[:400], values[:400]).predict(matrix[400:])
    written = run(fitted.onnx("label"), matrix[400:], n_labels=1)[:, 0]
    np.testing.assert_allclose(fitted.logits(matrix[400:])[:, 0], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(written, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("models", SWEEPS, ids=lambda models: models[0].name)
def test_a_sweep_answers_exactly_as_one_fit_at_a_time(models):
    matrix, targets = blobs(4, n_rows=300)
    train, answers, test = matrix[:200], targets[:200], matrix[200:]
    together = type(models[0]).sweep(models, train, answers, test, n_labels=4)
    for model, logits in zip(models, together, strict=True):
        alone = model.fit(train, answers, n_labels=4).logits(test)
        np.testing.assert_allclose(logits, alone, atol=1e-9)
        np.testing.assert_array_equal(logits.argmax(1), alone.argmax(1))


@pytest.mark.parametrize(
    "models",
    [models for models in SWEEPS if "regression" in models[0].kinds],
    ids=lambda models: models[0].name,
)
def test_a_sweep_of_regressions_answers_exactly_as_one_fit_at_a_time(models):
    matrix, values = waves(n_rows=300)
    train, answers, test = matrix[:200], values[:200], matrix[200:]
    together = type(models[0]).sweep_values(models, train, answers, test)
    for model, given in zip(models, together, strict=True):
        alone = model.fit_values(train, answers).logits(test)
        assert alone.shape == given.shape == (100, 1)
        np.testing.assert_allclose(given, alone, atol=1e-9)


REGRESSION = [name for name, kind in MODELS.items() if "regression" in kind.kinds]


@pytest.mark.parametrize("name", REGRESSION)
def test_a_regression_is_written_in_the_same_bytes_and_does_better_than_the_mean(name):
    matrix, values = waves(n_rows=200)
    fitted = build(name).fit_values(matrix, values)
    assert fitted.onnx("label") == build(name).fit_values(matrix, values).onnx("label")
    assert np.std(fitted.logits(matrix)[:, 0] - values) < 0.9 * np.std(values)


@pytest.mark.parametrize("name", [name for name in MODELS if name not in REGRESSION])
def test_a_model_without_regression_says_what_it_answers(name):
    matrix, values = waves(n_rows=20)
    with pytest.raises(ModelError, match=f"{name} answers .*, no regression"):
        build(name).fit_values(matrix, values)


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({"name": "forest", "n_estimators": 0}, "n_estimators is 0; it must be a whole number"),
        ({"name": "forest", "max_features": 2.0}, "max_features is 2.0; .* at most 1"),
        ({"name": "forest", "max_features": "all"}, "max_features is 'all'; .*'sqrt' and 'log2'"),
        ({"name": "extra_trees", "max_depth": -1}, "max_depth is -1; .* above 0"),
        ({"name": "extra_trees", "seed": -1}, "seed is -1; it must be a whole number from 0"),
        ({"name": "boosting", "learning_rate": 1.5}, "learning_rate is 1.5; .* at most 1"),
        ({"name": "boosting", "max_leaf_nodes": 1}, "max_leaf_nodes is 1; .* above 1"),
        ({"name": "gaussian_nb", "var_smoothing": 0}, "var_smoothing is 0; .* above 0"),
        ({"name": "mlp", "hidden_units": 2.5}, "hidden_units is 2.5; .* whole number"),
        ({"name": "mlp", "alpha": float("nan")}, "alpha is nan"),
        ({"name": "ridge", "alpha": float("inf")}, "alpha is inf"),
        ({"name": "ridge", "alpha": "much"}, "alpha is 'much'; it must be a number above 0"),
        ({"name": "forest", "class_weight": "foo"}, "class_weight is 'foo'; allowed are None"),
    ],
)
def test_a_wrong_setting_is_named_with_what_was_allowed(description, message):
    with pytest.raises(ModelError, match=message):
        build(description)


def test_a_perceptron_that_diverges_says_why():
    matrix, values = waves(n_rows=50)
    with pytest.raises(ModelError, match="learning_rate 1e\\+300 does not settle"):
        Perceptron(learning_rate=1e300).fit_values(matrix, values)


def test_rows_without_any_difference_have_no_densities():
    with pytest.raises(ModelError, match="all 4 training rows are the same"):
        GaussianNaiveBayes().fit(np.ones((4, 2), np.float32), np.arange(4) % 2, n_labels=2)


def test_trees_that_are_one_leaf_answer_as_the_model_does():
    matrix, values = np.float32([[0, 1], [1, 0], [5, 5]]), np.array([1.0, 2.0, 6.0])
    for model in (Boosting(), RandomForest(n_estimators=3, min_samples_leaf=3)):
        fitted = model.fit_values(matrix, values)
        written = run(fitted.onnx("label"), matrix, n_labels=1)
        np.testing.assert_allclose(written, fitted.logits(matrix), rtol=1e-6)
