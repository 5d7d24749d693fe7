"""Layouts: data sets as they are published, made small, and every file of them accounted for."""

import json
from collections import Counter
from pathlib import Path

import pytest

from ossicle.audio import write_audio
from ossicle.datasets import Dataset, read_dataset
from ossicle.datasets.files import find
from ossicle.datasets.layouts.speech_commands import which_set
from ossicle.datasets.reading import _detected
from ossicle.errors import DatasetError


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def lines(path: Path, *rows: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*rows, ""]), encoding="utf-8")
    return path


def layout_of(root: Path) -> str:
    return _detected(find(root)).name


def assert_accounted(dataset: Dataset, root: Path, *tables: str) -> None:
    """Every file is used, listed once, or one of the tables that were read."""
    there = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}
    used = {clip.path.relative_to(root).as_posix() for clip in dataset}
    listed = Counter(name for name, _ in dataset.skipped)
    assert used | (listed.keys() & there) | set(tables) == there
    assert not used & listed.keys()
    assert not set(tables) & (used | listed.keys())


# --- Speech Commands ------------------------------------------------------------------------------


@pytest.fixture
def words(tmp_path: Path) -> Path:
    names = [
        f"{word}/{who}_nohash_{take}.wav"
        for word in ("yes", "no")
        for who, take in (("0a7c2a8d", 0), ("0a7c2a8d", 1), ("ffd2ba2f", 0))
    ]
    return touch(tmp_path, *names, "_background_noise_/white_noise.wav", "LICENSE", "README.md")


def test_the_lists_of_speech_commands_decide_its_parts(words):
    lines(words / "validation_list.txt", "yes/0a7c2a8d_nohash_0.wav", "no/lost_nohash_0.wav")
    lines(words / "testing_list.txt", "no/ffd2ba2f_nohash_0.wav")
    dataset = read_dataset(words)
    assert layout_of(words) == "speech-commands"
    assert [len(part) for part in dataset.official_split()] == [5, 1, 1]
    assert_accounted(dataset, words, "validation_list.txt", "testing_list.txt")
    assert ("no/lost_nohash_0.wav", "in the official lists; no such file") in dataset.skipped
    assert {clip.recording.licence for clip in dataset} == {"CC BY 4.0"}


def test_without_lists_the_hash_of_the_speaker_decides(words):
    dataset = read_dataset(words)
    spoken = [clip for clip in dataset if clip.labels["label"] in ("yes", "no")]
    assert {(c.group, c.split) for c in spoken} == {
        (who, which_set(f"{who}_nohash_0.wav")) for who in ("0a7c2a8d", "ffd2ba2f")
    }
    assert_accounted(dataset, words)


def test_background_noise_is_background_and_a_group_of_its_own(words):
    dataset = read_dataset(words)
    assert dataset.task().background == ("_background_noise_",)
    (noise,) = dataset.where(label="_background_noise_")
    assert (noise.group, noise.split) == ("", "train")


def test_the_hash_rule_deals_eight_to_one_to_one():
    names = [f"{number:08x}_nohash_{number % 5}.wav" for number in range(2_000)]
    parts = Counter(which_set(name) for name in names)
    assert 0.77 < parts["train"] / 2_000 < 0.83
    assert 0.08 < parts["test"] / 2_000 < 0.12
    assert {which_set(name, validation=0, testing=100) for name in names} == {"test"}


@pytest.mark.data
def test_the_hash_rule_gives_the_official_test_list(recordings):
    dataset = read_dataset(recordings / "speech_commands")
    listed = [c.path.name for c in dataset.drop_label("_unknown_") if "_nohash_" in c.path.name]
    assert len(listed) == 2377
    assert {which_set(name) for name in listed} == {"test"}


# --- FSDD -----------------------------------------------------------------------------------------


def test_fsdd_reads_digit_speaker_and_take_from_the_name(tmp_path):
    names = [
        f"recordings/{d}_{who}_{take}.wav"
        for d in (0, 7)
        for who in ("george", "lucas")
        for take in (0, 4, 5, 49)
    ]
    touch(tmp_path, *names, "metadata.py", "README.md")
    dataset = read_dataset(tmp_path)
    assert layout_of(tmp_path) == "fsdd"
    assert (set(dataset.labels()), len(set(dataset.groups))) == ({"0", "7"}, 2)
    assert {c.metadata["take"] for c in dataset if c.split == "test"} == {"0", "4"}
    assert_accounted(dataset, tmp_path)
    assert read_dataset(tmp_path / "recordings", layout="fsdd").labels().tolist() == (
        dataset.labels().tolist()
    )


