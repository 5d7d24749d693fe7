"""One-class models: what is far from normal rows is abnormal, as plain scikit-learn says."""

import numpy as np
import pytest
from model_rows import N_ROWS, is_tie, run
from sklearn.covariance import EllipticEnvelope as SkEllipticEnvelope
from sklearn.ensemble import IsolationForest as SkIsolationForest
from sklearn.mixture import GaussianMixture as SkGaussianMixture

from ossicle import ModelError
from ossicle.models import MODELS, EllipticEnvelope, GaussianMixture, IsolationForest
from ossicle.models import model as build

ONE_CLASS = {name: kind for name, kind in MODELS.items() if kind.one_class}


def normal_rows(n_rows, *, n_features=10, seed=0):
    """Two clouds of correlated features."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(1).normal(size=(n_features, n_features))
    centres = rng.choice([-2.0, 2.0], size=(n_rows, 1))
    return (rng.normal(size=(n_rows, n_features)) @ mixing + centres).astype(np.float32)


def mixed_rows():
    """From the middle outwards, ever stranger."""
    rows = normal_rows(N_ROWS, seed=5)
    return rows * np.linspace(0.3, 2.0, N_ROWS, dtype=np.float32)[:, None]


TRAIN = normal_rows(500)
ALL_NORMAL = np.zeros(500, dtype=np.int64)


def likelihood_below(machine, contamination):
    """scikit-learn's mixture has no threshold of its own."""
    machine.fit(TRAIN.astype(float))
    lowest = np.percentile(machine.score_samples(TRAIN.astype(float)), 100 * contamination)
    return machine.score_samples(mixed_rows().astype(float)) < lowest


CASES = [
    (
        EllipticEnvelope(contamination=0.05),
        lambda: (
            SkEllipticEnvelope(contamination=0.05, random_state=0)
            .fit(TRAIN.astype(float))
            .predict(mixed_rows().astype(float))
            < 0
        ),
    ),
    (
        IsolationForest(seed=4),
        lambda: (
            SkIsolationForest(contamination=0.02, max_samples=256, random_state=4)
            .fit(TRAIN)
            .predict(mixed_rows())
            < 0
        ),
    ),
    (
        GaussianMixture(contamination=0.1),
        lambda: likelihood_below(
            SkGaussianMixture(4, covariance_type="diag", reg_covar=1e-3, random_state=0), 0.1
        ),
    ),
    (
        GaussianMixture(n_components=2, covariance="full", reg_covar=1e-6, seed=1),
        lambda: likelihood_below(SkGaussianMixture(2, random_state=1), 0.02),
    ),
]


@pytest.mark.parametrize("normal", [0, 1])
@pytest.mark.parametrize(("ours", "theirs"), CASES, ids=lambda case: getattr(case, "name", ""))
def test_the_network_calls_abnormal_what_scikit_learn_does(ours, theirs, normal):
    fitted = ours.fit(TRAIN, ALL_NORMAL + normal, n_labels=2)
    logits, abnormal = fitted.logits(mixed_rows()), theirs()
    written = run(fitted.onnx("label"), mixed_rows(), n_labels=2)
    ties = is_tie(logits)
    differing = (written.argmax(axis=1) != normal) != abnormal
    assert not differing[~ties].any(), f"{differing.sum()} differ; {ties.sum()} of {N_ROWS} tied"
    assert 0.05 < abnormal.mean() < 0.95
    np.testing.assert_allclose(written, logits, rtol=1e-4, atol=1e-4)
    assert not written[:, normal].any()


@pytest.mark.parametrize("kind", ONE_CLASS.values(), ids=list(ONE_CLASS))
def test_the_wished_part_of_the_training_rows_is_called_abnormal(kind):
    for contamination in (0.01, 0.05, 0.5):
        fitted = kind(contamination=contamination).fit(TRAIN, ALL_NORMAL, n_labels=2)
        abnormal = fitted.logits(TRAIN)[:, 1] > 0
        assert abnormal.mean() == pytest.approx(contamination, abs=0.005)


