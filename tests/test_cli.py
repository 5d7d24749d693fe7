"""Every verb: what it prints, what it writes, how it fails, and that standard output is clean."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from commands import GRID, answered, foreign, leaves, printed, refused, typed
from mixed_sounds import write_sounds
from small_classifiers import full, linear, noise, resealed, tone
from sounds import RATE

import ossicle
from ossicle.audio import write_audio
from ossicle.classifier.archive import unpack
from ossicle.cli.grid_options import grid_of, parameters, single_parameters
from ossicle.cli.main import VERBS, verbs
from ossicle.workflow.files import file_digest


@pytest.fixture(scope="module")
def heard(tmp_path_factory) -> Path:
    """Recordings that the bundle knows, one folder a label."""
    root = tmp_path_factory.mktemp("heard")
    for take in range(3):
        write_audio(root / "alarm" / f"{take}.wav", tone(3_000, 1.0 + take / 10), 16_000)
        write_audio(root / "bell" / f"{take}.wav", tone(700, 1.0 + take / 10), 16_000)
        write_audio(root / "other" / f"{take}.wav", noise(1.0, seed=take), 16_000)
    return root


def digests(folder: Path) -> dict[str, tuple[str, int]]:
    """What every file of a folder holds and when it was written."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): (file_digest(path), path.stat().st_mtime_ns) for path in files}


# --- help and mistakes ----------------------------------------------------------------------------


def examples(name: str, text: str) -> list[str]:
    """Lines of a help text that can be typed, from ``ossicle`` on."""
    lines = [line.rpartition("| ")[2].strip() for line in text.splitlines()]
    return [line for line in lines if line.startswith(f"ossicle {name}")]


@pytest.mark.parametrize("name", sorted(leaves()))
def test_help_shows_an_example_before_the_options_that_is_understood(name):
    help_ = printed(*name.split(), "--help")
    shown = examples(name, help_.partition("Options:")[0])
    assert shown
    for line in shown:
        words = shlex.split(line)[1 + len(name.split()) :]
        with leaves()[name].make_context(name, words):
            pass  # an unknown option or a missing word would have been an error


def test_help_lists_the_verbs_in_the_order_of_a_project():
    text = printed("--help").partition("Commands:")[2]
    assert [line.split()[0] for line in text.strip().splitlines()] == list(VERBS)


def test_the_version_is_that_of_the_package():
    assert printed("--version").strip() == f"ossicle, version {ossicle.__version__}"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("serch x --out y", "no verb 'serch'; did you mean 'search'?"),
        ("data inof x", "no verb 'inof'; did you mean 'info'?"),
        ("predict a b --fromat csv", "--format"),
        ("predict a b --format ravn", "'raven'"),
        ("search x", "--out"),
        ("search x --out y --test fold", "'folds'"),
        ("search x --out y --set C", "'C' is not NAME=VALUE"),
        ("search x --out y --leave-out few", "'few' is neither a share"),
        ("search x --out y --where fold:1", "'fold:1' is not NAME=VALUE"),
        ("search x --out y --grid nowhere.toml", "cannot read nowhere.toml"),
        ("data split x --out y --seed -1", "-1 is not in the range"),
    ],
)
def test_wrong_words_are_status_2_with_what_was_meant(words, hint):
    assert hint in refused(2, *words.split())


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("--front-end mfc", "no front end 'mfc'; did you mean 'mfcc'?"),
        ("--integration meanvr", "no integration 'meanvr'; did you mean 'meanvar'?"),
        ("--model svn", "no model is called 'svn'; did you mean 'svm'?"),
        (
            "--set n_mel=40",
            "'n_mel' is no parameter",
        ),
        ("--set n_mel=40", "did you mean 'n_mels'?"),
        ("--where labl=high", "no column 'labl'; did you mean 'label'?"),
        ("--where label=loud", "none of 40 clips has label=loud"),
        ("--task pich", "no column 'pich'; did you mean 'pitch'?"),
        ("--layout flders", "no layout 'flders'; did you mean 'folders'?"),
        ("--leave-out 0", "k=0"),
        ("--jobs 0", "n_jobs is 0"),
        ("--test groups --paper-protocol", "the paper's protocol needs one test part"),
    ],
)
def test_work_that_cannot_be_done_is_status_1_with_what_was_meant(table, tmp_path, words, hint):
    message = refused(1, "search", table, "--out", tmp_path, *words.split())
    assert message.strip().startswith("Error: ")
    assert len(message.strip().splitlines()) == 1
    assert hint in message


