"""``ossicle search``: what is written, what is held out, and that nothing is done twice."""

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest
from commands import GRID, answered, foreign, printed, refused
from sounds import folders_of_tones

import ossicle

FILES = {
    *("best.ossicle", "table.csv", "front.csv", "front.png", "report.html", "outcome.json"),
}


@pytest.fixture(scope="module")
def words(tones, tmp_path_factory) -> list[Any]:
    run = tmp_path_factory.mktemp("run")
    return ["search", tones, "--out", run, *GRID, "--leave-out", "0.2", "--paper-protocol"]


@pytest.fixture(scope="module")
def outcome(words) -> dict[str, Any]:
    return answered(*words)


def test_the_files_of_a_search_are_written(words, outcome):
    run = words[3]
    assert {path.name for path in run.iterdir()} >= FILES
    assert outcome["written"] == {
        "classifier": str(run / "best.ossicle"),
        "table": str(run / "table.csv"),
        "front_rows": str(run / "front.csv"),
        "front": str(run / "front.png"),
        "report": str(run / "report.html"),
    }
    assert (run / "front.png").read_bytes().startswith(b"\x89PNG")
    with (run / "table.csv").open() as file:
        assert [row["id"] for row in csv.DictReader(file)] == [r["id"] for r in outcome["rows"]]
    with (run / "front.csv").open() as file:
        front = list(csv.DictReader(file))
    assert [row["id"] for row in front] == outcome["front"]
    assert not {"latency_ms", "train_ms"} & front[0].keys()
    assert json.loads((run / "outcome.json").read_text())["outcome"] == outcome


def test_the_answer_holds_the_table_the_choice_and_the_test(outcome):
    assert set(outcome) == {"rows", "front", "chosen", "test", "paper", "skipped", "written"}
    assert len(outcome["rows"]) == 2
    assert outcome["chosen"] in outcome["rows"]
    assert outcome["chosen"]["id"] in outcome["front"]
    assert set(outcome["paper"]) <= set(outcome["front"])
    low, high = outcome["test"]["interval"]
    assert low <= outcome["test"]["accuracy"] <= high
    assert outcome["test"]["clips"] == 4  # a fifth of the groups


def test_the_report_loads_nothing_runs_nothing_and_names_the_optimistic_figures(words, outcome):
    html = (words[3] / "report.html").read_text()
    assert foreign(html) == []
    assert "optimistic" in html


def test_the_classifier_written_is_the_one_chosen(words, outcome, tones):
    classifier = ossicle.load(words[3] / "best.ossicle")
    measured = classifier.metrics["validation"]
    assert measured["accuracy"] == outcome["chosen"]["accuracy"]
    assert classifier(tones / "low" / "low_0.wav").label in ("high", "low")
    assert "validation" in printed("info", words[3] / "best.ossicle")


def test_a_finished_search_is_found_and_nothing_is_written_again(words, outcome):
    before = {p: p.stat().st_mtime_ns for p in words[3].rglob("*") if p.is_file()}
    assert answered(*words) == outcome
    text = printed(*words)
    assert {p: p.stat().st_mtime_ns for p in words[3].rglob("*") if p.is_file()} == before
    assert f"chosen: {outcome['chosen']['model']}" in text
    assert f"test: accuracy {outcome['test']['accuracy']:.3f} on 4 clips" in text
    assert "paper's protocol, optimistic" in text
    assert all(path in text for path in outcome["written"].values())


def test_a_file_of_a_finished_search_that_is_lost_or_changed_is_made_again(words, outcome):
    (words[3] / "front.png").unlink()
    (words[3] / "report.html").write_text("changed")
    assert answered(*words) == outcome
    assert (words[3] / "front.png").is_file()
    assert len((words[3] / "report.html").read_text()) > 1_000


def test_another_recording_is_another_search(tmp_path):
    root = folders_of_tones(tmp_path / "tones", n_clips=8)
    words = ["search", root, "--out", tmp_path / "run", *GRID, "--leave-out", "0.2"]
    answered(*words, "--test", "none")
    before = ossicle.load(tmp_path / "run" / "best.ossicle").provenance["dataset_fingerprint"]
    (root / "low" / "low_0.wav").write_bytes((root / "high" / "high_0.wav").read_bytes())
    answered(*words, "--test", "none")
    after = ossicle.load(tmp_path / "run" / "best.ossicle").provenance["dataset_fingerprint"]
    assert after == ossicle.read_dataset(root).fingerprint() != before


