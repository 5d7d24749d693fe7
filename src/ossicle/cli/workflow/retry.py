"""``ossicle workflow retry``: the same words and parameters once more."""

from dataclasses import replace
from pathlib import Path

import click

from ossicle.cli.run import carry_out, from_option
from ossicle.cli.terminal import as_json
from ossicle.cli.workflow_options import (
    execution_argument,
    load_steps,
    store_option,
    words_of_steps,
)

__all__ = ["retry"]


@click.command()
@execution_argument
@from_option
@store_option
@words_of_steps
@as_json
def retry(
    execution: str, first: str | None, root: Path, modules: tuple[Path, ...], as_json: bool
) -> None:
    """Run what an execution ran, as its file was then; what is finished is not done again.

    \b
    ossicle workflow retry alarm-1
    ossicle workflow retry alarm-1 --from search
    """
    load_steps(modules)
    from ossicle.workflow.executions import Executions

    flow, how = Executions(root).flow(execution)
    again = flow.nodes_from(first) if first else frozenset()
    carry_out(flow, root, replace(how, again=again), as_json=as_json)
