"""``ossicle train --model auto``: several networks, chosen on validation alone; damaged folders."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from commands import answered, printed, refused
from small_trainings import tones as tones_of
from sounds import folders_of_tones
from trainings import SMALL, SMALL_FRONT_END

import ossicle
from ossicle.cli.runs import _compared
from ossicle.datasets import read_dataset

AUTO = (
    *(word for k, v in SMALL_FRONT_END.items() for word in ("--set", f"front_end.{k}={v}")),
    *("--model", "auto", "--epochs", "1", "--batch-size", "16", "--set", "n_workers=0"),
)
NAMES = {"tc_net", "ds_cnn", "resnet"}


@pytest.fixture(autouse=True)
def no_pretrained_networks(monkeypatch, tmp_path):
    """A machine with the networks here alone."""
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.delenv("OSSICLE_MODELS", raising=False)


@pytest.mark.slow
def test_the_best_on_validation_is_kept_and_judged_on_what_chose_nothing(tmp_path):
    sounds, out = folders_of_tones(tmp_path / "tones"), tmp_path / "out"
    words = ("train", sounds, "--out", out, *AUTO, "--tensorboard")
    outcome = answered(*words)
    (tried,) = outcome["tried"].values()
    assert {row["name"] for row in tried} == NAMES
    merits = [(row["validation"], -row["loss"]) for row in tried]
    assert merits == sorted(merits, reverse=True)
    assert list(outcome["runs"].values()) == [tried[0]["run"]]
    assert all(list(Path(row["run"]).glob("tensorboard/events*")) for row in tried)
    held_out = read_dataset(sounds).split((0.8, 0.2))[1]
    kept = ossicle.load(out / "best.ossicle")
    assert ossicle.evaluate(kept, held_out).accuracy == outcome["tasks"]["label"]["accuracy"]
    assert kept.network == ossicle.load(Path(tried[0]["run"]) / "best.ossicle").network
    assert f"{tried[0]['name']} was chosen among 3 by the validation part" in (
        out / "report.html"
    ).read_text(encoding="utf-8")
    assert answered(*words) == outcome  # nothing is done again
    assert f"{tried[0]['name']}, the best of 3 on the validation part" in printed(*words)


def test_the_check_of_several_networks_says_whose_figures_it_shows(tmp_path):
    checked = answered("train", tones_of(tmp_path).clips[0].path.parents[1], *AUTO, "--check")
    assert "3 networks are tried (tc_net, ds_cnn, resnet)" in checked["warnings"][-1]
    assert checked["n_parameters"] > 0


def test_several_networks_have_no_settings(tones):
    message = refused(1, "train", tones, *AUTO, "--set", "model.width=16", "--check")
    assert "'auto' tries several networks as they are" in message


@pytest.mark.parametrize("text", ["[1]", "{}", "3", '{"epochs": 3}'])
def test_a_folder_whose_recipe_is_none_is_refused(tones, tmp_path, text):
    (tmp_path / "recipe.json").write_text(text)
    assert "holds no recipe" in refused(1, "train", "--resume", tmp_path)
    assert "holds no recipe" in refused(1, "train", tones, "--out", tmp_path, *SMALL)


def test_an_outcome_that_is_none_is_made_again(tones, tmp_path):
    words = ("train", tones, "--out", tmp_path / "run", *SMALL)
    outcome = answered(*words)
    for text in ("[]", "3", "null"):
        (tmp_path / "run" / "outcome.json").write_text(text)
        assert answered(*words) == outcome
        assert json.loads((tmp_path / "run" / "outcome.json").read_text())["outcome"] == outcome


def test_a_number_of_thousands_of_digits_is_a_mistake_in_words(tones, tmp_path):
    digits = "9" * 5_000
    assert "epochs" in refused(1, "train", tones, "--set", f"epochs={digits}", "--check")
    words = ("search", tones, "--out", tmp_path / "run", "--model", "svm")
    assert "C" in refused(1, *words, "--set", f"C={digits}")


def test_more_memory_than_there_is_is_said_in_words(tones):
    message = refused(1, "train", tones, "--set", "front_end.n_mels=1000000000000", "--check")
    assert "not enough memory" in message


@pytest.mark.parametrize("module", ["torch", "safetensors", "onnxscript", "onnx", "sklearn"])
def test_what_a_training_needs_at_its_end_is_missed_before_it_begins(
    monkeypatch, tones, tmp_path, module
):
    monkeypatch.setitem(sys.modules, module, None)
    message = refused(1, "train", tones, "--out", tmp_path / "run", *SMALL)
    assert f"{module} is not installed; run: pip install 'ossicle[train]'" in message
    assert not (tmp_path / "run").exists()


def test_without_matplotlib_there_is_a_classifier_and_a_page_without_curves(
    monkeypatch, tones, tmp_path
):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    words = ("train", tones, "--out", tmp_path / "run", *SMALL)
    outcome = answered(*words)
    assert set(outcome["written"]) == {"classifier", "report"}
    assert "No plots: matplotlib is not installed" in (tmp_path / "run/report.html").read_text()
    assert answered(*words) == outcome


def test_what_needs_torch_says_how_to_get_it(tones, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text("{}")
    search = ("search", tones, "--out", tmp_path / "out", "--model", "network")
    for words in (search, ("runs", "evaluate", tmp_path / "run", tones)):
        told = without("torch", *words)
        assert told.stderr == "Error: torch is not installed; run: pip install 'ossicle[train]'\n"
        assert (told.returncode, told.stdout) == (1, "")


def test_a_mistyped_network_of_a_search_is_known(tones, tmp_path):
    message = refused(1, "search", tones, "--out", tmp_path / "out", "--model", "netwrk")
    assert "did you mean 'network'" in message


def test_a_file_is_no_folder_of_a_training(tones, tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    assert f"{file} is a file" in refused(1, "train", tones, "--out", file, *SMALL)
    assert file.read_text() == "mine"


@pytest.mark.parametrize(("n_runs", "last"), [(1, "a"), (26, "z"), (27, "27"), (60, "60")])
def test_any_number_of_runs_is_told_apart(n_runs, last):
    runs = [{"run": f"run {n}", "state": "finished"} for n in range(n_runs)]
    compared = {"runs": runs, "figures": {"label: loss": [0.5] * n_runs}, "differs": {}}
    lines = _compared(compared).splitlines()
    assert lines[n_runs - 1] == f"{last}  run {n_runs - 1}: finished"
    assert len({line.split()[0] for line in lines[:n_runs]}) == n_runs


def without(module: str, *words: object) -> subprocess.CompletedProcess[str]:
    """What a command says in a process in which a module cannot be imported."""
    code = f"import sys; sys.modules[{module!r}] = None; from ossicle.cli import main; main()"
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)
