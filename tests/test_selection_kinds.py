"""Searches for what is normal, and for how much: trained, judged, saved and asked again."""

import json
from dataclasses import replace

import numpy as np
import pytest
from commands import answered
from sounds import RATE, tone_in_noise

import ossicle
from ossicle import SearchError
from ossicle.audio import write_audio
from ossicle.datasets import read_dataset
from ossicle.selection import search
from ossicle.selection.job import jobs_of
from ossicle.selection.leave_k_out import out_of_fold_logits

FRONT = {
    "front_end": ["log_mel"],
    "sample_rate": [RATE],
    "n_fft": [256],
    "hop_length": [128],
    "n_mels": [20],
    "integration": ["mean"],
}
ONE_CLASS = {**FRONT, "model": ["gmm", "elliptic_envelope"], "contamination": [0.02, 0.1]}
REGRESSIONS = {**FRONT, "model": ["ridge", "knn"], "alpha": [0.1, 10.0], "n_neighbors": [3]}

GMM = ["--model", "gmm", "--integration", "mean", "--front-end", "log_mel", "--set", "n_mels=20"]


def write_machines(root, *, labels=("normal", "broken"), n_clips=30):
    """A machine that hums, and one that whistles."""
    pitches = {"normal": 400.0, "broken": 1_900.0}
    for number, label in enumerate(labels):
        for take in range(n_clips):
            sound = tone_in_noise(pitches[label], seed=1_000 * number + take, snr=15.0)
            write_audio(root / label / f"{take}.wav", sound, RATE)
    return root


