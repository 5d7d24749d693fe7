"""``ossicle run``: a workflow file, done as far as it is not done already."""

import json
import shlex
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ossicle.cli.terminal import as_json, emit, note, settings, table
from ossicle.cli.workflow_options import load_steps, store_option, words_of_steps

if TYPE_CHECKING:
    from ossicle.workflow.executions import ExecutionSettings
    from ossicle.workflow.flow import Flow

__all__ = ["carry_out", "from_option", "run"]

LAST_LINES = 10
"""Of the log of a step that failed."""

from_option = click.option(
    "--from", "first", metavar="STEP", help="Do this step again, and all that depend on it."
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
@click.option("--dry-run", is_flag=True, help="Say what would be done and why; do nothing.")
@from_option
@click.option(
    "--jobs",
    type=click.IntRange(min=-1),
    default=-1,
    show_default=True,
    help="Processes; -1: all cores.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Copy the outputs to this folder.")
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="NAME=VALUE",
    help="What this machine is called, for steps with where, as house=7.",
)
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
    from ossicle.workflow.flow_keys import read_word

    flow = read_flow(path, settings(set_, option="--set"))
    again = flow.nodes_from(first) if first else frozenset()
    if dry_run:
        _emit_plan(flow, root, again, as_json=as_json)
        return
    named = {name: read_word(word) for name, word in settings(labels, option="--label").items()}
    how = ExecutionSettings(n_jobs=jobs, labels=named, again=again, out=out)
    carry_out(flow, root, how, as_json=as_json)


def _emit_plan(flow: "Flow", root: Path, again: frozenset[str], *, as_json: bool) -> None:
    from ossicle.cli.tree import branches
    from ossicle.workflow.executions import store_of

    planned = {each.node: each for each in flow.pipeline.plan(store_of(root), again=again)}
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
    from ossicle.errors import OssicleError
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
    except OssicleError:
        for step in (name for name, state in ends.items() if state == "failed" and id_):
            _note_log(Executions(root), id_[0], step)
        raise
    execution = Executions(root).get(outcome.id)
    outputs = plain(outcome.outputs)
    value = {**execution.to_dict(), "steps": ends, "outputs": outputs}
    emit(value, _text(execution, ends, outputs), as_json=as_json)


def _note_log(executions: Any, execution: str, step: str) -> None:
    """The last lines that a step has printed, where they are still to be had."""
    from ossicle.errors import OssicleError

    lines: list[str] = []
    with suppress(OssicleError):
        lines = executions.log(execution, step).rstrip().splitlines()
    if lines:
        command = shlex.join(["ossicle", "workflow", "log", execution, step])
        note(f"the last lines of {step} (all: {command}):")
    for line in lines[-LAST_LINES:]:
        note(f"  {line}")


def _text(execution: Any, ends: dict[str, str], outputs: dict[str, Any]) -> str:
    counts = Counter(ends.values())
    steps = ", ".join(f"{n} {state}" for state, n in counts.items())
    head = f"{execution.id} {execution.state} in {execution.seconds:.1f} s: {steps}"
    width = max(map(len, outputs), default=0)
    return "\n".join(
        [head, *(f"{name:{width}}  {_said(value)}" for name, value in outputs.items())]
    )


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
