"""Expressions in a workflow file: ``${parameter}``, ``${step.output}``, ``${each.key}`` and more.

``${parameter}`` and ``${step}``, ``${step.output}``; ``${each.key}``, the value of a matrix that an
instance stands for; ``${env:NAME}``, a variable of the environment; ``${file:path}``, what a file
holds. Alone it keeps its type, inside text it becomes text; ``$${`` is ``${`` and no expression.
"""

import json
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ossicle.errors import WorkflowError, nearest
from ossicle.workflow.arguments import Output
from ossicle.workflow.pipeline import Condition

__all__ = ["Given", "Reference", "Scope", "brief", "condition", "leaves", "parsed", "references"]

EACH = "each"
SOURCES = ("env", "file")
_MARKED = re.compile(r"(\$\$?\{[^{}]*\}?)")
NAME = re.compile(r"[A-Za-z_][\w-]*")
_NAMED = re.compile(rf"({NAME.pattern})(?:\[(.+)\])?(?:\.(.+))?")
_OPERAND = r"""("[^"]*"|'[^']*'|\$\{[^{}]*\}|[^\s=!<>"']+)"""
_ASKED = re.compile(rf"\s*(?:(not)\s+)?{_OPERAND}\s*(?:(==|!=|<=|>=|<|>)\s*{_OPERAND})?\s*")


@dataclass(frozen=True, slots=True)
class Reference:
    """What stands between ``${`` and ``}``.

    ``source`` is each, env or file, empty for a name; ``instance``, what stands in brackets.
    """

    source: str
    name: str
    output: str = ""
    instance: str = ""

    @classmethod
    def of(cls, text: str) -> "Reference":
        """The reference that a text means.

        Raises
        ------
        WorkflowError
            If it means none.

        >>> Reference.of("train.accuracy")
        Reference(source='', name='train', output='accuracy', instance='')
        """
        source, colon, rest = text.partition(":")
        if colon and "[" not in source:
            if source not in SOURCES or not rest:
                hint = nearest(source, SOURCES)
                raise WorkflowError(f"${{{text}}}: {source!r} is no source; {hint}")
            return cls(source, rest)
        named = _NAMED.fullmatch(text)
        name, instance, output = named.groups("") if named else ("", "", "")
        if not name or (name == EACH and (instance or not output)):
            raise WorkflowError(
                f"${{{text}}} names nothing; write ${{parameter}}, ${{step}}, ${{step.output}}, "
                "${step[key=value]}, ${each.key}, ${env:NAME} or ${file:path}, or $${ for the "
                "characters themselves"
            )
        return cls(EACH, output) if name == EACH else cls("", name, output, instance)


def parsed(text: str) -> tuple[str | Reference, ...]:
    """Cut a text into what stands for itself and what stands for something else.

    Raises
    ------
    WorkflowError
        If an expression is not closed or means nothing.

    >>> parsed("${bands} bands, $${plain}")
    (Reference(source='', name='bands', output='', instance=''), ' bands, ${plain}')
    """
    pieces: list[str | Reference] = []
    for piece in filter(None, _MARKED.split(text)):
        if piece.startswith("${"):
            if not piece.endswith("}"):
                raise WorkflowError(f"{brief(text)}: ${{ is not closed by }}")
            pieces.append(Reference.of(piece[2:-1].strip()))
            continue
        plain = piece.removeprefix("$") if piece.startswith("$${") else piece
        if pieces and isinstance(pieces[-1], str):
            plain = f"{pieces.pop()}{plain}"
        pieces.append(plain)
    return tuple(pieces)


