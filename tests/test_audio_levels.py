"""The level meter: the curve of the standard, and readings that blocks do not change."""

import numpy as np
import pytest
from commands import answered, printed, typed
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from ossicle.audio import LevelMeter, a_weighting, level, measure, peak, write_audio
from ossicle.audio.weighting import weighting_filter
from ossicle.errors import AudioError

# IEC 61672-1:2013, table 3: nominal frequency, A-weighting, and what class 1 allows above, below.
STANDARD = {
    20.0: (-50.5, 2.0, 2.0),
    31.5: (-39.4, 1.5, 1.5),
    63.0: (-26.2, 1.0, 1.0),
    100.0: (-19.1, 1.0, 1.0),
    125.0: (-16.1, 1.0, 1.0),
    250.0: (-8.6, 1.0, 1.0),
    500.0: (-3.2, 1.0, 1.0),
    1_000.0: (0.0, 0.7, 0.7),
    2_000.0: (1.2, 1.0, 1.0),
    4_000.0: (1.0, 1.0, 1.0),
    8_000.0: (-1.1, 1.5, 2.5),
    10_000.0: (-2.5, 2.0, 3.0),
    12_500.0: (-4.3, 2.0, 5.0),
    16_000.0: (-6.6, 2.5, 16.0),
    20_000.0: (-9.3, 3.0, np.inf),
}


def noise(n_samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(n_samples) / 10


@pytest.mark.parametrize("frequency", STANDARD)
def test_the_curve_is_the_standards_to_its_last_digit(frequency):
    # The table is for the exact third octaves, of which the nominal ones are roundings.
    exact = 1_000.0 * 10 ** (round(10 * np.log10(frequency / 1_000.0)) / 10)
    assert float(a_weighting(exact)) == pytest.approx(STANDARD[frequency][0], abs=0.051)


@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 22_050, 44_100, 48_000, 96_000])
def test_the_filter_is_within_class_1_below_half_the_rate(sample_rate):
    sections = weighting_filter("A", sample_rate)
    for frequency, (wanted, above, below) in STANDARD.items():
        if frequency < sample_rate / 2:
            _, response = signal.sosfreqz(sections, [frequency], fs=sample_rate)
            gain = 20 * np.log10(abs(response[0]))
            assert wanted - below <= gain <= wanted + above, frequency


@pytest.mark.parametrize(("frequency", "wanted"), [(100.0, -19.1), (1_000.0, 0.0), (4_000.0, 1.0)])
def test_a_tone_reads_its_level_and_the_weighting(frequency, wanted):
    tone = 0.5 * np.sin(2 * np.pi * frequency * np.arange(480_000) / 48_000)
    levels = measure(tone, sample_rate=48_000)
    assert levels.leq == pytest.approx(level(tone) + wanted, abs=0.2)
    assert levels.lmax == pytest.approx(levels.leq, abs=0.3)
    assert levels.l50 == pytest.approx(levels.leq, abs=0.1)
    assert levels.peak == pytest.approx(peak(tone), abs=1e-9)


def test_without_weighting_the_equivalent_level_is_the_level():
    levels = measure(noise(50_001), sample_rate=16_000, weighting="Z")
    assert levels.leq == pytest.approx(level(noise(50_001)), abs=1e-9)
    assert levels.duration == pytest.approx(50_001 / 16_000)


def test_calibration_adds_to_every_level():
    plain, calibrated = (
        measure(noise(32_000), sample_rate=16_000, calibration=c) for c in (0.0, 94.0)
    )
    for name in ("leq", "lmax", "l10", "l50", "l90", "peak"):
        assert getattr(calibrated, name) == pytest.approx(getattr(plain, name) + 94.0)


def test_percentiles_are_levels_exceeded_for_that_share_of_the_time():
    loudness = np.repeat([0.5, 0.05, 0.005], [1_600, 8_000, 6_400])  # 10 %, 50 %, 40 %
    tone = np.tile(loudness, 10).reshape(10, -1).T.ravel()  # each stretch ten times as long
    levels = measure(tone, sample_rate=16_000, weighting="Z")
    assert levels.l10 == pytest.approx(level(np.array([0.5])), abs=0.06)
    assert levels.l50 == pytest.approx(level(np.array([0.05])), abs=0.06)
    assert levels.l90 == pytest.approx(level(np.array([0.005])), abs=0.06)