def test_a_data_set_without_folds_or_split_says_what_to_test_on(tones, tmp_path):
    for test in ("folds", "split"):
        message = refused(1, "search", tones, "--out", tmp_path, "--test", test)
        assert f"no column {test[:5].rstrip('s')}" in message
        assert "holdout" in message


def test_what_is_not_there_is_status_1_with_its_name(bundle, tmp_path):
    gone = tmp_path / "gone"
    for words in (
        ("data", "info", gone),
        ("features", gone, "--out", tmp_path / "f"),
        ("evaluate", bundle, gone),
        ("predict", gone, gone),
        ("listen", bundle, gone),
        ("info", gone),
        ("verify", gone),
        ("demo", "--out", tmp_path / "demo", "--data", gone),
    ):
        assert "gone" in refused(1, *words)


def test_the_installed_command_gives_the_status_to_the_shell(heard):
    command = [Path(sys.executable).with_name("ossicle"), "data", "info"]
    statuses = [
        subprocess.run([*command, *words], capture_output=True, text=True, timeout=60)
        for words in ([str(heard)], [str(heard / "gone")], ["--nope"])
    ]
    assert [run.returncode for run in statuses] == [0, 1, 2]
    assert [bool(run.stdout) for run in statuses] == [True, False, False]
    assert not any("Traceback" in run.stderr for run in statuses)


# --- data and features ----------------------------------------------------------------------------


def test_data_info_accounts_for_every_file(tones, tmp_path):
    root = shutil.copytree(tones, tmp_path / "tones")
    (root / "low" / "broken.wav").write_bytes(b"RIFF and then nothing of use")
    (root / "notes.txt").write_text("not a sound")
    text = printed("data", "info", root)
    report = answered("data", "info", root)
    assert report["n_clips"] == 21
    assert report["labels"] == {"label": {"high": 10, "low": 11}}
    assert [name for name, _ in report["unreadable"]] == ["broken.wav"]
    assert "21 clips" in text
    assert "broken.wav" in text


def test_data_info_keeps_the_clips_that_match(table):
    report = answered("data", "info", table, "--where", "fold=2", "--where", "label=low")
    assert (report["n_clips"], report["folds"]) == (4, {"2": 4})


def test_data_split_deals_every_clip_once_and_cuts_no_group(table, tmp_path):
    fractions = ("--fractions", "0.5", "0.3", "0.2")
    counts = answered("data", "split", table, "--out", tmp_path, *fractions)
    assert counts == {"train": 20, "validation": 12, "test": 8}
    parts = [ossicle.read_dataset(tmp_path / f"{name}.csv") for name in counts]
    rooms = [{clip.group for clip in part} for part in parts]
    assert sum(map(len, rooms)) == len(set.union(*rooms)) == 10
    again = printed("data", "split", table, "--out", tmp_path / "again", *fractions)
    assert again.split()[:3] == ["train", "20", "clips"]
    assert all(
        (tmp_path / f"{n}.csv").read_bytes() == (tmp_path / "again" / f"{n}.csv").read_bytes()
        for n in counts
    )


def test_data_mix_makes_a_data_set_and_says_what_is_next(tmp_path):
    sounds = write_sounds(tmp_path / "sounds")
    words = ["--alarms", sounds / "alarms", "--background", sounds / "room", "--clips", 20]
    words += ["--significant", sounds / "other", "--duration", 1, "--sample-rate", RATE]
    report = answered("data", "mix", *words, "--out", tmp_path / "mixed")
    assert report["labels"] == {"label": {"alarm": 10, "other": 10}}
    assert set(report["splits"]) == {"train", "validation", "test"}
    before = digests(tmp_path / "mixed")
    text = printed("data", "mix", *words, "--out", tmp_path / "mixed")
    assert digests(tmp_path / "mixed") == before
    assert f"Next: ossicle search {tmp_path / 'mixed'}" in text


