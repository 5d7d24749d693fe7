"""``ossicle train`` and ``ossicle runs``: what is written, what is refused, nothing done twice."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from commands import answered, foreign, printed, refused, typed
from sounds import folders_of_tones, table_of_tones
from trainings import SMALL

import ossicle
from ossicle.datasets import read_dataset, recording_marks

FILES = {"best.ossicle", "curves.png", "report.html", "outcome.json", "recipe.json", "health.json"}


@pytest.fixture(scope="module")
def words(tones, tmp_path_factory) -> list[Any]:
    return ["train", tones, "--out", tmp_path_factory.mktemp("train") / "run", *SMALL]


@pytest.fixture(scope="module")
def outcome(words) -> dict[str, Any]:
    return answered(*words)


@pytest.fixture(scope="module")
def several(tmp_path_factory) -> tuple[list[Any], dict[str, Any]]:
    """Two data sets, one with folds and one without, together and each alone."""
    root = tmp_path_factory.mktemp("several")
    table_of_tones(root / "rooms")
    folders_of_tones(root / "three", n_clips=6, labels=("middle", "low", "high"))
    recipe = root / "both.toml"
    recipe.write_text(
        'compare_single_tasks = true\n[[data]]\npath = "rooms"\nwhere = {fold = [1, 2]}\n'
        '[[data]]\npath = "three"\ndrop = ["low"]\ntest = "holdout"\n[test]\nhow = "folds"\n'
    )
    words = ["train", recipe, "--out", root / "run", *SMALL]
    return words, answered(*words)


def state(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


# --- one data set ---------------------------------------------------------------------------------


def test_the_files_of_a_training_are_written(words, outcome):
    run = words[3]
    assert {path.name for path in run.iterdir()} >= FILES
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((run / "outcome.json").read_text())["outcome"] == outcome
    assert outcome["written"]["report"] == str(run / "report.html")


def test_the_report_loads_nothing_and_shows_curves_confusion_and_labels(words, outcome):
    html = (words[3] / "report.html").read_text()
    assert foreign(html) == []
    for shown in ("Learning curves", "Confusion matrix", "label: labels", "ossicle"):
        assert shown in html


def test_figures_are_those_of_the_bundle_on_the_clips_held_out(words, outcome, tones):
    figures = outcome["tasks"]["label"]
    assert figures["clips"] == 4
    low, high = figures["interval"]
    assert low <= figures["accuracy"] <= high
    classifier = ossicle.load(words[3] / "best.ossicle")
    assert classifier.metrics["test"]["label"]["accuracy"] == figures["accuracy"]
    held_out = read_dataset(tones).split((0.8, 0.2))[1]
    assert ossicle.evaluate(classifier, held_out).accuracy == figures["accuracy"]


def test_no_clip_that_is_tested_was_trained_on(words, outcome, tones):
    known = set(ossicle.load(words[3] / "best.ossicle").provenance["recordings"].split())
    held_out = read_dataset(tones).split((0.8, 0.2))[1]
    assert not known & set(recording_marks([clip.path for clip in held_out]).values())
    assert len(known) > 8


def test_a_finished_training_is_found_and_nothing_is_written_again(words, outcome):
    before = state(words[3])
    assert answered(*words) == outcome
    assert answered("train", "--resume", words[3]) == outcome
    assert f"accuracy {outcome['tasks']['label']['accuracy']:.3f}" in printed(*words)
    assert state(words[3]) == before


def test_the_same_words_give_the_same_bytes(words, outcome, tmp_path):
    again = [*words[:3], tmp_path / "run", *words[4:]]
    answered(*again)
    one, other = ((folder / "best.ossicle").read_bytes() for folder in (words[3], again[3]))
    assert one == other


def test_other_words_for_the_same_folder_are_refused(words, outcome):
    message = refused(1, *words, "--set", "epochs=9")
    assert "training.epochs = 2, not 9; ask for the same, or choose another folder" in message


def test_what_an_option_says_counts_over_the_recipe(tones, tmp_path):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f'[[data]]\npath = "{tones}"\n[training]\nepochs = 50\n')
    answered("train", recipe, "--out", tmp_path / "run", *SMALL, "--test", "none")
    held = json.loads((tmp_path / "run" / "recipe.json").read_text())
    assert (held["training"]["epochs"], held["test"]["how"]) == (2, "none")
    assert "not tested" in printed("train", "--resume", tmp_path / "run")


# --- several --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_one_command_compares_the_network_of_all_tasks_with_those_of_one(several):
    _, outcome = several
    rows = [(row["net"], row["task"]) for row in outcome["nets"]]
    assert rows == [
        ("together", "rooms.label"),
        ("together", "three.label"),
        ("rooms", "rooms.label"),
        ("three", "three.label"),
    ]
    for row in outcome["nets"]:
        assert row["of"] == "accuracy"
        assert row["parameters"] > 0
        assert row["bytes"] > 1_000
        assert row["seconds"] > 0
    assert set(outcome["runs"]) == {
        *(f"{net}/{part}" for net in ("together", "rooms") for part in ("fold-1", "fold-2", "all")),
        "three/test",
    }


@pytest.mark.slow
def test_each_fold_is_judged_once_and_pooled_with_an_interval_and_the_worst(several):
    _, outcome = several
    figures = outcome["tasks"]["rooms.label"]
    assert sorted(figures["accuracies"]) == ["rooms fold-1", "rooms fold-2"]
    assert figures["clips"] == 16
    assert figures["worst"] in figures["accuracies"]
    assert figures["accuracy"] == pytest.approx(figures["mean_of_tests"])
    assert outcome["tasks"]["three.label"]["clips"] == 2


@pytest.mark.slow
def test_a_finished_fold_is_not_done_again(several):
    words, outcome = several
    out = words[3]
    lost = out / "runs" / "together" / "fold-2"
    shutil.rmtree(lost)
    (out / "outcome.json").unlink()
    before = {path: at for path, at in state(out / "runs").items() if lost not in path.parents}
    again = answered(*words)
    assert again["tasks"] == outcome["tasks"]
    assert {path: state(out / "runs")[path] for path in before} == before
    assert (lost / "best.ossicle").is_file()


@pytest.mark.slow
def test_networks_trained_beside_each_other_are_the_same(several, tmp_path):
    words, outcome = several
    copy = [*words[:3], tmp_path / "run", *words[4:], "--jobs", "2"]
    assert answered(*copy)["tasks"] == outcome["tasks"]
    one, other = ((folder / "best.ossicle").read_bytes() for folder in (words[3], copy[3]))
    assert one == other


def test_tasks_of_every_kind_are_learnt_from_one_table_and_judged_by_their_own_figures(
    tones, tmp_path
):
    rows = ["path,pitch,tags,hertz"]
    for number, path in enumerate(sorted(tones.rglob("*.wav"))):
        low = "low" in path.name
        rows.append(
            f"{path},{path.parent.name},{'a|b' if low else 'b'},{400 if low else 1900 + number}"
        )
    table = tmp_path / "clips.csv"
    table.write_text("\n".join(rows) + "\n")
    tasks = ["pitch", "tags:multilabel", "hertz:regression"]
    asked = [word for task in tasks for word in ("--task", task)]
    words = ["train", table, *asked, "--out", tmp_path / "run", *SMALL]
    outcome = answered(*words)
    assert {row["task"]: row["of"] for row in outcome["nets"]} == {
        "pitch": "accuracy",
        "tags": "micro_f1",
        "hertz": "rmse",
    }
    assert all(figures["clips"] == 4 for figures in outcome["tasks"].values())
    html = (tmp_path / "run" / "report.html").read_text()
    assert all(f"{name}: test, on recordings held out" in html for name in outcome["tasks"])
    text = printed(*words)
    assert "tags: micro f1" in text
    assert "hertz: rmse" in text


# --- check ----------------------------------------------------------------------------------------


def test_a_check_tells_what_is_there_and_trains_nothing(tones, tmp_path):
    words = ["train", tones, "--check", *SMALL]
    assert answered(*words)["ok"]
    assert "learnt by heart" in printed(*words)
    assert list(tmp_path.iterdir()) == []


def test_a_check_that_finds_an_error_is_status_1_and_a_training_stops(tones, tmp_path):
    sounds = sorted(tones.rglob("*.wav"))
    rows = [f"{path},{path.parent.name},{path.parent.name != 'low'}" for path in sounds]
    table = tmp_path / "clips.csv"
    table.write_text("\n".join(["path,label,known", *rows]) + "\n")
    words = ["train", table, *SMALL, "--test", "known=False"]
    run = typed(*words, "--check")
    assert run.exit_code == 1
    assert "error: label 'low' of task 'label' has no training clip" in run.stdout
    assert "has no training clip" in refused(1, *words, "--out", tmp_path / "run")
    assert not (tmp_path / "run" / "runs").exists()


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("train", "nothing to learn from; name a recipe.toml or folders"),
        ("train sounds", "--out is missing"),
        ("train --resume run sounds", "--resume goes on with what the folder says"),
        ("train --resume run --epochs 3", "--resume goes on with what the folder says"),
        ("train sounds --data here --out run", "--data says where a recipe's data sets are"),
        ("train a.toml sounds --out run", "a.toml is a recipe and stands alone"),
        ("train a.toml --layout csv --out run", "belong under [[data]] of the recipe"),
        ("train sounds --out run --set epochs", "'epochs' is not NAME=VALUE"),
        ("train sounds --out run --epochs 0", "is not in the range"),
        ("runs compare", "Missing argument"),
        ("runs compar a b", "neither a verb nor a folder; did you mean 'compare'"),
        ("runs plot run", "Missing option '--out'"),
    ],
)
def test_words_that_do_not_go_together_are_status_2(words, message):
    said = " ".join(refused(2, *words.split()).replace("│", " ").split())
    assert message in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("train {tones} --out {new} --set epoch=3", "no key 'epoch'; did you mean 'epochs'"),
        ("train {tones} --out {new} --model dscnn", "did you mean 'ds_cnn'"),
        ("train {tones} --out {new} --test fold", "did you mean 'folds'"),
        ("train {tones} --out {new} --test folds", "has no column fold"),
        ("train {new}.toml --out {new}", "cannot read the recipe"),
        ("train --resume {tones}", "holds no training to go on with"),
        ("runs list {tones}", "holds no run"),
        ("runs compare {tones}", "holds no run"),
        ("runs plot {tones} --out {new}.png", "holds no run"),
        ("runs evaluate {tones} {tones}", "holds no run"),
    ],
)
def test_what_cannot_be_done_is_status_1_and_one_line(tones, tmp_path, words, message):
    said = refused(1, *(word.format(tones=tones, new=tmp_path / "new") for word in words.split()))
    assert message in said
    assert len(said.splitlines()) == 1


# --- runs -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_runs_are_listed_with_how_far_they_came(several):
    words, _ = several
    rows = answered("runs", words[3])
    assert len(rows) == 7
    assert {row["state"] for row in rows} == {"finished"}
    assert {row["epochs"] for row in rows} == {2}
    assert answered("runs", "list", words[3]) == rows
    assert "runs/together/all" in printed("runs", words[3])


def test_a_run_without_its_classifier_stopped_at_its_last_epoch(words, outcome, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(words[3] / "runs" / "tones" / "test", run)
    (run / "best.ossicle").unlink()
    assert answered("runs", tmp_path)[0]["state"] == "stopped at epoch 2 of 2"


def test_runs_are_compared_by_figures_and_by_settings_that_differ(words, outcome, tones, tmp_path):
    other = ["train", tones, "--out", tmp_path / "run", *SMALL, "--learning-rate", "0.01"]
    answered(*other)
    compared = answered("runs", "compare", words[3], tmp_path / "run")
    assert compared["differs"] == {"learning_rate": [0.001, 0.01]}
    assert len(compared["figures"]["label: accuracy"]) == 2
    assert "learning_rate" in printed("runs", "compare", words[3], tmp_path / "run")


@pytest.mark.slow
def test_curves_of_runs_are_drawn(several, tmp_path):
    words, _ = several
    for path, n_runs in ((words[3], 7), (words[3] / "runs" / "three", 1)):
        picture = tmp_path / f"{n_runs}.png"
        assert len(answered("runs", "plot", path, "--out", picture)["runs"]) == n_runs
        assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_weights_of_any_epoch_that_was_kept_are_judged(words, outcome, tones, tmp_path):
    run = words[3] / "runs" / "tones" / "test"
    page = tmp_path / "page.html"
    best = answered("runs", "evaluate", run, tones, "--out", page)
    assert best["label"]["n_clips"] == 20
    assert foreign(page.read_text()) == []
    assert "label: figures" in page.read_text()
    assert "How this was made" in page.read_text()
    assert answered("runs", "evaluate", run, tones, "--epoch", "1")["label"]["n_clips"] == 20
    assert "no checkpoint of epoch 77" in refused(
        1, "runs", "evaluate", run, tones, "--epoch", "77"
    )


def test_event_files_hold_each_epoch_once_and_the_confusion(words, outcome):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = words[3] / "runs" / "tones" / "test"
    for _ in range(2):
        folder = answered("runs", "tensorboard", run)["written"]
    events = EventAccumulator(folder).Reload()
    tags = events.Tags()
    assert {"loss/label/train", "loss/label/validation", "accuracy/label"} <= set(tags["scalars"])
    for tag in tags["scalars"]:
        assert [event.step for event in events.Scalars(tag)] == [1, 2]
    assert tags["images"] == ["confusion/label"]
    history = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    told = [event.value for event in events.Scalars("loss/label/train")]
    assert told == pytest.approx([record["train"]["loss"]["label"] for record in history])
