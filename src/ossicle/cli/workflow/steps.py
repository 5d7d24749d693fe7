"""``ossicle workflow steps``: the steps that a workflow file can name."""

from pathlib import Path
from typing import Any

import click

from ossicle.cli.terminal import as_json, emit, table
from ossicle.cli.workflow_options import load_steps, words_of_steps

__all__ = ["steps"]


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
        manifest = find_step(name).manifest()
        emit(manifest, _manifest(manifest), as_json=as_json)
        return
    found = [step.manifest() for step in every_step()]
    rows = [{"step": each["name"], "does": each["description"]} for each in found]
    emit(found, table(rows, list(rows[0])) if rows else "no step", as_json=as_json)


def _manifest(told: dict[str, Any]) -> str:
    """A manifest in words."""
    lines = [f"{told['name']}: {told['description']}"]
    for part in ("inputs", "parameters"):
        rows = [
            {
                part: name,
                "type": each["type"],
                "unit": each.get("unit", ""),
                "default": "required" if each["required"] else str(each["default"]),
                "": each.get("help", ""),
            }
            for name, each in told[part].items()
        ]
        lines += ["", table(rows, list(rows[0]))] if rows else []
    made = [f"{name} ({file})" for name, file in told["outputs"].items()]
    lines += ["", f"outputs     {', '.join(made) or 'none named'}", f"result      {told['result']}"]
    needs = ", ".join(f"{name} {value}" for name, value in told["needs"].items() if value)
    return "\n".join([*lines, f"needs       {needs}"])