def test_features_are_described_once(tones, tmp_path):
    words = ("features", tones, "--out", tmp_path, "--front-end", "mfcc", "--set", "n_mfcc=13")
    first = answered(*words, "--set", "sample_rate=8000")
    assert (first["n_clips"], first["n_windows"], first["n_bands"]) == (20, 20, 13)
    assert first["front_end"]["name"] == "mfcc"
    before = digests(tmp_path)
    assert answered(*words, "--set", "sample_rate=8000") == first
    assert digests(tmp_path) == before
    text = printed(*words, "--set", "sample_rate=8000", "--window", "0.25")
    assert "60 windows of 20 clips" in text


def test_a_file_that_cannot_be_described_is_named_and_stops_nothing(tones, tmp_path):
    root = shutil.copytree(tones, tmp_path / "tones")
    (root / "low" / "broken.wav").write_bytes(b"RIFF and then nothing of use")
    summary = answered("features", root, "--out", tmp_path / "features")
    assert summary["n_clips"] == 20
    assert [Path(path).name for path, _ in summary["skipped"]] == ["broken.wav"]
    assert "skipped" in printed("features", root, "--out", tmp_path / "features")


def test_a_parameter_of_a_front_end_has_one_value(tones, tmp_path):
    message = refused(2, "features", tones, "--out", tmp_path, "--set", "n_mels=20,40")
    assert "n_mels has several values" in message


# --- words of a grid ------------------------------------------------------------------------------


def test_values_are_numbers_words_or_nothing():
    found = parameters(["C=1,0.5,1e-3", "gamma=scale", "top_db=null", "center=true", "norm=a=b"])
    assert found == {
        "C": [1, 0.5, 0.001],
        "gamma": ["scale"],
        "top_db": [None],
        "center": [True],
        "norm": ["a=b"],
    }
    assert type(found["C"][0]) is int
    assert single_parameters(["n_mels=40"]) == {"n_mels": 40}


def test_a_grid_is_the_same_from_options_toml_and_json(tmp_path):
    grid = {"front_end": ["mfcc"], "model": ["svm", "knn"], "C": [1, 10]}
    tables = {
        "a.toml": 'front_end = ["mfcc"]\nmodel = ["svm", "knn"]\nC = [1, 10]\n',
        "b.toml": '[grid]\nfront_end = ["mfcc"]\nmodel = ["svm", "knn"]\nC = [1, 10]\n',
        "c.json": json.dumps(grid),
        "d.json": json.dumps({"grid": grid}),
    }
    for name, text in tables.items():
        (tmp_path / name).write_text(text)
        assert grid_of(tmp_path / name, [], [], [], []) == grid
    assert grid_of(None, ["mfcc"], [], ["svm", "knn"], ["C=1,10"]) == grid
    assert grid_of(None, [], [], [], []) is None
    (tmp_path / "several.json").write_text(json.dumps([grid, grid]))
    assert grid_of(tmp_path / "several.json", [], [], [], []) == [grid, grid]


@pytest.mark.parametrize("text", ["3", "[1, 2]", '"svm"', "null", "{", '{"model": ["svm"]'])
def test_a_file_that_is_no_grid_is_refused(tones, tmp_path, text):
    (tmp_path / "grid.json").write_text(text)
    words = ("search", tones, "--out", tmp_path, "--grid", tmp_path / "grid.json")
    assert "grid.json" in refused(2, *words)


def test_a_grid_comes_from_a_file_or_from_options(tones, tmp_path):
    (tmp_path / "grid.json").write_text("{}")
    words = ("search", tones, "--out", tmp_path, "--grid", tmp_path / "grid.json")
    assert "not both" in refused(2, *words, "--model", "svm")


# --- evaluate, info, verify ----------------------------------------------------------------------


