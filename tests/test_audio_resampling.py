"""Change of sample rate: physics, librosa, and independence from blocks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ossicle.audio import Resampler, resample
from ossicle.errors import AudioError

RATES = [1_000, 8_000, 11_025, 16_000, 22_050, 44_100, 44_101, 48_000, 96_000, 192_000, 768_000]


def tone(frequency: float, rate: int, seconds: float = 0.5) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate).astype("f4")


@given(
    rates=st.tuples(st.sampled_from(RATES), st.sampled_from([8_000, 16_000, 22_050, 48_000])),
    n_samples=st.integers(0, 30_000),
    cuts=st.lists(st.floats(0, 1), max_size=30),
)
@settings(max_examples=200, deadline=None)
def test_blocks_never_change_a_bit(rates, n_samples, cuts):
    samples = np.random.default_rng(n_samples).standard_normal(n_samples).astype("f4")
    resampler = Resampler(*rates)
    for _ in range(2):  # the second time after a finish
        places = sorted(int(cut * n_samples) for cut in cuts)
        out = [resampler.push(block) for block in np.split(samples, places)]
        out.append(resampler.finish())
        np.testing.assert_array_equal(np.concatenate(out), resample(samples, *rates))


def test_single_samples_give_what_the_whole_gives():
    samples = np.random.default_rng(0).standard_normal(3_000).astype("f4")
    resampler = Resampler(44_100, 16_000)
    out = [*(resampler.push(samples[i : i + 1]) for i in range(3_000)), resampler.finish()]
    np.testing.assert_array_equal(np.concatenate(out), resample(samples, 44_100, 16_000))


@pytest.mark.parametrize("from_rate", RATES)
@pytest.mark.parametrize("n_samples", [0, 1, 2, 999, 10_000])
def test_length_is_rounded_up(from_rate, n_samples):
    expected = -(-n_samples * 16_000 // from_rate)
    assert resample(np.zeros(n_samples), from_rate, 16_000).size == expected


def test_equal_rates_pass_the_samples_through():
    samples = tone(440, 16_000)
    np.testing.assert_array_equal(resample(samples, 16_000, 16_000), samples)


@pytest.mark.parametrize("rates", [(44_100, 16_000), (16_000, 48_000), (22_050, 16_000)])
def test_librosa_gives_the_same(rates):
    librosa = pytest.importorskip("librosa")
    samples = np.random.default_rng(0).standard_normal((2, 20_000)).astype("f4")
    expected = librosa.resample(samples, orig_sr=rates[0], target_sr=rates[1], res_type="soxr_hq")
    np.testing.assert_allclose(resample(samples, *rates), expected, atol=1e-6)


@pytest.mark.parametrize("frequency", [50, 440, 3_100, 7_000])
def test_a_tone_below_half_the_rate_is_kept(frequency):
    out = resample(tone(frequency, 44_100), 44_100, 16_000)
    expected = tone(frequency, 16_000)
    np.testing.assert_allclose(out[1_000:-1_000], expected[1_000:-1_000], atol=2e-3)


@pytest.mark.parametrize("frequency", [8_500, 10_000, 15_000, 21_000])
def test_a_tone_above_half_the_rate_is_gone(frequency):
    out = resample(tone(frequency, 44_100), 44_100, 16_000)[1_000:-1_000]
    assert 20 * np.log10(np.abs(out).max()) < -110


def test_reset_forgets_the_sound_so_far():
    resampler = Resampler(44_100, 16_000)
    resampler.push(tone(440, 44_100))
    resampler.reset()
    assert not resampler.finish().size


@pytest.mark.parametrize("rates", [(0, 16_000), (16_000, 10**7), (16_000, -1), (16_000, 8_000.5)])
def test_rates_outside_the_limits_are_refused(rates):
    with pytest.raises(AudioError, match="1000 to 768000 Hz"):
        Resampler(*rates)


def test_two_channels_in_one_resampler_are_refused():
    with pytest.raises(AudioError, match=r"shape \(2, 9\).*one Resampler for each"):
        Resampler(8_000, 16_000).push(np.zeros((2, 9)))
