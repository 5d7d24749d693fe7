"""``ossicle workflow cancel``: an execution ended from any terminal."""

from pathlib import Path

import click

from ossicle.cli.terminal import as_json, emit
from ossicle.cli.workflow_options import execution_argument, store_option

__all__ = ["cancel"]


@click.command()
@execution_argument
@store_option
@as_json
def cancel(execution: str, root: Path, as_json: bool) -> None:
    """End an execution and the processes of its steps; what is finished is kept.

    \b
    ossicle workflow cancel alarm-1
    """
    from ossicle.workflow.executions import Executions

    Executions(root).cancel(execution)
    value = {"id": execution, "done": "cancel"}
    emit(value, f"{execution} is asked to end", as_json=as_json)
