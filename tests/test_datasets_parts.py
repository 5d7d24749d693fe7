"""Parts of combined data sets: nothing leaks, official parts are kept, seeds matter.

A known framework's folds stopped at the data set with the fewest, and its grouped ones ignored the
seed: neither is to come back.
"""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from small_sets import clip, dataset, farm, ids, officially, paths, sources, town

from ossicle.datasets import Dataset, combine, read_dataset
from ossicle.errors import DatasetError
from ossicle.types import Task

rows = st.lists(
    st.tuples(st.integers(0, 19), st.sampled_from(["", "", "g1", "g2"]), st.sampled_from("ab")),
    min_size=8,
    max_size=30,
)
official = st.sampled_from(["", "fold", "split"])


def drawn(name: str, found, column: str) -> Dataset:
    """A data set over a pool of twenty recordings, with official parts that may cut its groups."""
    clips = []
    for path, group, label in found:
        fold = 1 + path % 2 if column == "fold" else None
        split = ["train", "train", "validation", "test"][path % 4] if column == "split" else ""
        clips.append(clip(f"{path}.wav", group, fold=fold, split=split, label=label))
    task = Task("label", "binary", ("a", "b"))
    return Dataset(tuple(clips), (task,), name=name)


def several(keys, values) -> set:
    """The keys that come with more than one value."""
    pairs = set(zip(keys, values, strict=True))
    return {key for key, n in Counter(key for key, _ in pairs).items() if n > 1}


def cut_by_themselves(combined) -> tuple[set[int], set[int]]:
    """Groups and recordings that some data set's own official parts, or groups, have cut."""
    groups, recordings = set(), set()
    for index, own in enumerate(combined.datasets):
        here = combined.source == index
        parts = [(each.fold, each.split) for each in own]
        groups |= several(combined.groups[here], parts)
        recordings |= several(combined.recordings[here], parts)
        recordings |= several(combined.recordings[here], own.groups)
    return groups, recordings


@settings(max_examples=200, deadline=None)
@given(rows, rows, official, official, st.integers(0, 3))
def test_nothing_is_in_two_parts_but_what_a_data_sets_own_parts_cut(
    first, second, of_first, of_second, seed
):
    combined = combine([drawn("first", first, of_first), drawn("second", second, of_second)])
    try:
        parts = list(combined.parts(seed=seed))
    except DatasetError as refused:
        event(str(refused)[:30])
        return
    cut_groups, cut_recordings = cut_by_themselves(combined)
    for part in parts:
        sides = [part.train, part.validation, part.test]
        assert sum(map(len, sides)) + part.left_out == len(combined)
        for one, other in combinations(sides, 2):
            assert set(one.groups) & set(other.groups) <= cut_groups
            assert set(one.recordings) & set(other.recordings) <= cut_recordings


@settings(max_examples=100, deadline=None)
@given(rows, rows, st.integers(0, 3))
def test_no_group_in_two_parts_of_a_split(first, second, seed):
    combined = combine([drawn("first", first, ""), drawn("second", second, "fold")])
    try:
        parts = combined.split(seed=seed)
    except DatasetError:
        return
    assert sum(map(len, parts)) == len(combined)
    groups = [set(part.groups) for part in parts]
    assert sum(map(len, groups)) == len(set.union(*groups))


