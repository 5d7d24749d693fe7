"""A benchmark is JSON of one shape; its figures are those of the bundle, network and clock."""

import hashlib
import json
import math
import shutil
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from commands import answered, printed, refused
from evaluation_fakes import clip
from small_classifiers import RATE, TASK, linear, nearest_prototype, noise, tone

import ossicle
from ossicle.audio import write_audio
from ossicle.classifier.probe import measure_cost
from ossicle.errors import EvaluationError
from ossicle.evaluation import Benchmark, benchmark
from ossicle.evaluation.answers import Answers
from ossicle.evaluation.benchmark import _data_digest, _top, _weights
from ossicle.models.forest import RandomForest

SPREAD = {"mean", "p50", "p90", "p99"}
SHAPE = {
    "schema": None,
    "model": {"name", "sha256", "bytes", "network_bytes", "params", "sparsity", "bits"},
    "data": {"name", "sha256", "n", "classes", "skipped"},
    "accuracy": None,
    "top3": None,
    "per_class": set(TASK.labels),
    "confusion": None,
    "errors": None,
    "latency_ms": SPREAD | {"runs", "warmup", "features", "network", "real_time_factor"},
    "memory_bytes": None,
    "macs": None,
    "platform": {"cpu", "os", "threads", "versions", "library_bytes"},
    "created": None,
}
"""Every key of the JSON, and the keys inside it."""


