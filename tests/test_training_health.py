"""The look before a training: what it sees, what it objects to."""

import json
import shutil
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sounds import RATE, folders_of_tones
from trainings import SMALL_FRONT_END

from ossicle.audio import write_audio
from ossicle.datasets import Dataset, read_dataset
from ossicle.evaluation.report import plain
from ossicle.training.health import Health, check_health

FRONT_END = {"name": "log_mel", **SMALL_FRONT_END}


@pytest.fixture(scope="module")
def parts(tones) -> list[Dataset]:
    return list(read_dataset(tones).split((0.6, 0.2, 0.2)))


@pytest.fixture(scope="module")
def look(tmp_path_factory):
    features = tmp_path_factory.mktemp("features")

    def looked(train, validation, test=None, **settings: Any) -> Health:
        asked = {"model": {"name": "dnn", "width": 32}, "n_workers": 0, **settings}
        return check_health(
            [train],
            validation=[validation],
            tests=[] if test is None else [test],
            front_end=settings.pop("front_end", FRONT_END),
            features=features,
            **{name: value for name, value in asked.items() if name != "front_end"},
        )

    return looked


@pytest.fixture(scope="module")
def healthy(parts, look) -> Health:
    return look(*parts, epochs=7)


def test_clips_of_each_label_and_part_are_counted(healthy, parts):
    assert [part.name for part in healthy.parts] == ["train", "validation", "test"]
    for seen, part in zip(healthy.parts, parts, strict=True):
        labels = part.labels().tolist()
        assert seen.n_clips == len(part)
        assert seen.labels == {"label": {name: labels.count(name) for name in ("high", "low")}}


def test_shapes_size_and_time_are_told(healthy):
    assert healthy.shape == (30, 20)
    assert healthy.window == 0.5
    assert healthy.n_parameters > 30 * 20 * 32
    assert 0 < healthy.epoch_seconds < 60
    assert healthy.seconds == 7 * healthy.epoch_seconds


def test_one_batch_is_learnt_by_heart(healthy):
    assert healthy.last_loss < 0.5 * healthy.first_loss
    assert healthy.ok
    assert healthy.errors == ()


def test_a_rest_of_one_window_is_tried_out_with_batch_normalisation(parts, look):
    train, validation, _ = parts
    model = {"name": "resnet", "widths": [4, 4, 4, 4]}
    assert look(train, validation, model=model, batch_size=len(train) - 1).ok


def test_what_is_found_is_json_and_text(healthy):
    assert json.loads(json.dumps(plain(healthy.to_dict()), allow_nan=False))["ok"]
    text = healthy.text()
    assert "label: high" in text
    assert "30 frames of 20 bands" in text
    assert "7 epochs" in text


def test_a_label_without_training_clips_is_an_error(parts, look):
    train, validation, _ = parts
    only_high = train.subset(train.labels() == "high")
    health = look(only_high, validation)
    assert not health.ok
    assert "label 'low' of task 'label' has no training clip" in health.errors[0]
    assert "error: label 'low'" in health.text()


def test_a_task_of_one_label_is_an_error(parts, look):
    train, validation, _ = (part.where(label="high") for part in parts)
    found = look(train, validation)
    assert not found.ok
    assert "every clip of task 'label' has the label 'high'" in found.errors[-1]


def test_a_label_that_a_part_lacks_is_a_warning(parts, look):
    train, validation, test = parts
    health = look(train, validation, test.subset(test.labels() == "high"))
    assert health.ok
    assert any("no clip in test of low" in warning for warning in health.warnings)


def test_a_clip_on_two_sides_is_an_error(parts, look):
    train, validation, _ = parts
    health = look(train, validation, train[:2])
    assert "2 clips are in train and in test" in health.errors[0]
    health = look(train, train[:3])
    assert "3 clips are in train and in validation" in health.errors[0]


def test_a_group_on_two_sides_is_a_warning(parts, look):
    train, validation, _ = parts
    here, there = (
        replace(part, clips=tuple(replace(clip, group="ann") for clip in part))
        for part in (train, validation)
    )
    health = look(here, there)
    assert health.ok
    assert "in train and in validation (tones: ann)" in health.warnings[0]


def test_a_copy_on_another_side_is_a_warning(tmp_path, look):
    folders_of_tones(tmp_path / "tones")
    train, validation, _ = read_dataset(tmp_path / "tones").split((0.6, 0.2, 0.2))
    shutil.copy(train[0].path, validation[0].path)
    warnings = look(train, validation).warnings
    assert any("1 files have the same bytes on two sides" in warning for warning in warnings)


def test_a_clip_that_cannot_be_used_is_counted_with_the_reason(tmp_path, look):
    folders_of_tones(tmp_path / "tones")
    write_audio(tmp_path / "tones" / "low" / "silent.wav", np.zeros(4_000), RATE)
    dataset = read_dataset(tmp_path / "tones")
    is_validation = np.arange(len(dataset)) % 5 == 0
    silent = [clip.path.name for clip in dataset].index("silent.wav")
    is_validation[silent] = False
    health = look(dataset.subset(~is_validation), dataset.subset(is_validation))
    assert health.parts[0].skipped[0][0].endswith("silent.wav")
    assert any("silent.wav: quiet throughout" in warning for warning in health.warnings)


def test_labels_that_cannot_be_told_apart_are_noticed(tmp_path, look):
    folders_of_tones(tmp_path / "tones")
    for path in (tmp_path / "tones" / "high").glob("*.wav"):
        shutil.copy(path, tmp_path / "tones" / "low" / path.name.replace("high", "low"))
    dataset = read_dataset(tmp_path / "tones")
    held = np.array([int(clip.path.stem[-1]) >= 8 for clip in dataset])
    warnings = look(dataset.subset(~held), dataset.subset(held), model={"name": "dnn"}).warnings
    assert any("one batch was not learnt by heart" in warning for warning in warnings)


def test_bands_where_nothing_is_are_noticed(tmp_path, look):
    for label, pitch in (("high", 900.0), ("low", 300.0)):
        for take in range(8):
            time = np.arange(RATE // 2) / RATE
            samples = 0.1 * np.sin(2 * np.pi * pitch * time + take)
            write_audio(tmp_path / label / f"{take}.wav", samples, RATE)
    train, validation = read_dataset(tmp_path).split((0.75, 0.25))
    front_end = {**FRONT_END, "sample_rate": 16_000, "floor": 1e-6}
    warnings = look(train, validation, front_end=front_end).warnings
    assert any("bands are constant" in warning for warning in warnings)


def test_nothing_is_raised_for_a_setting_that_does_not_fit(parts, look):
    train, validation, _ = parts
    assert not look(train, validation, window=1e9).ok
