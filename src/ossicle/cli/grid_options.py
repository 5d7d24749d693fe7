"""Words of a grid: ``--set C=1,10`` and grid files."""

import json
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ossicle.cli.terminal import settings

__all__ = ["grid_of", "parameters", "single_parameters"]


def parameters(pairs: Sequence[str]) -> dict[str, Any]:
    """``C=1,10`` → ``{"C": [1, 10]}``, ``C=1..9`` → a range; what is no JSON value is a word."""
    split = settings(pairs, option="--set")
    return {name: _range(words) or _list(words) for name, words in split.items()}


def single_parameters(pairs: Sequence[str]) -> dict[str, Any]:
    """``n_mels=40`` → ``{"n_mels": 40}``; a list has no place here."""
    several = {name: values for name, values in parameters(pairs).items() if len(values) > 1}
    if several:
        message = f"{next(iter(several))} has several values; a front end takes one"
        raise click.BadParameter(message, param_hint="--set")
    return {name: values[0] for name, values in parameters(pairs).items()}


def _list(words: str) -> list[Any]:
    return [_value(word) for word in words.split(",")]


def _range(words: str) -> dict[str, Any] | None:
    """``0.1..1000`` on a logarithmic scale, ``1..9:linear`` on a linear one."""
    match = re.fullmatch(r"([^.,]+(?:\.\d+)?)\.\.([^:,]+)(?::(\w+))?", words)
    if match is None:
        return None
    return {"from": _value(match[1]), "to": _value(match[2]), "scale": match[3] or "log"}


def _value(word: str) -> Any:
    try:
        return json.loads(word)
    except (ValueError, RecursionError):  # also a number of thousands of digits
        return word


def grid_of(
    file: Path | None,
    front_end: Sequence[str],
    integration: Sequence[str],
    model: Sequence[str],
    pairs: Sequence[str],
) -> Any:
    """The grid that a file or the options name; None: the default grid."""
    named = {"front_end": front_end, "integration": integration, "model": model}
    given = {name: list(values) for name, values in named.items() if values}
    given.update(parameters(pairs))
    if file is None:
        return given or None
    if given:
        raise click.UsageError("give --grid or the single options, not both")
    return _read(file)


def _read(file: Path) -> Any:
    try:
        text = file.read_text(encoding="utf-8")
        found = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise click.BadParameter(f"cannot read {file}: {error}", param_hint="--grid") from error
    grid = found.get("grid", found) if isinstance(found, dict) else found
    if not all(isinstance(part, dict) for part in (grid if isinstance(grid, list) else [grid])):
        message = f"{file} holds {json.dumps(grid)[:40]}; a table of lists, or a list of such"
        raise click.BadParameter(f"{message} tables, is allowed", param_hint="--grid")
    return grid
