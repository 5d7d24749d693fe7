"""``ossicle workflow rm``: the record and logs of an execution removed."""

from pathlib import Path

import click

from ossicle.cli.terminal import note
from ossicle.cli.workflow_options import execution_argument, store_option

__all__ = ["rm"]


@click.command()
@execution_argument
@store_option
def rm(execution: str, root: Path) -> None:
    """Remove the record and logs of an execution; what its steps have made stays.

    \b
    ossicle workflow rm alarm-1
    """
    from ossicle.workflow.executions import Executions

    Executions(root).remove(execution)
    note(f"{execution} is removed; what its steps have made is kept")
