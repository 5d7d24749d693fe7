"""What annotations and docstrings say of a parameter: its type, unit and help."""

import inspect
import re
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

__all__ = ["Parts", "as_typed", "described", "documented", "fits", "may_be_mapping", "parts_of"]


@dataclass(frozen=True, slots=True)
class Parts:
    """An annotation taken apart: what it allows, and what is attached to it."""

    allowed: tuple[Any, ...]
    words: tuple[str, ...]
    marks: tuple[Any, ...]

    @property
    def takes_path(self) -> bool:
        """Whether it allows a path, or several."""
        return any(_is_path(each) or _is_paths(each) for each in self.allowed)

    @property
    def many(self) -> bool:
        """Whether it allows several paths."""
        return any(map(_is_paths, self.allowed))


def parts_of(hint: Any) -> Parts:
    """Take an annotation apart.

    >>> parts_of(Annotated[Path, "a folder"] | None).takes_path
    True
    """
    if get_origin(hint) is Annotated:
        inner, *marks = get_args(hint)
        parts = parts_of(inner)
        words = tuple(mark for mark in marks if isinstance(mark, str))
        return Parts(parts.allowed, (*words, *parts.words), (*marks, *parts.marks))
    if get_origin(hint) in (Union, types.UnionType):
        each = [parts_of(arg) for arg in get_args(hint)]
        joined = [sum((getattr(p, name) for p in each), ()) for name in Parts.__dataclass_fields__]
        return Parts(*joined)
    return Parts((hint,), (), ())


def _is_path(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Path)


def _is_paths(hint: Any) -> bool:
    origin, args = get_origin(hint), get_args(hint)
    several = isinstance(origin, type) and issubclass(origin, Sequence)
    return several and any(parts_of(arg).takes_path for arg in args)


def may_be_mapping(hint: Any) -> bool:
    """Whether what is annotated so may be a mapping, or be kept as one.

    >>> may_be_mapping(dict[str, int]), may_be_mapping(int)
    (True, False)
    """
    kinds = [get_origin(each) or each for each in parts_of(hint).allowed]
    return any(
        each is Any
        or (isinstance(each, type) and (issubclass(each, Mapping) or hasattr(each, "to_dict")))
        for each in kinds
    )


def fits(value: Any, hint: Any, *, as_input: bool = False) -> bool:
    """Whether a plain value is of a type; types that JSON does not know are not looked into.

    >>> fits(3, float), fits(True, int), fits([1], Sequence[str]), fits("cnn", Literal["cnn"])
    (True, False, False, True)
    """
    return any(_fits(value, each, as_input) for each in parts_of(hint).allowed)


def as_typed(value: Any, hint: Any) -> Any:
    """A value with whole numbers made decimal where only decimal ones are meant: 40 is 40.0.

    >>> as_typed([1, 2.5], list[float]), as_typed(1, int | float)
    ([1.0, 2.5], 1)
    """
    allowed = parts_of(hint).allowed
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value) if float in allowed and int not in allowed else value
    if isinstance(value, list | tuple):
        inner = [args[0] for each in allowed if (args := get_args(each)) and fits(value, each)]
        return [as_typed(each, inner[0]) for each in value] if inner else value
    return value


def _fits(value: Any, hint: Any, as_input: bool) -> bool:
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any or isinstance(hint, str):
        return True
    if hint is None or hint is types.NoneType:
        return value is None
    if origin is Literal:
        return value in args
    if as_input and _is_path(hint):
        return isinstance(value, str | Path)
    kind = origin or hint
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind in (int, bool, str):
        return isinstance(value, kind) and isinstance(value, bool) == (kind is bool)
    if isinstance(kind, type) and issubclass(kind, Mapping):
        return isinstance(value, Mapping) and _all_fit(value.values(), args[1:], as_input)
    if isinstance(kind, type) and issubclass(kind, Sequence):
        several = isinstance(value, Sequence) and not isinstance(value, str)
        return several and _all_fit(value, args[:1], as_input)
    return True


def _all_fit(values: Any, args: Sequence[Any], as_input: bool) -> bool:
    return not args or all(fits(value, args[0], as_input=as_input) for value in values)


def described(hint: Any) -> str:
    """A type in words.

    >>> described(Annotated[float, "s"] | None), described(Literal["cnn", "dnn"])
    ('float, optional', "'cnn' or 'dnn'")
    """
    allowed = parts_of(hint).allowed
    words = [_word(each) for each in allowed if each not in (None, types.NoneType)]
    optional = ", optional" if len(words) < len(allowed) else ""
    return " or ".join(dict.fromkeys(words)) + optional


def _word(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return " or ".join(map(repr, get_args(hint)))
    if isinstance(hint, type) and not get_args(hint):
        return hint.__name__
    return re.sub(r"\b(?:typing|collections\.abc|pathlib)\.", "", str(hint))


def documented(text: str) -> dict[str, str]:
    """The help of each parameter, from the section ``Parameters`` of a numpydoc docstring.

    >>> documented("Sum.\\n\\nParameters\\n----------\\na, b : int\\n    Numbers.\\n")
    {'a': 'Numbers.', 'b': 'Numbers.'}
    """
    _, _, section = text.partition("\nParameters\n----------\n")
    section = re.split(r"\n\n\S[^\n]*\n-{3,}\n|\n\n(?=\S)", section)[0]
    found: dict[str, str] = {}
    for entry in re.split(r"\n(?=\S)", section):
        head, _, body = entry.partition("\n")
        for name in head.partition(" :")[0].split(","):
            found[name.strip(" *")] = " ".join(inspect.cleandoc(body).split())
    return {name: told for name, told in found.items() if name}
