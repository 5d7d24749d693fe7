"""Combined data sets: one question one task, masks for what is not answered, views that only view.

A known framework padded targets with zeros that could not be told from a no, and counted the
columns of a data set alone twice: neither is to come back.
"""

from time import perf_counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_sets import clip, dataset, farm, sources, town

from ossicle.datasets import Dataset, combine
from ossicle.datasets.tasks import labels_of
from ossicle.errors import DatasetError
from ossicle.types import Task

# --- tasks ----------------------------------------------------------------------------------------


def test_the_same_question_in_two_data_sets_is_one_task():
    other = sources("barn", 6, "cab")
    combined = combine([farm, other])
    assert [task.name for task in combined.tasks] == ["label"]
    assert combined.targets().shape == (18, 3)
    assert combined.mask.all()
    np.testing.assert_array_equal(combined.source, [0] * 12 + [1] * 6)


def test_a_shared_task_has_one_order_of_labels_whatever_that_of_the_second_data_set():
    turned = Dataset(farm.clips, (Task("label", "multiclass", ("c", "b", "a")),), name="turned")
    combined = combine([farm, turned])
    np.testing.assert_array_equal(combined.targets()[:12], combined.targets()[12:])
    assert combined.of(1).tasks == farm.tasks


def test_one_name_for_two_questions_is_told_apart_by_the_data_set():
    combined = combine([farm, town])
    assert [task.name for task in combined.tasks] == ["farm.label", "town.label"]
    assert combined.of(1).tasks[0].labels == ("x", "y")
    assert {key for each in combined.of(1) for key in each.labels} == {"town.label"}


def test_a_task_of_another_kind_is_another_question_though_its_labels_are_the_same():
    many = dataset("many", clip("1", tags="a|b"), clip("2", tags="c"), kinds={"tags": "multilabel"})
    one = dataset("one", *(clip(f"{x}.wav", tags=x) for x in "abc"))
    assert [task.name for task in combine([many, one]).tasks] == ["many.tags", "one.tags"]


def test_data_sets_of_one_name_are_numbered():
    assert combine([farm, farm, sources("", 4), sources("", 4)]).names == (
        "farm",
        "farm-2",
        "data",
        "data-2",
    )


def test_a_name_that_is_taken_is_refused():
    tricky = dataset("tricky", clip("1", **{"farm.label": "a"}), clip("2", **{"farm.label": "b"}))
    with pytest.raises(DatasetError, match=r"'farm.label'; name one of them.*rename_task"):
        combine([farm, town, tricky])


def test_nothing_to_combine_and_nothing_to_learn_are_refused():
    with pytest.raises(DatasetError, match="no data sets"):
        combine([])
    with pytest.raises(DatasetError, match="no labels"):
        combine([farm, Dataset((clip("1.wav"),), name="recordings")])


def test_what_is_combined_stays_as_it_is():
    combined = combine([farm, town])
    assert combine(combined) is combined


# --- masks and targets ----------------------------------------------------------------------------


def test_a_mask_tells_no_answer_from_none_of_the_labels():
    data = dataset(
        "two",
        clip("1", tags="dog|rain", bpm="90"),
        clip("2", tags="rain"),
        clip("3", bpm="0"),
        kinds={"tags": "multilabel", "bpm": "regression"},
    )
    combined = combine(data)
    assert combined.mask.tolist() == [[True, True], [True, False], [False, True]]
    assert combined.targets("tags").tolist() == [[1, 1], [0, 1], [0, 0]]
    assert combined.targets("bpm").tolist() == [[90], [0], [0]]
    assert combined.targets("tags").dtype == np.float32


def test_one_data_set_alone_has_one_column_a_label():
    assert combine(farm).targets().shape == (12, len(farm.task().labels))
    np.testing.assert_array_equal(combine(farm).targets().argmax(axis=1), farm.targets())


