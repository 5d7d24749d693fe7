"""The keys of a workflow file: which there are, what each may be, the nearest when none is."""

import difflib
import math
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ossicle.errors import WorkflowError, nearest
from ossicle.workflow.expressions import EACH, NAME, brief, leaves, parsed

__all__ = [
    "RESERVED",
    "Declared",
    "at",
    "check_depth",
    "check_file_name",
    "check_plain",
    "check_tables",
    "checked_option",
    "declared",
    "fitting",
    "read_word",
]

FILE = {"name": str, "description": str, "parameters": dict, "steps": dict, "outputs": dict}
PARAMETER = ("default", "type", "help")
OPTIONS = {"when": "when", "retries": "retries", "deadline": "deadline", "on": "where"}
"""Keys that say how a step is done, with the option of its node that each stands for."""

RESERVED = ("step", "for_each", "with", *OPTIONS)
"""Keys of a step that are none of its arguments, which may always stand below ``with``."""

TYPES: Mapping[str, type] = {
    "string": str,
    "integer": int,
    "float": float,
    "boolean": bool,
    "array": list,
    "table": dict,
}
"""What a parameter may be, as TOML calls it."""

DEEPEST = 50
"""Lists and tables that may lie in each other."""

LARGEST = 2**63
"""Of whole numbers, as TOML has it."""

_UNWRITABLE = re.compile("[\ud800-\udfff\0]")
_FILE_NAME = re.compile(r"\w[\w.-]*")


@contextmanager
def at(place: str) -> Iterator[None]:
    """Put the place before what went wrong there.

    >>> with at("steps.train"):
    ...     raise WorkflowError("no step 'trian'")
    Traceback (most recent call last):
        ...
    ossicle.errors.WorkflowError: steps.train: no step 'trian'
    """
    try:
        yield
    except WorkflowError as error:
        raise WorkflowError(f"{place}: {error}") from error


def check_tables(words: Mapping[str, Any]) -> None:
    """Refuse tables that are no workflow, whatever its steps are.

    Raises
    ------
    WorkflowError
        If a key is unknown, a table is none, or a name or an expression is not right.

    >>> check_tables({"name": "alarm", "step": {}})
    Traceback (most recent call last):
        ...
    ossicle.errors.WorkflowError: no key 'step'; did you mean 'steps'?
    """
    check_depth(words)
    _check_keys(words, FILE)
    for key, value in words.items():
        _check_kind(key, value, FILE[key])
    _check_name("name", words["name"], _FILE_NAME)
    if not words.get("steps"):
        raise WorkflowError("no step; name one under [steps.NAME] with step = ...")
    _check_names(words)
    for name, table in words["steps"].items():
        _check_step(f"steps.{name}", table)
    _check_values("parameters", words.get("parameters", {}))
    _check_values("outputs", words.get("outputs", {}))


def _check_keys(table: Mapping[str, Any], allowed: Collection[str]) -> None:
    for key in table:
        if key not in allowed:
            raise WorkflowError(f"no key {key!r}; {nearest(key, allowed)}")


def _check_kind(place: str, value: Any, kind: type) -> None:
    if not isinstance(value, kind):
        allowed = "text is allowed" if kind is str else f"table is allowed: [{place}]"
        raise WorkflowError(f"{place} is {brief(value)}; a {allowed}")


def _check_name(place: str, name: str, form: re.Pattern[str] = NAME) -> None:
    if not form.fullmatch(name):
        raise WorkflowError(f"{place}: {name!r} is no name; letters, digits, _ and - are allowed")


def check_file_name(stem: str) -> None:
    """Refuse the name of a file that its workflow cannot be called by.

    Raises
    ------
    WorkflowError
        If it is no name.
    """
    if not _FILE_NAME.fullmatch(stem):
        raise WorkflowError(
            f"name: {stem!r} is no name; letters, digits, _ and - are allowed; it is taken from "
            'the file\'s name: add name = "…"'
        )


def _check_names(words: Mapping[str, Any]) -> None:
    """Names of parameters and steps, which share one name space."""
    for place in ("parameters", "steps", "outputs"):
        for name in words.get(place, {}):
            _check_name(place, name)
            if name == EACH and place != "outputs":
                raise WorkflowError(f"{place}.{EACH}: ${{{EACH}.key}} is the matrix; rename it")
    for name in words.get("parameters", {}):
        if name in words["steps"]:
            raise WorkflowError(f"steps.{name}: a parameter is called {name!r} too; rename one")


