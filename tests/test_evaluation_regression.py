"""A regression is judged by its errors: figures of scikit-learn, intervals, a plot, a page."""

import json
from pathlib import Path

import numpy as np
import pytest
from commands import answered, foreign, printed
from evaluation_fakes import ALARM, FakeClassifier, FakeDataset, alarms, clip
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn import metrics as reference
from small_classifiers import RATE, linear, nearest_prototype

from ossicle.audio import write_audio
from ossicle.errors import EvaluationError
from ossicle.evaluation import evaluate, evaluate_values, plot_values, png_bytes, value_metrics
from ossicle.evaluation.html import page
from ossicle.evaluation.regression import sections_of
from ossicle.types import Clip, Recording, Task

HEIGHT = Task("height", "regression", ("height",))

numbers = arrays.arrays(
    np.float64, st.shared(st.integers(2, 30), key="n"), elements=st.floats(-1e3, 1e3)
)


def measured(label: object, answer: float, *, name: str = "a", group: str = "") -> Clip:
    """A clip whose file's name holds the answer."""
    return Clip(
        Recording(Path("h") / f"{name}_{answer}.wav"), labels={"height": str(label)}, group=group
    )


def heights() -> FakeDataset:
    rng = np.random.default_rng(0)
    truths = rng.uniform(1, 10, 40)
    answers = (truths + rng.normal(0.5, 1.0, 40)).round(3)
    return FakeDataset(
        [
            measured(truth, answer, group=f"g{i // 4}")
            for i, (truth, answer) in enumerate(zip(truths, answers, strict=True))
        ]
    )


@given(numbers, numbers)
def test_figures_are_those_of_scikit_learn(truths, answers):
    assert value_metrics.mean_absolute_error(truths, answers) == pytest.approx(
        reference.mean_absolute_error(truths, answers)
    )
    assert value_metrics.root_mean_square_error(truths, answers) == pytest.approx(
        reference.root_mean_squared_error(truths, answers)
    )
    assert value_metrics.median_absolute_error(truths, answers) == pytest.approx(
        reference.median_absolute_error(truths, answers)
    )
    if np.ptp(truths) > 1e-3:
        assert value_metrics.r_squared(truths, answers) == pytest.approx(
            reference.r2_score(truths, answers), rel=1e-6
        )


@given(numbers, st.floats(-10, 10))
def test_a_constant_shift_is_the_bias_and_every_other_error(truths, shift):
    answers = truths + shift
    assert value_metrics.bias(truths, answers) == pytest.approx(shift, abs=1e-9)
    for figure in ("mean_absolute_error", "root_mean_square_error", "median_absolute_error"):
        assert getattr(value_metrics, figure)(truths, answers) == pytest.approx(
            abs(shift), abs=1e-9
        )


def test_what_cannot_be_measured_is_nan_and_what_cannot_be_compared_is_refused():
    assert np.isnan(value_metrics.r_squared([2.0, 2.0], [1.0, 3.0]))
    assert np.isnan(value_metrics.mean_absolute_error([], []))
    with pytest.raises(EvaluationError, match="shape"):
        value_metrics.bias([1.0], [1.0, 2.0])
    with pytest.raises(EvaluationError, match="not finite"):
        value_metrics.bias([1.0], [float("nan")])


def test_the_report_holds_the_figures_with_intervals_over_groups():
    report = evaluate_values(FakeClassifier(HEIGHT), heights())
    truths, values = report.answers.truths, report.answers.values
    assert report.mae == pytest.approx(reference.mean_absolute_error(truths, values))
    assert (report.n_clips, report.n_groups, report.kind) == (40, 10, "regression")
    for name, interval in report.intervals.items():
        assert interval.low < getattr(report, name) < interval.high, name
    assert report.intervals["bias"].low > 0  # every answer half a unit too high
    errors = [abs(miss.error) for miss in report.worst]
    assert errors == sorted(errors, reverse=True)
    assert report.worst[0].error == pytest.approx(report.worst[0].answer - report.worst[0].truth)


def test_a_clip_without_a_number_or_an_answer_is_skipped_with_its_reason():
    dataset = FakeDataset(
        [
            measured(2.0, 2.5, name="good"),
            measured("tall", 2.0, name="word"),
            measured("inf", 2.0, name="endless"),
            measured(1.0, 0.0, name="quiet"),
            Clip(Recording(Path("h/none_1.wav"))),
            Clip(Recording(Path("h/corrupt.wav")), labels={"height": "1"}),
        ]
    )
    report = evaluate_values(FakeClassifier(HEIGHT), dataset)
    reasons = dict(report.skipped)
    assert report.n_clips == 1
    assert "'tall' is not a finite number" in reasons["word_2.0.wav"]
    assert "'inf' is not a finite number" in reasons["endless_2.0.wav"]
    assert "quiet throughout" in reasons["quiet_0.0.wav"]
    assert "no label" in reasons["none_1.wav"]
    assert "not a sound file" in reasons["corrupt.wav"]