def test_the_fast_level_follows_with_125_milliseconds():
    step = np.full(2_000, 0.5)  # 125 ms at 16 kHz
    levels = measure(step, sample_rate=16_000, weighting="Z")
    assert levels.lmax == pytest.approx(levels.leq + 10 * np.log10(1 - np.exp(-1)), abs=0.01)


@given(cuts=st.lists(st.integers(0, 40_000), max_size=8), weighting=st.sampled_from("AZ"))
def test_blocks_of_any_size_read_the_same_bit_for_bit(cuts, weighting):
    meter = LevelMeter(16_000, weighting=weighting)
    for block in np.split(noise(40_000), sorted(cuts)):
        meter.push(block)
    assert meter.levels() == measure(noise(40_000), sample_rate=16_000, weighting=weighting)


def test_a_restarted_reading_keeps_the_filters_and_a_reset_forgets_them():
    meter = LevelMeter(16_000)
    meter.push(np.full(16_000, 0.5))
    meter.restart()
    meter.push(np.full(16_000, 0.5))
    settled = meter.levels().leq
    meter.reset()
    meter.push(np.full(16_000, 0.5))
    assert settled < meter.levels().leq - 20  # a step clicks, a steady pressure does not


def test_silence_and_nothing_read_the_floor():
    assert measure(np.zeros(16_000), sample_rate=16_000).leq == -200.0
    nothing = measure(np.zeros(0), sample_rate=16_000)
    assert (nothing.leq, nothing.lmax, nothing.duration) == (-200.0, -200.0, 0.0)
    assert np.isnan(nothing.l50)


@pytest.mark.parametrize(
    ("setting", "match"),
    [
        ({"weighting": "B"}, "weighting 'B'"),
        ({"calibration": np.nan}, "calibration of nan"),
        ({"sample_rate": 3}, "sample_rate of 3 Hz"),
        ({"samples": np.ones((2, 5))}, "one channel"),
        ({"samples": np.array([np.nan])}, "finite"),
    ],
)
def test_what_cannot_be_measured_is_refused(setting, match):
    with pytest.raises(AudioError, match=match):
        measure(**{"samples": noise(9), "sample_rate": 16_000, **setting})


def test_the_verb_reads_each_file_as_the_meter_does(tmp_path):
    for name in ("a", "b"):
        write_audio(
            tmp_path / f"{name}.wav", noise(80_000, seed=ord(name)), 16_000, subtype="FLOAT"
        )
    files = [tmp_path / "a.wav", tmp_path / "b.wav"]
    rows = answered("level", *files, "--calibration", 94)
    assert [row["recording"] for row in rows] == [str(file) for file in files]
    wanted = measure(noise(80_000, ord("a")).astype("f4"), sample_rate=16_000, calibration=94.0)
    assert rows[0]["leq"] == pytest.approx(wanted.leq)
    assert "leq" in printed("level", *files).splitlines()[0]


def test_readings_every_so_many_seconds_cover_the_recording(tmp_path):
    write_audio(tmp_path / "a.wav", noise(80_000), 16_000, subtype="FLOAT")
    rows = answered("level", tmp_path / "a.wav", "--every", 2, "--weighting", "Z")
    assert [(row["start"], row["duration"]) for row in rows] == [(0, 2), (2, 2), (4, 1)]
    assert rows[1]["leq"] == pytest.approx(level(noise(80_000)[32_000:64_000]), abs=1e-3)


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_read(tmp_path):
    write_audio(tmp_path / "a.wav", noise(8_000), 16_000)
    run = typed("level", tmp_path / "missing.wav", tmp_path / "a.wav", "--json")
    assert run.exit_code == 1
    assert "a.wav" in run.stdout
    assert "skipped" in run.stderr
    assert "no such file" in run.stderr
