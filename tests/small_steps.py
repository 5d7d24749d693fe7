"""Small steps that are done in a moment, some of which go wrong."""

import json
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ossicle.workflow.kinds import Array, Arrays, Rows
from ossicle.workflow.manifest import step


@step(name="small words")
def words(file: Path) -> list[str]:
    """The words of a file.

    Parameters
    ----------
    file : Path
        A text.
    """
    return file.read_text(encoding="utf-8").split()


@step(name="small counts")
def counts(words: list[str], *, least: int = 1) -> dict[str, int]:
    """How often each word occurs.

    Parameters
    ----------
    words : list of str
    least : int
        Times it must.
    """
    return {word: n for word in sorted(set(words)) if (n := words.count(word)) >= least}


@step(name="small longest")
def longest(words: list[str]) -> str:
    """The longest word."""
    return max(words, key=len)


@step(name="small page", outputs={"page": "page.txt", "tables": "tables"})
def page(counts: Mapping[str, int], title: str, *, out: Path) -> dict[str, Any]:
    """A page and its tables."""
    (out / "scratch.txt").write_text("not kept")
    (out / "tables").mkdir()
    (out / "tables" / "counts.json").write_text(json.dumps(counts, sort_keys=True))
    (out / "page.txt").write_text(f"{title}: {len(counts)} words\n")
    return {"n_words": len(counts), "written": str(out / "page.txt")}


@step(name="small letters")
def letters(pages: Sequence[Path], first: Path | None = None) -> int:
    """The letters of several files."""
    every = [*pages, *([first] if first else [])]
    return sum(len(each.read_text()) for each in every)


@step(name="small ramp")
def ramp(n: int) -> Array:
    """Numbers from 0."""
    import numpy as np

    return np.arange(n, dtype=np.float32)


@step(name="small arrays")
def arrays(values: Any) -> Arrays:
    """An array and its double."""
    return {"once": values, "twice": 2 * values}


@step(name="small table")
def table(arrays: Mapping[str, Any]) -> Rows:
    """A row an array."""
    return [{"name": name, "sum": float(values.sum())} for name, values in arrays.items()]


@step(name="small addition")
def add(left: float, right: float = 0.0, pause: float = 0.0) -> float:
    """A sum, after a while."""
    time.sleep(pause)
    return left + right


@step(name="small sum")
def total(values: list[float]) -> float:
    """A sum of many."""
    return sum(values)


@step(name="small noise")
def noise(seed: int) -> str:
    """Never twice the same."""
    return os.urandom(8).hex()


@step(name="small death")
def die(value: float = 0.0) -> float:
    """End as if for want of memory."""
    print("about to die", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
    return value


@step(name="small exit")
def leave(status: int) -> None:
    """End the process."""
    os._exit(status)


@step(name="small hanging")
def hang(note: str) -> None:
    """Wait for ever, with a child that waits too; their numbers are written to a file."""
    import subprocess

    child = subprocess.Popen(["sleep", "600"])
    Path(note).write_text(f"{os.getpid()} {child.pid}")
    time.sleep(600)


@step(name="small luck")
def third_time(note: str) -> int:
    """Fail twice, then succeed."""
    file = Path(note)
    tried = int(file.read_text()) + 1 if file.exists() else 1
    file.write_text(str(tried))
    if tried < 3:
        raise ValueError(f"no luck the {tried}. time")
    return tried


@step(name="small flood", outputs={"flood": "flood.bin"})
def flood(n_bytes: int, *, out: Path) -> None:
    """Fill the disk."""
    (out / "flood.bin").write_bytes(bytes(n_bytes))


@step(name="small chatter", cpu=2)
def chatter(
    n: int, *, n_jobs: int = 1, progress: Callable[[str, int, int], None] | None = None
) -> int:
    """Say how far it is, and how many processes it was granted."""
    print("chatter prints")
    for done in range(n + 1):
        if progress is not None:
            progress("talk", done, n)
    return n_jobs


@step(name="small going on", outputs={"done": "done.txt"}, resumable=True)
def go_on(n: int, pause: float, *, out: Path) -> int:
    """Write a file a number; what a killed run has written is not written again."""
    found = len(list(out.glob("part-*")))
    for number in range(found, n):
        (out / f"part-{number}.tmp").write_text("")
        (out / f"part-{number}.tmp").rename(out / f"part-{number}")
        time.sleep(pause)
    (out / "done.txt").write_text(str(n))
    return n


@step(name="small files below")
def files_below(folder: Path) -> list[str]:
    """The names of the files in a folder."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@step(name="small forgetting", outputs={"page": "page.txt"})
def forget(title: str, *, out: Path) -> None:
    """Write nothing."""


@step(name="small path")
def path_of(name: str) -> Path:
    """A path, which says nothing of what lies there."""
    return Path(name)


@step(name="small tries")
def count_tries(note: str) -> None:
    """Note that it was tried, then take too long."""
    with Path(note).open("a") as file:
        file.write("x")
    time.sleep(600)


class Told:
    """A result that says itself what is kept of it."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def to_dict(self) -> dict[str, Any]:
        return {"file": self.file}


@step(name="small told")
def told(*, out: Path) -> Told:
    """An object with a path."""
    (out / "a.txt").write_text("a")
    return Told(out / "a.txt")


@step(name="small exit well")
def exit_well() -> None:
    """Leave as a program that is done."""
    raise SystemExit(0)


@step(name="small nested failure")
def nested_failure() -> None:
    """Fail deeper down."""

    def deeper() -> None:
        raise KeyError("x")

    deeper()
