"""Plots are readable by construction: nothing overlaps, nothing is cut, same figure same bytes."""

import io
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ossicle.errors import EvaluationError, MissingExtraError
from ossicle.evaluation import (
    plot_confusion,
    plot_front,
    plot_roc,
    plot_timeline,
    png_bytes,
    save_png,
)
from ossicle.evaluation.plots.labels import place_labels
from ossicle.evaluation.plots.ranges import fit_axis
from ossicle.evaluation.plots.style import canvas
from ossicle.types import Event, Prediction, Task, Window

matplotlib = pytest.importorskip("matplotlib")


def configurations(n: int = 30, seed: int = 0) -> list[dict[str, object]]:
    rng = np.random.default_rng(seed)
    return [
        {"id": f"c{i}", "model": f"svm C={i}", "fpr": float(f), "tpr": float(t)}
        for i, (f, t) in enumerate(rng.random((n, 2)).round(2))
    ]


def heard(duration: float = 8.0, n_windows: int = 15, quiet: bool = False) -> Prediction:
    task = Task("label", "multiclass", ("alarm", "speech", "background"), ("background",))
    scores = np.random.default_rng(0).random((n_windows, 3)).astype(np.float32)
    starts = np.linspace(0, duration - 1, n_windows)
    return Prediction(
        recording="kitchen.wav",
        sample_rate=8000,
        tasks=(task,),
        windows=tuple(Window(float(s), float(s) + 1.0) for s in starts),
        scores={"label": scores * (not quiet)},
        quiet=np.full(n_windows, quiet),
        pooled={"label": np.zeros(3, np.float32)},
        labels={"label": "alarm"},
        events=(Event("alarm", 1.0, 2.5, 0.9),),
    )


def texts(axes: object) -> list[str]:
    return [text.get_text() for text in axes.texts if text.get_text()]


def test_saved_plots_are_the_same_bytes_without_date_or_program(tmp_path: Path) -> None:
    rows = configurations()
    first, second = (
        save_png(plot_front(rows, x="fpr", y="tpr", front=[1, 2, 3]), tmp_path / name)
        for name in ("a.png", "b.png")
    )
    assert first.read_bytes() == second.read_bytes()
    assert b"tEXt" not in first.read_bytes()


def test_plots_leave_matplotlibs_settings_alone() -> None:
    before = dict(matplotlib.rcParams)
    png_bytes(plot_confusion([[1, 0], [0, 1]], ["a", "b"]))
    assert dict(matplotlib.rcParams) == before


def test_importing_evaluation_loads_no_matplotlib_and_plotting_no_pyplot() -> None:
    code = (
        "import sys, ossicle.evaluation as e; assert 'matplotlib' not in sys.modules;"
        "assert 'sklearn' not in sys.modules;"
        "e.png_bytes(e.plot_confusion([[1]], ['a'])); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_missing_matplotlib_names_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'ossicle\[plot\]'"):
        plot_confusion([[1]], ["a"])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 30)), min_size=1, max_size=14))
def test_labels_never_overlap(points: list[tuple[int, int]]) -> None:
    anchors = np.array(points, dtype=float) * 20
    sizes = np.tile([30.0, 16.0], (len(anchors), 1))
    corners = place_labels(anchors, sizes, bounds=(0, 0, 800, 600))
    for i, one in enumerate(corners):
        for other in corners[:i]:
            assert (np.abs(one - other) >= sizes[0]).any()


def test_labels_stay_inside_and_off_their_points() -> None:
    anchors = np.array([[0.0, 0.0], [800.0, 600.0], [400.0, 300.0]])
    sizes = np.tile([30.0, 16.0], (3, 1))
    corners = place_labels(anchors, sizes, bounds=(0, 0, 800, 600))
    assert (corners >= 0).all()
    assert (corners + sizes <= [800, 600]).all()
    inside = (anchors > corners) & (anchors < corners + sizes)
    assert not inside.all(axis=1).any()


def test_front_names_its_members_by_index_or_id() -> None:
    rows = configurations()
    by_index = plot_front(rows, x="fpr", y="tpr", front=[4, 7], chosen=7)
    by_id = plot_front(rows, x="fpr", y="tpr", front=["c4", "c7"], chosen="c7")
    assert png_bytes(by_index) == png_bytes(by_id)
    assert {"svm C=4", "svm C=7"} <= set(texts(by_id.axes[1]))


def test_equal_members_of_a_front_share_one_number() -> None:
    rows = [{"name": f"k={k}", "fpr": 0.1, "tpr": 0.9} for k in range(5)]
    figure = plot_front(rows, x="fpr", y="tpr", front=range(5), chosen=3)
    assert texts(figure.axes[0]) == ["1"]
    assert "k=3" in texts(figure.axes[1])
    assert any("and 4 more, equal" in text for text in texts(figure.axes[1]))


def test_long_fronts_are_counted_where_they_cannot_be_listed() -> None:
    rows = [{"name": f"n{i}", "fpr": i / 40, "tpr": i / 40} for i in range(40)]
    assert "and 24 more" in texts(plot_front(rows, x="fpr", y="tpr", front=range(40)).axes[1])