@pytest.mark.parametrize(
    ("test", "parts", "clips"),
    [
        ("auto", ["test"], 8),
        ("split", ["test"], 8),
        ("holdout", ["test"], 8),
        ("folds", [f"fold-{number}" for number in range(1, 6)], 40),
        ("groups", [f"room{number}" for number in range(10)], 40),
        ("none", [], 0),
    ],
)
def test_what_is_asked_for_is_held_out(table, tmp_path, test, parts, clips):
    words = ["search", table, "--out", tmp_path, *GRID, "--test", test, "--leave-out", "0.25"]
    figures = answered(*words)["test"]
    assert sorted(figures.get("accuracies", [])) == parts
    assert figures["clips"] == clips
    text = printed(*words)
    if len(parts) > 1:
        assert figures["worst"] in parts
        right = sum(figures["accuracies"].values()) * clips / len(parts)
        assert figures["accuracy"] == pytest.approx(right / clips)
        assert f"worst {figures['worst']}" in text
    assert ("not tested" in text) == (test == "none")
    assert {path.name for path in tmp_path.iterdir()} >= FILES


def test_a_limit_is_kept(tones, tmp_path, outcome):
    words = ["search", tones, "--out", tmp_path, *GRID, "--leave-out", "0.2"]
    limit = min(row["fpr"] for row in outcome["rows"])
    assert answered(*words, "--max-fpr", limit)["chosen"]["fpr"] <= limit
    assert "-0.5 is not in the range" in refused(2, *words, "--max-fpr", "-0.5")


def test_a_grid_file_makes_the_same_table_as_the_options(tones, tmp_path, words, outcome):
    grid = tmp_path / "grid.toml"
    grid.write_text(
        '[grid]\nfront_end = ["log_mel"]\nintegration = ["mean"]\nmodel = ["knn"]\n'
        "sample_rate = [8000]\nn_fft = [256]\nhop_length = [128]\nn_mels = [20]\n"
        "n_neighbors = [1, 3]\n"
    )
    made = answered("search", tones, "--out", tmp_path, "--grid", grid, "--leave-out", "0.2")
    quality = ("id", "tpr", "fpr", "accuracy", "bytes")
    assert [[row[name] for name in quality] for row in made["rows"]] == [
        [row[name] for name in quality] for row in outcome["rows"]
    ]


def test_a_column_can_be_the_task_and_another_can_choose_the_clips(table, tmp_path):
    words = ["search", table, "--out", tmp_path, *GRID, "--leave-out", "0.25", "--test", "none"]
    answered(*words, "--task", "pitch", "--where", "split=train")
    classifier = ossicle.load(tmp_path / "best.ossicle")
    assert [task.name for task in classifier.tasks] == ["pitch"]
    assert classifier.provenance["n_clips"] == 24


def test_a_classifier_with_windows_can_listen_and_one_without_says_why_not(tones, tmp_path, words):
    sound = tones / "low" / "low_0.wav"
    message = refused(1, "listen", words[3] / "best.ossicle", sound)
    assert "window" in message
    made = ["search", tones, "--out", tmp_path, *GRID, "--leave-out", "0.2", "--window", "0.256"]
    row = answered(*made, "--test", "none")["chosen"]
    assert all(math.isfinite(row[name]) for name in ("tpr", "fpr", "accuracy", "latency_ms"))
    printed("listen", tmp_path / "best.ossicle", sound)


def test_a_recording_that_cannot_be_read_is_named_and_stops_nothing(tmp_path):
    root = folders_of_tones(tmp_path / "tones", n_clips=8)
    (root / "low" / "broken.wav").write_bytes(b"RIFF and then nothing of use")
    words = ["search", root, "--out", tmp_path / "run", *GRID, "--leave-out", "0.25"]
    skipped = answered(*words)["skipped"]
    assert [Path(path).name for path, _ in skipped] == ["broken.wav"]
    assert "broken.wav: " in printed(*words)


def test_of_many_clips_left_out_the_first_are_named_and_the_rest_counted(tmp_path):
    root = folders_of_tones(tmp_path / "tones", n_clips=8)
    for number in range(7):
        (root / "low" / f"broken{number}.wav").write_bytes(b"RIFF and then nothing of use")
    text = printed("search", root, "--out", tmp_path / "run", *GRID, "--leave-out", "0.25")
    assert text.count("skipped ") == 5
    assert "and 2 more skipped; --json names all" in text
