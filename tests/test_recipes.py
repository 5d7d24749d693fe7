"""The recipes that come with the project are recipes."""

import re
import tomllib
from pathlib import Path

import pytest
from sounds import RATE, tone_in_noise

from ossicle.audio import write_audio
from ossicle.features import PRETRAINED
from ossicle.models.networks import architecture
from ossicle.models.registry import model_class
from ossicle.training import read_recipe, recipe_of

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "recipes").glob("*.toml"))
GRIDS = [path for path in FILES if path.stem.endswith("-grid")]
TRAININGS = [path for path in FILES if path not in GRIDS]


@pytest.mark.parametrize("path", TRAININGS, ids=lambda path: path.stem)
def test_a_recipe_is_read_and_its_network_can_be_made(path, tmp_path):
    write_audio(tmp_path / "background" / "street.wav", tone_in_noise(400.0, seed=0), RATE)
    recipe = recipe_of(read_recipe(path, data=tmp_path))
    assert all(source.path.parent == tmp_path for source in recipe.data)
    architecture(recipe.training["model"]).build(n_frames=98, n_bands=40, n_outputs=[12])


@pytest.mark.parametrize("path", GRIDS, ids=lambda path: path.stem)
def test_a_grid_names_front_ends_and_models_that_there_are(path):
    for table in tomllib.loads(path.read_text(encoding="utf-8"))["grid"]:
        names = [each if isinstance(each, str) else each["name"] for each in table["front_end"]]
        assert set(names) <= set(PRETRAINED)
        assert all(model_class(name).name == name for name in table["model"])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_recipe_says_how_it_is_used(path):
    comment = "".join(re.findall(r"^#(.*)$", path.read_text(encoding="utf-8"), re.M))
    assert f"recipes/{path.name}" in comment