def _check_step(place: str, table: Any) -> None:
    _check_kind(place, table, dict)
    if not isinstance(table.get("step"), str):
        near = difflib.get_close_matches("step", [key for key in table if key not in RESERVED], n=1)
        meant = f"; {near[0]!r} is there: did you mean 'step'?" if near else ""
        raise WorkflowError(f"{place}: which step is it? say step = ..., the name of one{meant}")
    for key in ("for_each", "with", "on"):
        _check_kind(f"{place}.{key}", table.get(key, {}), dict)
    if not table.get("for_each", {"": []}):
        raise WorkflowError(f"{place}.for_each is empty; name a key with its values")
    for key in table.get("with", {}):
        if key in table and key not in RESERVED:
            raise WorkflowError(f"{place}.{key} is given twice, below with too; leave one")
    _check_values(place, table)


def _check_values(place: str, table: Mapping[str, Any]) -> None:
    for key, value in table.items():
        with at(f"{place}.{key}"):
            for leaf in leaves(value):
                if isinstance(leaf, str):
                    parsed(leaf)
            check_plain(value)


def check_plain(value: Any) -> None:
    """Refuse what cannot be part of a key: what JSON has no form for, though TOML has one.

    Raises
    ------
    WorkflowError
        If it is such, or holds it.

    >>> check_plain({"words": ["yes", 3, 0.5]})
    """
    for leaf in leaves(value):
        _check_leaf(leaf)


def _check_leaf(value: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise WorkflowError(f"{value} is no finite number")
    if isinstance(value, int) and not -LARGEST <= value < LARGEST:
        raise WorkflowError("a whole number of more than 64 bits is not allowed")
    if isinstance(value, str) and _UNWRITABLE.search(value):
        raise WorkflowError(
            f"{brief(value)} is no text: it holds what is no character (UTF-8), or zero"
        )
    if not isinstance(value, str | int | float | None):
        raise WorkflowError(f"{value} is a date or time; put it in quotes")


def check_depth(value: Any) -> None:
    """Refuse lists and tables in each other that nobody writes by hand.

    Raises
    ------
    WorkflowError
        If there are more than `DEEPEST`.
    """
    level = [value]
    for _ in range(DEEPEST):
        nested = [each for each in level if isinstance(each, Mapping | list)]
        level = [
            i for each in nested for i in (each.values() if isinstance(each, Mapping) else each)
        ]
    if level:
        raise WorkflowError(f"more than {DEEPEST} lists or tables lie in each other")


@dataclass(frozen=True, slots=True)
class Declared:
    """What a file says of a parameter: its default, its type (None: any), and what it means."""

    default: Any
    type: str | None
    help: str = ""


def declared(said: Any) -> Declared:
    """The parameter that a default, or a table with ``default``, ``type`` and ``help``, declares.

    Raises
    ------
    WorkflowError
        If the table is none of a parameter.

    >>> declared({"default": 40, "help": "mel bands"})
    Declared(default=40, type='integer', help='mel bands')
    """
    table = said if isinstance(said, Mapping) else {"default": said}
    _check_keys(table, PARAMETER)
    default = table.get("default")
    kinds = [name for name, kind in TYPES.items() if type(default) is kind]
    name = table.get("type", kinds[0] if kinds else None)
    if name is not None and name not in [*TYPES]:
        raise WorkflowError(f"type is {name!r}; {nearest(str(name), TYPES)}")
    return Declared(default, name, str(table.get("help", "")))


def fitting(value: Any, parameter: Declared) -> Any:
    """A value of a parameter's type; words as typed are read as TOML where they stand for others.

    Raises
    ------
    WorkflowError
        If it is of another type.

    >>> fitting("40", Declared(20, "integer")), fitting("40", Declared("", "string"))
    (40, '40')
    """
    if isinstance(value, str) and parameter.type != "string":
        value = read_word(value)
    check_plain(value)
    if parameter.type is None:
        return value
    kind = TYPES[parameter.type]
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        article = "an" if parameter.type[0] in "ai" else "a"
        raise WorkflowError(f"{brief(value)} is not allowed; {article} {parameter.type} is")
    return value


def read_word(text: str) -> Any:
    """The TOML value that a text is, or the text: so are dates, and what is nested too deep.

    >>> read_word("7"), read_word("attic")
    (7, 'attic')
    """
    try:
        read = tomllib.loads(f"value = {text}")
        check_depth(read)
        check_plain(read)
    except (ValueError, RecursionError, WorkflowError):
        return text
    return read["value"] if len(read) == 1 else text


def checked_option(name: str, value: Any) -> Any:
    """The value of ``retries``, ``deadline`` or ``on``.

    Raises
    ------
    WorkflowError
        If it may not be that.

    >>> checked_option("retries", 2)
    2
    """
    if name == "retries" and not (type(value) is int and value >= 0):
        raise WorkflowError(f"{brief(value)} is not allowed; a whole number from 0 is")
    if name == "deadline" and not (type(value) in (int, float) and value > 0):
        raise WorkflowError(f"{brief(value)} is not allowed; a number of seconds above 0 is")
    return value
