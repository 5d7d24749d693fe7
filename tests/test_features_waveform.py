"""The waveform as a front end: frames are the samples, whatever stores or hears them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sounds import RATE, folders_of_tones, tone_in_noise

from ossicle.audio import read_audio
from ossicle.datasets import read_dataset
from ossicle.errors import FeatureError
from ossicle.features import FeatureStore, Waveform, WindowCutter, front_end

WAVEFORM = Waveform(sample_rate=RATE)


@given(n_samples=st.integers(1, 5_000))
def test_the_frames_are_the_samples_and_as_many(n_samples):
    samples = np.random.default_rng(n_samples).normal(size=n_samples).astype(np.float32)
    features = WAVEFORM(samples)
    assert features.tobytes() == samples.tobytes()
    assert features.shape == (WAVEFORM.n_frames(n_samples), WAVEFORM.n_bands) == (n_samples, 1)
    assert WAVEFORM.n_samples(n_samples) == n_samples


def test_the_frames_do_not_change_with_the_array_they_came_from():
    samples = np.ones(100, np.float32)
    frames = WAVEFORM.frames(samples)
    samples[:] = 0.0
    assert (frames == 1.0).all()


def test_a_description_makes_the_same_front_end():
    assert front_end(WAVEFORM.describe()) == WAVEFORM


@pytest.mark.parametrize("setting", [{"n_fft": 2}, {"hop_length": 2}, {"center": True}])
def test_a_frame_cannot_be_anything_but_a_sample(setting):
    with pytest.raises(FeatureError, match="each sample being a frame"):
        Waveform(**setting)


def test_other_front_ends_still_need_frames_of_two_samples():
    with pytest.raises(FeatureError, match="n_fft=1 is out of range"):
        front_end({"name": "log_mel", "n_fft": 1})


@given(seed=st.integers(0, 50))
def test_windows_of_a_stream_are_those_of_the_whole(seed):
    rng = np.random.default_rng(seed)
    sound = rng.normal(size=int(rng.integers(1, 4_000))).astype(np.float32)
    cutter = WindowCutter(WAVEFORM, window=0.1, window_hop=float(rng.uniform(0.01, 0.1)))
    places = np.sort(rng.integers(0, len(sound) + 1, 5))
    pieces = [piece for block in np.split(sound, places) for piece in cutter.push(block)]
    pieces += cutter.finish()
    for piece in pieces:
        first, last = round(piece.window.start * RATE), round(piece.window.end * RATE)
        assert piece.frames[: last - first, 0].tobytes() == sound[first:last].tobytes()
        assert not piece.frames[last - first :].any()


def test_the_feature_store_keeps_the_samples_of_whole_clips(tmp_path):
    dataset = read_dataset(folders_of_tones(tmp_path / "tones", n_clips=2))
    table = FeatureStore(tmp_path / "store").extract(dataset.clips, WAVEFORM)
    for row, clip in enumerate(dataset):
        samples, _ = read_audio(clip.path)
        assert table.row(row)[:, 0].tobytes() == samples.tobytes()
        assert table.piece(row, 100, 250)[:, 0].tobytes() == samples[100:250].tobytes()
        assert len(table.piece(row, len(samples) - 5, len(samples) + 5)) == 5
        assert len(table.piece(row, len(samples) + 5, len(samples) + 9)) == 0


def test_a_classifier_that_hears_samples_gives_the_same_offline_and_live(tmp_path):
    from ossicle.selection import search

    grid = {"front_end": [WAVEFORM], "integration": ["meanvar"], "model": ["logreg"]}
    dataset = read_dataset(folders_of_tones(tmp_path / "tones", n_clips=12))
    classifier = search(dataset, grid=grid, window=0.2, leave_out=0.5, out=tmp_path / "run").best()
    sound = np.concatenate([tone_in_noise(400.0, seed=1), tone_in_noise(1_900.0, seed=2)])
    whole = classifier(sound, RATE)
    stream = classifier.stream(RATE)
    for first in range(0, len(sound), 333):
        stream.push(sound[first : first + 333])
    stream.finish()
    live = stream.prediction()
    assert {k: v.tobytes() for k, v in live.scores.items()} == {
        k: v.tobytes() for k, v in whole.scores.items()
    }
