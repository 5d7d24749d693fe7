"""``ossicle workflow ps``: every execution, newest first."""

from datetime import datetime
from pathlib import Path

import click

from ossicle.cli.terminal import as_json, emit, table
from ossicle.cli.workflow_options import store_option

__all__ = ["ps"]


@click.command()
@store_option
@as_json
def ps(root: Path, as_json: bool) -> None:
    """List executions, newest first: how far each is, when it began, how long it took.

    \b
    ossicle workflow ps
    """
    from ossicle.workflow.executions import Executions

    found = Executions(root).list()
    rows = [
        {
            "id": each.id,
            "workflow": each.name,
            "state": each.state,
            "steps": f"{each.n_done}/{each.n_steps}",
            "started": f"{datetime.fromtimestamp(each.started):%Y-%m-%d %H:%M:%S}",
            "seconds": None if each.seconds is None else round(each.seconds, 1),
        }
        for each in found
    ]
    text = table(rows, list(rows[0])) if rows else f"no execution in {root}"
    emit([each.to_dict() for each in found], text, as_json=as_json)
