"""Mixing at ratios that are counted, measured and matched in loudness; banks taken by weight."""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mixed_sounds import RATE, digests, lines, mixed, sources, write_sounds

from ossicle.audio import (
    a_weighting,
    alarm,
    gain,
    level,
    read_audio,
    write_audio,
)
from ossicle.datasets import Bank, mixed_events, read_dataset
from ossicle.datasets.drawing import Turn, draw_ratio, draw_source, events_of
from ossicle.datasets.recipes import Recipe
from ossicle.datasets.sources import Source
from ossicle.errors import DatasetError
from ossicle.types import Clip, Recording

EXACT = (-5.0, 0.0, 5.0, 10.0, 15.0)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sounds(tmp_path_factory.mktemp("sounds"))


@pytest.fixture(scope="module")
def in_turn(sounds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("mixed") / "out"
    mixed(sounds, out, n=100, events=(1, 3), overlap=False, snr=EXACT, rooms=(0.2, 0.5))
    return out


def asked(**settings: Any) -> Recipe:
    usual: dict[str, Any] = {
        "snr": EXACT, "events": (1, 2), "overlap": True, "loudness": "rms", "level": None,
        "rt60": None, "seed": 0, "n": 10, "duration": 1.0, "sample_rate": RATE,
        "fractions": (1.0, 0.0, 0.0), "labels": "binary",
    }  # fmt: skip
    return Recipe(**usual | settings)


# --- ratios -------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["alarm", "significant"])
def test_exact_ratios_come_equally_often_in_each_part(in_turn: Path, role: str) -> None:
    counts: dict[str, Counter[float]] = defaultdict(Counter)
    for event in mixed_events(in_turn):
        if event.role == role:
            counts[event.split][event.snr] += 1
    assert set(counts) == {"train", "validation", "test"}
    for count in counts.values():
        assert set(count) == set(EXACT)
        assert max(count.values()) - min(count.values()) <= 1


@given(
    counts=st.lists(st.integers(0, 40), min_size=3, max_size=3),
    events=st.lists(st.integers(1, 5), min_size=2, max_size=2).map(sorted),
    seed=st.integers(0, 99),
)
def test_exact_ratios_come_equally_often_wherever_the_parts_begin(
    counts: list[int], events: list[int], seed: int
) -> None:
    recipe, first = asked(events=tuple(events), seed=seed), 0
    for part, count in enumerate(counts):
        drawn: dict[str, Counter[float | None]] = defaultdict(Counter)
        for number in range(first, first + count):
            for role, place in events_of(number, {"significant": []}, recipe):
                drawn[role][draw_ratio(role, place, Turn(number, part, first), recipe)] += 1
        for found in drawn.values():
            times = [found[ratio] for ratio in EXACT]
            assert sum(times) == found.total()
            assert max(times) - min(times) <= 1
        first += count


def test_mixes_can_be_kept_by_ratio_and_by_sound(in_turn: Path) -> None:
    made = read_dataset(in_turn / "clips.csv")
    loud = made.where(label="alarm", snr_bin=15)
    assert len(loud) == 10
    assert {clip.metadata["snr"] for clip in loud} == {"15.00"}
    bells = made.where(alarm="bell")
    assert {clip.labels["label"] for clip in bells} == {"alarm"}


def test_ratios_of_a_range_are_binned_by_five_decibels(sounds: Path, tmp_path: Path) -> None:
    made = mixed(sounds, tmp_path / "out", n=60)
    for clip in made:
        if "snr" in clip.metadata:
            low, high = map(float, clip.metadata["snr_bin"].split(" to "))
            assert low <= float(clip.metadata["snr"]) <= high == low + 5.0


def test_a_faint_and_a_loud_recording_differ_by_nothing(sounds: Path, tmp_path: Path) -> None:
    heard = []
    for name, decibels in (("loud", -6.0), ("faint", -46.0)):
        for number in range(3):
            ring = gain(alarm("bell", 1.0, sample_rate=RATE, seed=number), decibels)
            write_audio(tmp_path / name / f"{number}.wav", ring, RATE, subtype="FLOAT")
        out = tmp_path / f"{name} mixes"
        mixed(sounds, out, alarms=tmp_path / name, significant=None, n=10, snr=[6.0])
        heard.append([event.snr_measured for event in mixed_events(out)])
    np.testing.assert_allclose(heard, 6.0, atol=0.01)


def test_by_a_weighted_loudness_a_low_tone_is_made_louder_by_what_the_ear_misses(
    sounds: Path, tmp_path: Path
) -> None:
    gains = {}
    for hertz in (100, 1000):
        for number in range(3):
            tone = 0.1 * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE + number)
            write_audio(tmp_path / f"{hertz}/{number}.wav", tone, RATE)
        for loudness in ("rms", "A"):
            out = tmp_path / f"{hertz} {loudness}"
            asked = {"alarms": tmp_path / f"{hertz}", "significant": None, "snr": (-20.0, -20.0)}
            mixed(sounds, out, **asked, n=10, loudness=loudness)
            told = [s["gain"] for _, s in sources(out) if s["role"] == "alarm"]
            gains[hertz, loudness] = np.array(told)
    np.testing.assert_allclose(gains[100, "rms"], gains[1000, "rms"], atol=0.2)
    missed = a_weighting(np.array([1000.0]))[0] - a_weighting(np.array([100.0]))[0]  # 19.1 dB
    np.testing.assert_allclose(gains[100, "A"] - gains[1000, "A"], missed, atol=0.5)


