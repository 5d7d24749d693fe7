"""Loading: the same batches whoever makes them, and an end to everything that goes wrong."""

import os
import pickle
import signal
import time
from multiprocessing import active_children, get_context
from pathlib import Path

import numpy as np
import pytest
import torch
from example_sets import bytes_of, examples_of, features_of, two_sets

from ossicle.errors import FeatureError, OssicleError, TrainingError
from ossicle.features import Waveform
from ossicle.training import working_ahead
from ossicle.training.augmentation import Augmentation
from ossicle.training.examples import Examples, fit_scaler
from ossicle.training.loading import loaded
from ossicle.training.sampling import sampler
from ossicle.training.working_ahead import made_ahead


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("loading")


@pytest.fixture(scope="module")
def combined(home: Path):
    return two_sets(home)


@pytest.fixture(scope="module")
def examples(home: Path, combined) -> Examples:
    return examples_of(combined, home / "store")


@pytest.fixture(scope="module")
def augmentation(home: Path) -> Augmentation:
    return Augmentation.from_settings(
        {
            "shift": 0.05,
            "noise": [10, 30],
            "background": {"path": home / "frogs" / "low", "share": 0.5},
            "time_masks": 1,
            "time_mask": 9,
            "mixup": 0.3,
            "tasks": ["birds.label"],
        }
    )


def batches_of(examples, *, batch_size=8, epoch=0):
    source = examples.source[examples.rows[:, 0]]
    return sampler("mixed", source=source, batch_size=batch_size, seed=0).batches(epoch)


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("n_workers", [0, 1, 2, 7])
def test_the_batches_are_the_same_whoever_makes_them(
    home, combined, examples, augmentation, n_workers, in_memory
):
    mine = examples_of(combined, home / "store", in_memory=in_memory)
    scaler = fit_scaler(examples, range(20), "band")
    settings = {"scaler": scaler, "augmentation": augmentation, "seed": 3, "epoch": 2}
    expected = [bytes_of(each) for each in loaded(examples, batches_of(examples), **settings)]
    found = loaded(mine, batches_of(mine), n_workers=n_workers, **settings)
    assert [bytes_of(each) for each in found] == expected
    assert not active_children()


def test_processes_that_are_started_afresh_make_the_same_batches(
    examples, augmentation, monkeypatch
):
    expected = [
        bytes_of(each) for each in loaded(examples, batches_of(examples), augmentation=augmentation)
    ]
    monkeypatch.setattr(working_ahead, "_context", lambda: get_context("spawn"))
    found = loaded(examples, batches_of(examples), augmentation=augmentation, n_workers=1)
    assert [bytes_of(each) for each in found] == expected


def test_a_window_is_varied_alike_whatever_batch_it_is_in(examples):
    augmentation = Augmentation(gain=6.0, band_masks=1, band_mask=4)
    large = next(loaded(examples, [np.arange(20)], augmentation=augmentation, seed=1, epoch=5))
    small = loaded(
        examples, [np.array([7]), np.array([3])], augmentation=augmentation, seed=1, epoch=5
    )
    for row, batch in zip((7, 3), small, strict=True):
        assert torch.equal(batch.features[0], large.features[row])


def test_another_epoch_and_another_seed_vary_otherwise(examples):
    rows = [np.arange(12)]
    drawn = {
        bytes_of(next(loaded(examples, rows, augmentation=Augmentation(gain=6.0), seed=s, epoch=e)))
        for s in range(2)
        for e in range(2)
    }
    assert len(drawn) == 4


def test_without_augmentation_windows_are_as_the_classifier_hears_them(examples):
    features = torch.cat(
        [each.features for each in loaded(examples, [np.arange(9), np.arange(9, len(examples))])]
    )
    assert features.numpy().tobytes() == features_of(examples).tobytes()


def test_a_batch_holds_what_its_windows_answer(combined, examples):
    batch = next(loaded(examples, [np.array([len(examples) - 1, 0])]))
    clips = examples.rows[[len(examples) - 1, 0], 0]
    assert batch.rows.tolist() == [len(examples) - 1, 0]
    assert batch.source.tolist() == combined.source[clips].tolist() == [1, 0]
    assert (len(batch), batch.features.dtype) == (2, torch.float32)
    for place, task in enumerate(combined.tasks):
        assert batch.targets[task.name].tolist() == combined.targets(task.name)[clips].tolist()
        assert batch.mask[task.name].tolist() == combined.mask[clips, place].tolist()


def test_scaled_features_are_those_of_the_scaler(examples):
    for how in ("band", "cell"):
        scaler = fit_scaler(examples, np.arange(len(examples)), how)
        batch = next(loaded(examples, [np.arange(len(examples))], scaler=scaler))
        plain = features_of(examples)
        assert batch.features.numpy().tobytes() == scaler(plain.reshape(len(plain), -1)).tobytes()
        assert float(batch.features.mean()) == pytest.approx(0.0, abs=1e-3)


# --- augmentation of features and batches -------------------------------------------------------


def test_hidden_parts_are_at_the_mean_of_the_training_part(examples):
    scaler = fit_scaler(examples, np.arange(len(examples)), "band")
    masks = Augmentation(time_masks=1, time_mask=30)
    settings = {"scaler": scaler, "seed": 1}
    plain = next(loaded(examples, [np.arange(9)], augmentation=Augmentation(), **settings))
    hidden = next(loaded(examples, [np.arange(9)], augmentation=masks, **settings))
    changed = (plain.features != hidden.features).numpy()
    assert changed.any()
    assert (hidden.features.numpy()[changed] == 0.0).all()


