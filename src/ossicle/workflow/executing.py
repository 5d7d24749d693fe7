"""Running a workflow as an execution: recorded, to be ended from outside, its outputs copied."""

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ossicle.errors import WorkflowError
from ossicle.workflow.claims import hold
from ossicle.workflow.delivery import check_out, deliver, found_outputs
from ossicle.workflow.executions import (
    EXECUTIONS,
    LOGS,
    SNAPSHOT,
    ExecutionSettings,
    store_of,
)
from ossicle.workflow.executor import LocalCluster
from ossicle.workflow.expressions import leaves
from ossicle.workflow.files import write_json
from ossicle.workflow.flow import Flow
from ossicle.workflow.nodes import Event
from ossicle.workflow.pipeline import Results
from ossicle.workflow.record import recorder
from ossicle.workflow.running import check_machine

__all__ = ["Outcome", "check_inputs", "execute"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an execution has made: every step's artifact, and the outputs it was run for."""

    id: str
    results: Results
    outputs: Mapping[str, Any]


def execute(
    flow: Flow,
    *,
    root: str | Path,
    settings: ExecutionSettings | None = None,
    on_begin: Callable[[str], None] | None = None,
    on_event: Callable[[Event], None] | None = None,
) -> Outcome:
    """Run a workflow: steps whose results are kept are not done again.

    Parameters
    ----------
    flow : Flow
    root : path
        Where artifacts and executions are kept.
    settings : ExecutionSettings, optional
    on_begin : callable, optional
        Called with the execution's id.
    on_event : callable, optional
        Called with each `Event`.

    Returns
    -------
    Outcome

    Raises
    ------
    OssicleError
        If a step fails, naming it; what was done before is kept.
    WorkflowError
        If an input, a label or memory is missing, before anything is recorded; if the execution
        was cancelled, or cannot be recorded.
    """
    root, settings = Path(root), settings or ExecutionSettings()
    check_inputs(flow)
    cluster = LocalCluster(settings.n_jobs, settings.labels)
    check_machine(flow.pipeline.nodes, cluster)
    if settings.out is not None:
        check_out(settings.out, flow.outputs)
    nodes = flow.pipeline.nodes
    with (
        _begun(root, flow, settings) as folder,
        _ended_by_sigterm(folder.name),
        recorder(root, folder.name, flow.name, [node.name for node in nodes]) as record,
    ):
        if on_begin is not None:
            on_begin(folder.name)

        def told(event: Event) -> None:
            record.event(event)
            if on_event is not None:
                on_event(event)

        results = flow.pipeline.run(
            store_of(root),
            cluster=cluster,
            again=settings.again,
            on_event=told,
            logs=folder / LOGS,
        )
        found = found_outputs(flow.outputs, nodes, results.artifacts)
        if settings.out is not None:
            found = deliver(found, flow.outputs, settings.out)
    return Outcome(folder.name, results, found)


def check_inputs(flow: Flow) -> None:
    """Refuse a file that is missing now, not when its step is reached.

    Raises
    ------
    WorkflowError
        Naming node and parameter, and what its path is relative to.
    """
    for node in flow.pipeline.nodes:
        for name, value in node.arguments.items():
            parameter = node.step.parameters.get(name)
            if parameter is None or not parameter.is_input:
                continue
            for path in value if isinstance(value, list) else [value]:
                if isinstance(path, Path) and not path.exists():
                    raise WorkflowError(
                        f"{node.name}: {name} is {path}, where nothing is{_origin(path, flow)}"
                    )


def _origin(path: Path, flow: Flow) -> str:
    """What a path was relative to."""
    typed = [Path(word) for word in leaves(flow.given) if isinstance(word, str)]
    starts = [flow.given_from / word for word in typed if not word.is_absolute()]
    if any(path.is_relative_to(start) for start in starts):
        return f": {path.relative_to(flow.given_from)} is relative to where you are"
    if path.is_relative_to(flow.folder):
        return f": {path.relative_to(flow.folder)} is relative to the file's folder"
    return ""


@contextlib.contextmanager
def _ended_by_sigterm(execution: str) -> Iterator[None]:
    """Let a wish to end from outside do what Ctrl-C does, once, and be told apart from it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = threading.Event()

    def interrupt(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        asked.set()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    except KeyboardInterrupt as error:
        if asked.is_set():
            raise WorkflowError(f"{execution} was cancelled") from error
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _begun(root: Path, flow: Flow, settings: ExecutionSettings) -> Iterator[Path]:
    """The folder of a new execution, locked before anybody is told its name."""
    home = root / EXECUTIONS
    try:
        folder = _made(home, flow.name)
    except OSError as error:
        raise WorkflowError(f"cannot begin an execution in {home}: {error}") from error
    with hold(folder, alone=True, wait=True):
        write_json(folder / SNAPSHOT, _snapshot(flow, settings))
        yield folder


def _made(home: Path, name: str) -> Path:
    """A new folder, numbered after all there are; one that another makes meanwhile is its own."""
    home.mkdir(parents=True, exist_ok=True)
    there = [each.name.removeprefix(f"{name}-") for each in home.glob(f"{name}-*")]
    number = 1 + max((int(n) for n in there if n.isdecimal()), default=0)
    while True:
        folder = home / f"{name}-{number}"
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
            continue
        (folder / LOGS).mkdir()
        return folder


def _snapshot(flow: Flow, settings: ExecutionSettings) -> dict[str, Any]:
    """Enough to do it again, and to end it from outside."""
    in_main = threading.current_thread() is threading.main_thread()
    return {
        "words": flow.words,
        "folder": str(flow.folder),
        "given": flow.given,
        "given_from": str(flow.given_from),
        "n_jobs": settings.n_jobs,
        "labels": dict(settings.labels),
        "out": None if settings.out is None else str(settings.out.resolve()),
        "step_files": [str(each.resolve()) for each in settings.step_files],
        "host": socket.gethostname(),
        "pid": os.getpid() if in_main else None,
    }
