"""``ossicle workflow status``: the steps of one execution."""

from pathlib import Path
from typing import Any

import click

from ossicle.cli.terminal import as_json, emit, table
from ossicle.cli.tree import more_than
from ossicle.cli.workflow_options import execution_argument, store_option

__all__ = ["status"]


@click.command()
@execution_argument
@store_option
@as_json
def status(execution: str, root: Path, as_json: bool) -> None:
    """Show the steps of an execution: state, seconds, the key of what each has made.

    \b
    ossicle workflow status alarm-1
    """
    from ossicle.workflow.executions import Executions

    executions = Executions(root)
    told, steps = executions.get(execution), executions.steps(execution)
    rows = [
        {
            "step": each["name"],
            "state": each["state"],
            "seconds": each["seconds"],
            "key": (each["key"] or "")[:12],
            "": _more(each),
        }
        for each in steps
    ]
    took = "" if told.seconds is None else f", {told.seconds:.1f} s"
    head = f"{told.id} {told.state}{took}"
    message = [told.message] if told.message else []
    shown = table(rows, list(rows[0])) if rows else "no step is recorded"
    text = "\n".join([head, *message, "", shown])
    emit({**told.to_dict(), "steps": steps}, text, as_json=as_json)


def _more(step: dict[str, Any]) -> str:
    """How far a step is, or why it ended so."""
    if step["stage"] is not None:
        return f"{step['stage']} {step['done']}/{step['total']}"
    return more_than(step["state"], str(step["detail"] or ""))