@pytest.mark.parametrize("kind", ONE_CLASS.values(), ids=list(ONE_CLASS))
def test_farther_is_more_abnormal(kind):
    direction = np.random.default_rng(3).normal(size=10)
    rows = (np.arange(0, 30, 3)[:, None] * direction).astype(np.float32)
    distances = kind().fit(TRAIN, ALL_NORMAL, n_labels=2).logits(rows)[:, 1]
    assert distances[0] < 0 < distances[-1]
    assert (np.diff(distances) >= 0).all()


@pytest.mark.parametrize("kind", ONE_CLASS.values(), ids=list(ONE_CLASS))
def test_a_sweep_answers_exactly_as_one_fit_at_a_time(kind):
    models = [kind(contamination=c, seed=s) for s in (0, 1) for c in (0.3, 0.01)]
    together = kind.sweep(models, TRAIN, ALL_NORMAL, mixed_rows(), n_labels=2)
    for model, logits in zip(models, together, strict=True):
        alone = model.fit(TRAIN, ALL_NORMAL, n_labels=2).logits(mixed_rows())
        np.testing.assert_array_equal(logits, alone)


@pytest.mark.parametrize("name", ONE_CLASS)
def test_a_description_rebuilds_the_model_and_its_network_has_the_same_bytes(name):
    first = build(name).fit(TRAIN, ALL_NORMAL, n_labels=2).onnx("label")
    again = build(build(name).describe()).fit(TRAIN, ALL_NORMAL, n_labels=2).onnx("label")
    assert first == again


@pytest.mark.parametrize("kind", ONE_CLASS.values(), ids=list(ONE_CLASS))
def test_rows_of_two_labels_are_refused(kind):
    for targets, n_labels in ((np.arange(500) % 2, 2), (ALL_NORMAL, 3)):
        with pytest.raises(ModelError, match="rows of the normal label alone"):
            kind().fit(TRAIN, targets, n_labels=n_labels)


@pytest.mark.parametrize("rows", [TRAIN[:10], np.hstack([TRAIN, TRAIN[:, :1]])])
def test_an_envelope_without_enough_different_rows_is_refused(rows):
    targets = np.zeros(len(rows), dtype=np.int64)
    with pytest.raises(ModelError, match=r"span (9|10) dimensions.*'gmm'"):
        EllipticEnvelope().fit(rows, targets, n_labels=2)


def test_identical_rows_make_a_finite_network():
    rows = np.zeros((20, 3), np.float32)
    for model in (GaussianMixture(n_components=1), IsolationForest(n_estimators=5)):
        fitted = model.fit(rows, np.zeros(20, dtype=np.int64), n_labels=2)
        assert np.isfinite(run(fitted.onnx("label"), rows + 1, n_labels=2)).all()


def test_more_clouds_than_rows_are_refused():
    with pytest.raises(ModelError, match="n_components is 4; allowed are 1 to 3"):
        GaussianMixture().fit(TRAIN[:3], ALL_NORMAL[:3], n_labels=2)


def test_clouds_without_any_width_are_refused():
    rows = np.hstack([TRAIN, TRAIN])
    model = GaussianMixture(n_components=2, covariance="full", reg_covar=1e-30)
    with pytest.raises(ModelError, match=r"500 training rows .* 2 clouds .*raise reg_covar"):
        model.fit(rows, ALL_NORMAL, n_labels=2)


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({"name": "gmm", "contamination": 0}, "contamination is 0; .* above 0 and at most 0.5"),
        ({"name": "gmm", "covariance": "tied"}, "covariance is 'tied'; .*'diag' and 'full'"),
        ({"name": "isolation_forest", "max_samples": 1}, "max_samples is 1; .* above 1"),
        ({"name": "elliptic_envelope", "contamination": 0.6}, "contamination is 0.6"),
    ],
)
def test_a_wrong_setting_is_named_with_what_was_allowed(description, message):
    with pytest.raises(ModelError, match=message):
        build(description)
