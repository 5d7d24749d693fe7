"""Recipes as TOML: they mean what the arguments mean, and what they do not know they name."""

import json
from pathlib import Path

import pytest
from mixed_sounds import RATE, digests, mixed, write_sounds

from ossicle.datasets import Bank, mix_dataset, read_recipe
from ossicle.errors import DatasetError

HOME = """
n = 20
duration = 1
sample_rate = 8000
seed = 3
snr = [-5, 0, 5, 10]
events = [1, 3]
overlap = false
level = -30
labels = "source"
fractions = [0.5, 0.25, 0.25]
rooms = [0.2, 0.6]
significant = ["sounds/other"]
background = "sounds/room"

[[alarms]]
path = "sounds/alarms"
weight = 2
where = { label = "bell" }

[[alarms]]
path = "sounds/alarms"
where = { label = ["hi_lo"] }
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("home")
    write_sounds(root / "sounds")
    (root / "home.toml").write_text(HOME)
    return root


def test_a_recipe_makes_the_bytes_that_its_arguments_make(home: Path, tmp_path: Path) -> None:
    mix_dataset(**read_recipe(home / "home.toml"), out=tmp_path / "read")
    mixed(
        home / "sounds",
        tmp_path / "said",
        alarms=[
            Bank(home / "sounds/alarms", weight=2.0, where={"label": "bell"}),
            Bank(home / "sounds/alarms", where={"label": "hi_lo"}),
        ],
        n=20,
        seed=3,
        snr=[-5.0, 0.0, 5.0, 10.0],
        events=(1, 3),
        overlap=False,
        level=-30.0,
        labels="source",
        fractions=(0.5, 0.25, 0.25),
        rooms=(0.2, 0.6),
    )
    assert digests(tmp_path / "read") == digests(tmp_path / "said")


def test_the_recipe_lies_beside_the_mixes_with_every_setting(home: Path, tmp_path: Path) -> None:
    mix_dataset(**read_recipe(home / "home.toml"), out=tmp_path / "out")
    held = json.loads((tmp_path / "out/recipe.json").read_text())
    assert held["snr"] == [-5.0, 0.0, 5.0, 10.0]
    assert (held["events"], held["overlap"], held["rt60"]) == ([1, 3], False, [0.2, 0.6])
    assert (held["loudness"], held["level"], held["sample_rate"]) == ("rms", -30.0, RATE)


def test_paths_are_relative_to_the_recipe(home: Path) -> None:
    asked = read_recipe(home / "home.toml")
    assert asked["background"] == (Bank(home / "sounds/room"),)
    assert asked["alarms"][0].sounds == home / "sounds/alarms"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("alarm = 'a'", r"home\.toml: no setting 'alarm'; did you mean 'alarms'"),
        ("n_mixes = 3", "no setting 'n_mixes'; allowed: "),
        ("n = 2.5", r"n = 2\.5; a whole number is allowed"),
        ("n = true", "n = True; a whole number is allowed"),
        ("snr = 5", "snr = 5; a list of dB is allowed"),
        ("snr = ['loud']", r"snr = \['loud'\]; a list of dB is allowed"),
        ("duration = [5]", r"duration = \[5\]; a number of seconds is allowed"),
        ("overlap = 'no'", "overlap = 'no'; true or false is allowed"),
        ("alarms = 3", "alarms = 3; a path, a list of them, or tables with a path"),
        ("alarms = {weight = 2}", "tables with a path"),
        ("alarms = {path = 'a', wieght = 2}", "alarms has no 'wieght'; did you mean 'weight'"),
        ("alarms = {path = 'a', weight = '2'}", "weight = '2'"),
        ("alarms = {path = 'a', weight = 0}", "weight of 0; a positive number"),
        ("n = ", r"home\.toml is no TOML"),
        ("n = " + "[" * 100_000, r"home\.toml is no TOML"),
        ("n = " + "9" * 5_000, r"home\.toml is no TOML"),
    ],
)
def test_what_a_recipe_does_not_know_is_named(text: str, match: str, tmp_path: Path) -> None:
    (tmp_path / "home.toml").write_text(text)
    with pytest.raises(DatasetError, match=match):
        read_recipe(tmp_path / "home.toml")


def test_a_recipe_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot read the recipe"):
        read_recipe(tmp_path / "none.toml")
    with pytest.raises(DatasetError, match="no regular file"):
        read_recipe("/dev/zero")
