"""Mixing several events, in rooms: what the tables say of each."""

import csv
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mixed_sounds import RATE, digests, lines, mixed, sources, write_sounds

from ossicle.audio import (
    active_level,
    background,
    gain,
    level,
    read_audio,
    room_response,
    write_audio,
)
from ossicle.datasets import Bank, mixed_events, read_dataset
from ossicle.errors import DatasetError

EXACT = (-5.0, 0.0, 5.0, 10.0, 15.0)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sounds(tmp_path_factory.mktemp("sounds"))


@pytest.fixture(scope="module")
def in_turn(sounds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("mixed") / "out"
    mixed(sounds, out, n=100, events=(1, 3), overlap=False, snr=EXACT, rooms=(0.2, 0.5))
    return out


# --- events -------------------------------------------------------------------------------------


def roles_of(line: dict[str, Any]) -> list[str]:
    return [source["role"] for source in line["sources"]]


def test_mixes_with_an_alarm_hold_as_many_events_as_asked_for(in_turn: Path) -> None:
    counts = Counter(len(line["events"]) for line in lines(in_turn) if line["label"] == "alarm")
    assert set(counts) == {1, 2, 3}
    assert max(counts.values()) - min(counts.values()) <= 1


def test_the_mix_without_an_alarm_holds_the_significant_sounds_of_the_one_with(
    in_turn: Path,
) -> None:
    told = lines(in_turn)
    for with_alarm, without in zip(told[::2], told[1::2], strict=True):
        heard = [
            [source["path"] for source in line["sources"] if source["role"] == "significant"]
            for line in (with_alarm, without)
        ]
        assert heard[0] == heard[1]
        assert "alarm" in roles_of(with_alarm)
        assert "alarm" not in roles_of(without)


def test_events_in_turn_do_not_overlap_and_come_in_any_order(in_turn: Path) -> None:
    alarm_is_first = set()
    for line in lines(in_turn):
        for earlier, later in pairwise(line["events"]):
            assert earlier["offset"] <= later["onset"]
        if len(line["events"]) > 1 and line["label"] == "alarm":
            alarm_is_first.add(line["events"][0]["role"] == "alarm")
    assert alarm_is_first == {True, False}


def test_events_may_overlap_and_then_the_lower_is_measured_below_its_drawn_ratio(
    sounds: Path, tmp_path: Path
) -> None:
    mixed(sounds, tmp_path / "out", events=(2, 2))
    below = [
        event["snr_measured"] < event["snr"] - 0.5
        for line in lines(tmp_path / "out")
        for event in line["events"]
        if event["role"] == "significant" and line["label"] == "alarm"
    ]
    assert sum(below) > len(below) / 2
    alone = [e for line in lines(tmp_path / "out")[1::2] for e in line["events"]]
    assert all(event["snr_measured"] == pytest.approx(event["snr"], abs=0.01) for event in alone)


def test_without_significant_sounds_there_are_no_several_events(
    sounds: Path, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match="events 2 to 3, one of them an alarm, need significant"):
        mixed(sounds, tmp_path / "out", significant=None, events=(2, 3))


# --- strong labels ------------------------------------------------------------------------------


def test_the_table_of_events_says_what_the_provenance_says(in_turn: Path) -> None:
    with (in_turn / "events.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:5] == ["filename", "onset", "offset", "label", "snr"]
    told = [(line["file"], event) for line in lines(in_turn) for event in line["events"]]
    assert len(rows) == len(told)
    for row, (file, event) in zip(rows, told, strict=True):
        assert row["filename"] == file
        assert all(row[name] == str(event[name]) for name in event)


def test_an_event_sounds_from_its_onset_to_its_offset_and_the_ends_are_silent(
    sounds: Path, tmp_path: Path
) -> None:
    padded = np.concatenate([np.zeros(RATE // 4), np.ones(RATE // 2), np.zeros(RATE // 4)])
    for number in range(3):
        tone = padded * np.sin(np.arange(RATE) * (0.3 + number / 10))
        write_audio(tmp_path / f"alarms/{number}.wav", 0.5 * tone, RATE)
    mixed(sounds, tmp_path / "out", alarms=tmp_path / "alarms", significant=None, snr=(30.0, 30.0))
    room, _ = read_audio(sounds / "room/fan.wav")
    for line in lines(tmp_path / "out")[::2]:
        (event,), (bed, laid) = line["events"], line["sources"]
        samples, _ = read_audio(tmp_path / "out" / line["file"])
        under = gain(room[round(bed["start"] * RATE) :][:RATE], bed["gain"])
        loud = np.flatnonzero(np.abs(samples - under) > 0.05 * np.abs(samples).max())
        assert event["onset"] == pytest.approx(loud[0] / RATE, abs=0.01)
        assert event["offset"] == pytest.approx((loud[-1] + 1) / RATE, abs=0.01)
        assert event["offset"] - event["onset"] <= min(laid["duration"], 0.501)


def test_events_are_read_back_for_all_mixes_or_for_some(in_turn: Path) -> None:
    made = read_dataset(in_turn / "clips.csv")
    everything = mixed_events(in_turn)
    assert mixed_events(made) == everything
    test = made.where(split="test")
    assert mixed_events(test) == [event for event in everything if event.split == "test"]


def test_a_folder_without_events_is_refused(sounds: Path) -> None:
    with pytest.raises(DatasetError, match=r"events\.csv cannot be read.*were these made by it"):
        mixed_events(sounds)


# --- rooms --------------------------------------------------------------------------------------


def test_each_mix_has_a_room_of_its_own_within_the_range(in_turn: Path) -> None:
    rooms = [line["room"] for line in lines(in_turn)]
    assert all(0.2 <= room["rt60"] <= 0.5 for room in rooms)
    assert len({tuple(room.values()) for room in rooms}) == len(rooms)
    made = read_dataset(in_turn / "clips.csv")
    assert [float(clip.metadata["rt60"]) for clip in made] == [room["rt60"] for room in rooms]


def test_the_ratio_is_kept_in_a_room(in_turn: Path) -> None:
    alarms = [event for event in mixed_events(in_turn) if event.role == "alarm"]
    assert all(event.snr_measured == pytest.approx(event.snr, abs=1.5) for event in alarms)


def test_only_events_are_reverberated_and_go_on_sounding(sounds: Path, tmp_path: Path) -> None:
    for number in range(3):
        burst = 0.5 * np.random.default_rng(number).uniform(-1, 1, RATE // 10)
        write_audio(tmp_path / f"other/thud/{number}.wav", burst, RATE)
    settings = {"significant": tmp_path / "other", "snr": (30.0, 30.0), "events": (2, 2)}
    mixed(sounds, tmp_path / "dry", **settings)
    mixed(sounds, tmp_path / "wet", **settings, rooms=(0.5, 0.5))
    tails = []
    for dry, wet in zip(lines(tmp_path / "dry")[1::2], lines(tmp_path / "wet")[1::2], strict=True):
        assert dry["sources"][0]["start"] == wet["sources"][0]["start"]
        after = round((dry["events"][0]["offset"] + 0.01) * RATE)
        heard = [
            gain(read_audio(tmp_path / name / line["file"])[0], -line["sources"][0]["gain"])
            for name, line in (("dry", dry), ("wet", wet))
        ]
        if after < 0.7 * RATE:
            tails.append(level(heard[1][after : after + 800]) - level(heard[0][after:][:800]))
    assert np.median(tails) > 3.0


def test_no_recorded_room_is_in_two_parts_and_its_licence_travels(
    sounds: Path, tmp_path: Path
) -> None:
    rows = ["path,licence,author"]
    for number in range(5):
        response = 0.9 * room_response(sample_rate=RATE, rt60=0.3, seed=number)
        write_audio(tmp_path / f"{number}.wav", response, RATE)
        rows.append(f"{number}.wav,CC BY 4.0,Sabine")
    (tmp_path / "rooms.csv").write_text("\n".join(rows))
    made = mixed(sounds, tmp_path / "out", rooms=tmp_path / "rooms.csv")
    parts: dict[str, set[str]] = defaultdict(set)
    for line in lines(tmp_path / "out"):
        parts[line["room"]["digest"]].add(line["split"])
        assert line["room"]["author"] == "Sabine"
    assert len(parts) == 5
    assert all(len(found) == 1 for found in parts.values())
    assert {clip.recording.licence for clip in made} == {"CC BY 4.0 + unknown"}


# --- the bytes ----------------------------------------------------------------------------------


def test_any_number_of_processes_makes_the_same_bytes(
    sounds: Path, in_turn: Path, tmp_path: Path
) -> None:
    calls: list[tuple[int, int]] = []
    mixed(
        sounds, tmp_path / "out", n=100, events=(1, 3), overlap=False, snr=list(EXACT),
        rooms=[0.2, 0.5], n_jobs=2, progress=lambda done, total: calls.append((done, total)),
    )  # fmt: skip
    assert digests(tmp_path / "out") == digests(in_turn)
    assert calls == [(done, 100) for done in range(1, 101)]


def test_a_lost_table_is_made_again(sounds: Path, tmp_path: Path) -> None:
    mixed(sounds, tmp_path / "out", n=10)
    before = digests(tmp_path / "out")
    (tmp_path / "out/events.csv").unlink()
    mixed(sounds, tmp_path / "out", n=10)
    assert digests(tmp_path / "out") == before


def test_mixes_in_rooms_do_not_clip_and_their_events_are_above_silence(in_turn: Path) -> None:
    for line in lines(in_turn):
        samples, _ = read_audio(in_turn / line["file"])
        assert np.count_nonzero(np.abs(samples) > 0.9999) <= 1
        assert active_level(samples) > -70.0


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"snr": ()}, "exact ratios, from -100 to 100 dB, are allowed"),
        ({"snr": (0.0, 5.0, 200.0)}, "snr 0 to 5 to 200"),
        ({"events": (0, 2)}, "events 0 to 2"),
        ({"events": (3, 2)}, "the lesser first"),
        ({"level": 3.0}, "level of 3.0 dBFS"),
        ({"loudness": "C"}, "loudness='C'"),
        ({"rooms": (0.5, 0.2)}, r"rooms of 0\.5 to 0\.2 s"),
        ({"rooms": (0.0, 0.2)}, r"rooms of 0 to 0\.2 s"),
        ({"rooms": (0.2,)}, r"rooms of 0\.2 s"),
        ({"events": (1,)}, "events 1; two whole numbers"),
        ({"events": (1.5, 2)}, r"events 1\.5 to 2"),
    ],
)
def test_settings_of_events_out_of_range_are_refused_by_value(
    settings: dict[str, Any], match: str, sounds: Path, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match=match):
        mixed(sounds, tmp_path / "out", **settings)
    assert not (tmp_path / "out").exists()


def test_backgrounds_of_few_and_many_recordings_are_dealt_together(
    sounds: Path, tmp_path: Path
) -> None:
    for seed in range(4):
        noise = background("rain", 2.0, sample_rate=RATE, seed=seed)
        write_audio(tmp_path / f"rain/{seed}.wav", noise, RATE)
    banks = [sounds / "room", Bank(tmp_path / "rain", weight=0.5)]
    mixed(sounds, tmp_path / "out", background=banks)
    parts: dict[str, set[str]] = defaultdict(set)
    for line, source in sources(tmp_path / "out"):
        if source["role"] == "background":
            parts[source["digest"]].add(line["split"])
    assert len(parts) == 5
    assert all(len(found) == 1 for found in parts.values())
