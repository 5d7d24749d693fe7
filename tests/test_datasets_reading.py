"""Reading: the layout is found, every file is accounted for, mistakes are named where they are."""

import csv
import time
from pathlib import Path

import numpy as np
import pytest
from sounds import folders_of_tones

from ossicle.audio import write_audio
from ossicle.datasets import LAYOUTS, Dataset, read_dataset
from ossicle.errors import DatasetError


def touch(root: Path, *names: str) -> None:
    """Empty files: nothing is opened when a data set is read."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def table(path: Path, *rows: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def accounted(dataset: Dataset, root: Path) -> bool:
    """Whether every file below the root is used or skipped, and none twice."""
    used = [clip.path.relative_to(root).as_posix() for clip in dataset]
    skipped = [name for name, _ in dataset.skipped]
    tables = {path.relative_to(root).as_posix() for path in root.rglob("*.csv")} - set(skipped)
    there = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    return sorted([*used, *skipped]) == sorted(there - tables)


# --- folders --------------------------------------------------------------------------------------


def test_the_folder_is_the_label_whatever_the_case_and_depth(tmp_path):
    touch(tmp_path, "siren/1.WAV", "siren/deep/er/2.Flac", "other/3.mp3")
    dataset = read_dataset(tmp_path)
    assert dataset.labels().tolist() == ["other", "siren", "siren"]
    assert dataset.task().positive == "siren"
    assert dataset.name == tmp_path.name
    assert accounted(dataset, tmp_path)


def test_what_is_not_used_is_listed_with_its_reason(tmp_path):
    touch(tmp_path, "a/1.wav", "b/2.wav", "a/notes.txt", ".DS_Store", "a/._1.wav", "3.wav")
    dataset = read_dataset(tmp_path)
    assert dict(dataset.skipped) == {
        "3.wav": "not in the folder of a label",
        ".DS_Store": "hidden",
        "a/._1.wav": "hidden",
        "a/notes.txt": "not a sound file",
    }
    assert accounted(dataset, tmp_path)


def test_folders_of_official_parts_become_the_split(tmp_path):
    touch(tmp_path, "train/a/1.wav", "Val/a/2.wav", "test/b/3.wav", "train/b/4.wav")
    dataset = read_dataset(tmp_path)
    assert set(dataset.labels()) == {"a", "b"}
    assert [len(part) for part in dataset.official_split()] == [2, 1, 1]


def test_labels_may_be_called_like_parts(tmp_path):
    touch(tmp_path, "train/1.wav", "tram/2.wav")
    assert read_dataset(tmp_path).task().labels == ("train", "tram")
    assert not read_dataset(tmp_path).has_split


def test_a_flat_folder_is_recordings_without_a_task(tmp_path):
    touch(tmp_path, "kitchen.flac", "hall.ogg")
    dataset = read_dataset(tmp_path)
    assert (len(dataset), dataset.tasks) == (2, ())
    with pytest.raises(DatasetError, match="2 recordings have no labels"):
        dataset.task()


def test_a_lone_audio_folder_is_no_label(tmp_path):
    touch(tmp_path, "audio/1.wav", "audio/2.wav")
    assert read_dataset(tmp_path).tasks == ()


@pytest.mark.parametrize("column", ["label", "event_label", "syllable"])
def test_a_table_of_onsets_and_offsets_gives_labelled_excerpts(tmp_path, column):
    touch(tmp_path, "audio/1.wav")
    table(tmp_path / "events.csv", f"filename,onset,offset,{column}", "1.wav,0.1,0.2,a")
    (clip,) = dataset = read_dataset(tmp_path)
    assert (clip.start, clip.end, clip.labels["label"]) == (0.1, 0.2, "a")
    assert dataset.skipped == ()


def test_a_table_of_clips_comes_before_the_events_in_them(tmp_path):
    touch(tmp_path, "audio/1.wav")
    table(tmp_path / "events.csv", "filename,onset,offset,label", "audio/1.wav,0.1,0.2,a")
    table(tmp_path / "clips.csv", "path,label", "audio/1.wav,b")
    dataset = read_dataset(tmp_path)
    assert (dataset.labels().tolist(), dataset.skipped) == (["b"], ())
    assert read_dataset(tmp_path / "events.csv")[0].end == 0.2


def test_an_offset_without_an_onset_is_no_time(tmp_path):
    touch(tmp_path, "1.wav")
    (clip,) = read_dataset(table(tmp_path / "c.csv", "path,start,offset", "1.wav,0.5,-3"))
    assert (clip.end, dict(clip.metadata), dict(clip.labels)) == (None, {"offset": "-3"}, {})


def test_linked_folders_are_not_followed_into_a_circle(tmp_path):
    touch(tmp_path, "a/1.wav", "b/2.wav")
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    dataset = read_dataset(tmp_path)
    assert len(dataset) == 2
    assert ("a/again", "a link to a folder, not followed") in dataset.skipped


def test_one_sound_is_a_data_set_of_one(tmp_path):
    touch(tmp_path, "a.wav", "b.wav")
    assert [clip.id for clip in read_dataset(tmp_path / "a.wav")] == ["a.wav"]


# --- tables ---------------------------------------------------------------------------------------


def test_the_columns_of_a_csv_are_understood(tmp_path):
    touch(tmp_path, "x/1.wav")
    table(
        tmp_path / "clips.csv",
        "path,label,start,end,fold,split,group,licence,author,mood",
        "x/1.wav,siren,0.5,2.5,3,dev,station 4,CC0,Ann,grim",
    )
    (clip,) = read_dataset(tmp_path)
    assert clip.path == tmp_path / "x/1.wav"
    assert (clip.start, clip.end, clip.fold, clip.split) == (0.5, 2.5, 3, "validation")
    assert (clip.group, clip.recording.licence, clip.recording.author) == (
        "station 4",
        "CC0",
        "Ann",
    )
    assert dict(clip.labels) == {"label": "siren"}
    assert dict(clip.metadata) == {"mood": "grim"}


def test_meta_csv_beside_audio_is_understood(tmp_path):
    touch(tmp_path, "audio/a/1.flac", "audio/2.flac", "audio/extra.flac", "LICENSE")
    table(
        tmp_path / "meta.csv",
        "filename,category,speaker,speaker_fold,official_split,hz",
        "a/1.flac,yes,ann,2,train,8000",
        "2.flac,no,,1,test,8000",
        "lost.flac,no,ann,1,test,8000",
    )
    dataset = read_dataset(tmp_path)
    assert [(c.group, c.fold, c.split, c.labels["label"]) for c in dataset] == [
        ("ann", 2, "train", "yes"),
        ("", 1, "test", "no"),
    ]
    assert dataset[0].metadata["speaker"] == "ann"
    assert dict(dataset.skipped) == {
        "lost.flac": "meta.csv, line 4: no such file",
        "audio/extra.flac": "not named in meta.csv",
        "LICENSE": "not a sound file",
    }


def test_esc50_is_read_as_published(tmp_path):
    touch(tmp_path, "audio/1-1-A-0.wav", "audio/1-1-B-0.wav", "README.md")
    table(
        tmp_path / "meta/esc50.csv",
        "filename,fold,target,category,esc10,src_file,take",
        "1-1-A-0.wav,1,0,dog,True,1,A",
        "1-1-B-0.wav,1,0,dog,False,1,B",
    )
    dataset = read_dataset(tmp_path)
    assert len(set(dataset.groups)) == 1
    assert dataset[0].recording.licence == "CC BY-NC 3.0"
    assert len(dataset.where(esc10="True")) == 1
    assert read_dataset(tmp_path, layout="esc50") == dataset


def test_only_named_columns_are_tasks(tmp_path):
    touch(tmp_path, "1.wav", "2.wav")
    path = table(
        tmp_path / "c.csv", "filename,label,speaker,room", "1.wav,a,x,hall", "2.wav,b,y,attic"
    )
    assert [task.name for task in read_dataset(path).tasks] == ["label"]
    dataset = read_dataset(path, tasks=("speaker", "room"))
    assert [task.name for task in dataset.tasks] == ["speaker", "room"]
    assert dataset.labels("room").tolist() == ["hall", "attic"]
    assert dataset[0].group == ""  # what is asked for cannot also be what is never split
    assert dataset[0].metadata["label"] == "a"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_separators_and_byte_order_marks_do_not_matter(tmp_path, separator, encoding):
    touch(tmp_path, "ünï, 1.wav")
    rows = [["filename", "label"], ["ünï, 1.wav", "größer"]]
    with (tmp_path / "c.csv").open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=separator).writerows(rows)
    assert read_dataset(tmp_path).labels().tolist() == ["größer"]


def test_rows_without_a_label_are_skipped(tmp_path):
    touch(tmp_path, "1.wav", "2.wav")
    path = table(tmp_path / "c.csv", "filename,label", "1.wav,a", "2.wav,")
    dataset = read_dataset(path)
    assert len(dataset) == 1
    assert dataset.skipped == (("2.wav", "c.csv, line 3: no label in column 'label'"),)


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        ("filname,label", "1.wav,a", r"no column 'path' or 'filename'; did you mean 'filname'\?"),
        ("filename,lable", "1.wav,a", r"no column 'label'; did you mean 'lable'\?"),
        ("filename,label", "1.wav", "line 2: 1 values under 2 columns"),
        ("filename,label,label", "1.wav,a,b", "two columns are called 'label'"),
        ("filename,start", "1.wav,soon", "line 2, column 'start': 'soon'; seconds from 0"),
        ("filename,start", "1.wav,-1", "column 'start': '-1'"),
        ("filename,start", "1.wav,nan", "column 'start': 'nan'"),
        ("filename,start,end", "1.wav,2,1", "column 'end': '1'; seconds after the start at 2 s"),
        ("filename,speaker_fold", "1.wav,2.5", "column 'speaker_fold': '2.5'; a whole number"),
        ("filename,split", "1.wav,trian", "column 'split': 'trian'; train, validation and test"),
        ("filename,label", '1.wav,"a', "is a quote open"),
        ("filename,label", ",a", "column 'filename': ''; a file below"),
    ],
)
def test_a_mistake_in_a_table_is_named_with_its_place(tmp_path, header, row, message):
    touch(tmp_path, "1.wav")
    path = table(tmp_path / "clips.csv", header, row)
    with pytest.raises(DatasetError, match=message) as caught:
        read_dataset(path)
    assert "clips.csv" in str(caught.value)


def test_a_task_without_a_column_is_named(tmp_path):
    touch(tmp_path, "1.wav")
    path = table(tmp_path / "c.csv", "filename,speaker", "1.wav,x")
    with pytest.raises(DatasetError, match=r"no column 'speker'; did you mean 'speaker'\?"):
        read_dataset(path, tasks=("speker",))


def test_a_table_that_is_not_text_is_refused(tmp_path):
    (tmp_path / "c.csv").write_bytes(b"filename,label\n\xff\xfe,a\n")
    with pytest.raises(DatasetError, match="not UTF-8"):
        read_dataset(tmp_path / "c.csv")


@pytest.mark.parametrize("name", ["../secret.wav", "/etc/secret.wav"])
def test_the_table_of_others_cannot_leave_its_folder(tmp_path, name):
    touch(tmp_path, "set/audio/1.wav", "set/secret.wav")
    table(tmp_path / "set/meta.csv", "filename,label", "1.wav,a", f"{name},b")
    with pytest.raises(DatasetError, match=r"line 3, column 'filename'.*a file below"):
        read_dataset(tmp_path / "set")


def test_two_tables_are_one_too_many(tmp_path):
    touch(tmp_path, "1.wav")
    table(tmp_path / "a.csv", "filename,label", "1.wav,a")
    table(tmp_path / "b.csv", "filename,label", "1.wav,b")
    with pytest.raises(DatasetError, match=r"2 tables of clips \(a.csv, b.csv\)"):
        read_dataset(tmp_path)


# --- nothing to read ------------------------------------------------------------------------------


def test_an_empty_folder_says_what_is_allowed(tmp_path):
    with pytest.raises(DatasetError, match=r"holds no sounds; allowed: .*folder per label"):
        read_dataset(tmp_path)


def test_a_missing_folder_says_so(tmp_path):
    with pytest.raises(DatasetError, match="does not exist"):
        read_dataset(tmp_path / "nowhere")


def test_a_table_whose_files_are_all_missing_says_so(tmp_path):
    path = table(tmp_path / "c.csv", "filename,label", "1.wav,a")
    with pytest.raises(DatasetError, match=r"no clip that can be used: .*line 2: no such file"):
        read_dataset(path)


def test_a_kind_that_is_none_is_no_part_of_the_name_of_a_task(tmp_path):
    folders_of_tones(tmp_path, n_clips=1)
    with pytest.raises(DatasetError, match=r"'pitch:binry' is of no kind .* did you mean 'binary'"):
        read_dataset(tmp_path, tasks=["pitch:binry"])


def test_an_unknown_layout_names_the_nearest(tmp_path):
    touch(tmp_path, "1.wav")
    with pytest.raises(DatasetError, match="did you mean 'folders'"):
        read_dataset(tmp_path, layout="folder")


@pytest.mark.parametrize("layout", ["csv", "meta", "esc50", "folders"])
def test_a_layout_that_does_not_fit_says_why(tmp_path, layout):
    touch(tmp_path, "1.wav")
    with pytest.raises(DatasetError, match=str(tmp_path)):
        read_dataset(tmp_path, layout=layout)


def test_every_layout_says_what_it_looks_like():
    assert all(layout.looks_like and name == layout.name for name, layout in LAYOUTS.items())


# --- speed and the real thing ---------------------------------------------------------------------


def test_three_thousand_rows_are_read_without_opening_a_sound(tmp_path):
    names = [f"{i}.wav" for i in range(3000)]
    touch(tmp_path / "audio", *names)
    table(
        tmp_path / "meta.csv",
        "filename,label,fold",
        *(f"{n},{i % 7},1" for i, n in enumerate(names)),
    )
    times = []
    for _ in range(3):
        start = time.perf_counter()
        assert len(read_dataset(tmp_path)) == 3000
        times.append(time.perf_counter() - start)
    assert min(times) < 0.5


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "n_clips", "n_labels", "n_groups"),
    [
        ("esc50", 2000, 50, 1524),
        ("speech_commands", 2850, 12, 369),
        ("fsdd", 3000, 10, 6),
        ("birds", 22, 0, 22),
        ("background", 4, 0, 4),
    ],
)
def test_the_real_recordings_are_read(recordings, name, n_clips, n_labels, n_groups):
    dataset = read_dataset(recordings / name)
    assert len(dataset) == n_clips
    assert sum(len(task.labels) for task in dataset.tasks) == n_labels
    assert len(np.unique(dataset.groups)) == n_groups
    assert dataset.check().unreadable == ()


@pytest.mark.data
def test_the_fingerprint_of_two_thousand_files_takes_less_than_half_a_second(recordings):
    dataset = read_dataset(recordings / "esc50")
    dataset.fingerprint()
    start = time.perf_counter()
    dataset.fingerprint()
    assert time.perf_counter() - start < 0.5


@pytest.mark.data
def test_sources_that_cross_the_official_folds_of_esc50_are_reported(recordings):
    crossing = dict(read_dataset(recordings / "esc50").check().crossing)
    assert set(crossing) == {"131943", "134049", "209698", "234879"}


def test_reading_decides_by_content_later_not_now(tmp_path):
    write_audio(tmp_path / "a/1.wav", np.zeros(100, np.float32), 16_000)
    (tmp_path / "b").mkdir()
    (tmp_path / "b/2.wav").write_text("not a sound")
    dataset = read_dataset(tmp_path)
    assert len(dataset) == 2
    ((name, _),) = dataset.check().unreadable
    assert name == "2.wav"
