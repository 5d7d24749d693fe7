"""Synthesised sounds as physics: patterns, spectra, levels, variety."""

import numpy as np
import pytest
from scipy import signal

from ossicle.audio import (
    ALARMS,
    BACKGROUNDS,
    SIGNIFICANT,
    alarm,
    background,
    level,
    peak,
    significant,
)
from ossicle.errors import AudioError

STANDARD = {"pitch": 1.0, "tempo": 1.0, "start": 0.0, "level": -1.0, "decay": 0.0}
EVERY = [
    *((alarm, kind) for kind in ALARMS),
    *((background, kind) for kind in BACKGROUNDS),
    *((significant, kind) for kind in SIGNIFICANT),
]


def edges(samples: np.ndarray, rate: int = 16_000) -> list[float]:
    """Seconds at which the sound begins and ceases, in turn."""
    size = rate // 200
    loud = np.abs(samples[: samples.size // size * size]).reshape(-1, size).max(1) > 0.25
    return list(np.flatnonzero(np.diff(loud.astype(int), prepend=0)) * size / rate)


def loudest_frequency(samples: np.ndarray, rate: int = 16_000) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    return float(np.argmax(spectrum) * rate / samples.size)


@pytest.mark.parametrize("kind", ["temporal_three", "temporal_three_520"])
def test_three_pulses_of_half_a_second_every_four_seconds(kind):
    found = edges(alarm(kind, 8.0, **STANDARD))
    pulses = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
    assert found == pytest.approx([*pulses, *(4.0 + p for p in pulses)], abs=0.011)


def test_four_short_pulses_then_five_seconds_of_pause():
    found = edges(alarm("temporal_four", 7.0, **STANDARD))
    pulses = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    assert found == pytest.approx([*pulses, *(5.7 + p for p in pulses)], abs=0.011)


@pytest.mark.parametrize(
    ("kind", "part", "frequency"),
    [
        ("temporal_three", (0.1, 0.4), 3_100.0),
        ("temporal_three_520", (0.1, 0.4), 520.0),
        ("temporal_four", (0.02, 0.08), 3_100.0),
        ("two_tone", (0.02, 0.23), 800.0),
        ("two_tone", (0.27, 0.48), 970.0),
        ("slow_whoop", (0.0, 0.05), 505.0),
        ("slow_whoop", (3.43, 3.48), 1_191.0),
        ("hi_lo", (0.1, 0.7), 440.0),
        ("hi_lo", (0.8, 1.4), 585.0),
    ],
)
def test_the_tone_is_the_standards(kind, part, frequency):
    samples = alarm(kind, 4.0, sample_rate=16_000, **STANDARD)
    first, last = (round(16_000 * second) for second in part)
    width = 16_000 / (last - first)
    assert loudest_frequency(samples[first:last]) == pytest.approx(frequency, abs=width)


def test_the_slow_whoop_rests_for_half_a_second():
    samples = alarm("slow_whoop", 8.0, **STANDARD)
    assert edges(samples) == pytest.approx([0.0, 3.5, 4.0, 7.5], abs=0.011)


def test_the_bell_is_struck_twelve_times_a_second_and_is_not_harmonic():
    samples = alarm("bell", 6.0, sample_rate=16_000, seed=3, **STANDARD)[16_000:]
    envelope = np.abs(signal.hilbert(samples)) ** 2
    rhythm = np.abs(np.fft.rfft((envelope - envelope.mean()) * np.hanning(envelope.size)))
    frequencies = np.fft.rfftfreq(envelope.size, 1 / 16_000)
    heard = (frequencies > 6) & (frequencies < 20)
    assert frequencies[heard][np.argmax(rhythm[heard])] == pytest.approx(12.0, abs=0.3)
    ratios = partials(samples) / partials(samples)[0]
    assert np.abs(ratios - ratios.round()).max() > 0.2


def partials(samples: np.ndarray) -> np.ndarray:
    """Frequencies that stand out of the spectrum."""
    frequencies, power = signal.welch(samples, 16_000, nperseg=8_192)
    decibels = 10 * np.log10(power)
    peaks, _ = signal.find_peaks(decibels, height=decibels.max() - 30, prominence=12)
    return frequencies[peaks]


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 48_000])
def test_the_square_wave_has_odd_overtones_and_nothing_folded_back(rate):
    samples = alarm("temporal_three_520", 0.4, sample_rate=rate, **STANDARD)
    part = samples[rate // 20 : rate // 20 + rate // 4]
    spectrum = np.abs(np.fft.rfft(part * signal.windows.blackmanharris(part.size)))
    frequencies = np.fft.rfftfreq(part.size, 1 / rate)
    odd = np.abs(frequencies / 520.0 % 2 - 1) < 32 / 520.0
    assert 20 * np.log10(spectrum[~odd].max() / spectrum.max()) < -75
    third = spectrum[np.abs(frequencies - 1_560) < 20].max() / spectrum.max()
    assert third == pytest.approx(1 / 3, abs=0.02)


def test_pitch_tempo_start_and_level_are_obeyed():
    samples = alarm("temporal_three", 4.0, pitch=0.9, tempo=2.0, start=1.0, level=-6.0, decay=0.0)
    assert peak(samples) == pytest.approx(-6.0, abs=0.01)
    assert edges(samples)[:4] == pytest.approx([0.0, 0.25, 0.5, 0.75], abs=0.011)
    assert loudest_frequency(samples[:3_200]) == pytest.approx(2_790, abs=6)


def test_a_room_fills_the_pauses():
    dry = alarm("temporal_three", 2.0, **STANDARD)
    wet = alarm("temporal_three", 2.0, **{**STANDARD, "decay": 0.8})
    pause = slice(round(0.55 * 16_000), round(0.75 * 16_000))
    assert not dry[pause].any()
    assert -50 < level(wet[pause]) < -10


@pytest.mark.parametrize(("make", "kind"), EVERY)
def test_every_sound_is_loud_enough_finite_and_in_range(make, kind):
    for seed, rate, duration in [(0, 16_000, 3.0), (1, 8_000, 1.0), (2, 44_100, 1.5)]:
        samples = make(kind, duration, sample_rate=rate, seed=seed)
        assert (samples.dtype, samples.shape) == (np.float32, (round(rate * duration),))
        assert np.isfinite(samples).all()
        assert -31 < peak(samples) <= 0.0


@pytest.mark.parametrize(("make", "kind"), EVERY)
def test_same_seed_same_bytes_and_another_seed_another_sound(make, kind):
    first, again, other = (make(kind, 1.0, seed=seed) for seed in (5, 5, 6))
    assert first.tobytes() == again.tobytes()
    assert np.abs(np.corrcoef(first, other)[0, 1]) < 0.9


@pytest.mark.parametrize(("make", "kind"), EVERY)
def test_the_shortest_sounds_are_made(make, kind):
    assert make(kind, 1 / 16_000).shape == (1,)
    assert make(kind, 0.01, seed=4).shape == (160,)


@pytest.mark.parametrize("seed", range(20))
def test_an_alarm_never_starts_in_a_pause_that_outlasts_it(seed):
    assert alarm("temporal_four", 0.5, seed=seed).any()


def test_backgrounds_differ_in_colour():
    def centre(kind):
        spectrum = np.abs(np.fft.rfft(background(kind, 3.0, seed=1))) ** 2
        return np.average(np.fft.rfftfreq(48_000, 1 / 16_000), weights=spectrum)

    assert centre("hum") < 500 < centre("babble") < 1_500 < centre("rain")
    assert centre("fan") < 1_000 < centre("tap")


@pytest.mark.parametrize("make", [alarm, background, significant])
def test_what_cannot_be_made_is_refused(make):
    kind = {alarm: "bell", background: "hum", significant: "cry"}[make]
    with pytest.raises(AudioError, match=f"no sound called 'kazoo'.*{kind}"):
        make("kazoo", 1.0)
    with pytest.raises(AudioError, match="4000 Hz; at least 8000"):
        make(kind, 1.0, sample_rate=4_000)
    for duration in (0.0, -1.0, np.nan):
        with pytest.raises(AudioError, match="at least one sample"):
            make(kind, duration)
    with pytest.raises(AudioError, match="more than the 86400 s"):
        make(kind, 1e6)
