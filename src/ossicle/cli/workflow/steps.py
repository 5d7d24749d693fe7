"""``ossicle workflow steps``: the steps that a workflow file can name."""

import shutil
import textwrap
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import click

from ossicle.cli.terminal import as_json, emit, table
from ossicle.cli.workflow_options import hinting_at_steps, load_steps, words_of_steps

__all__ = ["steps"]

WIDEST = 32
"""Of a cell but the last one, which has what is left of the terminal."""


@click.command()
@click.argument("name", required=False)
@words_of_steps
@as_json
def steps(name: str | None, modules: tuple[Path, ...], as_json: bool) -> None:
    """List the steps there are, or show what one takes, gives and needs.

    \b
    ossicle workflow steps
    ossicle workflow steps search
    """
    load_steps(modules)
    from ossicle.workflow.manifest import every_step, find_step

    if name is not None:
        with hinting_at_steps(modules):
            manifest = find_step(name).manifest()
        emit(manifest, _manifest(manifest), as_json=as_json)
        return
    found = [step.manifest() for step in every_step()]
    rows = [{"step": each["name"], "does": each["description"]} for each in found]
    emit(found, table(rows, list(rows[0])) if rows else "no step", as_json=as_json)


def _manifest(told: dict[str, Any]) -> str:
    """A manifest in words."""
    lines = [f"{told['name']}: {told['description']}".replace("``", "")]
    for part in ("inputs", "parameters"):
        rows = [
            {
                part: name,
                "type": each["type"],
                "unit": each.get("unit", ""),
                "default": "required" if each["required"] else str(each["default"]),
                "": each.get("help", "").replace("``", ""),
            }
            for name, each in told[part].items()
        ]
        lines += ["", table(_wrapped(rows), list(rows[0]))] if rows else []
    made = [f"{name} ({file})" for name, file in told["outputs"].items()]
    lines += ["", f"outputs     {', '.join(made) or 'none named'}", f"result      {told['result']}"]
    needs = ", ".join(f"{name} {value}" for name, value in told["needs"].items() if value)
    return "\n".join([*lines, f"needs       {needs}"])


def _wrapped(rows: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Rows whose long cells go on below, so that all fit the terminal."""
    *columns, last = rows[0]
    widest = [max(map(len, (column, *(row[column] for row in rows)))) for column in columns]
    left = shutil.get_terminal_size().columns - sum(min(each, WIDEST) + 2 for each in widest)
    widths = {**dict.fromkeys(columns, WIDEST), last: max(left, WIDEST)}
    made = []
    for row in rows:
        cells = [textwrap.wrap(row[name], widths[name]) or [""] for name in row]
        lines = zip_longest(*cells, fillvalue="")
        made += [dict(zip(row, line, strict=True)) for line in lines]
    return made
