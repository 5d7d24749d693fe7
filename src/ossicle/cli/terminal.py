"""What all verbs share: results on standard output, progress on standard error."""

import json
import math
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

import click

__all__ = [
    "SECONDS",
    "as_json",
    "counted",
    "emit",
    "jobs_option",
    "local_time",
    "note",
    "note_files",
    "progress_bars",
    "safe",
    "settings",
    "table",
    "typed",
    "where_option",
]

Command = TypeVar("Command", bound=Callable[..., Any])

SECONDS = click.FloatRange(min=0.0, min_open=True)
"""A duration."""

jobs_option = click.option(
    "--jobs",
    type=click.IntRange(min=-1),
    default=1,
    show_default=True,
    help="Processes; -1: all cores.",
)

as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")

where_option = click.option(
    "--where",
    multiple=True,
    metavar="COLUMN=VALUE",
    help="Keep only the clips with this value, e.g. esc10=True; one a column.",
)


def emit(value: Any, text: str, *, as_json: bool) -> None:
    """Print a result: the value as JSON or the text."""
    click.echo(json.dumps(_plain(value), indent=2) if as_json else safe(text))


def note(text: str) -> None:
    """Say something on standard error."""
    click.echo(safe(text), err=True)


def note_files(files: Sequence[tuple[object, str]], *, most: int | None = None) -> None:
    """Say which files were left out and why, at most so many by name."""
    for path, why in files[:most]:
        note(f"skipped {path}: {why}")
    if most is not None and len(files) > most:
        note(f"and {len(files) - most} more skipped")


def safe(text: str) -> str:
    """Lines without anything that a terminal would obey: names come from files and labels."""
    if text.replace("\n", "").isprintable():
        return text
    from ossicle.evaluation.visible import visible

    return "\n".join(map(visible, text.split("\n")))


def _plain(value: Any) -> Any:
    """JSON has no NaN: what was not measured is null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def settings(pairs: Sequence[str], *, option: str) -> dict[str, str]:
    """Split ``NAME=VALUE`` words."""
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{pair!r} is not NAME=VALUE", param_hint=option)
        if name in found:
            raise click.BadParameter(f"{name} is given twice", param_hint=option)
        found[name] = value
    return found


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Rows as aligned text: words to the left, numbers to the right."""
    cells = [[_cell(row[column]) for column in columns] for row in rows]
    widths = [
        max(len(column), *(len(line[place]) for line in cells), 0)
        for place, column in enumerate(columns)
    ]
    right = [not isinstance(rows[0][column], str) for column in columns] if rows else []
    lines = [list(columns), ["─" * width for width in widths], *cells]
    return "\n".join(_line(line, widths, right) for line in lines)


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _line(words: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = [
        word.rjust(width) if to_right else word.ljust(width)
        for word, width, to_right in zip(words, widths, right, strict=True)
    ]
    return "  ".join(padded).rstrip()


def counted(n: int, what: str) -> str:
    """``1 artifact``, ``2 artifacts``."""
    return f"{n} {what}{'' if n == 1 else 's'}"


def local_time(text: str) -> str:
    """A time in ISO form as the clock on the wall has it; nothing for nothing."""
    return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M:%S}" if text else ""


def typed() -> str:
    """The command as it was typed, for reports."""
    return shlex.join(["ossicle", *sys.argv[1:]])


@contextmanager
def progress_bars() -> Iterator[Callable[[str, int, int], None]]:
    """Progress bars on standard error, one a stage; yields what the steps call."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (TextColumn("{task.description:14}"), BarColumn(), MofNCompleteColumn(), Remaining())
    console = Console(stderr=True)
    quiet = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=quiet) as bars:
        stages: dict[str, Any] = {}

        def advance(stage: str, done: int, total: int) -> None:
            if stage not in stages:
                stages[stage] = bars.add_task(stage, total=total)
            bars.update(stages[stage], completed=done, total=total)

        yield advance
