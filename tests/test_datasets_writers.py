"""Writers: what is read, written and read again is the same, licences and all."""

import shutil
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from commands import answered, printed
from labelled_sounds import RATE, garden_in, noise, table_in

from ossicle.audio import read_audio
from ossicle.datasets import (
    WRITTEN,
    Dataset,
    Tensor,
    make_task,
    read_dataset,
    read_tensor,
    write_dataset,
    write_tensor,
)
from ossicle.datasets.files import find
from ossicle.datasets.reading import _detected
from ossicle.errors import DatasetError
from ossicle.types import Clip, Recording

STRONG = ("audacity", "raven", "dcase")


@pytest.fixture
def garden(tmp_path: Path) -> Dataset:
    return garden_in(tmp_path / "garden")


@pytest.fixture
def sounds(tmp_path: Path) -> Dataset:
    return table_in(tmp_path / "sounds")


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


def test_one_file_of_labels_may_be_named(garden, tmp_path):
    for layout, name in (("audacity", "a.txt"), ("raven", "a.wav.selections.txt")):
        write_dataset(garden, tmp_path / layout, layout=layout)
        read = read_dataset(tmp_path / layout / name)
        assert (len(read), read.skipped) == (2, ())
    notes = tmp_path / "raven/notes.txt"
    notes.write_text("a fine day")
    with pytest.raises(DatasetError, match=r"notes\.txt holds no labels that are known"):
        read_dataset(notes)


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


def test_two_sounds_of_one_place_in_an_audiofolder_are_refused(tmp_path):
    for number, name in enumerate(("a.wav", "train/a.wav")):
        noise(tmp_path / "in" / name, 0.5, seed=number)
    (tmp_path / "in/clips.csv").write_text("path,label,split\na.wav,x,train\ntrain/a.wav,y,\n")
    with pytest.raises(DatasetError, match="would both be"):
        write_dataset(read_dataset(tmp_path / "in"), tmp_path / "hub", layout="audiofolder")


def test_sounds_whose_names_begin_alike_keep_their_own_label_tracks(tmp_path):
    for number, name in enumerate(("a.wav", "a.wav.wav", "b.wav")):
        noise(tmp_path / "in" / name, 0.5, seed=number)
    (tmp_path / "in/clips.csv").write_text("path,label\na.wav,x\na.wav.wav,y\nb.wav,z\n")
    write_dataset(read_dataset(tmp_path / "in"), tmp_path / "out", layout="audacity")
    again = read_dataset(tmp_path / "out", layout="audacity")
    assert {clip.path.name: clip.labels["label"] for clip in again} == {
        "a.wav": "x",
        "a.wav.wav": "y",
        "b.wav": "z",
    }


@pytest.mark.parametrize(
    ("layout", "name"),
    [
        ("audacity", "0.txt"),
        ("audacity", "0.wav"),
        ("raven", "0.wav.selections.txt"),
        ("dcase", "events.tsv"),
        ("dcase", "recordings.csv"),
        ("audiofolder", "metadata.csv"),
    ],
)
def test_an_export_writes_over_nothing_else(sounds, tmp_path, layout, name):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("mine")
    for _ in range(2):
        with pytest.raises(DatasetError, match="would be lost"):
            write_dataset(sounds, tmp_path / "out", layout=layout)
    assert (tmp_path / "out" / name).read_text() == "mine"
    (tmp_path / "out" / name).unlink()
    write_dataset(sounds, tmp_path / "out", layout=layout)
    write_dataset(sounds, tmp_path / "out", layout=layout)


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
    with pytest.raises(DatasetError, match=r"read it with read_tensor\(\)"):
        read_dataset(path)
    with h5py.File(path) as file:
        assert [d.label for d in file["input"].dims] == ["sample", "channel", "height", "width"]
        assert file["sample_names"].asstr()[0] == "0.wav"


def test_a_tensor_of_features_says_how_it_was_made(tmp_path):
    made_by = {"front_end": {"name": "mfcc", "n_mfcc": 40}, "window": 1.0}
    tensor = Tensor(np.zeros((1, 1, 40, 44)), np.array([0]), ("a",), ("no",), made_by=made_by)
    write_tensor(tmp_path / "a.h5", tensor)
    assert read_tensor(tmp_path / "a.h5").made_by == made_by


def test_clips_of_several_lengths_make_no_tensor(garden, tmp_path):
    with pytest.raises(DatasetError, match="a tensor needs equal ones"):
        write_dataset(garden.labelled(), tmp_path / "x.h5", layout="tensor")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sample_rate", np.inf),
        ("sample_rate", -5),
        ("sample_rate", 1e308),
        ("made_by", "[]"),
        ("made_by", "{"),
        ("made_by", "[" * 100_000),
        ("sample_names", "ab"),
        ("sample_names", [["a", "b"], ["c", "d"]]),
        ("output", 3),
        ("output", [0.0, 1.5]),
        ("output", [np.nan, 1.0]),
        ("output", np.zeros((2, 5))),
        ("output", np.zeros((2, 2, 2))),
    ],
)
def test_a_tensor_of_other_shapes_and_numbers_is_refused(tmp_path, name, value):
    path = tmp_path / "x.h5"
    write_tensor(path, Tensor(np.zeros((2, 1, 4, 4)), np.array([0, 1]), ("a", "b"), ("no", "yes")))
    with h5py.File(path, "r+") as file:
        if name in ("sample_rate", "made_by"):
            file.attrs[name] = value
        else:
            del file[name]
            file[name] = value
    with pytest.raises(DatasetError, match=r"x\.h5"):
        read_tensor(path)


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


# --- command line ---------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", WRITTEN)
def test_data_export_writes_every_layout(sounds, tmp_path, layout):
    out = tmp_path / ("out.h5" if layout == "tensor" else "out")
    done = answered("data", "export", tmp_path / "sounds", "--to", layout, "--out", out)
    assert (done["n_clips"], done["licences"]) == (4, {"CC BY 3.0": 4})
    if layout != "tensor":
        assert len(read_dataset(out)) == 4


def test_windows_of_strong_labels_are_exported_as_a_table_to_learn_from(garden, tmp_path):
    write_dataset(garden, tmp_path / "raven", layout="raven")
    words = ("data", "export", tmp_path / "raven", "--to", "csv", "--out", tmp_path / "w.csv")
    assert answered(*words, "--window", 0.5, "--window-hop", 0.25)["n_clips"] == 3 * 7
    windows = read_dataset(tmp_path / "w.csv")
    assert windows.clips == read_dataset(tmp_path / "raven").windows(0.5, 0.25).clips
    assert len(set(windows.groups.tolist())) == 3
    for _, train, test in windows.folds():
        assert not {clip.path for clip in train} & {clip.path for clip in test}


def test_export_names_the_labels_that_no_window_bears(tmp_path):
    (tmp_path / "birds").mkdir()
    noise(tmp_path / "birds" / "1.wav", 4.0)
    (tmp_path / "birds" / "1.txt").write_text("0.2\t1.8\tsong\n1.8\t1.9\tcall\n")
    words = ("data", "export", tmp_path / "birds", "--to", "csv", "--window", 2)
    assert answered(*words, "--out", tmp_path / "long.csv")["lost"] == ["call"]
    assert "no window bears call" in printed(*words, "--out", tmp_path / "again.csv")