def write_pitches(root, *, n_clips=60):
    """Tones with their pitch in a table."""
    rng = np.random.default_rng(0)
    lines = ["path,octaves,group"]
    for take, octaves in enumerate(rng.uniform(0, 3, n_clips)):
        time = np.arange(RATE // 2) / RATE
        tone = 0.2 * np.sin(2 * np.pi * 200 * 2**octaves * time) + rng.normal(0, 0.01, len(time))
        write_audio(root / f"{take}.wav", tone.astype(np.float32), RATE)
        lines.append(f"{take}.wav,{octaves:.6f},{take % 12}")
    table = root / "clips.csv"
    table.write_text("\n".join(lines) + "\n")
    return table


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    return read_dataset(write_machines(tmp_path_factory.mktemp("machines")))


@pytest.fixture(scope="module")
def pitches(tmp_path_factory):
    return write_pitches(tmp_path_factory.mktemp("pitches"))


# --- what is normal -------------------------------------------------------------------------------


def test_a_one_class_model_never_hears_what_is_not_normal(machines, tmp_path):
    result = search(machines, grid=ONE_CLASS, leave_out=0.2, out=tmp_path)
    normal = machines.task().index("normal")
    for job in jobs_of(result.configurations, result.folds, result.material):
        assert set(job.truth[job.train]) == {normal}
    tested = [
        job.truth[job.test] for job in jobs_of(result.configurations, result.folds, result.material)
    ]
    assert {0, 1} == set(np.concatenate(tested))


def test_what_is_not_normal_is_found_by_what_was_learnt_from_the_normal(machines, tmp_path):
    result = search(machines, grid=ONE_CLASS, leave_out=0.2)
    row = result.choose()
    assert row["tpr"] > 0.9
    assert row["tpr"] - row["fpr"] > 0.5
    classifier = result.best()
    classifier.save(tmp_path / "machine.ossicle")
    loaded = ossicle.load(tmp_path / "machine.ossicle")
    assert loaded(tone_in_noise(1_900.0, seed=7, snr=15.0), RATE).label == "broken"


def test_recordings_of_one_label_are_enough_for_one_class_models(tmp_path):
    root = write_machines(tmp_path, labels=("normal",))
    result = search(read_dataset(root), grid=ONE_CLASS, leave_out=0.2)
    assert result.material.task.labels == ("normal", "abnormal")
    assert all(np.isnan(row["tpr"]) for row in result.rows)
    assert result.choose()["fpr"] == min(row["fpr"] for row in result.rows)
    outcome = answered("search", root, "--out", tmp_path / "run", "--test", "none", *GMM)
    assert outcome["chosen"]["tpr"] is None
    classifier = result.best()
    assert classifier(tone_in_noise(1_900.0, seed=7, snr=15.0), RATE).label == "abnormal"
    with pytest.raises(SearchError, match="name one-class models such as gmm"):
        search(read_dataset(root), grid={**FRONT, "model": ["knn"]})


def test_one_class_models_answer_no_three_labels(machines):
    three = read_dataset(machines[0].path.parents[1])
    task = three.task()
    wide = replace(three, tasks=(replace(task, kind="multiclass", labels=(*task.labels, "c")),))
    with pytest.raises(SearchError, match="gmm answers binary; the task 'label' is multiclass"):
        search(wide, grid=ONE_CLASS)


# --- how much -------------------------------------------------------------------------------------


def test_a_regression_is_searched_judged_and_saved(pitches, tmp_path):
    dataset = read_dataset(pitches, tasks=["octaves:regression"])
    train, test = dataset.split((0.7, 0.3), seed=0)
    result = search(train, grid=REGRESSIONS, leave_out=0.2, out=tmp_path)
    assert len(result.rows) == 3
    best = result.choose()
    assert best["rmse"] == min(row["rmse"] for row in result.rows)
    assert best["r2"] > 0.9
    (report,) = result.evaluate(test).values()
    assert report.rmse < 0.3
    result.best().save(tmp_path / "pitch.ossicle")
    again = ossicle.evaluate_values(ossicle.load(tmp_path / "pitch.ossicle"), test)
    assert again.rmse == pytest.approx(report.rmse)
    result.plot(tmp_path / "front.png")


def test_figures_of_a_regression_are_those_of_all_left_out_clips(pitches):
    dataset = read_dataset(pitches, tasks=["octaves:regression"])
    result = search(dataset, grid=REGRESSIONS, leave_out=0.2)
    jobs = jobs_of(result.configurations[:1], result.folds, result.material, cost=False)
    pairs = [(job.truth[job.test], out_of_fold_logits(job)[0][:, 0]) for job in jobs]
    truth, answers = (np.concatenate(each) for each in zip(*pairs, strict=True))
    assert len(truth) == len(dataset)
    assert result.rows[0]["rmse"] == pytest.approx(np.sqrt(np.mean((truth - answers) ** 2)))
    assert result.rows[0]["mae"] == pytest.approx(np.abs(truth - answers).mean())
    expected = 1 - ((truth - answers) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()
    assert result.rows[0]["r2"] == pytest.approx(expected)


def test_a_regression_goes_through_the_command_line(pitches, tmp_path):
    words = ["--task", "octaves:regression", "--leave-out", "0.2", "--out", tmp_path / "run"]
    grid = tmp_path / "grid.json"
    grid.write_text(json.dumps(REGRESSIONS))
    outcome = answered("search", pitches, *words, "--grid", grid)
    assert outcome["test"]["clips"] > 0
    assert outcome["test"]["rmse"] < 0.5
    report = answered("evaluate", tmp_path / "run" / "best.ossicle", pitches)
    assert report["n_clips"] == 60
    assert "rmse" in (tmp_path / "run" / "table.csv").read_text()
    assert b"RMSE" in (tmp_path / "run" / "report.html").read_bytes()


def test_models_of_labels_answer_no_regression_and_the_others_are_named(pitches):
    dataset = read_dataset(pitches, tasks=["octaves:regression"])
    with pytest.raises(SearchError, match=r"svm answers binary and multiclass; .*ridge"):
        search(dataset, grid={**FRONT, "model": ["svm"]})


def test_one_class_models_answer_no_regression(pitches):
    dataset = read_dataset(pitches, tasks=["octaves:regression"])
    with pytest.raises(SearchError, match=r"gmm answers .* is regression"):
        search(dataset, grid={**FRONT, "model": ["gmm"], "n_components": [1]})


def test_a_test_part_without_one_label_is_saved_as_not_measured(tmp_path):
    write_machines(tmp_path / "in", labels=("normal",), n_clips=30)
    for take in range(2):
        sound = tone_in_noise(1_900.0, seed=2_000 + take, snr=15.0)
        write_audio(tmp_path / "in/broken" / f"{take}.wav", sound, RATE)
    rows = [f"normal/{take}.wav,normal,{'test' if take > 24 else 'train'}" for take in range(30)]
    rows += [f"broken/{take}.wav,broken,train" for take in range(2)]
    (tmp_path / "in/clips.csv").write_text("\n".join(["path,label,split", *rows, ""]))
    words = ["--model", "knn", "--set", "n_neighbors=1", *GMM[2:]]
    answered("search", tmp_path / "in", "--out", tmp_path / "run", *words)
    metrics = ossicle.load(tmp_path / "run" / "best.ossicle").metrics
    assert None in (metrics["test"]["fpr"], metrics["test"]["tpr"])


def test_without_a_grid_each_kind_of_task_has_its_own(pitches):
    dataset = read_dataset(pitches, tasks=["octaves:regression"])
    result = search(dataset, leave_out=0.3)
    assert {row["model"].split()[0] for row in result.rows} == {"ridge"}