LONG = (
    "svm C=10 gamma=0.25*scale · mean+max+modulation · mfcc n_mels=40 with_bands=True top_db=80.0"
)


@pytest.mark.parametrize("z", [None, "latency_ms"])
@pytest.mark.parametrize("n", [1, 16, 40])
def test_names_of_a_front_are_whole_and_stay_inside_the_picture(n: int, z: str | None) -> None:
    rows = [
        {"name": f"{LONG} n={i}", "bytes": 10 + i, "tpr": i / 40, "latency_ms": 1.0 + i}
        for i in range(n)
    ]
    figure = plot_front(rows, x="bytes", y="tpr", z=z, front=range(n))
    *panels, aside = figure.axes
    said = [text.replace("\n", " ") for text in texts(aside) if text.startswith("svm")]
    assert len(said) == min(n, 16)
    assert {row["name"] for row in rows} >= set(said)
    picture, panel = figure.bbox, panels[-1].get_window_extent()
    boxes = [text.get_window_extent() for text in aside.texts]
    assert all(picture.x0 <= box.x0 and box.x1 <= picture.x1 for box in boxes)
    assert all(picture.y0 <= box.y0 and box.y1 <= picture.y1 for box in boxes)
    assert not any(panel.overlaps(box) for box in boxes)
    assert picture.width == 10.4 * 160


def costly(n: int) -> list[dict[str, object]]:
    """Configurations with three objectives over four and two decades."""
    rng = np.random.default_rng(n)
    return [
        {
            "id": f"c{i}",
            "name": f"svm C={i}",
            "bytes": int(10 ** rng.uniform(2.3, 6.5)),
            "latency_ms": 10 ** rng.uniform(-1.3, 1.2),
            "accuracy": rng.uniform(0.8, 0.95),
        }
        for i in range(n)
    ]


@pytest.mark.parametrize("n", [5, 50, 500])
def test_three_objectives_are_two_pictures_with_the_same_numbers(n: int) -> None:
    rows = costly(n)
    front = range(0, n, 2)
    figure = plot_front(rows, x="bytes", y="accuracy", z="latency_ms", front=front, chosen=2)
    left, right, aside = figure.axes
    assert (left.get_xscale(), right.get_xscale(), left.get_yscale()) == ("log", "log", "linear")
    numbers = [set(texts(axes)) for axes in (left, right)]
    named = min(len(front), 16)
    assert numbers[0] == numbers[1] == {str(i + 1) for i in range(named)}
    assert "svm C=2" in texts(aside)  # the chosen one is always named
    for axes in (left, right):
        assert 3 <= len(axes.get_xticks()) <= 8
        assert all(label.get_text()[-1] in "Bs" for label in axes.get_xticklabels())


@given(
    st.lists(st.floats(1e-6, 1e12), min_size=1, max_size=9),
    st.sampled_from(["bytes", "latency_ms", "macs"]),
)
def test_an_axis_of_costs_holds_its_points_and_at_least_a_factor_of_four(
    values: list[float], column: str
) -> None:
    axes = canvas(4, 3).add_subplot()
    fit_axis(axes.xaxis, np.array(values), column)
    low, high = axes.get_xlim()
    assert low < min(values) <= max(values) < high
    assert high / low > 4.0
    assert 1 <= len(axes.get_xticks()) <= 8
    assert all(low <= tick <= high for tick in axes.get_xticks())


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_differences_of_a_thousandth_do_not_fill_an_axis_of_rates(values: list[float]) -> None:
    axes = canvas(4, 3).add_subplot()
    fit_axis(axes.yaxis, np.array(values), "accuracy")
    low, high = axes.get_ylim()
    assert low < min(values) <= max(values) < high
    assert high - low >= 0.1
    assert all(-1e-9 <= tick <= 1 + 1e-9 for tick in axes.get_yticks())


def test_a_cost_of_nothing_has_a_linear_axis() -> None:
    rows = [{"name": "free", "bytes": 0, "tpr": 0.5}, {"name": "paid", "bytes": 9, "tpr": 0.9}]
    axes = plot_front(rows, x="bytes", y="tpr", front=[0, 1]).axes[0]
    assert axes.get_xscale() == "linear"


def test_no_tick_promises_a_rate_above_one() -> None:
    axes = plot_front([{"fpr": 0.0, "tpr": 1.0}], x="fpr", y="tpr", front=[0]).axes[0]
    assert min(axes.get_xticks()) >= 0
    assert max(axes.get_yticks()) <= 1 + 1e-9