@pytest.fixture(scope="module")
def heard(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("heard")
    for take in range(2):
        write_audio(root / "alarm" / f"{take}.wav", tone(3_000, 1.0), RATE)
        write_audio(root / "bell" / f"{take}.wav", tone(700, 1.0), RATE)
        write_audio(root / "other" / f"{take}.wav", noise(1.0, seed=take), RATE)
    (root / "bell" / "broken.wav").write_bytes(b"RIFF and then nothing of use")
    return root


@pytest.fixture(scope="module")
def measured(bundle, heard) -> Benchmark:
    return benchmark(bundle, ossicle.read_dataset(heard), runs=20, warmup=2)


def test_the_json_has_every_key_and_no_other(measured):
    read = json.loads(measured.to_json(), parse_constant=lambda word: pytest.fail(word))
    assert list(read) == list(SHAPE)
    for name, keys in SHAPE.items():
        assert keys is None or set(read[name]) == keys, name
    assert read["schema"] == "ossicle benchmark 1"
    assert datetime.fromisoformat(read["created"]).tzinfo is not None


def test_the_model_is_the_file_and_the_network_in_it(measured, bundle):
    data, network = bundle.read_bytes(), ossicle.load(bundle).network
    assert measured.model["sha256"] == hashlib.sha256(data).hexdigest()
    assert (measured.model["bytes"], measured.model["name"]) == (len(data), bundle.name)
    assert measured.model["network_bytes"] == len(network)
    assert measured.model["params"] == 16 * 3 + 3
    assert (measured.model["bits"], measured.model["sparsity"]) == (32.0, 0.0)


def test_zeros_are_counted_and_weights_that_are_no_tensors_are_not_guessed():
    weights = np.ones((16, 3))
    weights[:4] = 0.0
    assert _weights(linear(weights, np.ones(3)))["sparsity"] == pytest.approx(12 / 51)
    rows = np.random.default_rng(0).normal(size=(40, 16)).astype(np.float32)
    task = ossicle.Task("label", "binary", ("a", "b"))
    fitted = RandomForest(n_estimators=3).fit(rows, np.arange(40) % 2, n_labels=2)
    forest = nearest_prototype(tasks=(task,), network=fitted.onnx("label"), scaler=None)
    made = benchmark(forest, runs=1, warmup=0)
    assert made.model["params"] > 0
    assert (made.model["sparsity"], made.model["bits"]) == (None, None)
    assert "None" not in made.text()


def test_the_figures_are_those_of_evaluate(measured, bundle, heard):
    report = ossicle.evaluate(ossicle.load(bundle), ossicle.read_dataset(heard))
    assert measured.accuracy == report.accuracy
    assert np.array_equal(measured.confusion, report.confusion)
    assert measured.per_class["bell"]["recall"] == report.per_class[1].recall
    assert (measured.data["n"], measured.data["skipped"]) == (6, 1)
    assert measured.top3 is None  # of three labels it would always be 1


def test_the_digest_of_the_data_is_that_of_its_sounds_and_labels(measured, bundle, heard, tmp_path):
    copy = shutil.copytree(heard, tmp_path / "copy")
    assert _digest(bundle, copy) == measured.data["sha256"]
    (copy / "other" / "0.wav").rename(copy / "bell" / "other.wav")
    assert _digest(bundle, copy) != measured.data["sha256"]


def _digest(bundle: Path, root: Path) -> str:
    return _data_digest(ossicle.evaluate(ossicle.load(bundle), ossicle.read_dataset(root)).answers)


def test_times_are_ordered_and_halves_make_the_whole(measured):
    times = measured.latency_ms
    for spread in (times, times["features"], times["network"]):
        assert 0 < spread["p50"] <= spread["p90"] <= spread["p99"]
    parts = times["features"]["mean"] + times["network"]["mean"]
    assert math.isclose(times["mean"], parts, rel_tol=1e-2)
    assert (times["runs"], times["warmup"]) == (20, 2)
    assert 0 < times["real_time_factor"] < 1


def test_memory_is_that_of_a_process_that_does_nothing_else(measured, bundle):
    hoard = np.ones(25_000_000)  # 200 MB in this process
    again = measure_cost(bundle, runs=1, warmup=0)
    assert hoard.nbytes > again.memory_bytes > again.library_bytes > 10e6
    assert math.isclose(again.memory_bytes, measured.memory_bytes, rel_tol=0.2)


def test_operations_are_those_of_front_end_and_network(measured, bundle):
    classifier = ossicle.load(bundle)
    n_frames = classifier.front_end.n_frames(RATE)
    assert measured.macs == classifier.front_end.multiply_adds(n_frames) + 16 * 3


def test_a_classifier_in_memory_is_measured_like_its_file(bundle, measured):
    made = benchmark(ossicle.load(bundle), runs=1, warmup=0)
    assert {**made.model, "name": ""} == {**measured.model, "name": ""}
    assert (made.macs, made.data, made.accuracy) == (measured.macs, None, None)


def test_a_classifier_of_whole_clips_is_measured_on_two_seconds():
    made = benchmark(nearest_prototype(window=None, window_hop=None), runs=1, warmup=0)
    front_end = nearest_prototype().front_end
    assert made.macs == front_end.multiply_adds(front_end.n_frames(2 * RATE)) + 16 * 3


def test_the_best_three_are_counted_and_silence_is_no_answer():
    task = ossicle.Task("label", "multiclass", ("a", "b", "c", "d"))
    scores = np.array([[0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4], [0.0, 0.0, 0.0, 0.0]])
    answers = Answers(
        task=task,
        clips=tuple(clip(label) for label in "aba"),
        groups=np.arange(3),
        targets=np.array([0, 1, 0]),
        scores=scores,
        said=("d", "d", "quiet"),
        skipped=(),
    )
    assert _top(answers) == pytest.approx(1 / 3)


@pytest.mark.parametrize("settings", [{"runs": 0}, {"warmup": -1}])
def test_counts_that_measure_nothing_are_refused(bundle, settings):
    with pytest.raises(EvaluationError, match="allowed: 1 and 0"):
        benchmark(bundle, **settings)


def test_the_verb_prints_a_table_and_writes_the_json(bundle, heard, tmp_path):
    words = ("bench", bundle, heard, "--runs", 5, "--warmup", 1)
    text = printed(*words, "--out", tmp_path / "bench.json")
    read = json.loads((tmp_path / "bench.json").read_text())
    assert f"{read['macs']:,} multiply-adds a window" in text
    assert "accuracy    1.000; 6 clips of" in text
    assert "1 skipped" in text
    assert f"written     {tmp_path / 'bench.json'}" in text
    assert set(answered("bench", bundle, "--runs", 2)) == set(SHAPE)


def test_what_cannot_be_measured_is_status_1(bundle, tmp_path):
    assert "gone.ossicle" in refused(1, "bench", tmp_path / "gone.ossicle")
    assert "gone" in refused(1, "bench", bundle, tmp_path / "gone")
