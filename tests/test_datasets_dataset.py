"""The data set: views keep what they should, CSV gives back what was written, faults are found."""

import json
import shutil
import string
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ossicle.audio import write_audio
from ossicle.datasets import Dataset, make_task, read_dataset
from ossicle.errors import DatasetError
from ossicle.types import Clip, Recording


def clip(name: str, label: str = "", **fields: object) -> Clip:
    labels = {"label": label} if label else {}
    return Clip(Recording(Path("/sounds") / name), labels=labels, **fields)


def dataset(*clips: Clip, name: str = "set") -> Dataset:
    labels = [c.labels["label"] for c in clips if c.labels]
    return Dataset(clips, (make_task("label", labels),) if labels else (), name=name)


@pytest.fixture
def animals() -> Dataset:
    rows = [("dog", "ann"), ("cat", "ann"), ("dog", "bob"), ("cat", "bob"), ("cow", "eve")] * 2
    return dataset(
        *(
            clip(f"{i}.wav", label, group=who, fold=1 + i % 2, metadata={"wild": str(i < 5)})
            for i, (label, who) in enumerate(rows)
        )
    )


# --- tasks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "kind", "background", "positive"),
    [
        (["other", "alarm"], "binary", ("other",), "alarm"),
        (["Non-Alarm", "Alarm"], "binary", ("Non-Alarm",), "Alarm"),
        (["zebra", "_silence_"], "binary", ("_silence_",), "zebra"),
        (["cat", "dog"], "binary", (), "dog"),
        (["noise", "silence"], "binary", ("noise", "silence"), "silence"),
        (["b", "a", "normal"], "multiclass", ("normal",), None),
        (["a"], "multiclass", (), None),
    ],
)
def test_labels_make_the_task(labels, kind, background, positive):
    task = make_task("label", labels)
    assert (task.kind, task.background, task.positive) == (kind, background, positive)
    assert task.labels == tuple(sorted(labels))


# --- columns --------------------------------------------------------------------------------------


def test_a_blank_group_is_its_own_but_excerpts_of_one_recording_share_it():
    clips = [clip("a.wav"), clip("b.wav"), clip("b.wav", start=1.0), clip("c.wav", group="a.wav")]
    assert dataset(*clips).groups.tolist() == [0, 1, 1, 2]


def test_targets_are_positions_among_the_sorted_labels(animals):
    assert animals.targets()[:5].tolist() == [2, 0, 2, 0, 1]


def test_targets_of_clips_without_a_label_are_refused():
    with pytest.raises(DatasetError, match=r"1 of 2 clips have no label .* such as 2.wav"):
        dataset(clip("1.wav", "a"), clip("2.wav")).targets()


def test_an_unknown_task_names_the_nearest(animals):
    with pytest.raises(DatasetError, match="did you mean 'label'"):
        animals.task("labels")


# --- views ----------------------------------------------------------------------------------------


def test_views_share_the_clips(animals):
    view = animals.subset([3, 1])
    assert view[0] is animals[3]
    assert view[1] is animals[1]
    assert animals[2:4].clips == animals.clips[2:4]


def test_a_subset_keeps_the_tasks(animals):
    assert animals.subset([0]).tasks == animals.tasks
    assert len(animals.subset(animals.labels() == "dog")) == 4


def test_choosing_labels_drops_the_others_but_choosing_parts_keeps_all(animals):
    assert animals.where(label=("dog", "cat")).task().labels == ("cat", "dog")
    assert animals.where(group="eve").task().labels == ("cat", "cow", "dog")
    assert len(animals.where(fold=1, wild=True)) == 3
    with pytest.raises(DatasetError, match="no column 'wilt'; did you mean 'wild'"):
        animals.where(wilt="True")


def test_a_dropped_label_is_gone(animals):
    left = animals.drop_label("cow")
    assert left.task().labels == ("cat", "dog")
    assert len(left) == 8
    with pytest.raises(DatasetError, match="no label 'cwo'"):
        animals.drop_label("cwo")


def test_at_most_n_of_each_label_in_their_order(animals):
    few = animals.at_most(1, seed=3)
    assert sorted(few.labels()) == ["cat", "cow", "dog"]
    assert few == animals.at_most(1, seed=3)
    places = [animals.clips.index(c) for c in few]
    assert places == sorted(places)


def test_adding_joins_clips_and_labels(animals):
    both = animals + dataset(clip("x.wav", "owl"), name="more")
    assert both.task().labels == ("cat", "cow", "dog", "owl")
    assert (len(both), both.name) == (11, "set + more")
    assert (animals.subset([0]) + animals.subset([1])).tasks == animals.tasks


# --- parts ----------------------------------------------------------------------------------------


def test_official_folds_are_kept_as_they_are(animals):
    folds = list(animals.folds())
    assert [(n, len(train), len(test)) for n, train, test in folds] == [(1, 5, 5), (2, 5, 5)]
    assert set(folds[0][2].groups.tolist()) & set(folds[0][1].groups.tolist())  # not repaired
    assert [n for n, _, _ in animals.folds(3)] == [1, 2, 3]  # made, since another number is wanted


