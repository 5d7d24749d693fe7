"""A process that does steps for another one: calls come in as lines of JSON, answers go out so.

It takes a step by name and never code. It ends, with all that it started, when the process that it
works for is gone.
"""

import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

__all__ = ["main"]

EVERY = 0.1
"""Seconds between two reports of progress."""

SILENT = (OSError, ValueError, AttributeError)
"""What printing raises when the disk that the log is on is full, or the step has closed it."""


def main() -> None:
    """Do what standard input asks for, until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    calls, answers = _pipes()
    here = Path.cwd()
    for line in calls:
        asked = json.loads(line)
        sys.path[:] = asked["sys_path"]
        with suppress(OSError):
            os.chdir(here)
        _answer(answers, _done(asked["call"], asked["store"], answers))


def _pipes() -> tuple[TextIO, TextIO]:
    """Where calls come from and answers go: a step finds no input, its children hold no pipe."""
    calls = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    held = [calls.fileno(), answers.fileno()]

    def let_go() -> None:
        while held:
            os.close(held.pop())

    os.register_at_fork(after_in_child=let_go)
    return calls, answers


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.killpg(0, signal.SIGKILL)


def _answer(answers: TextIO, value: Mapping[str, Any]) -> None:
    try:
        answers.write(json.dumps(value) + "\n")
        answers.flush()
    except BrokenPipeError:  # who asked is gone
        os.killpg(0, signal.SIGKILL)


def _done(words: Mapping[str, Any], root: str, answers: TextIO) -> dict[str, Any]:
    from ossicle.workflow.calls import Call, perform
    from ossicle.workflow.store import Store

    call, last = Call(**words), [-EVERY]

    def report(what: str, more: Any) -> None:
        now = time.monotonic()
        if what == "progress":
            if more[1] != more[2] and now - last[0] < EVERY:
                return
            last[0] = now
        _answer(answers, {"report": what, "more": more})

    try:
        _print_into(call.log)
        perform(call, Store(Path(root)), report=report)
    except BaseException as error:
        trace = _traced(error)
        with suppress(*SILENT):
            sys.stderr.write(trace)
        return {"failed": type(error).__name__, "message": _said(error), "trace": trace}
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(*SILENT):
                stream.flush()
    return {"done": True}


def _traced(error: BaseException) -> str:
    """Its traceback, from where the step begins."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__package__") == __package__:
        trace = trace.tb_next
    try:
        text = "".join(traceback.format_exception(type(error), error, trace or error.__traceback__))
    except Exception:
        return ""
    return text.encode(errors="backslashreplace").decode()


def _said(error: BaseException) -> str:
    """The words of an error that may have none, or such as cannot be written."""
    try:
        return str(error).encode(errors="backslashreplace").decode()
    except Exception:
        return "it cannot be put in words"


def _print_into(log: str) -> None:
    """Let what is printed from now on, here and by programs started here, go into a file."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    descriptor = os.open(log or os.devnull, flags, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


if __name__ == "__main__":
    main()
