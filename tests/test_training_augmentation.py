"""Augmentation: each setting does what it says, to the clips it is for, the same for a seed."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sounds import RATE, folders_of_tones, tone_in_noise

from ossicle.audio import level, read_audio, write_audio
from ossicle.datasets import read_dataset
from ossicle.errors import DatasetError, TrainingError
from ossicle.training.augmentation import ORDER, Augmentation, mixed_pairs
from ossicle.training.backgrounds import Background

EVERYTHING = {
    "speed": [0.9, 1.1],
    "pitch": 2,
    "stretch": [0.9, 1.1],
    "shift": 0.1,
    "gain": [-6, 6.0],
    "noise": [10, 40],
    "colour": [3, 9],
    "room": [0.1, 0.3],
    "time_masks": 2,
    "time_mask": 5,
    "band_masks": 1,
    "band_mask": 3,
    "mixup": 0.2,
    "tasks": ["birds"],
}


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings: a ramp, whose samples tell their place, and half a second of noise."""
    root = tmp_path_factory.mktemp("street")
    write_audio(root / "ramp.wav", np.linspace(0.1, 0.9, 5 * RATE).astype(np.float32), RATE)
    write_audio(root / "more" / "noise.flac", tone_in_noise(400.0, seed=1), RATE)
    return root


def rng(seed=0):
    return np.random.default_rng(seed)


def test_the_settings_of_a_recipe_become_ranges():
    augmentation = Augmentation.from_settings(EVERYTHING)
    assert augmentation.pitch == (-2.0, 2.0)
    assert augmentation.shift == (-0.1, 0.1)
    assert augmentation.gain == (-6.0, 6.0)
    assert augmentation.tasks == ("birds",)
    assert Augmentation.from_settings(augmentation) is augmentation
    assert Augmentation.from_settings(None) == Augmentation() == Augmentation.from_settings({})


@pytest.mark.parametrize("kind", ORDER)
def test_each_variation_changes_the_sound_and_the_same_again_for_a_seed(kind):
    augmentation = Augmentation.from_settings({kind: EVERYTHING[kind]})
    sound = tone_in_noise(400.0, seed=0)
    one, again, other = (
        augmentation.waveform(sound, sample_rate=RATE, rng=rng(seed)) for seed in (1, 1, 2)
    )
    assert one.dtype == np.float32
    assert one.tobytes() == again.tobytes()
    assert one.tobytes() != other.tobytes()
    assert one.tobytes() != sound.tobytes()


def test_an_augmentation_without_settings_does_nothing(street):
    sound = tone_in_noise(400.0, seed=0)
    nothing = Augmentation()
    state = rng().bit_generator.state
    generator = rng()
    assert nothing.waveform(sound, sample_rate=RATE, rng=generator) is sound
    assert nothing.over_background(sound, sample_rate=RATE, rng=generator) is sound
    assert not nothing.hides
    assert generator.bit_generator.state == state


def test_only_clips_that_answer_the_named_tasks_are_changed():
    assert Augmentation().is_for(["frogs"])
    birds = Augmentation(tasks=("birds",))
    assert birds.is_for(["frogs", "birds"])
    assert not birds.is_for(["frogs"])


# --- backgrounds --------------------------------------------------------------------------------


@given(seed=st.integers(0, 99))
def test_a_background_is_a_part_of_a_recording(street, seed):
    part = Background(path=street / "ramp.wav").part(1_000, sample_rate=RATE, rng=rng(seed))
    ramp, _ = read_audio(street / "ramp.wav")
    starts = np.flatnonzero(ramp[:-999] == part[0])
    assert any((ramp[start : start + 1_000] == part).all() for start in starts)


def test_backgrounds_come_from_all_recordings_and_all_places(street):
    under = Background(path=street)
    assert sorted(path.name for path, *_ in under.stretches) == ["noise.flac", "ramp.wav"]
    starts = [under.part(100, sample_rate=RATE, rng=rng(seed))[0] for seed in range(200)]
    from_the_ramp = [start for start in starts if start >= 0.1]
    assert 60 < len(from_the_ramp) < 160
    assert np.histogram(from_the_ramp, bins=4, range=(0.1, 0.9))[0].min() > 5


