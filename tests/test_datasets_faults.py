"""Faults are found and named, licences have one name, and the verbs keep to both."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import answered, printed, refused, typed
from labelled_sounds import RATE, garden_in, noise, table_in

from ossicle.audio import read_audio, write_audio
from ossicle.datasets import Dataset, find_faults, licence_name, read_dataset, write_dataset
from ossicle.datasets.licences import is_allowed
from ossicle.errors import DatasetError
from ossicle.types import Recording


@pytest.fixture
def garden(tmp_path: Path) -> Dataset:
    return garden_in(tmp_path / "garden")


@pytest.fixture
def sounds(tmp_path: Path) -> Dataset:
    return table_in(tmp_path / "sounds")


# --- licences -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "name"), [
    ("CC BY 4.0", "CC BY 4.0"), ("CC-BY-4.0", "CC BY 4.0"), ("cc_by_4.0", "CC BY 4.0"),
    ("http://creativecommons.org/licenses/by/4.0/", "CC BY 4.0"),
    ("https://creativecommons.org/licenses/by-nc/3.0/deed.de", "CC BY-NC 3.0"),
    ("Creative Commons Attribution 4.0 International License", "CC BY 4.0"),
    ("Attribution-NonCommercial-ShareAlike 4.0 International", "CC BY-NC-SA 4.0"),
    ("Attribution Noncommercial", "CC BY-NC"), ("CC-BY", "CC BY"), ("cc by-sa 3", "CC BY-SA 3.0"),
    ("CC0", "CC0"), ("Creative Commons 0", "CC0"), ("CC0 1.0 Universal", "CC0"),
    ("http://creativecommons.org/publicdomain/zero/1.0/", "CC0"),
    ("CC-Sampling+", "CC-Sampling+"), ("MIT", "MIT"), ("all  rights", "all rights"),
    ("CC-BY-4.0 + cc0", "CC BY 4.0 + CC0"), ("", ""),
])  # fmt: skip
def test_a_licence_has_one_name(text, name):
    assert licence_name(text) == name
    assert licence_name(name) == name


def test_a_stricter_licence_is_never_let_through():
    free = ["CC0", "CC BY"]
    assert all(is_allowed(text, free) for text in ("cc0", "CC-BY-2.5", "CC0 + CC BY 4.0"))
    strict = ["CC BY-NC", "CC BY-ND 4.0", "CC BY-SA", "", "CC0 + unknown", "CC-Sampling+", "by"]
    assert [text for text in strict if is_allowed(text, free)] == ["by"]
    assert not is_allowed("CC BY", ["CC BY 4.0"])
    assert is_allowed("", ["not stated"])
    with pytest.raises(DatasetError, match="a list of licences"):
        is_allowed("CC0", "CC0")


def test_a_data_set_is_filtered_by_licence_and_tells_whom_to_thank(garden):
    free = garden.licensed(("CC0", "CC BY"))
    assert {clip.path.name for clip in free} == {"a.wav", "c.flac"}
    assert garden.attribution().splitlines() == [
        "a.wav: by Ann, https://example.org/1, CC BY 4.0",
        "c.flac: by Bob; Ben, CC0",
        "d.wav: by =1+1, CC BY-NC 3.0",
    ]


def test_a_licence_of_the_whole_fills_what_is_not_told(sounds):
    blank = replace(
        sounds, clips=(replace(sounds[0], recording=Recording(sounds[0].path)), *sounds[1:])
    )
    filled = blank.with_licence("CC0", author="Eve")
    assert [(c.recording.licence, c.recording.author) for c in filled][:2] == [
        ("CC0", "Eve"),
        ("CC-BY-3.0", "Ann"),
    ]


# --- faults ---------------------------------------------------------------------------------------


def test_every_kind_of_fault_is_found(tmp_path):
    for label in ("dog", "cat"):
        for number in range(5):
            noise(tmp_path / label / f"{number}.wav", 0.5, seed=10 * ord(label[0]) + number)
    assert find_faults(read_dataset(tmp_path)) == ()
    write_audio(tmp_path / "dog/silent.wav", np.zeros(4000), RATE)
    write_audio(tmp_path / "dog/cut.wav", np.clip(3 * np.sin(np.arange(4000)), -1, 1), RATE)
    noise(tmp_path / "dog/short.wav", 0.01, seed=7)
    noise(tmp_path / "dog/long.wav", 6.0, seed=8)
    noise(tmp_path / "dog/rate.wav", 0.5, seed=9, rate=16_000)
    noise(tmp_path / "Cat/rare.wav", 0.5, seed=10)
    (tmp_path / "dog/broken.wav").write_bytes((tmp_path / "dog/0.wav").read_bytes()[:60])
    shutil.copy(tmp_path / "dog/1.wav", tmp_path / "dog/same_bytes.wav")
    samples, rate = read_audio(tmp_path / "dog/2.wav")
    write_audio(tmp_path / "dog/same_samples.flac", samples, rate)
    found = [(fault.kind, fault.name) for fault in find_faults(read_dataset(tmp_path))]
    assert sorted(found) == sorted(
        [
            ("unreadable", "broken.wav"),
            ("silent", "silent.wav"),
            ("clipped", "cut.wav"),
            ("length", "short.wav"),
            ("length", "long.wav"),
            ("rates", tmp_path.name),
            ("labels", "label"),
            ("labels", "Cat"),
            ("duplicates", "dog/1.wav = dog/same_bytes.wav"),
            ("duplicates", "dog/2.wav = dog/same_samples.flac"),
        ]
    )


def test_a_group_in_two_splits_is_a_fault_and_a_silent_background_none(tmp_path):
    rows = ["path,label,split,group"]
    for number in range(10):
        label = ("siren", "silence")[number % 2]
        level = 0.0 if label == "silence" else 0.1
        tone = level * np.sin(np.arange(4000 + number) / 5)
        write_audio(tmp_path / f"{number}.wav", tone, RATE)
        rows.append(f"{number}.wav,{label},{'train' if number < 8 else 'test'},g{number % 9}")
    (tmp_path / "clips.csv").write_text("\n".join(rows))
    assert [(f.kind, f.name) for f in find_faults(read_dataset(tmp_path))] == [("crossing", "g0")]


# --- command line ---


def test_data_check_fails_on_faults_and_passes_what_is_allowed(sounds, tmp_path):
    run = typed("data", "check", tmp_path / "sounds", "--json")
    report = json.loads(run.stdout)
    assert (run.exit_code, report["ok"]) == (1, False)
    assert {fault["kind"] for fault in report["faults"]} == {"labels"}
    assert answered("data", "check", tmp_path / "sounds", "--allow", "labels")["ok"]
    assert "1 fault" not in printed("data", "check", tmp_path / "sounds", "--allow", "labels")
    assert "did you mean 'labels'" in refused(
        1, "data", "check", tmp_path / "sounds", "--allow", "label"
    )


def test_data_info_and_export_keep_to_a_licence(garden, tmp_path):
    write_dataset(garden, tmp_path / "raven", layout="raven")
    free = ("--licence", "CC0", "--licence", "CC BY")
    assert answered("data", "info", tmp_path / "raven", *free)["n_clips"] == 3
    told = printed("data", "info", tmp_path / "raven", *free, "--attribution")
    assert told.splitlines() == garden.licensed(("CC0", "CC BY")).attribution().splitlines()
    message = refused(
        1,
        "data",
        "export",
        tmp_path / "raven",
        "--to",
        "csv",
        "--out",
        tmp_path / "x.csv",
        "--licence",
        "MIT",
    )
    assert "no clip has the licence MIT; there are: CC BY 4.0, CC BY-NC 3.0, CC0" in message


def test_data_split_writes_one_table_that_reads_as_an_official_split(tmp_path):
    for number in range(12):
        noise(tmp_path / "in" / "ab"[number % 2] / f"{number}.wav", 0.1, seed=number)
    counts = answered("data", "split", tmp_path / "in", "--out", tmp_path / "in/lists")
    dataset = read_dataset(tmp_path / "in/lists")
    assert [len(part) for part in dataset.official_split()] == list(counts.values())
    assert len(dataset) == 12
    message = refused(
        1, "data", "split", tmp_path / "in/lists/clips.csv", "--out", tmp_path / "in/lists"
    )
    assert "could be written over" in message
