"""``ossicle workflow rm``: the record and logs of an execution removed."""

from pathlib import Path

import click

from ossicle.cli.terminal import as_json, emit
from ossicle.cli.workflow_options import execution_argument, store_option

__all__ = ["rm"]


@click.command()
@execution_argument
@store_option
@as_json
def rm(execution: str, root: Path, as_json: bool) -> None:
    """Remove the record and logs of an execution; what its steps have made stays.

    \b
    ossicle workflow rm alarm-1
    """
    from ossicle.workflow.executions import Executions

    Executions(root).remove(execution)
    value = {"id": execution, "done": "rm"}
    emit(value, f"{execution} is removed; what its steps have made is kept", as_json=as_json)