# --- UrbanSound8K ---------------------------------------------------------------------------------

URBAN = "slice_file_name,fsID,start,end,salience,fold,classID,class"


def test_urbansound8k_keeps_its_folds_groups_and_salience(tmp_path):
    touch(
        tmp_path,
        "audio/fold1/9-3-0-0.wav",
        "audio/fold1/9-3-0-1.wav",
        "audio/fold2/7-1-0-0.wav",
        "audio/fold2/extra.wav",
        "FREESOUNDCREDITS.txt",
    )
    table = "metadata/UrbanSound8K.csv"
    lines(
        tmp_path / table,
        URBAN,
        "9-3-0-0.wav,9,0.5,4.5,1,1,3,dog_bark",
        "9-3-0-1.wav,9,4.5,8.5,2,1,3,dog_bark",
        "7-1-0-0.wav,7,0,4,1,2,1,car_horn",
        "lost.wav,8,0,4,1,3,1,car_horn",
    )
    dataset = read_dataset(tmp_path)
    assert layout_of(tmp_path) == "urbansound8k"
    assert [(c.group, c.fold, c.start, c.end) for c in dataset] == [
        ("9", 1, 0.0, None),
        ("9", 1, 0.0, None),
        ("7", 2, 0.0, None),
    ]
    assert dict(dataset[0].metadata) == {
        "salience": "1",
        "classID": "3",
        "source_start": "0.5",
        "source_end": "4.5",
    }
    assert ("audio/fold3/lost.wav", f"{table}, line 5: no such file") in dataset.skipped
    assert_accounted(dataset, tmp_path, table)
    dataset.to_csv(tmp_path / "out.csv")
    assert read_dataset(tmp_path / "out.csv") == dataset


# --- AudioSet -------------------------------------------------------------------------------------

SEGMENTS = (
    "# Segments csv created Sun Mar  5 10:54:25 2017",
    "# num_ytids=3, num_segs=3",
    "# YTID, start_seconds, end_seconds, positive_labels",
)


def test_audioset_has_several_labels_a_clip(tmp_path):
    touch(tmp_path, "wav/-0RWZT-miFs_420.wav", "wav/a_b_30000.flac", "other.wav")
    table = lines(
        tmp_path / "eval_segments.csv",
        *SEGMENTS,
        '-0RWZT-miFs, 420.000, 430.000, "/m/03v3yw,/m/0k4j"',
        'a_b, 30.000, 40.000, "/m/0k4j"',
        'gone, 30.000, 40.000, "/m/0k4j"',
    )
    dataset = read_dataset(tmp_path)
    assert layout_of(tmp_path) == "audioset"
    assert (dataset.task().kind, dataset.task().labels) == ("multilabel", ("/m/03v3yw", "/m/0k4j"))
    assert dataset.indicators().tolist() == [[True, True], [False, True]]
    assert [(c.group, c.split) for c in dataset] == [("-0RWZT-miFs", "test"), ("a_b", "test")]
    assert ("gone_30", "eval_segments.csv, line 6: no such file") in dataset.skipped
    assert_accounted(dataset, tmp_path, table.name)
    with pytest.raises(DatasetError, match=r"multilabel task; use indicators\(\)"):
        dataset.targets()


# --- audiofolder ----------------------------------------------------------------------------------


def test_audiofolder_reads_csv_and_json_alike(tmp_path):
    for kind in ("csv", "jsonl"):
        touch(tmp_path / kind, "train/1.wav", "test/2.wav", "test/extra.wav", "README.md")
    lines(
        tmp_path / "csv/metadata.csv", "file_name,label,mood", "train/1.wav,a,grim", "test/2.wav,b,"
    )
    rows = (
        {"file_name": "train/1.wav", "label": "a", "mood": "grim"},
        {"file_name": "test/2.wav", "label": "b"},
    )
    lines(tmp_path / "jsonl/metadata.jsonl", *map(json.dumps, rows))
    read = [read_dataset(tmp_path / kind) for kind in ("csv", "jsonl")]
    for dataset, kind in zip(read, ("csv", "jsonl"), strict=True):
        assert layout_of(tmp_path / kind) == "audiofolder"
        assert [(c.path.name, c.split, dict(c.labels), dict(c.metadata)) for c in dataset] == [
            ("1.wav", "train", {"label": "a"}, {"mood": "grim"}),
            ("2.wav", "test", {"label": "b"}, {}),
        ]
        assert_accounted(dataset, tmp_path / kind, f"metadata.{kind}")