def test_evaluate_prints_figures_and_writes_a_page_that_needs_nothing(bundle, heard, tmp_path):
    page = tmp_path / "pages" / "report.html"
    text = printed("evaluate", bundle, heard, "--out", page)
    assert "9 clips" in text
    assert f"report: {page}" in text
    assert foreign(page.read_text()) == []
    report = answered("evaluate", bundle, heard)
    assert report["accuracy"] == 1.0
    assert report["labels"] == ["alarm", "bell", "other"]
    assert np.trace(report["confusion"]) == report["n_clips"] == 9
    assert set(report) >= {"accuracy_wilson", "tpr", "fpr", "auc", "per_class", "skipped", "data"}


def test_the_figures_agree_with_what_python_says(bundle, heard):
    asked = answered("evaluate", bundle, heard, "--where", "label=bell")
    dataset = ossicle.read_dataset(heard).where(label="bell")
    report = ossicle.evaluate(ossicle.load(bundle), dataset, command=asked["command"])
    assert asked == report.to_dict()


def test_labels_a_classifier_does_not_know_are_named(bundle, tones):
    assert "'high'" in refused(1, "evaluate", bundle, tones)


def test_info_is_the_card(bundle):
    text, card = printed("info", bundle), ossicle.load(bundle).card()
    assert not [mark for mark in ("#", "|", "\\") if mark in text]
    said = re.sub(r"\|[-|]*|#", " ", card).replace("\\", "").replace("&lt;", "<").split()
    assert set(text.split()) <= set(said)
    assert "alarm, bell, other (multiclass; never an event: other)" in text
    about = answered("info", bundle)
    assert about["tasks"][0]["labels"] == ["alarm", "bell", "other"]
    assert (about["window"], about["window_hop"]) == (1.0, 0.5)


def test_verify_is_status_0_where_the_golden_answers_come_out(bundle):
    assert "reproduced: 5 windows" in printed("verify", bundle)
    assert answered("verify", bundle)["ok"] is True


def test_verify_is_status_1_where_other_answers_come_out(tmp_path):
    full().save(tmp_path / "right.ossicle")
    network = linear(np.zeros((16, 3)), np.array([0.0, 1.0, 0.0]))
    members = unpack((tmp_path / "right.ossicle").read_bytes())
    path = tmp_path / "wrong.ossicle"
    path.write_bytes(resealed(members, **{"network.onnx": network}))
    run = typed("verify", path)
    assert (run.exit_code, run.stdout[:14]) == (1, "NOT reproduced")
    run = typed("verify", path, "--json")
    assert (run.exit_code, json.loads(run.stdout)["ok"]) == (1, False)


@pytest.mark.parametrize("verb", ["verify", "info"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_damaged_bundle_is_status_1(bundle, tmp_path, verb, share):
    data = bytearray(bundle.read_bytes())
    data[int(share * len(data))] ^= 0xFF
    (tmp_path / "damaged.ossicle").write_bytes(data)
    assert "damaged.ossicle" in refused(1, verb, tmp_path / "damaged.ossicle")


# --- standard output and standard error -----------------------------------------------------------


def test_progress_goes_to_standard_error_alone(tones, tmp_path):
    words = ["search", str(tones), "--out", str(tmp_path), *GRID, "--test", "none", "--json"]
    run = CliRunner(env={"FORCE_COLOR": "1", "COLUMNS": "100"}).invoke(verbs, words)
    assert run.exit_code == 0
    assert "leave-k-out" in run.stderr
    assert set(json.loads(run.stdout)) >= {"rows", "chosen", "test"}


def test_nothing_is_loaded_for_a_verb_that_is_not_asked_for():
    code = "import sys, ossicle.cli.main; print([m for m in sys.modules if 'ossicle.cli.' in m])"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    expected = ["ossicle.cli.terminal", "ossicle.cli.verbs", "ossicle.cli.main"]
    assert run.stdout.strip() == str(expected)


def test_every_verb_can_answer_in_json():
    def flags(command: click.Command) -> set[str]:
        return {flag for parameter in command.params for flag in parameter.opts}

    assert [name for name, command in leaves().items() if "--json" not in flags(command)] == []