def test_made_folds_cut_no_group(animals):
    for _, train, test in animals.folds(3):
        assert not {c.group for c in train} & {c.group for c in test}


def test_folds_of_some_clips_only_are_refused(animals):
    mixed = animals + dataset(clip("x.wav", "dog"))
    with pytest.raises(DatasetError, match=r"1 of 11 clips have no fold, such as x.wav"):
        list(mixed.folds())


def test_the_official_split_may_lack_a_part():
    parts = dataset(clip("1.wav", "a", split="train"), clip("2.wav", "b", split="test"))
    assert [len(part) for part in parts.official_split()] == [1, 0, 1]
    with pytest.raises(DatasetError, match="have no split"):
        dataset(clip("1.wav", "a")).official_split()


def test_split_cuts_no_group_and_takes_recordings_without_labels():
    sounds = dataset(*(clip(f"{i}.wav") for i in range(10)))
    assert [len(part) for part in sounds.split((0.6, 0.0, 0.4))] == [6, 0, 4]


def test_leaving_one_group_out_names_it_safely():
    rows = [("a/b c", "1.wav"), ("a/b c", "2.wav"), ("", "x/3.wav"), ("", "y/3.wav")]
    sounds = dataset(*(clip(name, "ab"[i % 2], group=g) for i, (g, name) in enumerate(rows)))
    left = [(name, len(train), len(test)) for name, train, test in sounds.leave_one_group_out()]
    assert left == [("a_b_c", 2, 2), ("3.wav-1", 3, 1), ("3.wav-2", 3, 1)]
    with pytest.raises(DatasetError, match="one group"):
        list(sounds.subset([0, 1]).leave_one_group_out())


def test_leave_k_out_of_a_data_set_cuts_no_group(animals):
    folds = list(animals.leave_k_out(1))
    assert len(folds) == 3
    for train, test in folds:
        assert not {c.group for c in train} & {c.group for c in test}


# --- on disk --------------------------------------------------------------------------------------

words = st.text(string.printable + "äß漢", max_size=8).filter(lambda s: "\r" not in s)
seconds = st.floats(0, 1e5, allow_nan=False)


@st.composite
def tables(draw):
    rows = st.tuples(words.filter(bool), words, words, words, seconds, seconds, st.integers(0, 9))
    clips = []
    for label, group, licence, other, start, length, fold in draw(st.lists(rows, min_size=1)):
        clips.append(
            Clip(
                Recording(Path(__file__).resolve(), licence=licence, author=other, place=group),
                start,
                start + length if start + length > start else None,
                {"label": label},
                group,
                fold or None,
                ["", "train", "validation", "test"][fold % 4],
                {"mood": other} if other else {},
            )
        )
    return dataset(*clips)


@given(table=tables())
def test_csv_gives_back_what_was_written(tmp_path_factory, table):
    path = tmp_path_factory.mktemp("csv") / "clips.csv"
    table.to_csv(path)
    assert read_dataset(path) == table


def test_csv_survives_a_second_reading_of_other_names_for_columns(tmp_path):
    (tmp_path / "1.wav").touch()
    (tmp_path / "meta.csv").write_text("filename,category,speaker,speaker_fold\n1.wav,a,ann,2\n")
    first = read_dataset(tmp_path / "meta.csv")
    first.to_csv(tmp_path / "again" / "clips.csv")
    assert read_dataset(tmp_path / "again" / "clips.csv") == first


def test_several_tasks_come_back_when_named(tmp_path):
    (tmp_path / "1.wav").touch()
    tasks = (make_task("room", ["hall"]), make_task("who", ["ann"]))
    both = Dataset(
        (Clip(Recording(tmp_path / "1.wav"), labels={"room": "hall", "who": "ann"}),), tasks
    )
    both.to_csv(tmp_path / "c.csv")
    assert read_dataset(tmp_path / "c.csv", tasks=("room", "who")) == both


def test_paths_below_the_table_are_relative_so_that_the_folder_can_move(tmp_path):
    for name in ("1.wav", "deep/2.wav"):
        write_audio(tmp_path / "here/sounds" / name, np.zeros(10, np.float32), 8000)
    here = read_dataset(tmp_path / "here/sounds")
    here.to_csv(tmp_path / "here/clips.csv")
    (tmp_path / "here").rename(tmp_path / "there")
    there = read_dataset(tmp_path / "there/clips.csv")
    assert [c.path.relative_to(tmp_path / "there").as_posix() for c in there] == [
        "sounds/1.wav",
        "sounds/deep/2.wav",
    ]


def test_two_columns_of_one_name_are_not_written(tmp_path):
    with pytest.raises(DatasetError, match="two columns would be called 'fold'"):
        dataset(clip("1.wav", "a", metadata={"fold": "x"})).to_csv(tmp_path / "c.csv")
    assert not list(tmp_path.iterdir())


# --- fingerprint and check ------------------------------------------------------------------------