def test_audiofolder_reads_one_table_a_split(tmp_path):
    touch(tmp_path, "train/1.wav", "validation/2.wav")
    for split, name in (("train", "1.wav"), ("validation", "2.wav")):
        lines(tmp_path / split / "metadata.csv", "file_name,label", f"{name},{split[0]}")
    dataset = read_dataset(tmp_path)
    assert [clip.split for clip in dataset] == ["train", "validation"]
    assert_accounted(dataset, tmp_path, "train/metadata.csv", "validation/metadata.csv")


@pytest.mark.parametrize("row", ["[1]", "{", "3"])
def test_a_line_of_json_that_is_no_object_is_refused(tmp_path, row):
    touch(tmp_path, "1.wav")
    lines(tmp_path / "metadata.jsonl", '{"file_name": "1.wav"}', row)
    with pytest.raises(DatasetError, match=r"metadata\.jsonl"):
        read_dataset(tmp_path)


# --- hostile names --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../secret.wav", "/etc/secret.wav", "a/../../secret.wav"])
@pytest.mark.parametrize(
    ("table", "header", "row"),
    [
        ("metadata.csv", "file_name,label", "{},a"),
        ("events.tsv", "filename\tonset\toffset\tevent_label", "{}\t0\t1\ta"),
        ("metadata/UrbanSound8K.csv", URBAN, "{},9,0,4,1,1,3,a"),
        ("1.selections.txt", "Begin Time (s)\tEnd Time (s)\tBegin File\tAnnotation", "0\t1\t{}\ta"),
        ("validation_list.txt", "no/b_nohash_0.wav", "{}"),
        ("eval_segments.csv", SEGMENTS[2], "{}, 0, 10, a"),
    ],
)
def test_no_name_in_a_table_leaves_the_folder(tmp_path, name, table, header, row):
    root = touch(tmp_path / "set", "1.wav", "no/b_nohash_0.wav", "audio/fold1/1.wav")
    touch(tmp_path, "secret.wav")
    lines(root / table, header, row.format(name))
    try:
        dataset = read_dataset(root)
    except DatasetError:
        return
    assert all(clip.path.is_relative_to(root) for clip in dataset)


@pytest.mark.parametrize(
    "layout",
    [
        "speech-commands",
        "fsdd",
        "urbansound8k",
        "audioset",
        "audiofolder",
        "dcase",
        "raven",
        "audacity",
    ],
)
def test_a_layout_that_does_not_fit_says_what_it_needs(tmp_path, layout):
    write_audio(tmp_path / "1.wav", [0.0] * 10, 8_000)
    with pytest.raises(DatasetError, match=str(tmp_path)):
        read_dataset(tmp_path, layout=layout)


# --- the real thing -------------------------------------------------------------------------------


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "tables"),
    [
        ("esc50", ["meta.csv"]),
        ("speech_commands", ["meta.csv"]),
        ("fsdd", ["meta.csv"]),
        ("birds", []),
        ("birds/bengalese-finch", ["events.csv"]),
        ("background", []),
    ],
)
def test_every_real_file_is_accounted_for(recordings, name, tables):
    assert_accounted(read_dataset(recordings / name), recordings / name, *tables)


@pytest.mark.data
def test_the_finch_has_nine_hundred_syllables_in_twenty_recordings(recordings):
    dataset = read_dataset(recordings / "birds" / "bengalese-finch")
    assert (len(dataset), len(dataset.recordings)) == (900, 20)
    assert dataset.task().labels == tuple("012345678")
    assert len(set(dataset.groups.tolist())) == 20
    assert dataset.check().unreadable == ()
    assert sum(len(dataset.events(each.path)) for each in dataset.recordings) == 900
    windows = dataset.windows(0.25, 0.125)
    assert {clip.path for clip in windows} == {clip.path for clip in dataset}
    assert windows.task().background == ("background",)
