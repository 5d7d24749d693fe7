"""A small workflow file with steps of its own, and the processes that run it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import small_steps

from ossicle.workflow.executions import Executions

assert small_steps  # registers its steps

OSSICLE = Path(sys.executable).with_name("ossicle")

STEPS = '''
"""Steps on words, slow ones among them."""

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ossicle.workflow.manifest import step


def trace(note: str, word: str) -> None:
    """Add a line to a file that no result depends on."""
    with open(note, "a") as file:
        file.write(word + "\\n")


@step(name="my_count", outputs={"list": "list.txt"})
def count(file: Path, note: str, *, least: int = 1, out: Path) -> dict[str, int]:
    """How often each word occurs.

    Parameters
    ----------
    file : Path
        A text.
    note : str
        Where it says that it ran.
    least : int
        Times a word must occur.
    """
    words = file.read_text().split()
    print("counting", len(words), "words")
    trace(note, "count")
    (out / "list.txt").write_text("\\n".join(sorted(set(words))))
    return {w: words.count(w) for w in sorted(set(words)) if words.count(w) >= least}


@step(name="my_pause")
def pause(before: dict[str, int], name: str, note: str, seconds: float) -> dict[str, int]:
    """Pass on what it is given, after a while."""
    time.sleep(seconds)
    trace(note, name)
    return {**before, name: len(before)}


@step(name="my_report", outputs={"page": "page.html"})
def report(counts: Sequence[dict[str, int]], *, out: Path) -> dict[str, int]:
    """A page."""
    (out / "page.html").write_text(str(counts))
    return {"n": len(counts)}


@step(name="my_wait")
def wait(note: str, *, progress: Callable[[str, int, int], None]) -> int:
    """Wait with a child, for ever."""
    child = subprocess.Popen(["sleep", "600"])
    progress("waiting", 1, 2)
    print("here it waits", flush=True)
    trace(note, f"{os.getpid()} {child.pid}")
    time.sleep(600)
    return 0


@step(name="my_failure")
def fail(word: str) -> str:
    """Say something and fail."""
    for line in range(20):
        print("line", line, flush=True)
    raise ValueError(f"no such word: {word}")
'''

FLOW = """
name = "words"
description = "counts words"

[parameters]
file = "words.txt"
least = { default = 1, help = "times a word must occur" }
note = "NOTE"
seconds = 0.0

[steps.count]
step = "my_count"
file = "${file}"
least = "${least}"
note = "${note}"

[steps.first]
step = "my_pause"
before = "${count}"
name = "first"
note = "${note}"
seconds = "${seconds}"

[steps.second]
step = "my_pause"
before = "${first}"
name = "second"
note = "${note}"
seconds = "${seconds}"

[steps.side]
step = "my_pause"
for_each = { kind = ["a", "b"] }
before = "${count}"
name = "side ${each.kind}"
note = "${note}"
seconds = "${seconds}"

[steps.report]
step = "my_report"
counts = ["${second}"]

[outputs]
page = "${report.page}"
list = "${count.list}"
sides = "${side}"
n = "${report.n}"
"""

SMALL: dict[str, Any] = {
    "name": "small",
    "parameters": {"file": "words.txt", "least": 1},
    "steps": {
        "words": {"step": "small words", "file": "${file}"},
        "counts": {"step": "small counts", "words": "${words}", "least": "${least}"},
        "longest": {"step": "small longest", "words": "${words}"},
        "page": {"step": "small page", "counts": "${counts}", "title": "${longest}"},
        "chat": {"step": "small chatter", "n": 2},
    },
    "outputs": {"page": "${page.page}", "tables": "${page.tables}", "longest": "${longest}"},
}
"""A workflow of the small steps that pipelines are tested with, as tables."""

NODES = ("count", "first", "second", "side[kind=a]", "side[kind=b]", "report")


def written(folder: Path, flow: str = FLOW) -> Path:
    """The workflow file in a folder, with its steps in ``words_steps.py`` and its input."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "words_steps.py").write_text(STEPS)
    (folder / "words.txt").write_text("dog siren dog bell")
    path = folder / "words.toml"
    path.write_text(flow.replace("NOTE", str(folder / "note.txt")))
    return path


def traced(folder: Path) -> list[str]:
    """What the steps said when they ran."""
    note = folder / "note.txt"
    return note.read_text().splitlines() if note.exists() else []


class Started(subprocess.Popen[str]):
    """A process that a test which fails does not wait for."""

    def __exit__(self, kind: Any, *rest: Any) -> None:
        if kind is not None:
            self.kill()
        super().__exit__(kind, *rest)


def started(flow: Path, *words: str, **options: Any) -> "subprocess.Popen[str]":
    """``ossicle run`` in a process of its own, with its folder beside the file."""
    command = [OSSICLE, "run", flow, *words, "--steps", flow.with_name("words_steps.py")]
    return Started(
        [*map(str, command), "--store", str(flow.with_name("kept"))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def wait_for(what: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has asked after does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def states(executions: Executions, execution: str) -> dict[str, str]:
    """Each step and its state."""
    return {row["name"]: row["state"] for row in executions.steps(execution)}
