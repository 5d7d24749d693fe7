"""Executions: workflows run, each with a folder, a record and a lock that dies with its process.

root/
  store/…                what steps have made, shared by all executions
  executions.sqlite      what became of each execution and its steps
  executions/alarm-1/    one execution; locked while it is under way
    execution.json       words, parameters and settings: enough to do it again
    logs/…               what each step has printed
"""

import codecs
import contextlib
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ossicle.errors import WorkflowError, nearest
from ossicle.workflow.calls import load_module
from ossicle.workflow.claims import hold
from ossicle.workflow.files import read_json
from ossicle.workflow.flow import Flow, flow_of, is_instance
from ossicle.workflow.record import forget, read_executions, read_steps
from ossicle.workflow.running import log_name
from ossicle.workflow.store import Store

__all__ = ["Execution", "ExecutionSettings", "Executions", "load_step_files", "store_of"]

EXECUTIONS, SNAPSHOT, LOGS = "executions", "execution.json", "logs"
EVERY = 0.3
"""Seconds between two looks at a log that grows."""

_utf8 = codecs.getincrementaldecoder("utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionSettings:
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
    step_files : sequence of Path
        Python files that steps of one's own were loaded from, to be loaded again by a retry.
    """

    n_jobs: int = 1
    labels: Mapping[str, Any] = field(default_factory=dict)
    again: Collection[str] = ()
    out: Path | None = None
    step_files: Sequence[Path] = ()


def store_of(root: Path) -> Store:
    """Where executions below a folder keep what their steps make."""
    return Store(root / "store")


@dataclass(frozen=True, slots=True)
class Execution:
    """What became of an execution.

    Parameters
    ----------
    id, name : str
    state : str
        In progress, completed, failed, cancelled; interrupted: its process is gone.
    n_done, n_steps : int
    started : float
        Seconds since 1970.
    seconds : float, optional
        Not known if its process is gone.
    message : str
        Why it failed.
    """

    id: str
    name: str
    state: str
    n_done: int
    n_steps: int
    started: float
    seconds: float | None
    message: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The execution as JSON."""
        return asdict(self)


def _execution(row: Mapping[str, Any], gone: bool) -> Execution:
    """An execution as recorded; whether its process is gone."""
    state = "interrupted" if gone and row["state"] == "in progress" else row["state"]
    now = row["finished"] or (time.time() if state == "in progress" else row["last"])
    seconds = max((now or row["started"]) - row["started"], 0.0)
    told = {name: row[name] for name in ("id", "name", "n_done", "n_steps", "started", "message")}
    return Execution(
        state=state, seconds=None if state == "interrupted" else round(seconds, 3), **told
    )


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

    def list(self) -> Sequence[Execution]:
        """All of them, newest first."""
        rows = read_executions(self.root)
        running = {row["id"] for row in rows if row["state"] == "in progress"}
        if gone := {each for each in running if not self.is_running(each)}:
            rows = read_executions(self.root)  # one that ended meanwhile has said how
        return [_execution(row, row["id"] in gone) for row in rows]

    def is_running(self, execution: str) -> bool:
        """Whether its process is alive."""
        try:
            with hold(self._folder(execution)):
                return False
        except WorkflowError:
            return True

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

    def steps(self, execution: str) -> Sequence[dict[str, Any]]:
        """Its steps in order: name, state, detail, key, seconds, and how far each is."""
        state, rows = self.get(execution).state, read_steps(self.root, execution)
        for row in rows:
            started, finished = row.pop("started"), row.pop("finished")
            if state == "interrupted" and row["state"] in ("in progress", "waiting"):
                row["state"], started = state, None
            now = finished or time.time()
            row["seconds"] = None if started is None else round(now - started, 3)
        return rows

    def log(self, execution: str, step: str) -> str:
        """What a step has printed: in this execution, or when what it made was made."""
        return "".join(text for _, text in self.logs(execution, step))

    def logs(
        self, execution: str, step: str | None = None, *, follow: bool = False
    ) -> Iterator[tuple[str, str]]:
        """What steps have printed.

        Parameters
        ----------
        execution : str
        step : str, optional
            With ``for_each``, all its instances; all steps by default.
        follow : bool
            Whether to wait for more until the execution has ended.

        Yields
        ------
        (step, text)

        Raises
        ------
        WorkflowError
            If there is no such execution or step.
        """
        rows = {row["name"]: row for row in self.steps(execution)}
        names = [name for name in rows if step is None or is_instance(name, step)]
        if step is not None and not names:
            raise WorkflowError(f"{execution} has no step {step!r}; {nearest(step, rows)}")
        read = dict.fromkeys(names, 0)
        decoders = {name: _utf8(errors="replace") for name in names}
        while True:
            over = not follow or not self.is_running(execution)
            for name in names:
                printed = self._printed(execution, rows[name], read[name])
                read[name] += len(printed)
                if text := decoders[name].decode(printed, final=over):
                    yield name, text
            if over:
                return
            time.sleep(EVERY)

    def _printed(self, execution: str, row: Mapping[str, Any], start: int) -> bytes:
        """A step's log from a place on; of a result that was kept, the log of its making."""
        kept = Path(store_of(self.root).root) / (row["key"] or "") / "log.txt"
        for path in (self._folder(execution) / LOGS / log_name(row["name"]), kept):
            with contextlib.suppress(OSError), path.open("rb") as file:
                file.seek(start)
                return file.read()
        return b""

    def flow(
        self, execution: str, *, step_files: Sequence[Path] = ()
    ) -> tuple[Flow, ExecutionSettings]:
        """The same words and parameters once more, and how they were run; its steps are loaded.

        Parameters
        ----------
        execution : str
        step_files : sequence of Path
            Files that steps are loaded from, instead of those it was run with.

        Raises
        ------
        WorkflowError
            If they mean nothing any more, a file of steps has gone, or the snapshot is damaged.
        """
        path = self._folder(self.get(execution).id) / SNAPSHOT
        told = read_json(path)
        try:
            folder, given_from = Path(told["folder"]), Path(told["given_from"])
            words, given = _table(told["words"]), _table(told["given"])
            out = told["out"] and Path(told["out"])
            n_jobs, labels = int(told["n_jobs"]), _table(told["labels"])
            before = [Path(each) for each in told.get("step_files", [])]
            settings = ExecutionSettings(
                n_jobs=n_jobs, labels=labels, out=out, step_files=step_files or before
            )
            words["name"]
        except (KeyError, TypeError, ValueError) as error:
            raise WorkflowError(f"{path} is damaged; run the workflow file again") from error
        if not step_files:
            _check_there(execution, before)
        load_step_files(settings.step_files)
        return flow_of(words, folder=folder, given=given, given_from=given_from), settings

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
        path = self._folder(execution) / SNAPSHOT
        told = read_json(path)
        try:
            host, pid = told["host"], told["pid"]
        except (KeyError, TypeError) as error:
            raise WorkflowError(f"{path} is damaged; end {execution} with Ctrl-C") from error
        if host != socket.gethostname() or type(pid) is not int or pid <= 1:
            raise WorkflowError(f"{execution} runs on {host}, within another program; end it there")
        if self.is_running(execution):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def remove(self, execution: str) -> None:
        """Remove its record and logs; what its steps have made stays.

        Raises
        ------
        WorkflowError
            If it is under way.
        """
        if self.get(execution).state == "in progress":
            raise WorkflowError(f"{execution} is in progress; cancel it first")
        folder = self._folder(execution)
        forget(self.root, execution)
        shutil.rmtree(folder, ignore_errors=True)

    def _folder(self, execution: str) -> Path:
        if execution.startswith(".") or Path(execution).name != execution:
            raise WorkflowError(f"{execution!r} is no execution's id")
        return self.root / EXECUTIONS / execution


def load_step_files(files: Sequence[Path]) -> None:
    """Register the steps of Python files.

    Raises
    ------
    WorkflowError
        If one is no such file, or a module is called like it.
    """
    for file in files:
        if not file.exists():
            raise WorkflowError(f"--steps {file} does not exist")
        if not file.is_file() or file.suffix != ".py" or "." in file.stem:
            raise WorkflowError(
                f"--steps {file} is no Python file (*.py), or no module by its name"
            )
        loaded = sys.modules.get(file.stem)
        is_other = loaded is not None and Path(loaded.__file__ or "").resolve() != file.resolve()
        if is_other or file.stem in sys.stdlib_module_names:
            raise WorkflowError(f"--steps {file}: a module is called {file.stem!r}; rename it")
        load_module(file.stem, str(file.resolve()))


def _check_there(execution: str, files: Sequence[Path]) -> None:
    for file in files:
        if not file.exists():
            raise WorkflowError(
                f"{execution} was run with --steps {file}, which has gone; name the file of its "
                "steps with --steps"
            )


def _table(value: Any) -> dict[str, Any]:
    """What should be a table, if it is one."""
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is no table")
    return value
