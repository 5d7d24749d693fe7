"""``ossicle workflow retry``: the same words and parameters once more."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ossicle.cli.run import carry_out, emit_plan
from ossicle.cli.terminal import as_json
from ossicle.cli.workflow_options import (
    dry_run_option,
    execution_argument,
    from_option,
    labels_of,
    labels_option,
    load_steps,
    out_option,
    store_option,
    words_of_steps,
)

__all__ = ["retry"]


@click.command()
@execution_argument
@dry_run_option
@from_option
@click.option(
    "--jobs", type=click.IntRange(min=-1), help="Processes; as many as then by default; -1: all."
)
@out_option
@labels_option
@store_option
@words_of_steps
@as_json
def retry(
    execution: str,
    dry_run: bool,
    first: str | None,
    jobs: int | None,
    out: Path | None,
    labels: tuple[str, ...],
    root: Path,
    modules: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Run what an execution ran, as its file was then; what is finished is not done again.

    Steps come from the files of then, and all else is as it was, but for what is named here.

    \b
    ossicle workflow retry alarm-1
    ossicle workflow retry alarm-1 --from search
    """
    load_steps(())
    from ossicle.workflow.executions import Executions

    flow, how = Executions(root).flow(execution, step_files=modules)
    asked: dict[str, Any] = {"n_jobs": jobs, "out": out, "labels": labels_of(labels) or None}
    named = {name: value for name, value in asked.items() if value is not None}
    again = flow.nodes_from(first) if first else frozenset()
    how = replace(how, again=again, **named)
    (emit_plan if dry_run else carry_out)(flow, root, how, as_json=as_json)
