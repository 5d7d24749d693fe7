"""What mixes are asked to be: settings, the sounds they are made of, and both read from TOML."""

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from ossicle.audio import check_rate
from ossicle.datasets.dataset import SPLITS, Dataset
from ossicle.errors import AudioError, DatasetError, nearest

__all__ = ["Bank", "Labels", "Loudness", "Recipe", "Sounds", "checked", "read_recipe"]

MOST_MIXES = 1_000_000
"""Mixes that may be asked for: days of sound, and all that a table in memory should hold."""

MOST_EVENTS = 20
"""Events of one mix."""

Labels = Literal["binary", "source"]
Loudness = Literal["rms", "A"]


@dataclass(frozen=True, slots=True)
class Bank:
    """Sounds to mix from, and how often to take them.

    Parameters
    ----------
    sounds : Dataset or path
        A path is read by `read_dataset`.
    weight : float
        How often one of its recordings is taken, relative to those of other banks of that role.
    where : mapping
        Columns that the clips must have; see `Dataset.where`.

    >>> Bank("esc50", weight=2.0, where={"category": ["siren", "car_horn"]}).weight
    2.0
    """

    sounds: "Dataset | str | Path"
    weight: float = 1.0
    where: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.weight) and self.weight > 0.0):
            raise DatasetError(f"weight of {self.weight}; a positive number is allowed")


Sounds = Dataset | Bank | str | Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Settings of a mixed data set; see `mix_dataset`."""

    snr: tuple[float, ...]
    events: tuple[int, int]
    overlap: bool
    loudness: Loudness
    level: float | None
    rt60: tuple[float, float] | None
    seed: int
    n: int
    duration: float
    sample_rate: int
    fractions: tuple[float, ...]
    labels: Labels

    @property
    def n_samples(self) -> int:
        """Of one mix."""
        return round(self.duration * self.sample_rate)

    @property
    def exact(self) -> tuple[float, ...]:
        """The only signal-to-noise ratios there are; none where two bound a range."""
        return () if len(self.snr) == 2 else self.snr


def checked(recipe: Recipe) -> Recipe:
    """The recipe, if every setting is in range.

    Raises
    ------
    DatasetError
        If one is not, with its value.
    """
    try:
        check_rate(recipe.sample_rate)
    except AudioError as error:
        raise DatasetError(str(error)) from error
    for is_right, what in (*_of_set(recipe), *_of_sound(recipe)):
        if not is_right:
            raise DatasetError(f"{what} allowed")
    return recipe


def _of_set(recipe: Recipe) -> list[tuple[bool, str]]:
    labels = " and ".join(map(repr, get_args(Labels)))
    return [
        (recipe.n <= MOST_MIXES, f"n={recipe.n} mixes; at most {MOST_MIXES} are"),
        (0.1 <= recipe.duration <= 3600, f"duration of {recipe.duration:g} s; 0.1 to 3600 s are"),
        (recipe.labels in get_args(Labels), f"labels={recipe.labels!r}; {labels} are"),
        (
            _are_shares(recipe.fractions),
            f"fractions {recipe.fractions}; three from 0 to 1 with sum 1 are",
        ),
        (recipe.seed >= 0, f"seed {recipe.seed}; whole numbers from 0 are"),
    ]


def _of_sound(recipe: Recipe) -> list[tuple[bool, str]]:
    events, level, rt60 = recipe.events, recipe.level, recipe.rt60
    loudness = " and ".join(map(repr, get_args(Loudness)))
    are_exact = bool(recipe.exact) and all(-100 <= value <= 100 for value in recipe.exact)
    return [
        (
            are_exact or _is_range(recipe.snr, -100, 100),
            f"snr {_shown(recipe.snr)}; the least and the most, or any other number of exact "
            "ratios, from -100 to 100 dB, are",
        ),
        (
            _is_range(events, 1, MOST_EVENTS) and all(count == int(count) for count in events),
            f"events {_shown(events)}; two whole numbers from 1 to {MOST_EVENTS}, the lesser "
            "first, are",
        ),
        (recipe.loudness in get_args(Loudness), f"loudness={recipe.loudness!r}; {loudness} are"),
        (level is None or -60 <= level <= 0, f"level of {level} dBFS; -60 to 0 are"),
        (
            rt60 is None or _is_range(rt60, 0.05, 20),
            f"rooms of {_shown(rt60 or ())} s; two times from 0.05 to 20 s, the lesser first, are",
        ),
    ]


def _is_range(values: Sequence[float], least: float, most: float) -> bool:
    return len(values) == 2 and least <= values[0] <= values[1] <= most


def _shown(values: Sequence[float]) -> str:
    return " to ".join(f"{value:g}" for value in values) or "()"


def _are_shares(shares: Sequence[float]) -> bool:
    return len(shares) == len(SPLITS) and min(shares) >= 0 and math.isclose(sum(shares), 1.0)


# From a file -------------------------------------------------------------------------------

NUMBER, WHOLE, WORD, SWITCH = (int, float), (int,), (str,), (bool,)
SETTINGS: Mapping[str, tuple[tuple[type, ...], int | None, str]] = {
    "n": (WHOLE, None, "a whole number"),
    "seed": (WHOLE, None, "a whole number"),
    "sample_rate": (WHOLE, None, "a whole number of Hz"),
    "duration": (NUMBER, None, "a number of seconds"),
    "level": (NUMBER, None, "a number of dBFS"),
    "snr": (NUMBER, 1, "a list of dB"),
    "fractions": (NUMBER, 3, "a list of three numbers"),
    "events": (WHOLE, 2, "a list of two whole numbers"),
    "overlap": (SWITCH, None, "true or false"),
    "labels": (WORD, None, "a word"),
    "loudness": (WORD, None, "a word"),
}
"""Type of a value or of a list's items, the least length of a list, and both in words."""

