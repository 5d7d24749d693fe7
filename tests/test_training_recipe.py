"""Recipes of a training: what is read, what is refused, and who is held out of what."""

from dataclasses import replace
from pathlib import Path

import pytest
from sounds import folders_of_tones, table_of_tones
from trainings import SMALL_FRONT_END

from ossicle.datasets import Dataset, check_test, make_task, read_dataset, single_part
from ossicle.errors import DatasetError, OssicleError, TrainingError
from ossicle.steps.rounds import ALL, named_apart, rounds_of, with_validation
from ossicle.training.recipe import read_recipe, recipe_of
from ossicle.training.recipe_keys import recipe_keys
from ossicle.types import Clip, Recording

ROOT = Path(__file__).resolve().parents[1]
DATA = {"data": [{"path": "sounds"}]}


# --- words ----------------------------------------------------------------------------------------


def test_every_key_of_a_recipe_is_documented():
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    missing = [key for key in recipe_keys() if f"`{key.rpartition('.')[2]}`" not in text]
    assert missing == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({}, r"no data set; name one under \[\[data\]\]"),
        ({"dat": []}, "a recipe has no key 'dat'; did you mean 'data'"),
        ({"data": []}, "no data set"),
        ({"data": "sounds"}, r"data = 'sounds'; one table or more, each headed \[\[data\]\]"),
        ({"data": [{"layout": "csv"}]}, "has no path; name a folder or a table"),
        (
            {"data": [{"path": "a", "pth": "b"}]},
            r"\[\[data\]\] has no key 'pth'; did you mean 'path'",
        ),
        ({"data": [{"path": "a", "layout": "cvs"}]}, r"layout = 'cvs'; did you mean 'csv'"),
        ({"data": [{"path": "a", "at_most": "10"}]}, r"at_most = '10'; a whole number from 1"),
        ({"data": [{"path": "a", "at_most": True}]}, r"at_most = True; a whole number from 1"),
        ({"data": [{"path": "a", "at_most": 0}]}, r"at_most = 0; a whole number from 1"),
        ({"data": [{"path": "a", "tasks": "label"}]}, "tasks = 'label'; a list of columns"),
        ({"data": [{"path": "a", "where": "fold"}]}, "where = 'fold'; a table of columns"),
        ({"data": [{"path": "a", "test": "fold"}]}, "test is 'fold'; did you mean 'folds'"),
        ({**DATA, "compare_single_tasks": 1}, "compare_single_tasks = 1; true or false"),
        ({**DATA, "compare_single_task": True}, "did you mean 'compare_single_tasks'"),
        ({**DATA, "test": {"how": "hold_out"}}, "test is 'hold_out'; did you mean 'holdout'"),
        ({**DATA, "test": {"what": "folds"}}, r"\[test\] has no key 'what'; allowed: how"),
        (
            {**DATA, "training": {"epoch": 3}},
            r"\[training\] has no key 'epoch'; did you mean 'epochs'",
        ),
        ({**DATA, "training": {"epochs": "3"}}, "epochs is '3'; allowed is a whole number"),
        ({**DATA, "training": {"epochs": 2.5}}, "epochs is 2.5; allowed is a whole number"),
        ({**DATA, "training": {"scaling": "bands"}}, "scaling is 'bands'; allowed are 'band'"),
        ({**DATA, "training": {"validation": 2}}, "validation = 2; a share from 0 to 1"),
        ({**DATA, "training": {"model": "cnn"}}, r"it is a table of its own, \[model\]"),
        ({**DATA, "training": {"how": "folds"}}, r"it belongs under \[test\]"),
        ({**DATA, "epochs": 3}, r"a recipe has no key 'epochs'; it belongs under \[training\]"),
        (
            {**DATA, "model": {"name": "cnnn"}},
            r"\[model\] no network is called 'cnnn'; did you mean",
        ),
        (
            {**DATA, "model": {"name": "cnn", "widht": 3}},
            r"\[model\] cnn .*'widht'; did you mean 'width'",
        ),
        ({**DATA, "model": {"width": 3}}, r"\[model\] has no name"),
        ({**DATA, "front_end": {"n_mel": 3}}, r"\[front_end\] log_mel has no setting 'n_mel'"),
        ({**DATA, "augmentation": {"mixupp": 0.2}}, r"\[augmentation\] .*did you mean 'mixup'"),
    ],
)
def test_what_is_no_recipe_is_refused_with_what_is_allowed(words, message):
    with pytest.raises(TrainingError, match=message):
        recipe_of(words)


