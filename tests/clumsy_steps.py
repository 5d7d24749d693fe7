"""Steps that do what a step should not, to the process that they are done in."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ossicle.workflow.manifest import step


@step(name="clumsy asking")
def ask() -> str:
    """Ask a person who is not there, by way of another program."""
    return subprocess.run(["cat"], stdout=subprocess.PIPE, text=True, check=True).stdout


@step(name="clumsy daemon")
def daemon(note: str, then: str) -> int:
    """Leave a process of a session of its own behind, then die, wait or finish."""
    if not os.fork():
        os.setsid()
        Path(note).write_text(str(os.getpid()))
        time.sleep(20)
        os._exit(0)
    if then == "die":
        os._exit(7)
    time.sleep(60 if then == "wait" else 0)
    return 1


@step(name="clumsy fork")
def fork(*, out: Path) -> int:
    """Let a forked copy of itself go on as if it were the step."""
    child = os.fork()
    if not child:
        raise ValueError("of the child")
    os.waitpid(child, 0)
    (out / "made").write_text("by the parent")
    return 1


@step(name="clumsy silence")
def silence() -> int:
    """Close what is printed to."""
    sys.stdout.close()
    return 1


@step(name="clumsy wandering")
def wander(place: str) -> int:
    """Go to a folder that is gone then."""
    Path(place).mkdir()
    os.chdir(place)
    Path(place).rmdir()
    return 1


class SpeechlessError(Exception):
    """An error without words."""

    def __str__(self) -> str:
        raise ValueError("no words")


@step(name="clumsy failing")
def failing(how: str) -> Any:
    """Fail in a way that is hard to tell."""
    if how == "system":
        return Path("/nowhere/at/all").read_text()
    raise SpeechlessError if how == "speechless" else ValueError("a\udcffb")


@step(name="clumsy pipe")
def pipe(*, out: Path) -> None:
    """Make a pipe, which nobody writes to, and a file that is not small."""
    (out / "large").write_bytes(bytes(100_000))
    os.mkfifo(out / "pipe")


@step(name="clumsy progress")
def far(*, progress: Callable[[str, Any, Any], None]) -> int:
    """Say how far it is in numbers of another kind."""
    import numpy as np

    progress("numpy", np.int64(1), np.int64(2))
    progress("large", 10**30, 10**31)
    progress("\udcff", 1, 1)
    return 1


@step(name="clumsy reader")
def read(file: Path, pause: float = 0.0) -> str:
    """Take a while before reading a file."""
    time.sleep(pause)
    return file.read_text()


@step(name="clumsy list")
def names(folder: Path) -> int:
    """How many names a folder holds."""
    return len(list(folder.iterdir()))


@step(name="clumsy copy")
def copy(text: str) -> str:
    """The same once more."""
    return text