def test_windows_are_mixed_with_their_kind_and_so_are_their_targets(combined, home):
    examples = examples_of(combined, home / "store", front_end=Waveform(sample_rate=8_000))
    rows = [np.arange(len(examples))]
    plain = next(loaded(examples, rows, augmentation=Augmentation()))
    mixed = next(loaded(examples, rows, augmentation=Augmentation(mixup=0.4)))
    assert not torch.equal(plain.features, mixed.features)
    for task, mask in plain.mask.items():
        assert torch.equal(mixed.mask[task], mask)
        targets = mixed.targets[task]
        assert torch.equal(targets[~mask], torch.zeros_like(targets[~mask]))
        assert torch.allclose(targets[mask].sum(dim=1), torch.ones(int(mask.sum())))
        assert ((targets > 0.05) & (targets < 0.95)).any()
    for row in range(len(examples)):  # the features are mixed as the targets are
        others = torch.nonzero(plain.source == plain.source[row])[:, 0]
        away = mixed.features[row] - plain.features[row]
        if not away.any():
            continue
        fits = []
        for other in others[others != row].tolist():
            way = plain.features[other] - plain.features[row]
            share = float((away * way).sum() / (way * way).sum())
            if torch.allclose(share * way, away, atol=1e-6):
                fits.append((other, share))
        ((other, share),) = fits
        assert 0.0 <= share <= 0.5 + 1e-6
        for task, before in plain.targets.items():
            expected = (1 - share) * before[row] + share * before[other]
            assert torch.allclose(mixed.targets[task][row], expected, atol=1e-4)


def test_clips_of_other_tasks_stay_as_they_are(examples):
    everything = {"gain": [6, 7], "mixup": 0.3, "band_masks": 2, "band_mask": 5}
    birds = Augmentation.from_settings(everything | {"tasks": ["birds.label"]})
    rows = [np.arange(len(examples))]
    plain = next(loaded(examples, rows, augmentation=Augmentation()))
    changed = next(loaded(examples, rows, augmentation=birds))
    same = (plain.features == changed.features).reshape(len(plain), -1).all(dim=1)
    assert same.tolist() == (~plain.mask["birds.label"]).tolist()
    frogs = "frogs.label"
    assert torch.equal(plain.targets[frogs], changed.targets[frogs])


# --- what goes wrong ----------------------------------------------------------------------------


def slowly(place: int) -> int:
    time.sleep(0.02)
    return place


def fails_at_three(place: int) -> int:
    if place == 3:
        raise FeatureError("the third is damaged")
    return place


def fails_badly(place: int) -> int:
    return 1 // (2 - place)


def dies_at_three(place: int) -> int:
    if place == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return place


@pytest.mark.parametrize("n_workers", [1, 2, 5])
def test_a_process_that_is_killed_is_an_error_and_nothing_hangs(n_workers):
    taken = []
    with pytest.raises(TrainingError, match=r"lost: killed by SIGKILL\. .*fewer n_workers"):
        for place in made_ahead(dies_at_three, 9, n_workers=n_workers):
            taken.append(place)
    assert taken in ([0, 1, 2], [0, 1], [0], [])
    assert not active_children()


def test_a_process_killed_from_outside_while_the_loop_is_busy_is_an_error():
    things = made_ahead(slowly, 1_000, n_workers=2)
    assert next(things) == 0
    os.kill(active_children()[0].pid, signal.SIGKILL)
    time.sleep(0.2)  # the loop is not disturbed
    with pytest.raises(TrainingError, match="killed by SIGKILL"):
        list(things)
    assert not active_children()


@pytest.mark.parametrize("n_workers", [0, 1, 2])
def test_an_error_of_ours_reaches_the_loop_as_it_is(n_workers):
    things = made_ahead(fails_at_three, 9, n_workers=n_workers)
    assert [next(things) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(FeatureError, match=r"^the third is damaged$"):
        next(things)
    assert not active_children()


def test_any_other_error_is_told_with_its_kind():
    with pytest.raises(TrainingError, match="batch 2 failed: ZeroDivisionError: integer"):
        list(made_ahead(fails_badly, 5, n_workers=1))


@pytest.mark.parametrize("n_workers", [0, 1, 2])
def test_a_damaged_store_is_an_error_that_says_so(tmp_path, n_workers):
    examples = examples_of(two_sets(tmp_path), tmp_path / "store", in_memory=False)
    (part,) = (tmp_path / "store").rglob("part-*.h5")
    whole = part.read_bytes()
    part.write_bytes(whole[:4_096] + bytes(len(whole) - 8_192) + whole[-4_096:])
    with pytest.raises(OssicleError, match=r"part-.*\.h5 is damaged .*extract the features again"):
        list(loaded(examples, batches_of(examples), n_workers=n_workers))
    assert not active_children()


def test_the_processes_end_with_a_loop_that_stops_early():
    things = made_ahead(slowly, 1_000, n_workers=2)
    next(things)
    assert len(active_children()) == 2
    things.close()
    assert not active_children()


def test_things_are_made_while_the_loop_is_busy():
    n_ahead = working_ahead.AHEAD
    things = made_ahead(slowly, 100, n_workers=1)
    next(things)
    time.sleep(0.02 * n_ahead + 0.3)
    began = time.perf_counter()
    for _ in range(n_ahead):
        next(things)
    assert time.perf_counter() - began < 0.02 * n_ahead / 2
    things.close()


def test_a_number_of_processes_that_cannot_be_is_refused(examples):
    with pytest.raises(TrainingError, match="n_workers=-1; 0 to 256"):
        loaded(examples, [], n_workers=-1)
    assert list(loaded(examples, [], n_workers=2)) == []


def test_examples_travel_without_the_tables_of_their_clips(examples):
    there = pickle.loads(pickle.dumps(examples))
    assert not hasattr(there, "combined")
    assert there.fixed(1).tobytes() == examples.fixed(1).tobytes()
