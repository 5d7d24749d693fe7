"""Words of a training: a recipe file or folders, and options on top, as the tables of a recipe."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ossicle.cli.terminal import settings

__all__ = ["recipe_words"]


def recipe_words(
    paths: Sequence[Path],
    *,
    data: Path | None,
    given: Mapping[str, Any],
    source: Mapping[str, Any],
    pairs: Sequence[str],
) -> dict[str, Any]:
    """The tables of a recipe: of a file, or of folders, with what options say on top.

    Parameters
    ----------
    paths : sequence of Path
        One recipe, or data sets.
    data : Path, optional
        What the paths in a recipe are relative to.
    given : mapping
        Options as dotted keys, ``training.epochs``; None where one was not given.
    source : mapping
        What is said of every data set, ``layout``, ``tasks``, ``where``; not beside a recipe.
    pairs : sequence of str
        ``NAME=VALUE``, names as in ``[training]`` or dotted.
    """
    words = _file_or_folders(paths, data=data, source=source)
    for key, value in {**{k: v for k, v in given.items() if v is not None}, **_set(pairs)}.items():
        _put(words, key, value)
    return words


def _file_or_folders(
    paths: Sequence[Path], *, data: Path | None, source: Mapping[str, Any]
) -> dict[str, Any]:
    from ossicle.training.recipe import read_recipe

    recipes = [path for path in paths if path.suffix == ".toml"]
    if not recipes:
        if data is not None:
            raise click.UsageError("--data says where a recipe's data sets are; name a recipe")
        said = {name: value for name, value in source.items() if value}
        return {"data": [{"path": str(path.resolve()), **said} for path in paths]}
    if len(paths) > 1:
        raise click.UsageError(f"{recipes[0]} is a recipe and stands alone; it names its data sets")
    if any(source.values()):
        raise click.UsageError("--layout, --task and --where belong under [[data]] of the recipe")
    return read_recipe(recipes[0], data=data)


def _set(pairs: Sequence[str]) -> dict[str, Any]:
    """``--set`` words; a bare name is one of ``[training]``."""
    named = settings(pairs, option="--set").items()
    return {name if "." in name else f"training.{name}": _value(word) for name, word in named}


def _value(word: str) -> Any:
    """A JSON value; words with commas between them as a list; else the word itself."""
    try:
        return json.loads(word)
    except (ValueError, RecursionError):  # also a number of thousands of digits
        return [_value(each) for each in word.split(",")] if "," in word else word


def _put(words: dict[str, Any], key: str, value: Any) -> None:
    """Set one dotted key; a table that was a name, as ``model``, keeps it."""
    table, _, name = key.partition(".")
    if not name:
        words[table] = value
        return
    held = words.get(table, {})
    words[table] = {**(held if isinstance(held, dict) else {"name": held}), name: value}