SOUNDS = ("alarms", "significant", "background", "rooms")
OF_BANK = ("path", "weight", "where")


def read_recipe(path: str | Path) -> dict[str, Any]:
    """The arguments that a TOML file asks `mix_dataset` to be called with.

    Each setting has the name and the meaning it has there. ``alarms``, ``significant``,
    ``background`` and ``rooms`` are a path, several, or tables with ``path``, ``weight`` and
    ``where``; paths are relative to the file.

    Raises
    ------
    DatasetError
        If it cannot be read, or a key or a value is none that a recipe has.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "home.toml"
    >>> _ = path.write_text('''
    ... snr = [-5, 0, 5, 10]
    ... alarms = "alarms"
    ... [[background]]
    ... path = "kitchen"
    ... weight = 3
    ... ''')
    >>> asked = read_recipe(path)
    >>> asked["snr"], asked["background"][0].weight
    ((-5, 0, 5, 10), 3)
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise DatasetError(f"cannot read the recipe {path}: it is no regular file")
    try:
        read = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"cannot read the recipe {path}: {error}") from error
    except (ValueError, RecursionError) as error:  # also a whole number of thousands of digits
        raise DatasetError(f"{path} is no TOML: {error}") from error
    return {name: _argument(path, name, value) for name, value in read.items()}


def _argument(path: Path, name: str, value: Any) -> Any:
    if name == "rooms" and isinstance(value, list) and all(type(v) in NUMBER for v in value):
        return tuple(value)
    if name in SOUNDS:
        several = value if isinstance(value, list) else [value]
        return tuple(_bank(path, name, each) for each in several)
    if name not in SETTINGS:
        raise DatasetError(f"{path}: no setting {name!r}; {nearest(name, (*SETTINGS, *SOUNDS))}")
    types, n_least, words = SETTINGS[name]
    items = value if n_least and isinstance(value, list) else [value]
    if isinstance(value, list) != bool(n_least) or len(items) < (n_least or 1):
        raise DatasetError(f"{path}: {name} = {value!r}; {words} is allowed")
    if not all(type(item) in types for item in items):
        raise DatasetError(f"{path}: {name} = {value!r}; {words} is allowed")
    return tuple(value) if n_least else value


def _bank(path: Path, name: str, given: Any) -> Bank:
    table = {"path": given} if isinstance(given, str) else given
    if not isinstance(table, dict) or not isinstance(table.get("path"), str):
        raise DatasetError(
            f"{path}: {name} = {given!r}; a path, a list of them, or tables with a path are allowed"
        )
    for key in table.keys() - OF_BANK:
        raise DatasetError(f"{path}: {name} has no {key!r}; {nearest(key, OF_BANK)}")
    weight, where = table.get("weight", 1.0), table.get("where", {})
    if type(weight) not in NUMBER or not isinstance(where, dict):
        raise DatasetError(
            f"{path}: {name} with weight = {weight!r} and where = {where!r}; a number and a table "
            "of columns are allowed"
        )
    return Bank(path.parent / table["path"], weight, where)
