"""Processes that steps are done in: one step at a time each, ended with all they started."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ossicle import errors
from ossicle.errors import OssicleError, WorkflowError
from ossicle.workflow.calls import BESIDE, Call, Report
from ossicle.workflow.executor import ONE_THREAD
from ossicle.workflow.store import Store

__all__ = ["Worker", "Workers"]

LONGEST = threading.TIMEOUT_MAX
"""Seconds that a clock can wait for."""


class Worker:
    """A worker process, started when it is first needed and again after it died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._why = ""

    def perform(self, call: Call, store: Store, *, deadline: float | None, report: Report) -> None:
        """Have a step done; see `ossicle.workflow.calls.perform`.

        Raises
        ------
        OssicleError
            As the step raised.
        WorkflowError
            If it failed in another way, took longer than ``deadline`` seconds, or its process
            died.
        """
        self._why = ""
        process = self._running()
        with _Clock(deadline, lambda: self.end(f"it took longer than {deadline} s")) as clock:

            def told(what: str, more: Any) -> None:
                clock.note(what)
                report(what, more)

            answer = self._asked(process, call, store, told)
        if answer is None:
            raise WorkflowError(self._why or self._died(process))
        if "failed" in answer:
            raise _raised(answer["failed"], answer["message"])

    def _running(self) -> "subprocess.Popen[str]":
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "ossicle.workflow.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                env={**os.environ, **ONE_THREAD, "PYTHONPATH": _path()},
                start_new_session=True,
            )
        return self._process

    def _asked(
        self, process: "subprocess.Popen[str]", call: Call, store: Store, report: Report
    ) -> dict[str, Any] | None:
        """The last answer; None if the process ended before it."""
        asked = {
            "call": call.to_dict(),
            "store": str(Path(store.root).absolute()),
            "sys_path": sys.path,
        }
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(asked) + "\n")
            process.stdin.flush()
        except OSError:
            return None
        for line in process.stdout:
            answer: dict[str, Any] = json.loads(line)
            if "report" not in answer:
                return answer
            report(answer["report"], answer["more"])
        return None

    def _died(self, process: "subprocess.Popen[str]") -> str:
        code = process.wait()
        if code == -signal.SIGKILL:
            return "its process was killed (signal 9): for want of memory?"
        by = f"by signal {-code}" if code < 0 else f"with exit status {code}"
        return f"its process ended {by}"

    def end(self, why: str = "") -> None:
        """End the process and all that it started, whatever it is doing."""
        process, self._why = self._process, why or self._why
        if process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def close(self) -> None:
        """End the process and let go of its pipes."""
        self.end()
        if self._process is not None:
            for pipe in (self._process.stdin, self._process.stdout):
                with suppress(OSError):  # what it can no longer be asked
                    pipe and pipe.close()


class _Clock:
    """Calls when so many seconds have passed; what waits for another execution is not counted."""

    def __init__(self, seconds: float | None, action: Callable[[], None]) -> None:
        self._seconds, self._action = seconds, action
        self._timer: threading.Timer | None = None

    def __enter__(self) -> "_Clock":
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def note(self, what: str) -> None:
        """Stop while it waits, and begin anew when it need not any longer."""
        if what == "waiting":
            self._stop()
        elif what == "begun":
            self._stop()
            self._start()

    def _start(self) -> None:
        if self._seconds is not None:
            self._timer = threading.Timer(min(self._seconds, LONGEST), self._action)
            self._timer.start()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()


def _path() -> str:
    """Where a process finds what it starts with: not beside a step, where any name may be taken."""
    return os.pathsep.join(each for each in sys.path if each and each not in BESIDE)


class Workers:
    """Worker processes, lent one step each; those who ask wait until enough of them are free.

    Parameters
    ----------
    n : int
        Processes that may be at work at a time, those that steps start themselves counted in.
    """

    def __init__(self, n: int) -> None:
        self._n, self._free = n, n
        self._idle: list[Worker] = []
        self._every: list[Worker] = []
        self._change = threading.Condition()

    @contextmanager
    def lent(self, cpu: int) -> Iterator[tuple[Worker, int]]:
        """A process, and how many a step may use in all: what it asks for, or all there are."""
        granted = min(cpu, self._n)
        with self._change:
            self._change.wait_for(lambda: self._free >= granted)
            self._free -= granted
            worker = self._idle.pop() if self._idle else Worker()
            if worker not in self._every:
                self._every.append(worker)
        try:
            yield worker, granted
        finally:
            with self._change:
                self._free += granted
                self._idle.append(worker)
                self._change.notify_all()

    def close(self) -> None:
        """End every process."""
        for worker in self._every:
            worker.close()


def _raised(name: str, message: str) -> OssicleError:
    """What a step raised in another process, as it would be raised here."""
    kind = getattr(errors, name, None)
    if isinstance(kind, type) and issubclass(kind, OssicleError):
        return kind(message)
    return WorkflowError(f"{name}: {message}")
