"""Levels and mixtures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ossicle.audio import SILENCE, active_level, gain, level, mix, peak
from ossicle.errors import AudioError


def noise(n_samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(n_samples) / 10


@pytest.mark.parametrize(
    ("samples", "decibels"),
    [
        (np.tile([1.0, -1.0], 100), 0.0),
        (np.sin(2 * np.pi * np.arange(1_600) / 16), -3.0103),
        (np.full(100, 0.1, np.float32), -20.0),
        (np.zeros(100), SILENCE),
        (np.zeros(0), SILENCE),
        (np.full(10, 1e-30), SILENCE),
    ],
)
def test_level_is_decibels_under_a_full_scale_square(samples, decibels):
    assert level(samples) == pytest.approx(decibels, abs=1e-3)


def test_peak_is_the_largest_value_of_either_sign():
    assert peak(np.array([0.1, -0.5])) == pytest.approx(-6.0206, abs=1e-3)
    assert peak(np.zeros(0)) == SILENCE


@given(decibels=st.floats(-60, 60))
def test_gain_moves_level_and_peak_alike(decibels):
    louder = gain(noise(1_000), decibels)
    assert louder.dtype == np.float32
    assert level(louder) - level(noise(1_000)) == pytest.approx(decibels, abs=1e-3)
    assert peak(louder) - peak(noise(1_000)) == pytest.approx(decibels, abs=1e-3)


@given(
    snr=st.floats(-30, 60),
    offset=st.integers(0, 7_000),
    n_event=st.integers(256, 12_000),
    loudness=st.floats(-60, 20),
)
def test_measured_ratio_is_the_one_asked_for(snr, offset, n_event, loudness):
    event, background = gain(noise(n_event, 1), loudness), noise(8_000).astype("f4")
    mixed = mix(event, background, snr=snr, offset=offset).astype("f8")
    assert mixed.shape == background.shape
    assert np.abs(mixed).max() <= 1.0
    part = slice(offset, offset + n_event)
    # What is added is a multiple of the event and the whole a multiple of the sum: two unknowns.
    basis = np.stack([background[part], event[: 8_000 - offset]], axis=1).astype("f8")
    share = np.linalg.lstsq(basis, mixed[part], rcond=None)[0]
    measured = level(share[1] * basis[:, 1]) - level(share[0] * basis[:, 0])
    assert measured == pytest.approx(snr, abs=0.02)
    np.testing.assert_allclose(mixed[:offset], share[0] * background[:offset], atol=1e-5)


def test_a_mixture_that_would_clip_is_made_softer_as_a_whole():
    background = noise(4_000)
    mixed = mix(noise(4_000, 1), background, snr=40.0)
    assert np.abs(mixed).max() == 1.0


def test_a_mixture_that_fits_leaves_the_background_alone():
    background = noise(4_000).astype("f4")
    mixed = mix(noise(1_000, 1), background, snr=0.0, offset=2_000)
    np.testing.assert_array_equal(mixed[:2_000], background[:2_000])
    np.testing.assert_array_equal(mixed[3_000:], background[3_000:])


def test_pauses_do_not_count_as_the_event():
    pulses = np.concatenate([np.ones(2_560), np.zeros(7_680)])
    assert active_level(pulses) == 0.0
    assert level(pulses) == pytest.approx(-6.02, abs=0.01)
    ratio = mix(pulses * 0.01, np.full(20_480, 0.01), snr=20.0)
    assert ratio[:2_560] == pytest.approx(0.11)


def test_an_offset_is_in_seconds_where_a_rate_is_given():
    event, background = noise(100, 1), noise(4_000)
    np.testing.assert_array_equal(
        mix(event, background, snr=3.0, offset=0.5, sample_rate=4_000),
        mix(event, background, snr=3.0, offset=2_000),
    )


@pytest.mark.parametrize(
    ("event", "background", "options", "match"),
    [
        (np.zeros(10), noise(10), {}, "event at -200.0 dBFS"),
        (noise(10), np.zeros(10), {}, "background at -200.0 dBFS"),
        (noise(0), noise(10), {}, "no ratio exists"),
        (noise(10), noise(10), {"offset": 10}, "outside the background of 10 samples"),
        (noise(10), noise(10), {"offset": -1}, "outside"),
        (noise(10), noise(0), {}, "outside"),
        (noise(10), noise(10), {"offset": 1.0, "sample_rate": 16_000}, "in seconds"),
        (np.array([np.nan]), noise(10), {}, "no ratio exists"),
        (noise(10), noise(10), {"snr": np.inf}, "snr=inf"),
    ],
)
def test_what_has_no_ratio_is_refused(event, background, options, match):
    with pytest.raises(AudioError, match=match):
        mix(event, background, **{"snr": 0.0, **options})
