"""A run of two data sets and two tasks: what is in its folder, and what can be done with it."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import answered, printed
from small_trainings import FRONT_END, SETTINGS, bytes_of, trained, two_data_sets

from ossicle.classifier import load, verify
from ossicle.datasets import combine
from ossicle.errors import ModelError, TrainingError
from ossicle.evaluation import evaluate
from ossicle.training import Settings
from ossicle.training.augmentation import Augmentation
from ossicle.training.run import Run
from ossicle.training.shipping import judged_weights
from ossicle.training.training import open_run, train
from ossicle.training.trying import try_all
from ossicle.workflow.files import canonical_json


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return two_data_sets(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def run(data, tmp_path_factory) -> Run:
    told = []
    run = trained(data, tmp_path_factory.mktemp("runs") / "two", callbacks=[told.append])
    assert told == run.history
    return run


@pytest.fixture(scope="module")
def parts(data):
    return combine(data).part(validation=0.15, seed=0)


def test_a_run_answers_each_task_of_all_its_data_sets(run, data):
    assert [(task.name, len(task.labels)) for task in run.classifier.tasks] == [
        ("label", 2),
        ("pitch", 3),
    ]
    reports = run.evaluate(data)
    assert {task: report.n_clips for task, report in reports.items()} == {"label": 20, "pitch": 24}


def test_the_history_tells_losses_and_figures_of_each_task_of_each_epoch(run):
    assert [record["epoch"] for record in run.history] == [1, 2, 3, 4]
    for record in run.history:
        assert set(record["train"]["loss"]) == {"label", "pitch"}
        assert set(record["validation"]["figures"]["pitch"]) == {"accuracy", "macro_f1"}
        total = sum(record["train"]["loss"].values())
        assert record["train"]["combined"] == pytest.approx(total, rel=0.5)
    assert run.history[-1]["train"]["combined"] < run.history[0]["train"]["combined"]


def test_seconds_lie_beside_what_is_the_same_twice(run):
    assert {"training", "loading", "judging"} <= set(run.seconds[0])
    assert not any(b"training" in data for name, data in bytes_of(run).items() if "h" in name[:1])


def test_the_bundle_says_on_the_validation_part_what_the_loop_said(run, parts):
    best = run.history[run.best_epoch - 1]["validation"]["figures"]
    for place, task in enumerate(("label", "pitch")):
        dataset = parts.validation.of(place)
        report = evaluate(run.classifier, dataset, task=task)
        assert report.accuracy == best[task]["accuracy"]
        assert report.f1 == pytest.approx(best[task]["macro_f1"], abs=1e-12)
        written = json.loads((run.path / "reports" / f"{task}.json").read_text())
        assert written["accuracy"] == report.accuracy
        assert (run.path / "reports" / f"{task}.html").is_file()


def test_the_network_in_the_bundle_answers_as_the_module_of_the_loop(run, parts):
    import torch

    from ossicle.models.networks import architecture

    found = json.loads((run.path / "found.json").read_text())
    state = run.checkpoints.read(run.best_epoch)
    module = architecture(SETTINGS["model"]).build(
        n_frames=found["n_frames"], n_bands=found["n_bands"], n_outputs=(2, 3)
    )
    module.load_state_dict(judged_weights(state["learner"]))
    features = np.random.default_rng(0).normal(size=(found["n_frames"], found["n_bands"]))
    with torch.no_grad():
        wanted = module.eval()(torch.from_numpy(features.astype(np.float32)[np.newaxis]))
    got = run.classifier.prepared(features.astype(np.float32))
    for task, logits in zip(("label", "pitch"), wanted, strict=True):
        np.testing.assert_allclose(got[task], logits[0].numpy(), atol=1e-5)


def test_clips_that_were_trained_on_are_known_again_and_those_validated_on_are_not(run, parts):
    assert evaluate(run.classifier, parts.train.of(0)).data.n_trained_on == len(parts.train.of(0))
    assert evaluate(run.classifier, parts.validation.of(0)).data.n_trained_on == 0


def test_what_reads_a_bundle_reads_that_of_a_run(run, data, tmp_path):
    bundle = run.path / "best.ossicle"
    assert verify(bundle).ok
    clip = data[1].clips[0]
    told = answered("predict", bundle, clip.path)
    assert "pitch" in json.dumps(told)
    assert "train" in printed("info", bundle)
    assert load(bundle)(clip.path).labels["pitch"] in ("high", "low", "middle", "unknown")
    stream = load(bundle).stream(sample_rate=8_000)
    assert stream.push(np.zeros(8_000, np.float32)) == []


def test_each_kept_checkpoint_is_a_classifier_with_its_own_weights(run, data, parts):
    first, last = run.checkpoints.epochs[0], run.checkpoints.epochs[-1]
    assert first < last
    assert run.classifier_of(first).network != run.classifier.network
    told = run.history[first - 1]["validation"]["figures"]["label"]
    judged = run.evaluate(parts.validation.of(0), epoch=first)
    assert set(judged) == {"label"}
    assert judged["label"].accuracy == told["accuracy"]
    with pytest.raises(TrainingError, match="holds no checkpoint of epoch 77; there are"):
        run.evaluate(data[0], epoch=77)


def test_a_finished_run_is_given_back_at_once(run, data):
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    again = trained(data, run.path)
    assert again.history == run.history
    assert run.resume().is_finished
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*")} == before


def test_the_parts_of_a_fold_are_trained_and_validated_on_as_they_are(data, tmp_path: Path):
    farm, town = (
        replace(each.rename_task(each.tasks[0].name, "label"), name=name)
        for each, name in zip(data, ("farm", "town"), strict=True)
    )
    part = next(combine([farm, town]).parts(4))
    run = trained(part.train, tmp_path, validation=part.validation, epochs=1)
    assert run.asked["data"]["n_train"] == len(part.train)
    assert run.asked["data"]["n_validation"] == len(part.validation)
    assert [task.name for task in run.classifier.tasks] == ["farm.label", "town.label"]
    assert sum(each.n_clips for each in run.evaluate(part.test).values()) == len(part.test)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"epochs": 5}, "epochs was '4' and is '5'"),
        ({"model": {"name": "dnn", "width": 9, "dropout": 0.1}}, "model.width was '16'"),
        ({"validation": 0.3}, "data.n_train was"),
        ({"front_end": "mfcc"}, r"front_end\."),
        ({"learning_rate": 0.02, "seed": 1}, r"data\.train was .* \(so do data.validation, l"),
    ],
)
def test_a_folder_of_a_run_with_other_arguments_is_refused_and_the_difference_named(
    run, data, other, told
):
    with pytest.raises(TrainingError, match=f"holds a run with other arguments: {told}"):
        trained(data, run.path, **other)


@pytest.mark.parametrize(
    ("installed", "told"),
    [
        ({"code": "f47d"}, "another version of ossicle, with"),
        ({"version": 0}, "another version of ossicle, with"),
        ({"code": "f47d", "libraries": {"torch": "2.0"}}, "another version of .*torch"),
    ],
)
def test_a_run_of_another_version_is_told_from_one_with_other_arguments(
    run, data, tmp_path: Path, installed, told
):
    folder = shutil.copytree(run.path, tmp_path / "run")
    (folder / "run.json").write_text(json.dumps({**run.asked, **installed}))
    with pytest.raises(TrainingError, match=rf"{told}.* take another folder, or install"):
        trained(data, folder)
    with pytest.raises(TrainingError, match=r"other arguments: learning_rate was '0\.01'"):
        trained(data, folder, learning_rate=0.02)


def test_settings_without_effect_on_the_result_are_no_difference(run, data):
    assert trained(data, run.path, n_workers=1, in_memory=False).is_finished


def test_a_run_opened_from_its_folder_goes_on_with_its_data_alone(run, data):
    opened = open_run(run.path)
    assert repr(opened) == f"<Run {str(run.path)!r}: finished>"
    assert opened.resume(data).is_finished
    assert opened.settings["epochs"] == 4
    with pytest.raises(TrainingError, match=r"data\.n_train was"):
        opened.resume(data[0])


def test_an_unknown_setting_is_answered_with_the_nearest(data):
    with pytest.raises(TrainingError, match="no setting is called 'epoch'; did you mean 'epochs'"):
        train(data, front_end=FRONT_END, epoch=3)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"optimizer": "adamx"}, "optimizer is 'adamx'; did you mean 'adam"),
        ({"schedule": "cosin"}, "schedule is 'cosin'; did you mean 'cosine'"),
        ({"sampler": "mix"}, "sampler is 'mix'; did you mean 'mixed'"),
        ({"combine": {"pitsch": 2.0}}, "combine names no task 'pitsch'; did you mean 'pitch'"),
        ({"augmentation": {"gian": 3.0}}, "no augmentation 'gian'; did you mean 'gain'"),
        ({"validation": 1.0}, "validation is 1.0; allowed is a share between 0 and 1"),
        ({"scaling": "bands"}, "scaling is 'bands'; allowed are 'band', 'cell', None"),
    ],
)
def test_an_unknown_word_is_answered_before_any_sound_is_read(data, tmp_path, settings, told):
    with pytest.raises(TrainingError, match=told):
        trained(data, tmp_path / "run", **settings)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("epochs", 1.5),
        ("window", 0.0),
        ("learning_rate", 0.0),
        ("seed", -1),
        ("patience", True),
    ],
)
def test_a_setting_out_of_its_range_is_told_with_what_is_allowed(name, value):
    with pytest.raises(TrainingError, match=rf"{name} is {value}; allowed is a (whole )?number"):
        Settings(**{name: value})


def test_a_way_to_learn_that_the_windows_are_too_short_for_is_told_of_last(run, tmp_path: Path):
    def learnt(front_end, model, folder):
        if model == "tc_net":
            raise ModelError("2 frames are too few")
        return run

    best = try_all(FRONT_END, tmp_path, learnt)
    assert best.tried[0]["figures"] == run.history[run.best_epoch - 1]["validation"]["figures"]
    assert best.tried[-1] == {"name": "tc_net", "error": "2 frames are too few"}
    assert json.loads((tmp_path / "tried.json").read_text()) == list(best.tried)


def test_folders_and_data_sets_of_backgrounds_are_settings_too(data, tmp_path: Path):
    for under in (tmp_path / "rain", data[0]):
        described = Settings(augmentation={"background": {"path": under, "snr": (0, 9)}}).describe()
        assert json.loads(canonical_json(described)) == described
    assert described["augmentation"]["background"]["path"] == data[0].fingerprint()
    given = Settings(augmentation=Augmentation(shift=0.1)).describe()["augmentation"]
    assert Augmentation.from_settings(given) == Augmentation(shift=0.1)


def test_a_folder_without_a_run_is_no_run(tmp_path: Path):
    with pytest.raises(TrainingError, match=r"holds no run: there is no run\.json"):
        open_run(tmp_path)


def test_a_data_set_without_any_of_the_tasks_is_not_judged_in_silence(run, data):
    other = data[0].rename_task("label", "mood")
    with pytest.raises(TrainingError, match=r"none of 20 clips answers label, pitch.*are mood"):
        run.evaluate(other)


def test_a_damaged_history_is_told_as_such(run, tmp_path: Path):
    (tmp_path / "history.jsonl").write_text('{"epoch": 1}\n{"epo')
    with pytest.raises(TrainingError, match=r"history\.jsonl is damaged"):
        _ = replace(run, path=tmp_path).history


@pytest.mark.parametrize("text", ["{}", "[]", '{"n_frames": 3}', "null"])
def test_a_damaged_folder_makes_no_classifier(run, tmp_path: Path, text):
    folder = shutil.copytree(run.path, tmp_path / "run")
    (folder / "found.json").write_text(text)
    with pytest.raises(TrainingError, match=r"found\.json is damaged: it does not tell affine"):
        open_run(folder).classifier_of(run.best_epoch)
    (folder / "run.json").write_text(text)
    with pytest.raises(TrainingError, match="is no run of ossicle"):
        open_run(folder)
    with pytest.raises(TrainingError, match="is no run of ossicle"):
        _ = replace(run, path=folder).settings


def test_a_file_in_place_of_the_folder_is_refused(data, tmp_path: Path):
    (tmp_path / "run").touch()
    with pytest.raises(TrainingError, match="cannot be the folder of a run: File exists"):
        trained(data, tmp_path / "run")
