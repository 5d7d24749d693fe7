"""The loop: what a step does, what an epoch reports, when it ends; bit for bit the same."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_trainings import SETTINGS, bytes_of, tones, trained, two_data_sets
from sounds import PITCHES, tone_in_noise

from ossicle.audio import write_audio
from ossicle.datasets import Dataset, combine, read_dataset
from ossicle.errors import ModelError
from ossicle.evaluation.regression import evaluate_task
from ossicle.features import FeatureStore, Scaler
from ossicle.training.assembling import Ready, make_ready
from ossicle.training.loop import Learner, Standing, learn
from ossicle.training.plan import make_plan
from ossicle.training.training import open_run
from ossicle.types import Task


class StopError(Exception):
    """Enough was seen."""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return two_data_sets(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def features(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("features")


@pytest.fixture
def ready(data, features):
    def with_settings(**settings) -> Ready:
        asked = {**SETTINGS, **settings}
        front_end = asked.pop("front_end")
        plan = make_plan(data, front_end=front_end, validation=0.2, settings=asked)
        return make_ready(plan, FeatureStore(features))

    return with_settings


def learnt(ready: Ready, learner: Learner | None = None) -> list[dict]:
    """The history of a training that keeps nothing."""
    history = []
    learn(
        learner or ready.learner(),
        ready.plan.settings,
        batches=ready.batches,
        judge=ready.judge(),
        keep=lambda standing, record, seconds: history.append(record),
        standing=Standing(),
    )
    return history


# --- a step ---------------------------------------------------------------------------------------


def test_a_batch_moves_only_the_heads_of_the_tasks_that_its_clips_answer(ready):
    made = ready(sampler="one_data_set", optimizer="sgd", weight_decay=0.0)
    learner = made.learner()
    batch = next(made.batches(1))
    answered = [task for task, mask in batch.mask.items() if mask.any()]
    assert len(answered) == 1
    losses = learner.losses(batch)
    assert list(losses) == answered
    heads = {
        name: weights.clone()
        for name, weights in learner.module.state_dict().items()
        if weights.shape[:1] in ((2,), (3,))
    }
    learner.step(losses)
    after = learner.module.state_dict()
    n_labels = {"label": 2, "pitch": 3}[answered[0]]
    for name, before in heads.items():
        assert torch.equal(before, after[name]) == (len(before) != n_labels), name


def test_a_step_is_no_longer_than_the_gradient_may_be(ready):
    settings = {"optimizer": "sgd", "momentum": 0.0, "weight_decay": 0.0, "schedule": "constant"}
    made = ready(**settings, warmup=0.0, learning_rate=1.0, max_gradient_norm=1e-3)
    learner = made.learner()
    before = [weights.detach().clone() for weights in learner.module.parameters()]
    learner.step(learner.losses(next(made.batches(1))))
    pairs = zip(before, learner.module.parameters(), strict=True)
    moved = math.sqrt(sum(float(((a - b.detach()) ** 2).sum()) for a, b in pairs))
    assert moved == pytest.approx(1e-3, rel=1e-3)


def test_the_weights_that_are_judged_are_the_averaged_ones(ready):
    learner = ready(ema=0.9).learner()
    batches = ready().batches(1)
    for _ in range(2):
        learner.step(learner.losses(next(batches)))
    assert learner.judged is not learner.module
    own, judged = learner.module.state_dict(), learner.judged.state_dict()
    assert set(own) == set(judged)
    assert not all(torch.equal(own[name], judged[name]) for name in own)


# --- an epoch -------------------------------------------------------------------------------------


def test_the_loss_of_an_epoch_is_the_mean_over_the_clips_that_answer(ready):
    made = ready(
        learning_rate=1e-12,
        weight_decay=0.0,
        epochs=1,
        batch_size=5,
        model={"name": "dnn", "width": 16},
    )
    (record,) = learnt(made)
    learner, losses = made.learner(), {"label": [], "pitch": []}
    for batch in made.batches(1):
        logits = learner.module(batch.features)
        for (task, objective), each in zip(learner.objectives.items(), logits, strict=True):
            rows = batch.mask[task]
            losses[task] += objective.losses(each[rows], batch.targets[task][rows]).tolist()
    for task, of_clips in losses.items():
        assert record["train"]["loss"][task] == pytest.approx(np.mean(of_clips), rel=1e-5)


def test_a_rest_of_one_window_is_learnt_from_with_batch_normalisation(ready):
    n_rows = len(ready().rows)
    made = ready(batch_size=n_rows - 1, model={"name": "ds_cnn", "width": 4}, epochs=1)
    assert [len(batch) for batch in made.batches(1)] == [n_rows - 1, 2]
    assert len(learnt(made)) == 1


def test_the_learning_rate_of_an_epoch_is_that_of_its_first_step(ready):
    made = ready(schedule="multi_step", milestones=[2], decay=0.1, warmup=0.0, epochs=4)
    rates = [record["learning_rate"] for record in learnt(made)]
    assert rates == pytest.approx([0.01, 0.01, 0.001, 0.001])


def test_judging_changes_nothing_of_the_network(ready):
    made = ready(model={"name": "ds_cnn", "width": 4, "n_blocks": 1})
    module, judge = made.learner().module, made.judge()
    before = {name: each.clone() for name, each in module.state_dict().items()}
    first, second = judge(module), judge(module)
    assert first == second
    assert module.training
    assert all(torch.equal(each, before[name]) for name, each in module.state_dict().items())
    assert all(weights.grad is None for weights in module.parameters())


def test_training_stops_when_no_epoch_was_better_for_long_enough(ready):
    still = {"optimizer": "sgd", "learning_rate": 1e-12, "weight_decay": 0.0}
    history = learnt(ready(**still, epochs=50, patience=3))
    assert [record["best_epoch"] for record in history] == [1, 1, 1, 1]


@pytest.mark.parametrize("best_by", ["figure", "loss"])
def test_the_best_epoch_is_the_best_on_the_validation_part(ready, best_by):
    history = learnt(ready(epochs=8, best_by=best_by))

    def merits(record):
        figures = record["validation"]["figures"].values()
        quality = np.mean([figure["accuracy"] for figure in figures])
        loss = sum(record["validation"]["loss"].values())
        return (quality, -loss) if best_by == "figure" else (-loss, quality)

    best = max(history, key=merits)
    assert history[-1]["best_epoch"] == best["epoch"]


def test_the_scaling_is_that_of_a_fresh_fit_on_the_training_part_alone(ready):
    made = ready()
    windows = np.stack([made.train.fixed(row) for row in made.rows.tolist()])
    fresh = Scaler.fit(windows.reshape(len(windows), -1), n_bands=made.train.n_bands)
    assert np.array_equal(made.scaler.mean, fresh.mean)
    assert np.array_equal(made.scaler.scale, fresh.scale)
    held = {clip.path for clip in made.validation.combined}
    assert held.isdisjoint({made.train.combined.clips[clip].path for clip in made.train.rows[:, 0]})


# --- the same bytes -------------------------------------------------------------------------------


def test_workers_and_index_mode_change_no_byte(data, features, tmp_path):
    def stop(record):
        if record["epoch"] == 2:
            raise StopError

    found = []
    for n_workers, in_memory in ((0, True), (2, True), (0, False), (2, False)):
        out = tmp_path / f"{n_workers}{in_memory}"
        settings = {"n_workers": n_workers, "in_memory": in_memory, "features": features}
        with pytest.raises(StopError):
            trained(data, out, callbacks=[stop], augmentation={"gain": 3.0}, **settings)
        found.append(bytes_of(open_run(out)))
    assert len(found[0]) == 7
    assert all(each == found[0] for each in found[1:])


# --- every kind of task and of scaling ------------------------------------------------------------


def described(root: Path) -> Dataset:
    """Tones that are heard one or two at a time, with their loudness as a number."""
    rng, lines = np.random.default_rng(3), ["path,notes,gain"]
    for take in range(24):
        notes = [name for place, name in enumerate(("low", "high")) if take % 3 in (place, 2)]
        gain = float(rng.uniform(0.2, 1.0))
        tones_heard = [tone_in_noise(PITCHES[n], seed=take, duration=0.75, snr=20) for n in notes]
        write_audio(root / f"{take}.wav", gain * np.sum(tones_heard, axis=0), 8_000)
        lines.append(f"{take}.wav,{'|'.join(notes)},{gain:.3f}")
    (root / "clips.csv").write_text("\n".join(lines))
    return read_dataset(root / "clips.csv", tasks=["notes:multilabel", "gain:regression"])


@pytest.mark.slow
@pytest.mark.parametrize("scaling", ["cell", None])
def test_numbers_and_sets_of_labels_are_learnt_and_judged_like_labels(tmp_path, scaling):
    data = described(tmp_path / "data")
    run = trained(
        data,
        tmp_path / "run",
        scaling=scaling,
        window=0.25,
        epochs=30,
        validation=0.25,
        class_weights="balanced",
        learning_rate=0.003,
    )
    assert [task.kind for task in run.classifier.tasks] == ["multilabel", "regression"]
    held = combine(data).part(validation=0.25, seed=0).validation.of(0)
    told = run.history[run.best_epoch - 1]["validation"]["figures"]
    notes = evaluate_task(run.classifier, held, task="notes")
    assert notes.f1["micro"] == pytest.approx(told["notes"]["micro_f1"])
    assert notes.mean_average_precision == pytest.approx(
        told["notes"]["mean_average_precision"], abs=1e-6
    )
    gain = evaluate_task(run.classifier, held, task="gain")
    assert gain.mae == pytest.approx(told["gain"]["mae"], rel=1e-4)
    assert {path.name for path in (run.path / "reports").iterdir()} == {
        f"{task}.{kind}" for task in ("notes", "gain") for kind in ("html", "json")
    }


def test_a_single_task_is_a_list_of_one(tmp_path, features):
    data = tones(tmp_path, n_clips=8)
    plan = make_plan(data, front_end="log_mel", validation=0.25, settings={"model": "dnn"})
    assert [task.name for task in plan.tasks] == ["label"]
    assert len(plan.train) + len(plan.validation) == 16


def test_official_validation_and_test_parts_are_kept(table):
    plan = make_plan(
        read_dataset(table), front_end="log_mel", validation=0.15, settings={"model": "dnn"}
    )
    assert {clip.split for clip in plan.train} == {"train"}
    assert {clip.split for clip in plan.validation} == {"validation"}


def test_other_data_sets_given_for_validation_answer_the_same_tasks(tmp_path):
    first = tones(tmp_path / "a", n_clips=4)
    second = replace(first, name="b")
    plan = make_plan(first, front_end="log_mel", validation=second, settings={})
    assert plan.tasks == (Task("label", "binary", ("high", "low"), (), plan.tasks[0].positive),)
    assert len(plan.train) == len(plan.validation) == 8


class Pooled(torch.nn.Module):
    """The mean of the frames, then a layer a task: a stranger's network."""

    def __init__(self, n_bands: int, n_outputs: tuple[int, ...]) -> None:
        super().__init__()
        self.heads = torch.nn.ModuleList(torch.nn.Linear(n_bands, n) for n in n_outputs)

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, ...]:
        mean = features.mean(dim=1)
        return tuple(head(mean) for head in self.heads)


def pooled(n_frames: int, n_bands: int, n_outputs: tuple[int, ...]) -> torch.nn.Module:
    return Pooled(n_bands, n_outputs)


@pytest.mark.slow
def test_any_module_that_returns_a_tuple_of_logits_becomes_a_classifier(data, features, tmp_path):
    run = trained(
        data, tmp_path / "run", model=pooled, features=features, epochs=20, learning_rate=0.05
    )
    assert run.history[-1]["train"]["combined"] < run.history[0]["train"]["combined"]
    assert [task.name for task in run.classifier_of("best").tasks] == ["label", "pitch"]
    first = run.checkpoints.epochs[0]
    assert run.evaluate(data, epoch=first)["label"].n_clips == 20
    opened = open_run(run.path)
    assert opened.classifier.network == run.classifier.network
    with pytest.raises(ModelError, match="no network is called"):
        opened.classifier_of(first)
