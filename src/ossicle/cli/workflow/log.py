"""``ossicle workflow log``: what steps have printed."""

from pathlib import Path

import click

from ossicle.cli.terminal import as_json, emit, safe
from ossicle.cli.workflow_options import execution_argument, store_option

__all__ = ["log"]


@click.command()
@execution_argument
@click.argument("step", required=False)
@click.option("--follow", is_flag=True, help="Wait for more until the execution has ended.")
@store_option
@as_json
def log(execution: str, step: str | None, follow: bool, root: Path, as_json: bool) -> None:
    """Print what one step has printed, or all of them; of one with for_each, all instances.

    \b
    ossicle workflow log alarm-1
    ossicle workflow log alarm-1 search --follow
    """
    from ossicle.workflow.executions import Executions

    printed = Executions(root).logs(execution, step, follow=follow)
    if as_json:
        emit([{"step": name, "text": text} for name, text in printed], "", as_json=True)
        return
    shown = step  # whose name need not be told
    for name, text in printed:
        if name != shown:
            click.echo(safe(f"── {name}"))
            shown = name
        click.echo(safe(text), nl=False)