def test_a_recipe_written_down_is_the_same_recipe():
    words = {
        "data": [{"path": "/a", "tasks": ["label"], "drop": ["x"], "at_most": 3, "test": "fold=1"}],
        "test": {"how": "groups"},
        "front_end": SMALL_FRONT_END,
        "model": {"name": "cnn", "width": 8},
        "augmentation": {"mixup": 0.2},
        "training": {"epochs": 3, "scaling": "none", "seed": 5},
        "compare_single_tasks": True,
    }
    recipe = recipe_of(words)
    assert recipe_of(recipe.words()) == recipe
    assert recipe.training["scaling"] is None
    assert recipe.data[0].seed == 5


def test_paths_are_relative_to_the_recipe_or_to_the_folder_named(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text('[[data]]\npath = "tones"\n')
    assert read_recipe(path)["data"][0]["path"] == str(tmp_path / "tones")
    assert read_recipe(path, data="/sounds")["data"][0]["path"] == "/sounds/tones"


def test_a_column_that_is_called_path_is_no_path(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text('[[data]]\npath = "tones"\nwhere = {path = "a.wav", room = ["a", "b"]}\n')
    assert read_recipe(path)["data"][0]["where"] == {"path": "a.wav", "room": ["a", "b"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[data]\n", "is no TOML"),
        ("epochs = 3", "it belongs under"),
        ("\x00", "is no TOML"),
        ('[[data]]\npath = "a\\u0000b"', r"path = 'a\\x00b' is no path: .*null"),
        ('[augmentation]\nbackground = {path = "\\u0000"}', r"path = '\\x00' is no path"),
    ],
)
def test_a_recipe_that_cannot_be_read_is_named(tmp_path, text, message):
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises(TrainingError, match=f"recipe.toml.*{message}"):
        read_recipe(path)
    with pytest.raises(TrainingError, match="cannot read the recipe"):
        read_recipe(tmp_path / "none.toml")
    with pytest.raises(TrainingError, match="no regular file"):
        read_recipe(tmp_path)


# --- clips ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def three(tmp_path_factory) -> Path:
    return folders_of_tones(tmp_path_factory.mktemp("three"), labels=("high", "low", "middle"))


def test_a_source_takes_the_clips_it_says(three):
    table = {"path": str(three), "drop": ["middle"], "at_most": 4, "name": "few"}
    (dataset,) = recipe_of({"data": [table]}).datasets()
    assert dataset.name == "few"
    assert sorted(dataset.labels().tolist()) == ["high"] * 4 + ["low"] * 4
    assert dataset.tasks[0].labels == ("high", "low")


def test_nothing_left_and_two_of_one_name_are_refused(three):
    everything = {"path": str(three), "where": {"label": "none"}}
    with pytest.raises(TrainingError, match="none of 30 clips is left by where"):
        recipe_of({"data": [everything]}).datasets()
    with pytest.raises(TrainingError, match="two data sets are called"):
        recipe_of({"data": [{"path": str(three)}] * 2}).datasets()


def test_what_has_a_value_is_held_out(table):
    dataset = read_dataset(table)
    train, test = single_part(dataset, "fold=3")
    assert {clip.fold for clip in test} == {3}
    assert {clip.fold for clip in train} == {1, 2, 4, 5}
    for wrong in ("fold=9", "nothing=1", "speaker="):
        with pytest.raises(OssicleError):
            single_part(dataset, wrong)
    with pytest.raises(DatasetError, match="COLUMN=VALUE"):
        check_test("xyz")


# --- rounds ---------------------------------------------------------------------------------------


def numbered(name: str, n: int, *, n_folds: int | None = None, folder: str = "") -> Dataset:
    """Clips of files that need not be there, two labels, in folds or not."""
    clips = tuple(
        Clip(
            Recording(Path(f"/{folder or name}/{place}.wav")),
            labels={"label": "ab"[place % 2]},
            group=f"g{place // 2}",
            fold=None if n_folds is None else 1 + place // 2 % n_folds,
        )
        for place in range(n)
    )
    return Dataset(clips, (make_task("label", "ab"),), name=name)


def paths(datasets) -> set[Path]:
    return {clip.path for dataset in datasets for clip in dataset}


@pytest.mark.parametrize("test", ["auto", "folds", "groups", "fold=1"])
def test_no_recording_that_is_tested_trains(test):
    rounds = rounds_of([numbered("a", 24, n_folds=3)], [test], net="a")
    for each in rounds:
        assert not paths(each.train) & paths(part for _, part in each.tests)


@pytest.mark.parametrize("test", ["folds", "groups"])
def test_every_clip_is_tested_once_and_the_last_network_trains_on_all(test):
    dataset = numbered("a", 24, n_folds=3)
    *judged, last = rounds_of([dataset], [test], net="a")
    tested = [clip for each in judged for _, part in each.tests for clip in part]
    assert sorted(clip.path for clip in tested) == sorted(clip.path for clip in dataset)
    assert (last.name, last.tests, len(last.train[0])) == (ALL, (), 24)


def test_a_data_set_with_fewer_parts_starts_again_and_one_with_a_single_part_repeats_it():
    sets = [numbered("a", 24, n_folds=3), numbered("b", 24, n_folds=2), numbered("c", 24)]
    rounds = rounds_of(sets, ["folds", "folds", "holdout"], net="together")
    names = [[name for name, _ in each.tests] for each in rounds]
    assert names == [
        ["a fold-1", "b fold-1", "c test"],
        ["a fold-2", "b fold-2", "c test"],
        ["a fold-3", "b fold-1", "c test"],
        [],
    ]
    held_out = paths([rounds[0].tests[2][1]])
    assert not held_out & paths(rounds[-1].train)


def test_a_recording_in_two_data_sets_is_on_one_side_only():
    whole, part = numbered("whole", 24, n_folds=3), numbered("part", 12, folder="whole")
    for each in rounds_of([whole, part], ["folds", "none"], net="together")[:-1]:
        assert not paths(each.train) & paths(dataset for _, dataset in each.tests)
        assert each.left_out > 0


def test_an_official_test_part_is_kept_as_it_is_even_where_it_cuts_a_group():
    dataset = numbered("a", 24)
    clips = tuple(
        replace(clip, group="ann", split="test" if place % 4 == 0 else "train")
        for place, clip in enumerate(dataset)
    )
    (each,) = rounds_of([replace(dataset, clips=clips)], ["split"], net="a")
    assert (len(each.train[0]), len(each.tests[0][1]), each.left_out) == (18, 6, 0)


def test_a_copy_of_what_is_tested_does_not_train(tmp_path):
    dataset = read_dataset(table_of_tones(tmp_path))
    (first, *_) = rounds_of([dataset], ["fold=1"], net="a")
    tested = first.tests[0][1][0].path
    trained = first.train[0][0].path
    trained.write_bytes(tested.read_bytes())
    (again, *_) = rounds_of([read_dataset(tmp_path)], ["fold=1"], net="a")
    assert (first.left_out, again.left_out) == (0, 1)
    assert trained not in paths(again.train)


def test_validation_is_the_official_part_or_a_share_without_a_group_of_training(table):
    dataset = read_dataset(table)
    (each,) = rounds_of([dataset], ["split"], net="a")
    (train,), (validation,) = with_validation(each.train, 0.15)
    assert {clip.split for clip in validation} == {"validation"}
    assert {clip.split for clip in train} == {"train"}
    (train,), (validation,) = with_validation([numbered("a", 40)], 0.2)
    groups = [{clip.group for clip in part} for part in (train, validation)]
    assert not groups[0] & groups[1]
    assert len(validation) == 8


def test_tasks_are_named_apart_where_they_differ(three, table):
    names = [each.tasks[0].name for each in named_apart([read_dataset(three), read_dataset(table)])]
    assert len(set(names)) == 2
    assert [name.rpartition(".")[2] for name in names] == ["label", "label"]
