"""Rooms: their reverberation time is what was asked for, and sounds in them keep time and level."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ossicle.audio import level, reverberate, room_response
from ossicle.errors import AudioError


def measured_rt60(response: np.ndarray, sample_rate: int) -> float:
    """Schroeder's backward integration of what follows the direct sound, from -5 to -35 dB."""
    energy = np.cumsum(np.square(response[1:], dtype="f8")[::-1])[::-1]
    curve = 10 * np.log10(energy / energy[0])
    part = (curve <= -5) & (curve >= -35)
    slope, _ = np.polyfit(np.flatnonzero(part) / sample_rate, curve[part], 1)
    return -60 / slope


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("rt60", "volume"), [(0.15, 10.0), (0.4, 50.0), (1.0, 20.0), (1.0, 200.0), (4.0, 8_000.0)]
)
@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 44_100])
def test_the_measured_decay_is_the_one_asked_for(sample_rate, rt60, volume, seed):
    response = room_response(sample_rate=sample_rate, rt60=rt60, volume=volume, seed=seed)
    assert measured_rt60(response, sample_rate) == pytest.approx(rt60, rel=0.1)


def test_direct_and_reverberant_sound_are_equal_at_the_critical_distance():
    volume, rt60 = 100.0, 0.8
    distance = 0.057 * np.sqrt(volume / rt60)
    rooms = [
        room_response(sample_rate=16_000, rt60=rt60, volume=volume, distance=distance, seed=seed)
        for seed in range(20)
    ]
    reverberant = np.mean([np.sum(np.square(room[1:], dtype="f8")) for room in rooms])
    assert 10 * np.log10(reverberant) == pytest.approx(0.0, abs=0.5)


def test_the_first_reflections_are_few_and_the_last_are_many():
    response = room_response(sample_rate=16_000, rt60=0.5, volume=200.0)
    assert np.count_nonzero(response[1:161]) < 20
    assert np.count_nonzero(response[-160:]) == 160


def test_same_seed_same_room_and_another_seed_another_room():
    first, again, other = (room_response(sample_rate=8_000, rt60=0.3, seed=s) for s in (1, 1, 2))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


@given(seed=st.integers(0, 99), n_samples=st.integers(1, 5_000), rt60=st.floats(0.05, 1.0))
def test_length_and_level_stay_and_nothing_clips(seed, n_samples, rt60):
    dry = np.random.default_rng(seed).normal(size=n_samples) / 20
    wet = reverberate(dry, room_response(sample_rate=8_000, rt60=rt60, seed=seed))
    assert wet.dtype == np.float32
    assert wet.shape == dry.shape
    assert np.abs(wet).max() <= 1.0
    assert level(wet) == pytest.approx(level(dry), abs=1e-3)


def test_the_direct_sound_is_not_delayed_even_by_a_response_measured_late():
    click = np.zeros(4_000)
    click[1_000] = 0.1
    late = np.concatenate([np.zeros(300), room_response(sample_rate=8_000, rt60=0.4, seed=3)])
    wet = reverberate(click, late)
    assert np.argmax(np.abs(wet)) == 1_000
    np.testing.assert_allclose(wet[:1_000], 0.0, atol=1e-9)


def test_a_loud_sound_is_made_softer_rather_than_clipped():
    dry = np.sign(np.sin(np.arange(8_000) / 40))
    wet = reverberate(dry, room_response(sample_rate=8_000, rt60=1.0, distance=3.0))
    assert np.abs(wet).max() == 1.0
    assert level(wet) < level(dry)


def test_silence_stays_silence():
    assert not reverberate(np.zeros(100), room_response(sample_rate=8_000, rt60=0.2)).any()
    assert reverberate(np.zeros(0), np.ones(1)).shape == (0,)


@pytest.mark.parametrize(
    ("setting", "match"),
    [
        ({"rt60": 0.0}, "rt60 of 0.0"),
        ({"rt60": np.nan}, "rt60 of nan"),
        ({"rt60": 1e9}, "room response: more than"),
        ({"volume": -1.0}, "volume of -1.0"),
        ({"distance": np.inf}, "distance of inf"),
        ({"sample_rate": 16}, "sample_rate of 16 Hz"),
    ],
)
def test_a_room_that_cannot_be_is_refused(setting, match):
    with pytest.raises(AudioError, match=match):
        room_response(**{"sample_rate": 8_000, "rt60": 0.3, **setting})


@pytest.mark.parametrize(
    ("samples", "response", "match"),
    [
        (np.ones(5), np.zeros(3), "response is silent"),
        (np.ones(5), np.zeros(0), "response is silent"),
        (np.ones((2, 5)), np.ones(3), "samples of shape"),
        (np.ones(5), np.array([1.0, np.nan]), "response of shape"),
    ],
)
def test_what_is_no_single_channel_is_refused(samples, response, match):
    with pytest.raises(AudioError, match=match):
        reverberate(samples, response)
