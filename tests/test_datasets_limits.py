"""At most so many clips of a label: the limit holds, and nothing goes without need."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_sets import clip, dataset, farm

from ossicle.datasets import Dataset
from ossicle.datasets.tasks import labels_of
from ossicle.errors import DatasetError
from ossicle.types import Task

tagged = st.lists(
    st.sets(st.sampled_from("abc"), max_size=3).map(lambda s: "|".join(sorted(s))),
    min_size=1,
    max_size=30,
)


@given(tagged, st.integers(0, 5), st.integers(0, 3))
def test_no_label_of_a_multilabel_task_is_above_its_limit(texts, n, seed):
    clips = [clip(f"{i}.wav", **({"tags": text} if text else {})) for i, text in enumerate(texts)]
    tags = Task("tags", "multilabel", ("a", "b", "c"))
    few = Dataset(tuple(clips), (tags,)).at_most(n, seed=seed)
    counts = few.indicators().sum(axis=0)
    assert counts.max(initial=0) <= n
    assert few.clips == Dataset(tuple(clips), (tags,)).at_most(n, seed=seed).clips
    left = [each for each in clips if each not in few.clips]
    for each in left:
        assert any(counts["abc".index(x)] == n for x in labels_of(each.labels["tags"], tags))


def test_a_label_with_limit_zero_leaves_with_its_clips():
    few = farm.at_most({"a": 0, "b": 2})
    assert few.task().labels == ("b", "c")
    assert Counter(few.labels().tolist()) == {"b": 2, "c": 4}


def test_clips_with_other_labels_keep_these_where_one_label_leaves():
    data = dataset(
        "tags",
        *(clip(f"{i}", tags=text) for i, text in enumerate(["a", "a|b", "b", "c"])),
        kinds={"tags": "multilabel"},
    )
    rest = data.at_most({"a": 0})
    assert rest.labels().tolist() == ["b", "b", "c"]
    assert rest.task().labels == ("b", "c")
    assert rest.where(tags="b").task().labels == ("b",)


def test_labels_without_a_limit_keep_all_their_clips():
    assert Counter(farm.at_most({"b": 1}).labels().tolist()) == {"a": 4, "b": 1, "c": 4}
    assert farm.at_most({"b": 1}).tasks == farm.tasks


@pytest.mark.parametrize(
    ("n", "match"), [({"aa": 1}, "no label 'aa'"), ({"a": -1}, "-1"), (-1, "-1"), (1.5, "1.5")]
)
def test_a_senseless_limit_is_refused(n, match):
    with pytest.raises(DatasetError, match=match):
        farm.at_most(n)