@pytest.mark.parametrize(
    ("rows", "front", "message"),
    [
        ([], [], "0 rows"),
        ([{"a": 1}], [], "columns: a"),
        ([{"fpr": 0, "tpr": 1}], [3], "from 0 to 0"),
    ],
)
def test_fronts_that_cannot_be_drawn_are_refused(rows: list, front: list, message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        plot_front(rows, x="fpr", y="tpr", front=front)


@pytest.mark.parametrize(("n", "numbers"), [(2, True), (10, True), (50, False)])
def test_counts_are_written_only_where_they_fit(n: int, numbers: bool) -> None:
    counts = np.random.default_rng(0).integers(1, 999, (n, n))
    figure = plot_confusion(counts, [f"label_{i}" for i in range(n)])
    png_bytes(figure)
    axes = figure.axes[0]
    assert bool(texts(axes)) == numbers
    renderer = figure.canvas.get_renderer()
    cell = axes.get_window_extent(renderer).width / n
    assert all(text.get_window_extent(renderer).width < cell for text in axes.texts)
    names = [label.get_window_extent(renderer) for label in axes.get_xticklabels()]
    assert all(a.x1 <= b.x0 for a, b in pairwise(names))


def test_quiet_column_is_drawn_beside_the_labels() -> None:
    figure = plot_confusion([[1, 0, 2], [0, 3, 0]], ["a", "b"], answers=["a", "b", "quiet"])
    assert [x.get_text() for x in figure.axes[0].get_xticklabels()] == ["a", "b", "quiet"]


@pytest.mark.parametrize("n", [2, 5, 12])
def test_roc_names_each_curve_or_their_mean(n: int) -> None:
    rng = np.random.default_rng(0)
    targets, scores = np.arange(4 * n) % n, rng.random((4 * n, n))
    figure = plot_roc(targets, scores, labels=[f"l{i}" for i in range(n)])
    said = [text.get_text() for text in figure.axes[0].get_legend().texts]
    assert any(text.startswith("mean") for text in said)
    assert len(said) == (n + 1 if n <= 6 else 2)
    one = plot_roc(targets, scores, labels=["x"] * n, positive=0)
    assert len(one.axes[0].get_legend().texts) == 1


def test_roc_of_one_class_says_not_measured() -> None:
    figure = plot_roc([0, 0], [[0.9, 0.1], [0.8, 0.2]], labels=["a", "b"], positive=0)
    assert "not measured" in figure.axes[0].get_legend().texts[0].get_text()
    png_bytes(plot_roc([0, 0], [[0.9, 0.1], [0.8, 0.2]], labels=["a", "b"]))


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(EvaluationError, match="for 3 labels"):
        plot_confusion([[1, 0], [0, 1]], ["a", "b", "c"])
    with pytest.raises(EvaluationError, match="for 2 clips"):
        plot_roc([0, 1], [[0.5, 0.5]], labels=["a", "b"])


def test_timeline_shows_scores_threshold_events_and_truth() -> None:
    samples = np.random.default_rng(0).standard_normal(64_000).astype(np.float32) * 0.1
    truth = [Event("alarm", 0.9, 2.4, 1.0), Event("doorbell", 5.0, 6.0, 1.0)]
    figure = plot_timeline(samples, 8000, heard(), truth, thresholds=0.5)
    above, middle, below = figure.axes
    assert above.get_title(loc="left") == "kitchen.wav: alarm"
    assert [t.get_text() for t in middle.get_legend().texts] == ["alarm", "speech", "threshold"]
    assert [t.get_text() for t in below.get_yticklabels()] == ["alarm", "doorbell"]
    assert len(below.patches) == 3
    assert below.get_xlim() == (0.0, 8.0)
    assert png_bytes(figure)[:4] == b"\x89PNG"


@pytest.mark.parametrize("sample_rate", [1000, 44_100])
@pytest.mark.parametrize("duration", [0.01, 1.0])
def test_timeline_of_silence_at_any_rate_is_drawn(sample_rate: int, duration: float) -> None:
    samples = np.zeros(int(sample_rate * duration), np.float32)
    png_bytes(plot_timeline(samples, sample_rate, heard(duration, 1, quiet=True), thresholds={}))


def test_timeline_without_windows_is_drawn() -> None:
    png_bytes(plot_timeline(np.zeros(800, np.float32), 8000, heard(0.1, 0)))


def test_long_timelines_count_in_minutes() -> None:
    samples = np.zeros(8000 * 150, np.float32)
    below = plot_timeline(samples, 8000, heard(150.0)).axes[2]
    assert [t.get_text() for t in below.get_xticklabels()][:3] == ["0:00", "0:15", "0:30"]


def test_timeline_of_an_unknown_task_is_refused() -> None:
    with pytest.raises(EvaluationError, match="no task 'species'; allowed: label"):
        plot_timeline(np.zeros(800, np.float32), 8000, heard(), task="species")


def test_dollar_signs_hostile_names_and_foreign_scripts_do_not_stop_a_plot() -> None:
    labels = ["$x^$", "a\x00b", "<script>", "\u202eabc", "鳥の声", "🐦"]
    figure = plot_confusion(np.eye(6, dtype=int), labels)
    assert png_bytes(figure)[:4] == b"\x89PNG"
    rows = [{"name": "$\\frac{$", "fpr": 0.1, "tpr": 0.2}]
    assert io.BytesIO(png_bytes(plot_front(rows, x="fpr", y="tpr", front=[0], chosen=0)))