def brief(value: Any, most: int = 80) -> str:
    """A value in a message: no longer than that.

    >>> brief("word"), brief(list(range(100)), most=12)
    ("'word'", '[0, 1, 2, 3…')
    """
    text = repr(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def leaves(value: Any, *, tables: bool = True) -> Iterator[Any]:
    """Every value within lists and tables, or within lists alone.

    >>> list(leaves({"a": [1, "x"], "b": {"c": True}}))
    [1, 'x', True]
    """
    if tables and isinstance(value, Mapping):
        value = list(value.values())
    if not isinstance(value, list):
        yield value
        return
    for item in value:
        yield from leaves(item, tables=tables)


def references(said: Any) -> Iterator[Reference]:
    """Every reference in a value and whatever it holds.

    >>> [reference.name for reference in references({"a": ["${x}", 3], "b": "${y.z}"})]
    ['x', 'y']
    """
    for text in leaves(said):
        if isinstance(text, str):
            yield from (piece for piece in parsed(text) if isinstance(piece, Reference))


@dataclass(frozen=True, slots=True)
class Given:
    """A value, and the folder that a path in it is relative to."""

    value: Any
    folder: Path


@dataclass(frozen=True, slots=True)
class Scope:
    """What references mean at one place of a workflow file.

    Parameters
    ----------
    folder : Path
        Of the file: paths in it are relative to that.
    names : mapping of str to Given, Output or list of Output
        Parameters and steps; a list holds the instances of a step with ``for_each``.
    each : mapping of str to Given
        What this instance of a step with ``for_each`` stands for.

    >>> scope = Scope(Path("/flows"), {"bands": Given(40, Path("/here"))})
    >>> scope.value("${bands}"), scope.value("${bands} bands"), scope.value("a.wav", as_path=True)
    (40, '40 bands', PosixPath('/flows/a.wav'))
    """

    folder: Path
    names: "Mapping[str, Given | Output | list[Output]]" = field(default_factory=dict)
    each: Mapping[str, Given] = field(default_factory=dict)

    def value(self, said: Any, *, as_path: bool = False) -> Any:
        """What a value of the file means, with every expression in it put in.

        Parameters
        ----------
        said : TOML value
        as_path : bool
            Whether its words are names of files and folders.

        Raises
        ------
        WorkflowError
            If an expression means nothing here.
        """
        return self.given(said, as_path=as_path).value

    def given(self, said: Any, *, as_path: bool = False) -> Given:
        """As `value`, with the folder that a relative path comes from."""
        if isinstance(said, list):
            return Given([self.value(item, as_path=as_path) for item in said], self.folder)
        if isinstance(said, Mapping):
            inner = {key: self.value(item, as_path=as_path) for key, item in said.items()}
            return Given(inner, self.folder)
        given = self._text(said, as_path) if isinstance(said, str) else Given(said, self.folder)
        return replace(given, value=_placed(given.value, given.folder)) if as_path else given

    def _text(self, text: str, as_path: bool) -> Given:
        pieces = [
            Given(piece, self.folder) if isinstance(piece, str) else self._found(piece, as_path)
            for piece in parsed(text)
        ]
        if len(pieces) == 1:
            return pieces[0]
        folder = pieces[0].folder if pieces else self.folder
        return Given("".join(_words(piece.value, text) for piece in pieces), folder)

    def _found(self, reference: Reference, as_path: bool) -> Given:
        """What one reference means."""
        if reference.source == "env":
            return Given(_variable(reference.name), Path.cwd())
        if reference.source == "file":
            path = self.folder / reference.name
            return Given(path if as_path else _content(path), self.folder)
        names = self.each if reference.source == EACH else self.names
        if reference.name not in names:
            what = "key in for_each" if reference.source else "parameter or step"
            hint = nearest(reference.name, names) if names else "there is none at this place"
            raise WorkflowError(f"no {what} {reference.name!r}; {hint}")
        found = names[reference.name]
        if not isinstance(found, Given):
            step = _instance(found, reference) if reference.instance else found
            return Given(_output(step, reference.output), self.folder)
        if reference.output or reference.instance:
            raise WorkflowError(f"{reference.name} is a parameter; only steps have outputs")
        return found


def _instance(step: Output | list[Output], reference: Reference) -> Output:
    """The instance that is named."""
    if isinstance(step, Output):
        raise WorkflowError(f"{step.node} has no for_each, so it is one; write ${{{step.node}}}")
    name = f"{reference.name}[{reference.instance}]"
    for each in step:
        if each.node == name:
            return each
    raise WorkflowError(f"no instance {name!r}; {nearest(name, [each.node for each in step])}")


def _output(step: Output | list[Output], name: str) -> Output | list[Output]:
    """The output that is asked for, of every instance where there are several."""
    if isinstance(step, list):
        return [each[name] if name else each for each in step]
    return step[name] if name else step


def _variable(name: str) -> str:
    if name not in os.environ:
        raise WorkflowError(f"the environment has no variable {name!r}; set it: export {name}=...")
    return os.environ[name]


def _content(path: Path) -> Any:
    """What a file holds: parsed by its ending, or its text."""
    read: Callable[[str], Any] = {".json": json.loads, ".toml": tomllib.loads}.get(path.suffix, str)
    try:
        if path.exists() and not path.is_file():
            raise WorkflowError(f"{path} is a folder, device or pipe; name a file")
        return read(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WorkflowError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise WorkflowError(f"{path} cannot be read: {error}") from error


def _placed(value: Any, folder: Path) -> Any:
    """Words as paths below a folder."""
    if isinstance(value, list):
        return [_placed(item, folder) for item in value]
    if value == "":
        raise WorkflowError("'' names no file")
    return folder / value if isinstance(value, str) else value


def _words(value: Any, text: str) -> str:
    """A value inside a text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float | Path):
        return str(value)
    what = "the output of a step" if isinstance(value, Output) else type(value).__name__
    raise WorkflowError(f"{brief(text)}: {what} cannot be put inside text; let it stand alone")


def condition(said: Any, scope: Scope) -> Condition:
    """What ``when`` asks: a truth, ``not`` a truth, or two values compared.

    Parameters
    ----------
    said : bool or str
        ``"${a}"``, ``"not ${a}"``, ``"${a} >= 0.8"``; values are expressions, numbers, true,
        false, or words in quotes.
    scope : Scope

    Raises
    ------
    WorkflowError
        If it is no such question.

    >>> condition("${bands} > 20", Scope(Path(), {"bands": Given(40, Path())}))
    Condition(left=40, operator='>', right=20)
    """
    if isinstance(said, bool):
        return Condition(said)
    match = _ASKED.fullmatch(said) if isinstance(said, str) else None
    if match is None or (match[1] and match[3]):
        raise WorkflowError(
            f'{brief(said)} is no condition; write "${{a}}", "not ${{a}}", or two values with == '
            "!= < <= > or >= between them, words in quotes"
        )
    negated, left, operator, right = match.groups()
    if operator is None:
        return Condition(_operand(left, scope), negated or "")
    return Condition(_operand(left, scope), operator, _operand(right, scope))


def _operand(word: str, scope: Scope) -> Any:
    if word.startswith("${"):
        value = scope.value(word)
        if isinstance(value, list) and any(isinstance(item, Output) for item in value):
            one = f"${{{value[0].node}}}" if isinstance(value[0], Output) else "one step alone"
            raise WorkflowError(f"{word} has several instances (for_each); ask one, as {one}")
        return value
    try:
        return tomllib.loads(f"value = {word}")["value"]
    except (ValueError, RecursionError):
        told = brief(word)[1:-1]
        raise WorkflowError(f"{told} is no value; put words in quotes: '{told}'") from None