def test_a_short_background_is_repeated_and_another_rate_resampled(street):
    short = Background(path=street / "more").part(2 * RATE, sample_rate=RATE, rng=rng())
    assert short[: RATE // 2].tobytes() == short[RATE // 2 : RATE].tobytes()
    doubled = Background(path=street / "ramp.wav").part(RATE, sample_rate=2 * RATE, rng=rng())
    assert len(doubled) == RATE
    assert np.ptp(doubled[500:-500]) == pytest.approx(0.08 * (RATE - 1_000) / RATE, rel=0.05)


def test_clips_of_a_data_set_can_be_the_background(tmp_path):
    dataset = read_dataset(folders_of_tones(tmp_path, n_clips=2))
    under = Background(path=dataset, snr=(0, 0), share=1.0)
    assert len(under.stretches) == 4
    assert under.part(100, sample_rate=RATE, rng=rng()).any()


@given(snr=st.integers(-10, 30), seed=st.integers(0, 20))
def test_the_background_lies_below_by_the_ratio_asked_for(street, snr, seed):
    sound = tone_in_noise(900.0, seed=seed) * 0.5
    augmentation = Augmentation.from_settings(
        {"background": {"path": street / "more", "snr": [snr, snr], "share": 1}}
    )
    mixed = augmentation.over_background(sound, sample_rate=RATE, rng=rng(seed))
    generator = rng(seed)
    generator.random()
    under = augmentation.background.part(len(sound), sample_rate=RATE, rng=generator)
    if np.abs(mixed).max() < 1.0:
        heard = mixed.astype("f8") - under
        assert level(heard) - level(under) == pytest.approx(snr, abs=0.2)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_share_of_the_windows_has_a_background(street, share):
    sound = tone_in_noise(900.0, seed=0)
    augmentation = Augmentation(background=Background(path=street, share=share))
    changed = [
        augmentation.over_background(sound, sample_rate=RATE, rng=rng(seed)) is not sound
        for seed in range(300)
    ]
    assert np.mean(changed) == pytest.approx(share, abs=0.08)


def test_silence_gets_no_background(street):
    silence = np.zeros(RATE, np.float32)
    augmentation = Augmentation(background=Background(path=street, share=1.0))
    assert not augmentation.over_background(silence, sample_rate=RATE, rng=rng()).any()


# --- masks --------------------------------------------------------------------------------------


@given(count=st.integers(0, 4), widest=st.integers(0, 70), seed=st.integers(0, 99))
def test_masks_hide_whole_frames_or_bands_and_no_more_than_asked(count, widest, seed):
    picture = rng(seed).normal(size=(50, 20)).astype(np.float32) + 9.0
    for kind, axis in (("time", 1), ("band", 0)):
        settings = {f"{kind}_masks": count, f"{kind}_mask": widest}
        hidden = Augmentation.from_settings(settings).hidden(picture, fill=0.0, rng=rng(seed))
        gone = hidden == 0.0
        lines = gone.all(axis=axis)
        assert (gone.any(axis=axis) == lines).all()
        assert lines.sum() <= count * widest
        assert (hidden[~gone] == picture[~gone]).all()
        n_runs = int((np.diff(np.r_[0, lines.astype(int), 0]) == 1).sum())
        assert n_runs <= count
    assert (picture > 0.0).all()


def test_widths_of_masks_are_drawn_evenly():
    augmentation = Augmentation(time_masks=1, time_mask=4)
    ones = np.ones((40, 3), np.float32)
    widths = [
        int((augmentation.hidden(ones, fill=0.0, rng=rng(seed))[:, 0] == 0).sum())
        for seed in range(500)
    ]
    assert np.bincount(widths, minlength=5).min() > 70
    assert max(widths) == 4


# --- mixing -------------------------------------------------------------------------------------


@given(groups=st.lists(st.integers(-1, 3), min_size=1, max_size=40), seed=st.integers(0, 99))
def test_partners_are_of_one_group_and_each_window_is_one_partner(groups, seed):
    groups = np.array(groups)
    partner, share = mixed_pairs(groups, 0.4, rng(seed))
    assert sorted(partner) == list(range(len(groups)))
    assert (groups[partner] == groups).all()
    assert (partner[groups < 0] == np.flatnonzero(groups < 0)).all()
    assert ((share >= 0.5) & (share <= 1.0)).all()
    for group in set(groups[groups >= 0]):
        rows = np.flatnonzero(groups == group)
        assert len(rows) == 1 or (partner[rows] != rows).all()


# --- faults -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"time_maks": 2}, "no augmentation 'time_maks'; did you mean 'time_masks'"),
        ({"shift": [0.1]}, r"shift=\[0.1\]; \[least, most\] or one number is needed"),
        ({"noise": 10}, r"noise=10; \[least, most\] is needed"),
        ({"noise": [20, 10]}, "least, most"),
        ({"stretch": [0.0, 1.0]}, "stretch of 0; 0.25 to 4 are allowed"),
        ({"gain": float("nan")}, "gain=nan"),
        ({"pitch": "high"}, "pitch='high'"),
        ({"time_mask": -1}, "time_mask=-1; whole numbers from 0"),
        ({"band_masks": 1.5}, "band_masks=1.5; whole numbers from 0"),
        ({"mixup": -0.1}, "mixup=-0.1; 0 to 100"),
        ({"background": {"snr": [0, 9]}}, "background needs a path"),
        ({"background": {"path": ".", "snrs": [0, 9]}}, "did you mean 'snr'"),
        ({"background": {"path": ".", "share": 2}}, "share=2; 0 to 1"),
        ({"background": {"path": ".", "snr": [9, 0]}}, r"snr=\[9, 0\]"),
        ({"background": "street"}, "background='street'; a mapping"),
        ({"tasks": 3}, "tasks=3; names of tasks"),
    ],
)
def test_what_is_not_allowed_is_named_with_what_is(settings, told):
    with pytest.raises(TrainingError, match=told):
        Augmentation.from_settings(settings)


def test_a_folder_that_holds_no_sound_is_no_background(tmp_path):
    with pytest.raises(TrainingError, match="holds no recordings"):
        Background(path=tmp_path)
    with pytest.raises((TrainingError, DatasetError), match="does not exist"):
        Background(path=tmp_path / "nowhere")
    (tmp_path / "torn.wav").write_bytes(b"no sound")
    with pytest.raises(TrainingError, match=r"background .*torn\.wav"):
        Background(path=tmp_path)
