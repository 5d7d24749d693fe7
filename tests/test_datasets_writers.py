"""Writers: what is read, written and read again is the same, licences and all."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from commands import answered, printed, refused, typed

from ossicle.audio import read_audio, write_audio
from ossicle.datasets import (
    WRITTEN,
    Dataset,
    Tensor,
    find_faults,
    licence_name,
    make_task,
    read_dataset,
    read_tensor,
    write_dataset,
    write_tensor,
)
from ossicle.datasets.files import find
from ossicle.datasets.licences import is_allowed
from ossicle.datasets.reading import _detected
from ossicle.errors import DatasetError
from ossicle.types import Clip, Recording

RATE = 8_000
STRONG = ("audacity", "raven", "dcase")


def noise(path: Path, seconds: float = 2.0, *, seed: int = 0, rate: int = RATE) -> Path:
    write_audio(path, np.random.default_rng(seed).normal(0, 0.1, round(seconds * rate)), rate)
    return path


@pytest.fixture
def garden(tmp_path: Path) -> Dataset:
    """Three recordings, two of them with events, one looked at in vain."""
    root = tmp_path / "garden"
    about = {
        "a.wav": Recording(root / "a.wav", "CC BY 4.0", "Ann", "https://example.org/1", "m", "oak"),
        "b/c.flac": Recording(root / "b/c.flac", "CC0", "Bob; Ben", "", "", ""),
        "b/d.wav": Recording(root / "b/d.wav", "CC BY-NC 3.0", "=1+1", "", "", ""),
    }
    for seed, recording in enumerate(about.values()):
        noise(recording.path, seed=seed)
    rows = [("a.wav", 0.1, 0.3, "trill"), ("a.wav", 1 / 3, 2 / 3, "größer, lauter")]
    rows += [("b/c.flac", 0.5, 1.25, '=HYPERLINK("x")')]
    parts = {"a.wav": ("east", 1, "train"), "b/c.flac": ("", 2, "test"), "b/d.wav": ("", 2, "test")}
    clips = [
        Clip(about[name], start, end, {"label": label}) for name, start, end, label in rows
    ] + [Clip(about["b/d.wav"])]
    dealt = [
        replace(clip, group=group, fold=fold, split=split)
        for clip in clips
        for group, fold, split in [parts[clip.path.relative_to(root).as_posix()]]
    ]
    labels = {label for *_, label in rows}
    return Dataset(tuple(dealt), (make_task("label", labels),), name="garden")


def alone(clip: Clip) -> Dataset:
    return Dataset((clip,), (make_task("label", clip.labels.values()),))


def moved(dataset: Dataset, old: Path, new: Path) -> tuple[Clip, ...]:
    """The clips as if they lay in another folder."""
    return tuple(
        replace(c, recording=replace(c.recording, path=new / c.path.relative_to(old)))
        for c in dataset
    )


# --- strong labels --------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", STRONG)
def test_strong_labels_are_written_and_read_again_equal(garden, tmp_path, layout):
    out = tmp_path / "out"
    write_dataset(garden, out, layout=layout)
    again = read_dataset(out)
    assert _detected(find(out)).name == layout
    assert again.clips == moved(garden, tmp_path / "garden", out)
    assert again.tasks == garden.tasks
    assert again.skipped == ()
    assert again.attribution() == garden.attribution()
    write_dataset(again, tmp_path / "twice", layout=layout)
    files = [p.relative_to(out) for p in sorted(out.rglob("*")) if p.is_file()]
    assert all((out / p).read_bytes() == (tmp_path / "twice" / p).read_bytes() for p in files)


@pytest.mark.parametrize("layout", STRONG)
def test_labels_alone_are_written_without_sounds(garden, tmp_path, layout):
    out = tmp_path / "out"
    write_dataset(garden, out, layout=layout, copy=False)
    assert {p.suffix for p in out.rglob("*") if p.is_file()} <= {".txt", ".tsv", ".csv"}
    shutil.copytree(tmp_path / "garden", out, dirs_exist_ok=True)
    assert [c.labels for c in read_dataset(out)] == [c.labels for c in garden]


@pytest.mark.parametrize("layout", STRONG)
@pytest.mark.parametrize("label", ["two\nlines", "tab\there", "bell\x07", "\u202eevil", " blank "])
def test_a_label_that_a_line_cannot_hold_is_refused(tmp_path, layout, label):
    clip = Clip(Recording(noise(tmp_path / "1.wav")), 0.0, 1.0, {"label": label})
    with pytest.raises(DatasetError, match="cannot stand on a line of labels"):
        write_dataset(
            Dataset((clip,), (make_task("label", [label]),)), tmp_path / "out", layout=layout
        )


@pytest.mark.parametrize("layout", [*STRONG, "audiofolder"])
@pytest.mark.parametrize("name", ["two\nlines.wav", "bell\x07.wav", "\u202eevil.wav"])
def test_a_hostile_name_of_a_file_is_refused(tmp_path, layout, name):
    clip = Clip(Recording(noise(tmp_path / name)), 0.0, 1.0, {"label": "x"})
    with pytest.raises(DatasetError, match="cannot be exported under its name"):
        write_dataset(alone(clip), tmp_path / "out", layout=layout)


def test_audacity_passes_over_frequencies_and_lists_points(tmp_path):
    noise(tmp_path / "1.wav")
    noise(tmp_path / "2.wav")
    noise(tmp_path / "3.wav")
    (tmp_path / "1.txt").write_text(
        "0.500000\t1.000000\ttrill\n\\\t2000.5\t4000.0\n1.2\t1.2\tpoint\n\\\t-1\t-1\n1,5\t1,75\tchirp\n"
        "1.8\t1.9\t\n"
    )
    (tmp_path / "2.wav.txt").write_text("")
    dataset = read_dataset(tmp_path)
    assert [(c.path.name, c.start, c.end, dict(c.labels)) for c in dataset] == [
        ("1.wav", 0.5, 1.0, {"label": "trill"}),
        ("1.wav", 1.5, 1.75, {"label": "chirp"}),
        ("2.wav", 0.0, None, {}),
    ]
    assert dict(dataset.skipped) == {
        "1.txt, line 3": "a point in time",
        "1.txt, line 6": "no label",
        "3.wav": "belongs to no label",
    }
    assert len(dataset.labelled()) == 2


@pytest.mark.parametrize("line", ["1.0\t0.5\tx", "soon\t1\tx", "-1\t1\tx", "1.0", "nan\t1\tx"])
def test_a_bad_line_of_a_label_track_is_named(tmp_path, line):
    noise(tmp_path / "1.wav")
    (tmp_path / "1.txt").write_text(f"0\t1\tx\n{line}\n")
    with pytest.raises(DatasetError, match=r"1\.txt, line 2"):
        read_dataset(tmp_path)


def test_two_sounds_of_one_track_are_refused(tmp_path):
    noise(tmp_path / "1.wav")
    noise(tmp_path / "1.flac")
    (tmp_path / "1.txt").write_text("0\t1\tx\n")
    with pytest.raises(DatasetError, match=r"1\.txt lies beside 1\.flac and 1\.wav"):
        read_dataset(tmp_path)


def test_raven_reads_offsets_views_and_other_peoples_paths(tmp_path):
    noise(tmp_path / "day/1.wav")
    noise(tmp_path / "day/2.wav")
    header = "Selection\tView\tBegin Time (s)\tEnd Time (s)\tBegin File\tFile Offset (s)\tSpecies"
    rows = [
        "1\tWaveform 1\t0.5\t1.0\t1.wav\t0.5\twren",
        "1\tSpectrogram 1\t0.5\t1.0\t1.wav\t0.5\twren",
        "2\tSpectrogram 1\t2.5\t3.0\t..\\2.wav\t0.5\ttit",
        "3\tSpectrogram 1\t0\t1\tC:\\birds\\lost.wav\t0\ttit",
    ]
    (tmp_path / "all.selections.txt").write_text("\n".join([header, *rows]))
    dataset = read_dataset(tmp_path)
    assert [(c.path.name, c.start, c.end, c.labels["label"]) for c in dataset] == [
        ("1.wav", 0.5, 1.0, "wren"),
        ("2.wav", 0.5, 1.0, "tit"),
    ]
    assert dataset.skipped == (("all.selections.txt, line 5", "no such file: lost.wav"),)


def test_dcase_reads_weak_labels_scenes_and_parts(tmp_path):
    for name in ("1.wav", "2.wav"):
        noise(tmp_path / "weak/audio" / name)
        noise(tmp_path / "scenes" / name)
    (tmp_path / "weak/train.tsv").write_text("filename\tevent_labels\n1.wav\tdog,cat\n2.wav\tdog\n")
    (tmp_path / "scenes/meta.tsv").write_text("filename\tscene_label\n1.wav\tpark\n2.wav\tbus\n")
    weak, scenes = read_dataset(tmp_path / "weak"), read_dataset(tmp_path / "scenes")
    assert (weak.task().kind, weak.indicators().tolist()) == (
        "multilabel",
        [[True, True], [False, True]],
    )
    assert {clip.split for clip in weak} == {"train"}
    assert scenes.labels().tolist() == ["park", "bus"]
    assert read_dataset(tmp_path / "scenes/meta.tsv").labels().tolist() == ["park", "bus"]


# --- tables and folders ---------------------------------------------------------------------------


@pytest.fixture
def sounds(tmp_path: Path) -> Dataset:
    """Whole clips with a table."""
    root = tmp_path / "sounds"
    rows = ["path,label,split,group,licence,author,source,mood"]
    for number, split in enumerate(("train", "train", "validation", "test")):
        noise(root / f"{number}.wav", 0.5, seed=number)
        rows.append(
            f"{number}.wav,{'ab'[number % 2]},{split},g{number},CC-BY-3.0,Ann,site,=1+{number}"
        )
    (root / "clips.csv").write_text("\n".join(rows))
    return read_dataset(root)


def test_audiofolder_is_written_and_read_again_equal(sounds, tmp_path):
    write_dataset(sounds, tmp_path / "hub", layout="audiofolder")
    again = read_dataset(tmp_path / "hub")
    assert _detected(find(tmp_path / "hub")).name == "audiofolder"
    assert (tmp_path / "hub/validation/2.wav").is_file()
    assert [replace(c, recording=replace(c.recording, path=Path(c.path.name))) for c in again] == [
        replace(c, recording=replace(c.recording, path=Path(c.path.name))) for c in sounds
    ]
    assert (again.tasks, again.skipped) == (sounds.tasks, ())
    rows = (tmp_path / "hub/metadata.csv").read_text().splitlines()
    assert rows[0].startswith("file_name,label,")


def test_audiofolder_cuts_excerpts_and_keeps_them_in_their_group(garden, tmp_path):
    write_dataset(garden.labelled(), tmp_path / "hub", layout="audiofolder")
    again = read_dataset(tmp_path / "hub")
    assert again.labels().tolist() == garden.labelled().labels().tolist()
    assert [len(read_audio(clip.path)[0]) for clip in again] == [1600, 2666, 6000]
    assert len(set(again.groups.tolist())) == len(set(garden.labelled().groups.tolist())) == 2


@pytest.mark.parametrize("name", ["clips.csv", "folder"])
def test_csv_is_written_and_read_again_equal(sounds, tmp_path, name):
    write_dataset(sounds, tmp_path / name, layout="csv")
    again = read_dataset(tmp_path / name)
    assert (again.clips, again.tasks) == (sounds.clips, sounds.tasks)


def test_an_unknown_layout_to_write_is_named(sounds, tmp_path):
    with pytest.raises(DatasetError, match="did you mean 'audacity'"):
        write_dataset(sounds, tmp_path, layout="audacty")


# --- tensors --------------------------------------------------------------------------------------


def test_a_tensor_is_written_and_read_again_equal(sounds, tmp_path):
    path = tmp_path / "sounds.h5"
    write_dataset(sounds, path, layout="tensor")
    tensor = read_tensor(path)
    assert (tensor.input.shape, tensor.input.dtype) == ((4, 1, 1, 4000), np.float32)
    assert np.array_equal(tensor.input[1, 0, 0], read_audio(sounds[1].path)[0])
    assert tensor.output.tolist() == sounds.targets().tolist()
    assert (tensor.class_names, tensor.sample_names[0]) == (("a", "b"), "0.wav")
    assert (tensor.licences, tensor.authors, tensor.sample_rate) == (
        ("CC-BY-3.0",) * 4,
        ("Ann",) * 4,
        RATE,
    )
    write_tensor(tmp_path / "again.h5", tensor)
    assert (tmp_path / "again.h5").read_bytes() == path.read_bytes()
    with h5py.File(path) as file:
        assert [d.label for d in file["input"].dims] == ["sample", "channel", "height", "width"]
        assert file["sample_names"].asstr()[0] == "0.wav"


def test_clips_of_several_lengths_make_no_tensor(garden, tmp_path):
    with pytest.raises(DatasetError, match="a tensor needs equal ones"):
        write_dataset(garden.labelled(), tmp_path / "x.h5", layout="tensor")


@pytest.mark.parametrize("kind", ["external", "soft", "missing", "shape", "class", "text"])
def test_a_hostile_tensor_is_refused(tmp_path, kind):
    path, other = tmp_path / "x.h5", tmp_path / "other.h5"
    good = Tensor(np.zeros((2, 1, 4, 4)), np.array([0, 1]), ("a", "b"), ("no", "yes"))
    write_tensor(path, good)
    write_tensor(other, good)
    with h5py.File(path, "r+") as file:
        changed = {"shape": "sample_names", "class": "output"}.get(kind, "input")
        del file[changed]
        if kind == "external":
            file["input"] = h5py.ExternalLink("other.h5", "input")
        elif kind == "soft":
            file["input"] = h5py.SoftLink("/output")
        elif kind == "shape":
            file["sample_names"] = ["a"]
        elif kind == "class":
            file["output"] = [0, 7]
        elif kind == "text":
            file["input"] = ["a", "b"]
    with pytest.raises(DatasetError, match=r"x\.h5"):
        read_tensor(path)


def test_what_is_no_tensor_is_refused(tmp_path):
    (tmp_path / "x.h5").write_text("no")
    for name in ("x.h5", "missing.h5"):
        with pytest.raises(DatasetError, match=name):
            read_tensor(tmp_path / name)


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


# --- command line ---------------------------------------------------------------------------------


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


@pytest.mark.parametrize("layout", WRITTEN)
def test_data_export_writes_every_layout(sounds, tmp_path, layout):
    out = tmp_path / ("out.h5" if layout == "tensor" else "out")
    done = answered("data", "export", tmp_path / "sounds", "--to", layout, "--out", out)
    assert (done["n_clips"], done["licences"]) == (4, {"CC BY 3.0": 4})
    if layout != "tensor":
        assert len(read_dataset(out)) == 4


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
    assert "would be written over" in message
