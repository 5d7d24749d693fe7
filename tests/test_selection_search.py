"""A search: honest, exact, resumable, and the same for any number of processes."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sounds import RATE, folders_of_tones, tone_in_noise

import ossicle
from ossicle import SearchError
from ossicle.audio import write_audio
from ossicle.datasets import Dataset, read_dataset
from ossicle.evaluation import evaluate
from ossicle.features import Scaler
from ossicle.selection import search
from ossicle.selection.job import jobs_of
from ossicle.selection.running import run_job
from ossicle.workflow import code

GRID = {
    "front_end": ["log_mel"],
    "sample_rate": [RATE],
    "n_fft": [256],
    "hop_length": [128],
    "n_mels": [20],
    "integration": ["mean", "meanvar"],
    "model": ["svm", "knn"],
    "C": [0.1, 10.0],
    "n_neighbors": [1, 3],
}
TIMES = ("latency_ms", "train_ms")


@pytest.fixture(scope="module")
def tones(tmp_path_factory) -> Dataset:
    return read_dataset(folders_of_tones(tmp_path_factory.mktemp("tones")))


@pytest.fixture(scope="module")
def found(tones, tmp_path_factory):
    return search(tones, grid=GRID, leave_out=0.2, out=tmp_path_factory.mktemp("run"))


def without_times(rows):
    return [{key: value for key, value in row.items() if key not in TIMES} for row in rows]


def test_every_configuration_has_a_row_in_the_order_of_the_grid(found):
    assert len(found.table) == 8
    assert [row["id"] for row in found.rows] == [c.id for c in found.configurations]
    assert [row["integration"] for row in found.rows] == ["mean"] * 4 + ["meanvar"] * 4


def test_each_cell_equals_plain_scikit_learn(found):
    plain = {
        "svm": lambda m: SVC(C=m.C, gamma=m.gamma, break_ties=True),
        "knn": lambda m: KNeighborsClassifier(m.n_neighbors),
    }
    for job in jobs_of(found.configurations, found.folds, found.material):
        if not len(job.test):
            continue
        matrix = np.asarray(job.rows.matrix)
        for model, confusion in zip(job.models, run_job(job)["counts"], strict=True):
            pipeline = make_pipeline(StandardScaler(), plain[model.name](model))
            pipeline.fit(matrix[job.train], job.truth[job.train])
            answers = pipeline.predict(matrix[job.test])
            expected = np.zeros((2, 2), dtype=int)
            np.add.at(expected, (job.truth[job.test], answers), 1)
            assert confusion == expected.tolist(), model


def test_figures_are_those_of_all_left_out_clips_together(found):
    jobs = list(jobs_of(found.configurations, found.folds, found.material))
    totals = {place: np.zeros((2, 2), dtype=int) for place in range(len(found.rows))}
    for job in jobs:
        if len(job.test):
            for place, confusion in zip(job.places, run_job(job)["counts"], strict=True):
                totals[place] += confusion
    positive = found.material.task.index(found.material.task.positive)
    for place, counts in totals.items():
        assert counts.sum() == 20  # each clip left out exactly once
        row = found.rows[place]
        assert row["accuracy"] == pytest.approx(np.trace(counts) / 20)
        assert row["tpr"] == pytest.approx(counts[positive, positive] / counts[positive].sum())
        other = 1 - positive
        assert row["fpr"] == pytest.approx(counts[other, positive] / counts[other].sum())


def test_no_recording_is_trained_on_and_tested_in_one_fold(found):
    groups = found.material.dataset.groups
    for train, test in found.folds:
        assert not set(groups[train]) & set(groups[test])


def test_the_table_is_the_same_for_any_number_of_processes(tones, found, tmp_path):
    again = search(tones, grid=GRID, leave_out=0.2, n_jobs=2, out=tmp_path)
    assert without_times(again.rows) == without_times(found.rows)
    first = found.best()
    second = again.best()
    assert first.network == second.network
    assert first.temperature == second.temperature


def test_a_finished_search_is_found_again_without_work(tones, tmp_path):
    first = search(tones, grid=GRID, leave_out=0.2, out=tmp_path)
    seen = []
    again = search(
        tones, grid=GRID, leave_out=0.2, out=tmp_path, progress=lambda *what: seen.append(what)
    )
    assert again.rows == first.rows
    assert seen == []


def test_one_more_value_in_the_grid_judges_only_what_is_new(tones, tmp_path):
    search(tones, grid=GRID, leave_out=0.2, out=tmp_path)
    seen = []
    wider = {**GRID, "n_neighbors": [1, 3, 5]}
    search(tones, grid=wider, leave_out=0.2, out=tmp_path, progress=lambda *w: seen.append(w))
    done = [step for step in seen if step[0] == "leave-k-out"]
    assert len(done) == 2 * 6  # kNN on two integrations, five folds and the cost


KILLED = """
import sys
from ossicle.datasets import read_dataset
from ossicle.selection import search
from test_selection_search import GRID
search(read_dataset(sys.argv[1]), grid=GRID, leave_out=0.2, n_jobs=2, out=sys.argv[2])
"""


@pytest.mark.slow
@pytest.mark.parametrize("n_done", [1, 3, 7, 15])
def test_a_killed_search_resumes_to_the_same_table(tones, found, tmp_path, n_done):
    root = tones.clips[0].path.parents[1]
    words = [sys.executable, "-c", KILLED, str(root), str(tmp_path)]
    process = subprocess.Popen(words, cwd=Path(__file__).parent, start_new_session=True)
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("store/*/manifest.json"))) < n_done:
        assert process.poll() is None, "it was over before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    resumed = search(tones, grid=GRID, leave_out=0.2, out=tmp_path)
    assert without_times(resumed.rows) == without_times(found.rows)


def test_best_keeps_within_its_limits(found):
    limit = sorted(row["bytes"] for row in found.rows)[2]
    assert found.choose(max_bytes=limit)["bytes"] <= limit
    best = found.choose()
    youden = [row["tpr"] - row["fpr"] for row in found.rows]
    assert best["tpr"] - best["fpr"] == max(youden)


def test_a_choice_among_some_rows_is_the_best_of_these(found):
    neighbours = [row for row in found.rows if row["model"].startswith("knn")]
    chosen = found.choose({"model": "knn"})
    assert chosen in neighbours
    assert chosen["tpr"] - chosen["fpr"] == max(row["tpr"] - row["fpr"] for row in neighbours)
    both = {"model": "knn n_neighbors=3", "integration": "meanvar"}
    configuration = found.configuration(found.choose(both)["id"])
    assert (configuration.model.n_neighbors, configuration.integration) == (3, "meanvar")
    assert found.best({"model": "knn"}).provenance["configuration"]["model"]["name"] == "knn"
    with pytest.raises(
        SearchError, match=r"no configuration has model 'kn'; there are svm C=0.1, "
    ):
        found.choose({"model": "kn"})
    with pytest.raises(SearchError, match="column 'modle'; did you mean 'model'"):
        found.choose({"modle": "knn"})
    with pytest.raises(SearchError, match="no configuration 'x'"):
        found.configuration("x")


def test_another_version_of_a_library_that_decodes_makes_the_rows_anew(found, monkeypatch):
    first = found.configurations[0]
    rows = found.material.rows(first.front_end, first.integration)
    version = code._version
    code.code_digest.cache_clear()
    monkeypatch.setattr(code, "_version", lambda name: f"{version(name)}{'+' * (name == 'soxr')}")
    assert found.material.rows(first.front_end, first.integration).key != rows.key
    code.code_digest.cache_clear()


def test_a_limit_nothing_keeps_names_the_nearest(found):
    with pytest.raises(SearchError, match=r"no configuration has max_bytes=1; the nearest has"):
        found.best(max_bytes=1)
    with pytest.raises(SearchError, match="limit 'max_speed' is not max_ or min_ with one of"):
        found.best(max_speed=1)


def test_the_classifier_answers_as_the_model_it_came_from(found, tones, tmp_path):
    classifier = found.best()
    classifier.save(tmp_path / "tones.ossicle")
    loaded = ossicle.load(tmp_path / "tones.ossicle")
    configuration = found.configurations[found.rows.index(found.choose())]
    rows = found.material.rows(configuration.front_end, configuration.integration)
    scaled = Scaler.fit(np.asarray(rows.matrix))(np.asarray(rows.matrix))
    fitted = configuration.model.fit(scaled, tones.targets(), n_labels=2)
    expected = fitted.logits(scaled).argmax(axis=1)[np.argsort(rows.clip_index)]
    answers = [loaded(clip.path).pooled["label"].argmax() for clip in tones]
    np.testing.assert_array_equal(answers, expected)
    assert loaded.metrics["validation"]["n_folds"] == len(found.folds)
    assert loaded.provenance["dataset_fingerprint"] == tones.fingerprint()


def test_equal_choices_go_to_the_more_accurate_whatever_the_last_bit_says(found):
    rows = [
        {**found.rows[0], "id": "a", "fpr": 0.1, "tpr": 0.8, "accuracy": 0.5},
        {**found.rows[0], "id": "b", "fpr": 0.3, "tpr": 1.0, "accuracy": 0.9},
    ]
    assert replace(found, rows=rows).choose()["id"] == "b"


def test_evaluation_judges_the_choice_alone_unless_the_paper_is_followed(found, tmp_path):
    test = read_dataset(folders_of_tones(tmp_path / "test", n_clips=4))
    assert list(found.evaluate(test)) == [found.choose()["id"]]
    front = {row["id"] for row in found.front()}
    assert set(found.evaluate(test, paper_protocol=True)) <= front


def test_a_test_on_what_was_trained_on_says_so(found, tones, tmp_path):
    classifier = found.best()
    others = read_dataset(folders_of_tones(tmp_path, n_clips=12))  # ten a label are known
    assert evaluate(classifier, tones).data.n_trained_on == len(tones)
    mixed = evaluate(classifier, others)
    assert mixed.data.n_trained_on == 20
    assert "warning: 20 of these clips took part in training" in mixed.text()
    new = others.subset([i for i, clip in enumerate(others) if "_1" in clip.path.stem[-3:-1]])
    assert evaluate(classifier, new).data.n_trained_on == 0
    assert "warning" not in evaluate(classifier, new).text()


def test_quiet_windows_are_not_trained_on(tmp_path):
    for label, pitch in {"high": 1_900.0, "low": 400.0}.items():
        for take in range(6):
            sound = tone_in_noise(pitch, seed=take)
            silence = np.zeros(4 * len(sound), dtype=np.float32)
            path = tmp_path / label / f"{take}.wav"
            write_audio(path, np.concatenate([sound, silence]), RATE)
    write_audio(tmp_path / "low" / "nothing.wav", np.zeros(RATE, dtype=np.float32), RATE)
    grid = {**GRID, "integration": ["mean"]}
    result = search(read_dataset(tmp_path), grid=grid, leave_out=0.25, window=0.256)
    configuration = result.configurations[0]
    rows = result.material.rows(configuration.front_end, configuration.integration)
    assert np.bincount(rows.clip_index).max() <= 4  # of about 19 windows a clip
    assert [why for path, why in result.skipped if "nothing" in path] == [
        "quiet throughout: no window reaches -60 dBFS"
    ]


def test_a_recording_of_which_one_excerpt_was_quiet_counts_as_trained_on(tmp_path):
    silence = np.zeros(RATE, dtype=np.float32)
    rows = ["path,label,start,end"]
    for number in range(8):
        label, pitch = ("high", 1_900.0) if number % 2 else ("low", 400.0)
        tone = np.resize(tone_in_noise(pitch, seed=number), RATE)
        write_audio(tmp_path / f"{number}.wav", np.concatenate([tone, silence]), RATE)
        rows += [f"{number}.wav,{label},0,1", f"{number}.wav,{label},1,2"]
    (tmp_path / "clips.csv").write_text("\n".join(rows))
    excerpts = read_dataset(tmp_path)
    result = search(excerpts, grid={**GRID, "integration": ["mean"]}, leave_out=2)
    assert [name.removeprefix(f"{tmp_path}/") for name, _ in result.skipped] == [
        f"{number}.wav[1:2]" for number in range(8)
    ]
    report = evaluate(result.best(), excerpts)
    assert report.data.n_trained_on == len(excerpts)


def test_a_data_set_of_one_official_fold_is_searched_by_leave_k_out(tmp_path):
    root = folders_of_tones(tmp_path, n_clips=6)
    clips = tuple(replace(clip, fold="1") for clip in read_dataset(root))
    one_fold = replace(read_dataset(root), clips=clips)
    grid = {**GRID, "integration": ["mean"], "model": ["knn"]}
    del grid["C"]
    assert len(search(one_fold, grid=grid).folds) > 1


def test_windows_of_a_clip_stay_together(tones, tmp_path):
    grid = {**GRID, "integration": ["mean"], "model": ["knn"]}
    del grid["C"]
    result = search(tones, grid=grid, leave_out=0.2, window=0.256, window_hop=0.128, out=tmp_path)
    jobs = list(jobs_of(result.configurations, result.folds, result.material))
    for job in jobs:
        clips = job.rows.clip_index
        assert not set(clips[job.train]) & set(clips[job.test])
    assert len(jobs[0].rows.clip_index) == 2 * len(tones)
    assert result.best().stream(RATE).push(np.zeros(RATE, dtype=np.float32)) == []


def test_a_corrupt_recording_is_reported_and_the_rest_searched(tmp_path):
    root = folders_of_tones(tmp_path / "tones", n_clips=6)
    (root / "low" / "broken.wav").write_bytes(b"RIFF and then nothing of use")
    result = search(read_dataset(root), grid=GRID, leave_out=0.25)
    assert [path.endswith("broken.wav") for path, _ in result.skipped] == [True]
    assert all(np.isfinite(row["accuracy"]) for row in result.rows)


def test_one_label_cannot_be_searched(tmp_path):
    root = folders_of_tones(tmp_path, labels=("low",))
    with pytest.raises(SearchError, match=r"hold 1 label \(low\).*one folder per label"):
        search(read_dataset(root), grid=GRID)


def test_one_clip_a_label_cannot_be_searched(tmp_path):
    root = folders_of_tones(tmp_path, n_clips=1)
    with pytest.raises(SearchError, match=r"one label to train on; all clips of .* Add other"):
        search(read_dataset(root), grid=GRID)


def test_a_label_without_a_clip_is_named(tones):
    only_low = [place for place, clip in enumerate(tones) if clip.labels["label"] == "low"]
    three = folders_of_tones(tones.clips[0].path.parents[2] / "three", labels=("high", "middle"))
    both = read_dataset(three)
    with pytest.raises(SearchError, match=r"hold 1 label \(low\)"):
        search(tones.subset(only_low), grid=GRID)
    without = Dataset(both.clips, (replace(both.tasks[0], labels=("high", "low", "middle")),))
    with pytest.raises(SearchError, match="no clip here bears low"):
        search(without, grid=GRID)


def test_three_labels_are_searched_with_macro_rates(tmp_path):
    root = folders_of_tones(tmp_path, n_clips=6, labels=("high", "low", "middle"))
    result = search(read_dataset(root), grid=GRID, leave_out=0.2)
    assert all(0 <= row["fpr"] <= 1 for row in result.rows)
    prediction = result.best()(tone_in_noise(400.0, seed=7), RATE)
    assert prediction.pooled["label"].sum() == pytest.approx(1.0, abs=1e-5)


def test_the_front_can_be_drawn_and_written(found, tmp_path):
    found.plot(tmp_path / "front.png")
    found.to_csv(tmp_path / "table.csv")
    assert (tmp_path / "front.png").read_bytes().startswith(b"\x89PNG")
    assert len((tmp_path / "table.csv").read_text().splitlines()) == 1 + len(found.rows)
