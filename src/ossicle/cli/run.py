"""``ossicle run``: a workflow file, done as far as it is not done already."""

import json
import re
import shlex
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ossicle.cli.terminal import as_json, emit, note, settings, table
from ossicle.cli.workflow_options import (
    dry_run_option,
    from_option,
    hinting_at_steps,
    labels_of,
    labels_option,
    load_steps,
    out_option,
    store_option,
    words_of_steps,
)
from ossicle.errors import OssicleError

if TYPE_CHECKING:
    from ossicle.workflow.executions import ExecutionSettings
    from ossicle.workflow.flow import Flow

__all__ = ["carry_out", "emit_plan", "run"]

LAST_LINES = 10
"""Of the log of a step that failed."""

_UNLABELLED = re.compile(
    r"(no worker has (\S+) = \[?['\"]?([^'\",\]]+).*): LocalCluster\(labels=…\) names what it is"
)


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--set",
    "set_",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter of the file; paths are relative to the current folder.",
)
@dry_run_option
@from_option
@click.option(
    "--jobs",
    type=click.IntRange(min=-1),
    default=-1,
    show_default=True,
    help="Processes; -1: all cores.",
)
@out_option
@labels_option
@store_option
@words_of_steps
@as_json
def run(
    path: Path,
    set_: tuple[str, ...],
    dry_run: bool,
    first: str | None,
    jobs: int,
    out: Path | None,
    labels: tuple[str, ...],
    root: Path,
    modules: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Run a workflow file: its steps in parallel, those whose results are kept not again.

    A killed run goes on where it stopped when the same words are typed again.

    \b
    ossicle run alarm.toml --out alarm/
    ossicle run alarm.toml --set sounds=recordings/ --set bands=64
    ossicle run alarm.toml --dry-run
    ossicle run alarm.toml --from features
    ossicle run mine.toml --steps my_steps.py
    """
    load_steps(modules)
    from ossicle.workflow.executions import ExecutionSettings
    from ossicle.workflow.flow import read_flow

    with hinting_at_steps(modules):
        flow = read_flow(path, settings(set_, option="--set"))
    again = flow.nodes_from(first) if first else frozenset()
    how = ExecutionSettings(
        n_jobs=jobs, labels=labels_of(labels), again=again, out=out, step_files=modules
    )
    (emit_plan if dry_run else carry_out)(flow, root, how, as_json=as_json)


def emit_plan(flow: "Flow", root: Path, how: "ExecutionSettings", *, as_json: bool) -> None:
    """Print what running a flow would do with each step."""
    from ossicle.cli.tree import branches
    from ossicle.workflow.executing import check_inputs
    from ossicle.workflow.executions import store_of

    check_inputs(flow)
    planned = {each.node: each for each in flow.pipeline.plan(store_of(root), again=how.again)}
    lines = branches({node.name: node.needs for node in flow.pipeline.nodes})
    rows = [
        {"step": line, "plan": planned[name].state, "why": planned[name].why}
        for name, line in lines.items()
    ]
    value = [{"step": each.node, "state": each.state, "why": each.why} for each in planned.values()]
    emit(value, table(rows, list(rows[0])), as_json=as_json)


def carry_out(flow: "Flow", root: Path, how: "ExecutionSettings", *, as_json: bool) -> None:
    """Run a flow, show what becomes of its steps, print what it gives out."""
    from ossicle.cli.tree import shown_events
    from ossicle.workflow.delivery import plain
    from ossicle.workflow.executing import execute
    from ossicle.workflow.executions import Executions

    id_: list[str] = []
    ends: dict[str, str] = {}

    try:
        with shown_events(flow.name, flow.pipeline.nodes) as show:

            def told(event: Any) -> None:
                ends[event.node] = event.state
                show(event)

            outcome = execute(flow, root=root, settings=how, on_begin=id_.append, on_event=told)
    except OssicleError as error:
        for step in (name for name, state in ends.items() if state == "failed" and id_):
            _note_log(Executions(root), id_[0], step)
        raise _as_typed(error) from error
    execution = Executions(root).get(outcome.id)
    outputs = plain(outcome.outputs)
    value = {**execution.to_dict(), "steps": ends, "outputs": outputs}
    emit(value, _text(execution, ends, outputs), as_json=as_json)


def _as_typed(error: OssicleError) -> OssicleError:
    """An error in the words of the command line."""
    return type(error)(_UNLABELLED.sub(r"\1: give --label \2=\3", str(error)))


def _note_log(executions: Any, execution: str, step: str) -> None:
    """The last lines that a step has printed, where they are still to be had."""
    lines: list[str] = []
    with suppress(OssicleError):
        lines = executions.log(execution, step).rstrip().splitlines()
    if lines:
        command = shlex.join(["ossicle", "workflow", "log", execution, step])
        note(f"the last lines of {step} (all: {command}):")
    for line in lines[-LAST_LINES:]:
        note(f"  {line}")


def _text(execution: Any, ends: dict[str, str], outputs: dict[str, Any]) -> str:
    from ossicle.cli.tree import counts

    head = f"{execution.id} {execution.state} in {execution.seconds:.1f} s: {counts(ends.values())}"
    width = max(map(len, outputs), default=0)
    return "\n".join(
        [head, *(f"{name:{width}}  {_said(value)}" for name, value in outputs.items())]
    )


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
