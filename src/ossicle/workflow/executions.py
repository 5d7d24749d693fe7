"""Executions: workflows run, each with a folder, a record and a lock that dies with its process.

root/
  store/…                what steps have made, shared by all executions
  executions.sqlite      what became of each execution and its steps
  executions/alarm-1/    one execution; locked while it is under way
    execution.json       words, parameters and settings: enough to do it again
    logs/…               what each step has printed
    cancel               the wish that it end, if there is one
"""

import contextlib
import os
import shutil
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ossicle.errors import WorkflowError, nearest
from ossicle.workflow.delivery import check_out, deliver, found_outputs
from ossicle.workflow.executor import LocalCluster
from ossicle.workflow.files import claimed, read_json, write_json
from ossicle.workflow.flow import Flow, flow_of
from ossicle.workflow.nodes import Event
from ossicle.workflow.pipeline import Pipeline, Results
from ossicle.workflow.record import Recorder, forget, read_executions, read_steps, recorder
from ossicle.workflow.running import log_name
from ossicle.workflow.store import Store

__all__ = ["Execution", "Executions", "Outcome", "Settings", "execute"]

STORE, EXECUTIONS = "store", "executions"
SNAPSHOT, LOGS, WISH = "execution.json", "logs", "cancel"
FORSAKEN = 3600.0
"""Seconds after which a folder that never became an execution is removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a workflow is run.

    Parameters
    ----------
    n_jobs : int
        Processes for its steps; -1: one for each core.
    labels : mapping
        Those of this machine, which steps may ask for.
    again : collection of str
        Nodes to do although their results are kept.
    out : Path, optional
        Folder that outputs are copied to.
    """

    n_jobs: int = 1
    labels: Mapping[str, Any] = field(default_factory=dict)
    again: Collection[str] = ()
    out: Path | None = None


@dataclass(frozen=True, slots=True)
class Execution:
    """What became of an execution.

    Parameters
    ----------
    id, name : str
    state : str
        In progress, completed, failed, cancelled; interrupted: its process is gone.
    n_ended, n_steps : int
    started : float
        Seconds since 1970.
    seconds : float
    message : str
        Why it failed.
    """

    id: str
    name: str
    state: str
    n_ended: int
    n_steps: int
    started: float
    seconds: float
    message: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The execution as JSON."""
        return asdict(self)


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
    settings: Settings | None = None,
    on_begin: Callable[[str], None] | None = None,
    on_event: Callable[[Event], None] | None = None,
) -> Outcome:
    """Run a workflow: steps whose results are kept are not done again.

    Parameters
    ----------
    flow : Flow
    root : path
        Where artifacts and executions are kept.
    settings : Settings, optional
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
    root, settings = Path(root), settings or Settings()
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
                Store(root / STORE),
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
def _begun(root: Path, flow: Flow, settings: Settings) -> Iterator[Path]:
    """The folder of a new execution, locked before its name can be seen."""
    home = root / EXECUTIONS
    hidden = home / f".{uuid.uuid4().hex}"
    try:
        (hidden / LOGS).mkdir(parents=True)
        _sweep(home)
        with claimed(hidden):
            write_json(hidden / SNAPSHOT, _snapshot(flow, settings))
            yield _named(hidden, flow.name)
    except OSError as error:
        raise WorkflowError(f"cannot begin an execution in {home}: {error}") from error
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def _named(hidden: Path, name: str) -> Path:
    """Give a folder the first free name; a name that another has taken meanwhile is passed over."""
    prefix = f"{name}-"
    there = [each.name.removeprefix(prefix) for each in hidden.parent.glob(f"{prefix}*")]
    number = max((int(each) for each in there if each.isdecimal()), default=0)
    while True:
        number += 1
        folder = hidden.with_name(f"{prefix}{number}")
        with contextlib.suppress(OSError):
            hidden.rename(folder)
            return folder