@given(st.lists(st.tuples(*[st.sampled_from(["", "a", "b", "c", "a|c"])] * 2), min_size=1))
def test_every_answer_of_every_clip_is_in_the_targets_and_nothing_else(rows):
    kinds = {"tags": "multilabel", "more": "multilabel"}
    clips = [
        clip(f"{i}.wav", **{k: v for k, v in zip(kinds, row, strict=True) if v})
        for i, row in enumerate([*rows, ("a|b|c", "a|b|c")])
    ]
    first, second = dataset("first", *clips, kinds=kinds), dataset("second", *clips, kinds=kinds)
    combined = combine([first, second])
    for place, task in enumerate(combined.tasks):
        texts = [each.labels.get(task.name, "") for each in combined]
        expected = [[label in labels_of(text, task) for label in task.labels] for text in texts]
        np.testing.assert_array_equal(combined.targets(task.name), expected)
        np.testing.assert_array_equal(combined.mask[:, place], [text != "" for text in texts])


def test_a_label_that_left_the_task_is_no_answer():
    some = Dataset(farm.clips, (Task("label", "binary", ("a", "b")),), name="some")
    combined = combine(some)
    assert combined.mask[:, 0].sum() == 8
    assert combined.targets()[~combined.mask[:, 0]].sum() == 0


# --- views ----------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 20), max_size=30))
def test_a_subset_is_the_rows_of_the_whole(rows):
    combined = combine([farm, town])
    some = combined.subset(np.array(rows, np.int64))
    assert [each.id for each in some] == [combined.clips[row].id for row in rows]
    for task in combined.tasks:
        np.testing.assert_array_equal(
            some.targets(task.name), combined.targets(task.name)[np.array(rows, int)]
        )
    np.testing.assert_array_equal(some.groups, combined.groups[np.array(rows, int)])
    assert [len(some.of(index)) for index in (0, 1)] == np.bincount(
        some.source, minlength=2
    ).tolist()


def test_views_leave_the_data_sets_as_they_were():
    marks = [farm.fingerprint(), town.fingerprint()]
    combined = combine([farm, town])
    mark, clips = combined.fingerprint(), combined.clips
    list(combined.parts(3)), combined.split(), combined.part(), combined.subset([1, 2])
    farm.at_most({"a": 0}), farm.rename_task("label", "what"), farm.at_most({"a": 1})
    assert [farm.fingerprint(), town.fingerprint()] == marks
    assert combined.fingerprint() == mark
    assert combined.clips is clips
    assert all(a is b for a, b in zip(clips, [*farm.clips, *town.clips], strict=True))


def test_a_fingerprint_names_the_clips_their_order_and_their_questions():
    combined = combine([farm, town])
    marks = [
        combined.fingerprint(),
        combine([town, farm]).fingerprint(),
        combine([farm]).fingerprint(),
        combined.subset(range(20)).fingerprint(),
        combined.subset([*range(1, 21), 0]).fingerprint(),
        combine([farm.rename_task("label", "what"), town]).fingerprint(),
    ]
    assert len(set(marks)) == len(marks)
    assert combined.subset(range(21)).fingerprint() == marks[0]


def test_a_combination_says_what_it_is():
    assert repr(combine([farm, town])) == (
        "<Combined 'farm', 'town': 21 clips in 21 groups, farm.label: 3 labels, town.label: x, y>"
    )


# --- names ----------------------------------------------------------------------------------------


def test_a_renamed_task_asks_the_same_of_the_same_clips():
    renamed = farm.rename_task("label", "animal")
    assert renamed.task().name == "animal"
    assert renamed.labels().tolist() == farm.labels().tolist()
    assert renamed.rename_task("animal", "label") == farm


def test_two_names_of_one_question_become_one_task():
    barn = sources("barn", 6, "abc").rename_task("label", "animal")
    assert len(combine([farm, barn]).tasks) == 2
    assert len(combine([farm, barn.rename_task("animal", "label")]).tasks) == 1


def test_a_new_name_in_use_and_an_old_name_unknown_are_refused():
    two = dataset("two", clip("1", a="x", b="y"), clip("2", a="y", b="x"))
    with pytest.raises(DatasetError, match="'b'"):
        two.rename_task("a", "b")
    with pytest.raises(DatasetError, match="no task 'c'"):
        two.rename_task("c", "d")


# --- size -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_hundred_thousand_clips_are_combined_asked_and_dealt_in_seconds():
    big = [sources("big", 60_000, "abcdefghij"), sources("many", 8_000, "xyz", of_each=5)]
    start = perf_counter()
    combined = combine(big)
    assert combined.mask.shape == (100_000, 2)
    assert len(combined.targets("big.label")) == 100_000
    assert sum(map(len, combined.split())) == 100_000
    assert perf_counter() - start < 30