@pytest.fixture
def sounds(tmp_path) -> Path:
    """Two labels, four recordings, of which two are the same and one is no sound."""
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (3, 8000)).astype(np.float32)
    for name, samples, rate in [
        ("a/1.wav", noise[0], 16_000),
        ("a/2.flac", noise[1], 8_000),
        ("b/3.wav", np.stack([noise[2]] * 2), 16_000),
    ]:
        write_audio(tmp_path / name, samples, rate)
    shutil.copy(tmp_path / "a/1.wav", tmp_path / "b/copy.wav")
    (tmp_path / "b/broken.wav").write_bytes(b"RIFF")
    return tmp_path


def test_the_fingerprint_follows_bytes_and_labels_but_not_the_place(sounds, tmp_path_factory):
    first = read_dataset(sounds)
    moved = tmp_path_factory.mktemp("moved") / "set"
    shutil.copytree(sounds, moved)
    assert read_dataset(moved).fingerprint() == first.fingerprint()
    assert first.subset([0, 1]).fingerprint() != first.fingerprint()
    shutil.move(moved / "a/2.flac", moved / "b/2.flac")
    relabelled = read_dataset(moved).fingerprint()
    assert relabelled != first.fingerprint()
    data = bytearray((moved / "b/2.flac").read_bytes())
    data[-1] ^= 1
    (moved / "b/2.flac").write_bytes(data)
    assert read_dataset(moved).fingerprint() != relabelled


def test_a_vanished_file_or_dead_link_changes_the_fingerprint_and_stops_nothing(sounds):
    found = read_dataset(sounds)
    whole = found.fingerprint()
    (sounds / "a/1.wav").rename(sounds / "elsewhere.bin")
    without = found.fingerprint()
    assert without != whole
    (sounds / "a/1.wav").symlink_to(sounds / "nowhere.wav")
    assert found.fingerprint() == without
    (sounds / "a/1.wav").unlink()
    (sounds / "elsewhere.bin").rename(sounds / "a/1.wav")
    assert found.fingerprint() == whole


def test_the_check_tells_what_is_there(sounds):
    report = read_dataset(sounds).check()
    assert report.n_clips == 5
    assert report.seconds == pytest.approx(0.5 + 1.0 + 0.5 + 0.5)
    assert report.labels == {"label": {"a": 2, "b": 3}}
    assert report.rates == {8_000: 1, 16_000: 3}
    assert report.channels == {1: 3, 2: 1}
    assert report.formats == {"FLAC PCM_16": 1, "WAV PCM_16": 3}
    assert report.licences == {"not stated": 5}
    ((name, reason),) = report.unreadable
    assert name == "broken.wav"
    assert reason


def test_the_check_finds_copies_under_different_labels(sounds):
    ((names, where),) = read_dataset(sounds).check().duplicates
    assert (names, where) == ("a/1.wav = b/copy.wav", "in different labels")


def test_the_check_finds_copies_and_groups_that_cross_folds(sounds):
    (sounds / "c.csv").write_text(
        "filename,label,fold,split,group\n"
        "a/1.wav,x,1,train,ann\nb/copy.wav,x,2,train,ann\na/2.flac,y,2,test,bob\n"
    )
    report = read_dataset(sounds / "c.csv").check()
    assert report.crossing == (("ann", "folds 1, 2"),)
    assert report.duplicates == (("a/1.wav = b/copy.wav", "in different folds"),)
    assert "label: fewer than 5 groups: x (1), y (1)" in report.warnings


def test_the_check_finds_clips_past_the_end(sounds):
    (sounds / "c.csv").write_text("filename,label,start,end\na/1.wav,x,0,300\na/2.flac,y,2,\n")
    report = read_dataset(sounds / "c.csv").check()
    assert [name for name, _ in report.unreadable] == ["1.wav[0:300]", "2.flac[2:]"]
    assert report.seconds == pytest.approx(0.5)


def test_the_check_warns_of_one_label(sounds):
    warnings = read_dataset(sounds).where(label="a").check().warnings
    assert "label: one label only (a)" in warnings


def test_the_report_is_text_and_json(sounds):
    report = read_dataset(sounds).check()
    assert json.loads(json.dumps(report.to_dict()))["n_clips"] == 5
    text = str(report)
    for words in ("5 clips in 5 groups", "a: 2, b: 3", "16000 Hz: 3", "broken.wav", "same bytes"):
        assert words in text


def test_a_data_set_of_nothing_can_be_looked_at():
    nothing = dataset()
    assert (len(nothing), len(nothing.groups), nothing.has_folds) == (0, 0, False)
    assert "0 clips" in str(nothing.check())


def test_a_data_set_of_which_a_choice_left_nothing_says_so():
    clip = Clip(Recording(Path("a.wav"), licence="CC BY-NC"), labels={"label": "low"})
    nothing = Dataset((clip,), (make_task("label", ["low"]),), name="birds").licensed(("CC0",))
    with pytest.raises(DatasetError, match=r"birds holds no clips; .* a licence .* left none"):
        nothing.task()