def _sweep(home: Path) -> None:
    """Remove what was killed before it had a name."""
    for folder in home.glob(".*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > FORSAKEN:
                shutil.rmtree(folder, ignore_errors=True)


def _snapshot(flow: Flow, settings: Settings) -> dict[str, Any]:
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
            error.add_note(str(other))
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


@dataclass(frozen=True, slots=True)
class Executions:
    """Every execution below a folder, looked at and ended from any process.

    Parameters
    ----------
    root : Path

    >>> import tempfile
    >>> Executions(Path(tempfile.mkdtemp())).list()
    []
    """

    root: Path

    def list(self) -> "list[Execution]":
        """All of them, newest first."""
        return [self._execution(row) for row in read_executions(self.root)]

    def _execution(self, row: Mapping[str, Any]) -> Execution:
        state = row["state"]
        if state == "in progress" and not self.is_running(row["id"]):
            state = "interrupted"
        seconds = (row["finished"] or time.time()) - row["started"]
        told = {name: row[name] for name in ("n_ended", "n_steps", "started", "message")}
        return Execution(row["id"], row["name"], state, seconds=round(max(seconds, 0.0), 3), **told)

    def is_running(self, execution: str) -> bool:
        """Whether its process is alive."""
        try:
            with claimed(self._folder(execution)):
                return False
        except WorkflowError:
            return True
        except OSError:
            return False

    def get(self, execution: str) -> Execution:
        """The execution of an id.

        Raises
        ------
        WorkflowError
            If there is none.
        """
        found = {each.id: each for each in self.list()}
        if execution not in found:
            hint = nearest(execution, found) if found else f"none is recorded in {self.root}"
            raise WorkflowError(f"no execution {execution!r}; {hint}")
        return found[execution]

    def steps(self, execution: str) -> "list[dict[str, Any]]":
        """Its steps in order: name, state, detail, key, seconds, and how far each is."""
        now, rows = time.time(), read_steps(self.root, self.get(execution).id)
        for row in rows:
            started, finished = row.pop("started"), row.pop("finished")
            row["seconds"] = None if started is None else round((finished or now) - started, 3)
        return rows

    def log(self, execution: str, step: str) -> str:
        """What a step has printed: in this execution, or when what it made was made.

        Raises
        ------
        WorkflowError
            If there is no such step.
        """
        rows = {row["name"]: row for row in self.steps(execution)}
        if step not in rows:
            raise WorkflowError(f"{execution} has no step {step!r}; {nearest(step, rows)}")
        kept = self.root / STORE / (rows[step]["key"] or "") / "log.txt"
        for path in (self._folder(execution) / LOGS / log_name(step), kept):
            with contextlib.suppress(OSError):
                return path.read_text(encoding="utf-8", errors="replace")
        return ""

    def flow(self, execution: str) -> tuple[Flow, Settings]:
        """The same words and parameters once more, and how they were run.

        Raises
        ------
        WorkflowError
            If they mean nothing any more, or the snapshot is damaged.
        """
        path = self._folder(self.get(execution).id) / SNAPSHOT
        told = read_json(path)
        try:
            words, settings = told["flow"], told["settings"]
            folder, given_from = Path(words["folder"]), Path(words["given_from"])
            out = settings["out"] and Path(settings["out"])
            n_jobs, labels = settings["n_jobs"], settings["labels"]
            inside = {"words": words["words"], "given": words["given"]}
        except (KeyError, TypeError) as error:
            raise WorkflowError(f"{path} is damaged; run the workflow file again") from error
        flow = flow_of(**inside, folder=folder, given_from=given_from)
        return flow, Settings(n_jobs=n_jobs, labels=labels, out=out)

    def cancel(self, execution: str) -> None:
        """Ask it to end: its steps are stopped, what is finished is kept.

        Raises
        ------
        WorkflowError
            If it is not under way, or not on this machine.
        """
        state = self.get(execution).state
        if state != "in progress":
            raise WorkflowError(f"{execution} is not in progress but {state}")
        process = read_json(self._folder(execution) / SNAPSHOT)["process"]
        if process["host"] != socket.gethostname() or process["pid"] is None:
            raise WorkflowError(
                f"{execution} runs within another program or machine ({process['host']}); end it there"
            )
        write_json(self._folder(execution) / WISH, {"asked": time.time()})
        if self.is_running(execution):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process["pid"], signal.SIGTERM)

    def remove(self, execution: str) -> None:
        """Remove its record and logs; what its steps have made stays.

        Raises
        ------
        WorkflowError
            If it is under way.
        """
        if self.get(execution).state == "in progress":
            raise WorkflowError(f"{execution} is in progress; cancel it first")
        forget(self.root, execution)
        shutil.rmtree(self._folder(execution), ignore_errors=True)

    def _folder(self, execution: str) -> Path:
        return self.root / EXECUTIONS / execution
