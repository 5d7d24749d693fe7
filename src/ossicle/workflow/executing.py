"""Running a workflow as an execution: recorded, to be ended from outside, its outputs copied."""

import contextlib
import itertools
import os
import shutil
import signal
import socket
import threading
import time
import uuid
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
    WISH,
    ExecutionSettings,
    store_of,
)
from ossicle.workflow.executor import LocalCluster
from ossicle.workflow.files import write_json
from ossicle.workflow.flow import Flow
from ossicle.workflow.nodes import Event
from ossicle.workflow.pipeline import Pipeline, Results
from ossicle.workflow.record import Recorder, recorder

__all__ = ["Outcome", "execute"]

FORSAKEN = 3600.0
"""Seconds after which a folder that never became an execution is removed."""


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
        If an input is missing, the execution was cancelled, or cannot be recorded.
    """
    root, settings = Path(root), settings or ExecutionSettings()
    _check_inputs(flow.pipeline)
    if settings.out is not None:
        check_out(settings.out, flow.outputs)
    with (
        _ended_by_sigterm(),
        _begun(root, flow, settings) as folder,
        recorder(root, folder.name) as record,
    ):
        record.begin(flow.name, [node.name for node in flow.pipeline.nodes])
        if on_begin is not None:
            on_begin(folder.name)
        with _recorded(record, folder):
            results = flow.pipeline.run(
                store_of(root),
                cluster=LocalCluster(settings.n_jobs, settings.labels),
                again=settings.again,
                on_event=_both(record, on_event),
                logs=folder / LOGS,
            )
            found = found_outputs(flow.outputs, flow.pipeline.nodes, results.artifacts)
            if settings.out is not None:
                found = deliver(found, flow.outputs, settings.out)
    return Outcome(folder.name, results, found)


def _check_inputs(pipeline: Pipeline) -> None:
    """Refuse a file that is missing now, not when its step is reached."""
    for node in pipeline.nodes:
        for name, value in node.arguments.items():
            parameter = node.step.parameters.get(name)
            if parameter is None or not parameter.is_input:
                continue
            for path in value if isinstance(value, list) else [value]:
                if isinstance(path, Path) and not path.exists():
                    raise WorkflowError(f"{node.name}: {name} is {path}, where nothing is")


@contextlib.contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let a wish to end from outside do what Ctrl-C does, once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _begun(root: Path, flow: Flow, settings: ExecutionSettings) -> Iterator[Path]:
    """The folder of a new execution, locked before its name can be seen."""
    home = root / EXECUTIONS
    hidden = home / f".{uuid.uuid4().hex}"
    with contextlib.ExitStack() as stack:
        try:
            (hidden / LOGS).mkdir(parents=True)
            _sweep(home)
            stack.enter_context(hold(hidden, alone=True))
            write_json(hidden / SNAPSHOT, _snapshot(flow, settings))
            folder = _named(hidden, flow.name)
        except OSError as error:
            raise WorkflowError(f"cannot begin an execution in {home}: {error}") from error
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
        yield folder


def _named(hidden: Path, name: str) -> Path:
    """Give a folder the first free name; one that another has taken meanwhile is passed over."""
    prefix = f"{name}-"
    there = [each.name.removeprefix(prefix) for each in hidden.parent.glob(f"{prefix}*")]
    for number in itertools.count(1 + max((int(n) for n in there if n.isdecimal()), default=0)):
        folder = hidden.with_name(f"{prefix}{number}")
        try:
            return hidden.rename(folder)
        except OSError:
            if not folder.exists():
                raise
    raise AssertionError("numbers do not end")


def _sweep(home: Path) -> None:
    """Remove what was killed before it had a name."""
    for folder in home.glob(".*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > FORSAKEN:
                shutil.rmtree(folder, ignore_errors=True)


def _snapshot(flow: Flow, settings: ExecutionSettings) -> dict[str, Any]:
    """Enough to do it again, and to end it from outside."""
    in_main = threading.current_thread() is threading.main_thread()
    return {
        "flow": {
            "words": flow.words,
            "folder": str(flow.folder),
            "given": flow.given,
            "given_from": str(flow.given_from),
        },
        "settings": {
            "n_jobs": settings.n_jobs,
            "labels": dict(settings.labels),
            "out": None if settings.out is None else str(settings.out.resolve()),
        },
        "process": {"host": socket.gethostname(), "pid": os.getpid() if in_main else None},
    }


@contextlib.contextmanager
def _recorded(record: Recorder, folder: Path) -> Iterator[None]:
    """Write down how what follows ends."""
    try:
        yield
    except BaseException as error:
        stopped = isinstance(error, KeyboardInterrupt)
        try:
            record.end("cancelled" if stopped else "failed", "" if stopped else str(error))
        except WorkflowError as other:
            raise WorkflowError(f"{error or 'interrupted'}; {other}") from error
        if stopped and (folder / WISH).exists():
            raise WorkflowError(f"{folder.name} was cancelled") from error
        raise
    record.end("completed")


def _both(record: Recorder, on_event: Callable[[Event], None] | None) -> Callable[[Event], None]:
    def told(event: Event) -> None:
        record.event(event)
        if on_event is not None:
            on_event(event)

    return told