def test_a_recording_of_two_data_sets_is_in_one_group_however_its_folder_is_written(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    one = dataset("one", clip(f"{tmp_path}/real/1.wav", "x", label="a"))
    two = dataset(
        "two", clip(f"{tmp_path}/linked/1.wav", "y", label="b"), clip("2.wav", "x", label="a")
    )
    assert combine([one, two]).groups.tolist() == [0, 0, 1]


def test_the_same_recordings_under_two_questions_are_dealt_together_and_none_is_left_out():
    again = farm.rename_task("label", "what")
    for part in combine([farm, again]).parts(4):
        assert part.left_out == 0
        assert paths(part.test.of(0)) == paths(part.test.of(1))
        assert paths(part.validation.of(0)) == paths(part.validation.of(1))


def test_a_data_set_is_dealt_in_company_as_it_is_alone():
    for part, (_, train, test) in zip(combine([town, farm]).parts(3), farm.folds(3), strict=True):
        assert ids(part.test.of(1)) == ids(test)
        assert paths(part.train.of(1)) | paths(part.validation.of(1)) == paths(train)
    for part, alone in zip(combine([town, farm]).split(), farm.split(), strict=True):
        assert ids(part.of(1)) == ids(alone)


def test_official_folds_are_kept_and_the_longest_data_set_sets_the_number():
    three = officially(sources("three", 9), "fold", [1, 2, 3])
    five = officially(sources("five", 10), "fold", [1, 2, 3, 4, 5])
    parts = list(combine([three, five]).parts())
    assert [part.name for part in parts] == ["fold-1", "fold-2", "fold-3", "fold-4", "fold-5"]
    tested = [{each.fold for each in part.test.of(0)} for part in parts]
    assert tested == [{1}, {2}, {3}, {1}, {2}]
    assert [{each.fold for each in part.test.of(1)} for part in parts] == [{i} for i in range(1, 6)]


def test_folds_of_another_number_than_asked_are_made():
    three = officially(sources("three", 12), "fold", [1, 2, 3])
    parts = list(combine(three).parts(4))
    assert len(parts) == 4
    assert Counter(each.path for part in parts for each in part.test) == Counter(paths(three))


def test_an_official_split_is_repeated_over_the_folds():
    split = officially(sources("split", 16), "split", ["train"] * 6 + ["validation", "test"])
    parts = list(combine([split, farm]).parts(3))
    assert len(parts) == 3
    for part in parts:
        for side in ("train", "validation", "test"):
            assert {each.split for each in getattr(part, side).of(0)} == {side}
    tested = Counter(each.path for part in parts for each in part.test.of(1))
    assert tested == Counter(paths(farm))


def test_an_official_split_alone_is_one_part():
    split = officially(sources("split", 16), "split", ["train", "train", "train", "test"])
    (part,) = combine(split).parts()
    assert {each.split for each in part.test} == {"test"}
    assert len(part.validation) > 0


def test_official_parts_that_cut_a_speaker_are_kept_as_they_are():
    clips = [
        clip(f"{who}-{take}", who, label="ab"[take % 2], split="test" if take < 2 else "train")
        for who in ("ann", "bob", "eve")
        for take in range(8)
    ]
    (part,) = combine(dataset("speakers", *clips)).parts(validation=0)
    assert (len(part.train), len(part.test), part.left_out) == (18, 6, 0)


def test_what_another_data_set_tests_is_not_trained_on():
    split = officially(sources("shared", 12), "split", ["train", "train", "train", "test"])
    trains = officially(sources("shared", 12), "split", ["train", "train", "test", "train"])
    trains = Dataset(trains.clips, trains.tasks, name="other").rename_task("label", "what")
    (part,) = combine([split, trains]).parts(validation=0)
    assert part.left_out == 6
    assert not paths(part.test) & paths(part.train)


def test_the_seed_matters_and_the_same_seed_gives_the_same_parts():
    combined = combine([sources("many", 60, of_each=2), town])

    def dealt(seed):
        return [(paths(p.train), paths(p.validation)) for p in combined.parts(5, seed=seed)]

    assert dealt(1) == dealt(1) != dealt(2)
    assert paths(combined.split(seed=1)[0]) == paths(combined.split(seed=1)[0])
    assert paths(combined.split(seed=1)[0]) != paths(combined.split(seed=2)[0])


def test_labels_of_every_task_are_spread_evenly_over_the_folds():
    rng = np.random.default_rng(0)
    tags = ["|".join(np.array(list("abcdef"))[rng.random(6) < 0.3]) for _ in range(600)]
    clips = [
        clip(f"{i}.wav", label="xy"[i % 7 == 0], **({"tags": text} if text else {}))
        for i, text in enumerate(tags)
    ]
    combined = combine(dataset("tagged", *clips, kinds={"tags": "multilabel"}))
    for task in combined.tasks:
        share = combined.targets(task.name).sum(axis=0) / 5
        for part in combined.parts(5):
            found = part.test.targets(task.name).sum(axis=0)
            assert np.abs(found - share).max() <= 3


def test_a_label_heard_only_once_outside_the_test_part_is_trained_on():
    clips = [clip(f"{i}.wav", label="ab"[i % 2], fold=1 + i % 4 // 2) for i in range(40)]
    rare = [clip("r1.wav", label="c", fold=1), clip("r2.wav", label="c", fold=2)]
    for seed in range(10):
        for part in combine(dataset("rare", *clips, *rare)).parts(validation=0.5, seed=seed):
            assert "c" in part.train.of(0).labels()


def test_numbers_that_are_only_validated_need_not_be_trained_on():
    clips = [clip(f"{i}-{j}.wav", f"{i}", bpm=str(80 + 10 * i)) for i in range(4) for j in range(3)]
    part = combine(dataset("beats", *clips, kinds={"bpm": "regression"})).part(validation=0.25)
    assert (len(part.train), len(part.validation)) == (9, 3)


def test_more_folds_than_groups_name_the_data_set():
    few = sources("few", 3, of_each=4)
    with pytest.raises(DatasetError, match=r"data set 'few': 12 clips of 3 group.*5 parts"):
        combine([farm, few]).parts()


def test_one_group_to_train_on_cannot_give_a_validation_part_and_need_not():
    pair = combine(sources("pair", 2, of_each=4))
    with pytest.raises(DatasetError, match=r"'pair'.*4 clips of one group.*validation=0"):
        pair.parts(2)
    assert [len(part.train) for part in pair.parts(2, validation=0)] == [4, 4]


@pytest.mark.parametrize("n_folds", [0, -1, 2.5])
def test_a_senseless_number_of_folds_is_refused(n_folds):
    with pytest.raises(DatasetError, match="n_folds"):
        combine(farm).parts(n_folds)


@pytest.mark.parametrize("validation", [-0.1, 1.5])
def test_a_senseless_share_of_validation_is_refused(validation):
    with pytest.raises(DatasetError, match="validation"):
        combine(farm).parts(3, validation=validation)


def test_a_label_missing_from_training_names_label_data_set_and_fold_before_any_part_is_given():
    clips = [clip(f"{i}.wav", label="ab"[i % 2], fold=1 + i % 4 // 2) for i in range(12)]
    rare = dataset("rare", *clips, clip("once.wav", label="c", fold=2))
    with pytest.raises(DatasetError, match=r"set 'rare'.*label 'c'.*task 'label'.*fold 2 of 2"):
        combine(rare).parts()


def test_a_label_that_no_clip_has_is_refused():
    empty = Dataset(farm.clips, (Task("label", "multiclass", ("a", "b", "c", "d")),), name="farm")
    with pytest.raises(DatasetError, match=r"label 'd'"):
        combine(empty).part()


def test_one_part_keeps_groups_and_the_official_validation_and_test_parts():
    split = officially(sources("split", 12), "split", ["train", "train", "validation", "test"])
    part = combine([split, farm]).part(validation=0.25)
    assert {each.split for each in part.validation.of(0)} == {"validation"}
    assert {each.split for each in part.test} == {"test"}
    assert not set(part.train.groups) & set(part.validation.groups)
    assert len(part.train) + len(part.validation) + len(part.test) == 24
    assert len(part.validation.of(1)) == 3


@pytest.mark.data
def test_three_real_data_sets_make_five_folds(recordings):
    sets = [read_dataset(recordings / name) for name in ("esc50", "speech_commands", "fsdd")]
    combined = combine(sets)
    assert [len(task.labels) for task in combined.tasks] == [50, 12, 10]
    parts = list(combined.parts())
    assert len(parts) == 5
    for number, part in enumerate(parts, start=1):
        assert {each.fold for each in part.test.of(0)} == {number}
        assert {each.fold for each in part.test.of(1)} == {1 + (number - 1) % 3}
        assert {each.split for each in part.test.of(2)} == {"test"}
        assert not paths(part.train) & paths(part.test)
