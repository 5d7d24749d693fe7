"""Sounds varied at random: each variation does what it says, and the same again for a seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ossicle.audio import AUGMENTATIONS, SILENCE, augment, level
from ossicle.audio.augmentation import vary
from ossicle.errors import AudioError

RATE = 16_000
EVERYTHING = {
    "shift": (-0.1, 0.1),
    "stretch": (0.8, 1.25),
    "pitch": (-3.0, 3.0),
    "speed": (0.8, 1.25),
    "gain": (-6.0, 40.0),
    "noise": (0.0, 30.0),
    "colour": (0.0, 12.0),
    "room": (0.1, 0.6),
}


def tone(hertz: float, n_samples: int = RATE) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * hertz * np.arange(n_samples) / RATE)


def varied(samples, kind, amount, seed=0):
    return vary(samples, kind, amount, sample_rate=RATE, rng=np.random.default_rng(seed))


def strongest(samples: np.ndarray) -> float:
    """Hz of the highest peak of the spectrum, between its bins by a parabola."""
    power = np.log(np.abs(np.fft.rfft(samples * np.hanning(samples.size))) + 1e-12)
    top = int(np.argmax(power))
    left, middle, right = power[top - 1 : top + 2]
    return (top + (left - right) / (2 * (left - 2 * middle + right))) * RATE / samples.size


@pytest.mark.parametrize("hertz", [110.0, 440.0, 3_100.0])
@pytest.mark.parametrize("factor", [0.5, 0.8, 1.1, 1.25, 2.0])
def test_a_stretched_tone_has_another_length_and_the_same_pitch_and_level(hertz, factor):
    longer = varied(tone(hertz), "stretch", factor)
    assert longer.size == round(RATE * factor)
    assert strongest(longer) == pytest.approx(hertz, rel=0.01)
    assert level(longer) == pytest.approx(level(tone(hertz)), abs=0.01)
    middle = longer[longer.size // 4 : -longer.size // 4]
    assert level(middle) == pytest.approx(level(tone(hertz)), abs=1.0)


def test_what_happens_in_the_middle_stays_in_the_middle_when_stretched():
    knock = np.zeros(RATE)
    knock[8_000:8_100] = np.random.default_rng(0).normal(size=100) / 5
    for factor in (0.5, 1.5):
        longer = varied(knock, "stretch", factor)
        centre = np.sum(np.arange(longer.size) * longer.astype("f8") ** 2) / np.sum(longer**2.0)
        assert centre == pytest.approx(8_050 * factor, abs=0.03 * RATE)


@pytest.mark.parametrize("semitones", [-12.0, -3.5, -0.5, 1.0, 7.0, 12.0])
def test_a_shifted_pitch_is_that_many_semitones_away_and_the_length_stays(semitones):
    higher = varied(tone(880.0), "pitch", semitones)
    assert higher.size == RATE
    assert strongest(higher) == pytest.approx(880.0 * 2 ** (semitones / 12), rel=0.01)
    assert level(higher) == pytest.approx(level(tone(880.0)), abs=0.01)


@given(snr=st.floats(-20, 60), loudness=st.floats(-40, 0), seed=st.integers(0, 9))
def test_the_measured_signal_to_noise_ratio_is_the_one_asked_for(snr, loudness, seed):
    clean = tone(500.0) * 10 ** (loudness / 20)
    noisy = varied(clean, "noise", snr, seed).astype("f8")
    clipped = np.abs(noisy).max() >= 1.0
    if not clipped:
        assert level(clean) - level(noisy - clean) == pytest.approx(snr, abs=0.1)


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.1, 2.0])
def test_a_faster_sound_is_shorter_and_higher_and_as_loud(factor):
    faster = varied(tone(880.0), "speed", factor)
    assert faster.size == pytest.approx(RATE / factor, abs=1)
    assert strongest(faster) == pytest.approx(880.0 * factor, rel=0.001)
    assert level(faster) == pytest.approx(level(tone(880.0)), abs=0.1)


def test_a_shift_moves_the_sound_and_wraps_it_round():
    click = np.zeros(1_000)
    click[10] = 0.5
    assert np.flatnonzero(varied(click, "shift", 0.01)).tolist() == [170]
    assert np.flatnonzero(varied(click, "shift", -0.01)).tolist() == [850]


def test_a_gain_moves_the_level_until_it_would_clip():
    assert level(varied(tone(500.0), "gain", -12.0)) == pytest.approx(level(tone(500.0)) - 12.0)
    assert np.abs(varied(tone(500.0), "gain", 60.0)).max() == 1.0


def test_noise_has_many_colours():
    silence_below = tone(500.0)
    tilts = []
    for seed in range(20):
        noisy = varied(silence_below, "noise", 0.0, seed) - silence_below
        power = np.abs(np.fft.rfft(noisy)) ** 2
        tilts.append(10 * np.log10(power[100:200].mean() / power[4_000:8_000].mean()))
    assert min(tilts) < 8.0
    assert max(tilts) > 20.0


def test_another_colour_changes_each_octave_by_no_more_than_asked_and_keeps_the_level():
    hiss = 0.1 * np.random.default_rng(0).normal(size=RATE)
    other = varied(hiss, "colour", 6.0).astype("f8")
    change = 20 * np.log10(np.abs(np.fft.rfft(other)[1:-1]) / np.abs(np.fft.rfft(hiss)[1:-1]))
    assert 3.0 < np.ptp(change) <= 12.0
    assert np.abs(np.diff(change)).max() < 1.0
    assert level(other) == pytest.approx(level(hiss), abs=0.01)


def test_a_room_adds_reverberation_after_the_sound():
    knock = np.concatenate([tone(500.0, 4_000), np.zeros(12_000)])
    wet = varied(knock, "room", 0.5)
    assert level(wet[4_000:8_000]) > level(wet[12_000:]) + 20
    assert level(wet) == pytest.approx(level(knock), abs=0.01)


@pytest.mark.parametrize(
    ("kind", "nothing"),
    [
        ("shift", 0.0),
        ("stretch", 1.0),
        ("pitch", 0.0),
        ("speed", 1.0),
        ("gain", 0.0),
        ("noise", 120.0),
        ("colour", 0.0),
    ],
)
def test_nothing_asked_is_nothing_done(kind, nothing):
    np.testing.assert_allclose(varied(tone(500.0), kind, nothing), tone(500.0), atol=5e-6)


@given(seed=st.integers(0, 10_000), n_samples=st.integers(0, 6_000), loudness=st.floats(-80, 20))
def test_the_same_seed_gives_the_same_bytes_finite_and_within_full_scale(seed, n_samples, loudness):
    samples = np.random.default_rng(1).normal(size=n_samples) * 10 ** (loudness / 20)
    first, again = (
        augment(samples, sample_rate=RATE, how=EVERYTHING, rng=np.random.default_rng(seed))
        for _ in range(2)
    )
    assert first.tobytes() == again.tobytes()
    assert first.dtype == np.float32
    assert np.isfinite(first).all()
    assert np.abs(first).max(initial=0.0) <= 1.0


def test_another_seed_gives_another_sound():
    sounds = {
        augment(
            tone(500.0), sample_rate=RATE, how=EVERYTHING, rng=np.random.default_rng(seed)
        ).tobytes()
        for seed in range(5)
    }
    assert len(sounds) == 5


@pytest.mark.parametrize("kind", AUGMENTATIONS)
def test_silence_stays_silence(kind):
    silence = varied(np.zeros(3_000), kind, 1.5)
    assert level(silence) == SILENCE
    assert silence.size == {"stretch": 4_500, "speed": 2_000}.get(kind, 3_000)


@pytest.mark.parametrize(
    ("how", "match"),
    [
        ({"pich": (0.0, 1.0)}, "no augmentation 'pich'; did you mean 'pitch'"),
        ({"stretch": (0.1, 0.1)}, "stretch of 0.1; 0.25 to 4 are allowed"),
        ({"gain": (3.0, 1.0)}, "gain from 3 to 1; the lesser comes first"),
        ({"gain": (np.nan, 1.0)}, "the lesser comes first"),
        ({"noise": (0.0, np.inf)}, "the lesser comes first"),
    ],
)
def test_what_cannot_be_drawn_is_refused(how, match):
    with pytest.raises(AudioError, match=match):
        augment(tone(500.0), sample_rate=RATE, how=how, rng=np.random.default_rng(0))


@pytest.mark.parametrize("samples", [np.ones((2, 9)), np.array([0.0, np.inf])])
def test_what_is_no_single_channel_is_refused(samples):
    with pytest.raises(AudioError, match="one channel of finite values"):
        augment(samples, sample_rate=RATE, how={}, rng=np.random.default_rng(0))
