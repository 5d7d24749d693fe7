"""What a step takes, one parameter at a time: told by its annotation and its docstring."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

from ossicle.errors import WorkflowError
from ossicle.workflow.hints import described, documented, mentions_path, parts_of

__all__ = ["SUPPLIED", "Digest", "Parameter", "hints_of", "parameters_of"]

SUPPLIED = ("out", "progress", "n_jobs")
"""Parameters that whoever runs a step gives it."""


@dataclass(frozen=True, slots=True)
class Digest:
    """How an input counts, if not by its own bytes: ``Annotated[Path, Digest(function)]``.

    Parameters
    ----------
    function : callable
        From path to str.
    """

    function: Callable[[Path], str]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a step.

    Parameters
    ----------
    name : str
    hint : type
        Its annotation.
    default : object
        ``inspect.Parameter.empty`` if it must be given.
    is_input, many : bool
        Whether it takes a file or folder; whether several.
    unit, help : str
    digest : callable, optional
        How an input counts, if not by its bytes.
    """

    name: str
    hint: Any
    default: Any
    is_input: bool
    many: bool
    unit: str
    help: str
    digest: Callable[[Path], str] | None

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is inspect.Parameter.empty

    def to_dict(self) -> dict[str, Any]:
        """The parameter as JSON."""
        told = {"type": described(self.hint), "unit": self.unit, "help": self.help}
        shown = {name: text for name, text in told.items() if text}
        default = {} if self.required else {"default": _shown(self.default)}
        return {**shown, "required": self.required, **default}


def _shown(default: Any) -> Any:
    plain = default is None or isinstance(default, bool | int | float | str)
    return default if plain else repr(default)


def hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The annotations of a function, by parameter, and of what it returns.

    Raises
    ------
    WorkflowError
        If one names what is not there when the program runs.
    """
    try:
        return get_type_hints(function, include_extras=True)
    except (NameError, TypeError) as error:
        raise WorkflowError(
            f"step {function.__name__}: its annotations cannot be read ({error}); import what they "
            "name when the program runs, not for type checking only"
        ) from error


def _parameter(each: inspect.Parameter, hint: Any, told: str) -> Parameter:
    parts = parts_of(hint)
    if mentions_path(hint) and not parts.takes_path:
        raise WorkflowError(
            f"parameter {each.name}: {described(hint)} holds paths that would not be counted by "
            "content; Path or a sequence of Path is allowed"
        )
    digests = [mark.function for mark in parts.marks if isinstance(mark, Digest)]
    return Parameter(
        each.name,
        hint,
        each.default,
        is_input=parts.takes_path,
        many=parts.many,
        unit=", ".join(parts.words),
        help=told,
        digest=digests[0] if digests else None,
    )


def parameters_of(function: Callable[..., Any]) -> dict[str, Parameter]:
    """Every parameter of a function but those that are supplied."""
    helps = documented(inspect.getdoc(function) or "")
    hints = hints_of(function)
    open_ended = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return {
        each.name: _parameter(each, hints.get(each.name, Any), helps.get(each.name, ""))
        for each in inspect.signature(function).parameters.values()
        if each.name not in SUPPLIED and each.kind not in open_ended
    }