def test_json_is_strict_and_text_says_what_was_not_measured():
    report = evaluate_values(FakeClassifier(HEIGHT), FakeDataset([measured(2.0, 2.5)]))
    read = json.loads(report.to_json(), parse_constant=lambda word: pytest.fail(word))
    assert (read["mae"], read["r2"], read["intervals"]["mae"]) == (0.5, None, [None, None])
    assert "answers" not in read
    assert "R²            not measured" in report.text()
    assert "no spread between groups to measure" in report.text()


def test_same_answers_same_report():
    first, second = (evaluate_values(FakeClassifier(HEIGHT), heights()) for _ in range(2))
    assert first.to_json() == second.to_json()


def test_each_kind_of_task_is_sent_to_what_judges_it():
    with pytest.raises(EvaluationError, match="evaluate_values judges a regression"):
        evaluate(FakeClassifier(HEIGHT), heights())
    with pytest.raises(EvaluationError, match="is binary; these figures are of regression"):
        evaluate_values(FakeClassifier(ALARM), alarms())


def test_the_page_shows_the_plot_and_the_largest_errors_and_needs_nothing():
    report = evaluate_values(FakeClassifier(HEIGHT), heights())
    html = page("Heights", sections_of(report))
    assert foreign(html) == []
    assert html.count("<img") == 1
    assert f"<bdi>{report.worst[0].error:.4g}</bdi>" in html
    assert report.worst[0].file in html


@pytest.mark.parametrize("n", [1, 5, 2_000])
def test_the_axes_of_the_plot_are_alike_and_hold_every_point(n):
    rng = np.random.default_rng(n)
    truths = rng.normal(size=n)
    answers = truths + rng.normal(size=n)
    axes = plot_values(truths, answers, name="$height$").axes[0]
    assert axes.get_xlim() == axes.get_ylim()
    low, high = axes.get_xlim()
    assert low < min(truths.min(), answers.min()) <= max(truths.max(), answers.max()) < high
    assert png_bytes(axes.figure).startswith(b"\x89PNG")


def test_an_empty_plot_is_refused():
    with pytest.raises(EvaluationError, match="no points"):
        plot_values([], [])


def test_a_real_regression_is_judged_by_the_verb(tmp_path):
    """A network that answers the mean of the features of the clip, asked for that mean."""
    network = linear(np.full((16, 1), 1 / 16), np.zeros(1), output="height")
    classifier = nearest_prototype(tasks=(HEIGHT,), network=network, scaler=None)
    classifier.save(tmp_path / "height.ossicle")
    lines = ["path,height"]
    for take in range(6):
        rng = np.random.default_rng(take)
        sound = (rng.normal(size=RATE) * 0.01 * (take + 1)).astype(np.float32)
        write_audio(tmp_path / f"{take}.wav", sound, RATE)
        truth = float(classifier(tmp_path / f"{take}.wav").pooled["height"][0])
        lines.append(f"{take}.wav,{truth - 1.0:.4f}")
    (tmp_path / "clips.csv").write_text("\n".join(lines) + "\n")
    words = ("evaluate", tmp_path / "height.ossicle", tmp_path / "clips.csv", "--task", "height")
    report = answered(*words)
    assert (report["kind"], report["n_clips"]) == ("regression", 6)
    assert (report["bias"], report["mae"]) == pytest.approx((1.0, 1.0), abs=1e-3)
    text = printed(*words, "--out", tmp_path / "report.html")
    assert "MAE           1" in text
    assert foreign((tmp_path / "report.html").read_text()) == []


def test_a_one_class_task_is_judged_as_any_binary_one():
    task = Task("label", "binary", ("normal", "anomaly"), ("normal",), "anomaly")
    dataset = FakeDataset(
        [clip("normal", 0.9, 0.1), clip("normal", 0.4, 0.6), clip("anomaly", 0.2, 0.8)]
    )
    report = evaluate(FakeClassifier(task), dataset)
    assert (report.positive, report.tpr, report.fpr) == ("anomaly", 1.0, 0.5)
    assert report.auc == 1.0
    assert "of 'anomaly'" in report.text()