def test_every_background_is_brought_to_the_level_asked_for(sounds: Path, tmp_path: Path) -> None:
    mixed(sounds, tmp_path / "out", n=10, level=-35.0, significant=None, snr=(-5.0, 0.0))
    for line in lines(tmp_path / "out"):
        if line["label"] == "other":
            samples, _ = read_audio(tmp_path / "out" / line["file"])
            assert level(samples) == pytest.approx(-35.0, abs=0.05)


# --- banks --------------------------------------------------------------------------------------


def test_the_recordings_of_a_bank_are_taken_by_its_weight(sounds: Path, tmp_path: Path) -> None:
    banks = [
        Bank(sounds / "alarms", weight=3.0, where={"label": "bell"}),
        Bank(read_dataset(sounds / "alarms"), where={"label": "hi_lo"}),
    ]
    mixed(sounds, tmp_path / "out", alarms=banks, significant=None, n=240, duration=0.5)
    taken = Counter(s["label"] for _, s in sources(tmp_path / "out") if s["role"] == "alarm")
    assert taken["bell"] == pytest.approx(90, abs=8)  # of 120 mixes with an alarm


@given(
    weights=st.lists(st.floats(0.1, 10.0), min_size=1, max_size=12),
    seed=st.integers(0, 99),
    around=st.integers(0, 3),
)
def test_in_each_round_a_source_comes_as_often_as_its_weight_says(
    weights: list[float], seed: int, around: int
) -> None:
    recipe = asked(seed=seed)
    clip = Clip(Recording(Path("a.wav")))
    pool = [
        Source(clip, "alarm", "a.wav", str(n), 0.0, 1.0, "", "", weight)
        for n, weight in enumerate(weights)
    ]
    places = range(around * len(pool), (around + 1) * len(pool))
    drawn = Counter(draw_source("alarm", place, 0, pool, recipe).digest for place in places)
    for source in pool:
        wanted = source.weight / sum(weights) * len(pool)
        assert abs(drawn[source.digest] - wanted) < 1.0 + 1e-6


def test_several_data_sets_are_as_good_as_one(sounds: Path, tmp_path: Path) -> None:
    apart = [sounds / "alarms/bell", sounds / "alarms/hi_lo"]
    as_one = read_dataset(apart[0]) + read_dataset(apart[1])
    mixed(sounds, tmp_path / "several", alarms=apart, n=10)
    mixed(sounds, tmp_path / "one", alarms=as_one, n=10)
    assert digests(tmp_path / "several") == digests(tmp_path / "one")


def test_a_weight_that_is_no_weight_is_refused() -> None:
    with pytest.raises(DatasetError, match="weight of -1"):
        Bank("room", weight=-1)
