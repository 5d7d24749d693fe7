"""Folders of runs that another program wrote or that were damaged: told as such, never a crash."""

import json
from pathlib import Path

import pytest
from commands import answered, refused
from matplotlib import image

from ossicle.errors import TrainingError
from ossicle.training import compare_runs, list_runs, read_history, run_summary

ASKED = {
    "tasks": [{"name": "label"}],
    "front_end": {"name": "log_mel"},
    "settings": {"model": "tc_net", "epochs": 2},
}


def record(epoch: int, accuracy: float | None = 0.5) -> dict:
    figures = {"label": {"accuracy": accuracy}}
    return {
        "epoch": epoch,
        "best_epoch": 1,
        "learning_rate": 0.1,
        "train": {"combined": 1.0, "loss": {"label": 1.0}},
        "validation": {"loss": {"label": 1.0}, "figures": figures},
    }


def written(folder: Path, asked: object = ASKED, *history: object) -> Path:
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(asked))
    (folder / "history.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in history))
    return folder


FOREIGN = [
    *({}, [], 3, None, {"tasks": [], "settings": {}}),
    {**ASKED, "tasks": ["label"]},
    {**ASKED, "settings": {"model": {}, "epochs": 2}},
    {**ASKED, "settings": {"model": "tc_net"}},
]


@pytest.mark.parametrize("asked", FOREIGN)
def test_what_another_program_wrote_is_no_run(tmp_path, asked):
    run = written(tmp_path / "run", asked, record(1))
    for verb in (run_summary, lambda each: compare_runs([each])):
        with pytest.raises(TrainingError, match=r"run is no run of ossicle: run\.json in it"):
            verb(run)
    assert "is no run of ossicle" in refused(1, "runs", "compare", run)


def test_a_cut_description_of_a_run_is_told(tmp_path):
    run = written(tmp_path / "run")
    (run / "run.json").write_text('{"tasks": [')
    with pytest.raises(TrainingError, match=r"run is no run: .*run\.json is not JSON"):
        run_summary(run)


@pytest.mark.parametrize(
    "line",
    [
        *(3, None, [], {}, {"epoch": 1}, record(2), {**record(1), "best_epoch": 2}),
        {**record(1), "validation": {"loss": {}}},
        {**record(1), "train": {}},
    ],
)
def test_a_line_that_is_no_record_of_its_epoch_is_damage(tmp_path, line):
    run = written(tmp_path / "run", ASKED, line)
    with pytest.raises(TrainingError, match=r"history\.jsonl is damaged \(line 1 is no record of"):
        read_history(run)
    picture = tmp_path / "curves.png"
    for words in (["compare", run], ["plot", run, "--out", picture], ["tensorboard", run]):
        assert "is damaged" in refused(1, "runs", *words)
    assert not picture.exists()


def test_a_line_nested_without_end_is_damage(tmp_path):
    run = written(tmp_path / "run")
    (run / "history.jsonl").write_text("[" * 200_000)
    with pytest.raises(TrainingError, match="is damaged"):
        read_history(run)


def test_a_damaged_run_hides_no_other(tmp_path):
    written(tmp_path / "a", {})
    written(tmp_path / "b", ASKED, record(1))
    written(tmp_path / "c", ASKED, 3)
    states = {run["run"]: run["state"] for run in list_runs(tmp_path)}
    assert states == {"a": "damaged", "b": "stopped at epoch 1 of 2", "c": "damaged"}
    assert answered("runs", "list", tmp_path) == list_runs(tmp_path)


def test_a_figure_that_was_not_measured_is_none(tmp_path):
    run = written(tmp_path / "run", ASKED, record(1, None))
    assert run_summary(run)["figure"] is None


def test_a_run_of_ossicle_is_drawn(tmp_path):
    run = written(tmp_path / "run", ASKED, record(1), record(2))
    answered("runs", "plot", run, "--out", tmp_path / "curves.png")
    assert image.imread(tmp_path / "curves.png").ndim == 3


@pytest.mark.parametrize("report", [[], 3, None, {"confusion": [[1]]}])
def test_a_damaged_report_is_told_by_name(tmp_path, report):
    run = written(tmp_path / "run", ASKED, record(1))
    (run / "reports").mkdir()
    (run / "reports" / "label.json").write_text(json.dumps(report))
    assert "label.json is damaged" in refused(1, "runs", "tensorboard", run)


def test_a_damaged_history_leaves_the_event_files_as_they_were(tmp_path):
    run = written(tmp_path / "run", ASKED, record(1))
    before = sorted((run / "tensorboard").iterdir()) if answered("runs", "tensorboard", run) else []
    (run / "history.jsonl").write_text("3")
    assert "is damaged" in refused(1, "runs", "tensorboard", run)
    assert sorted((run / "tensorboard").iterdir()) == before != []
