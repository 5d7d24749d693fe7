"""Steps drawn as a tree, each under the last of those that it needs; live on a terminal."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from ossicle.cli.terminal import note, safe

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ossicle.workflow.nodes import Event, Node

__all__ = ["branches", "counts", "more_than", "shown_events"]

LOOKS: Mapping[str, tuple[str, str]] = {
    "pending": ("·", "dim"),
    "waiting": ("…", "yellow"),
    "in progress": ("▸", "cyan"),
    "completed": ("✓", "green"),
    "kept": ("=", "green dim"),
    "failed": ("✗", "bold red"),
    "skipped": ("–", "dim"),
    "cancelled": ("✗", "yellow"),
}
"""How each state is marked and coloured."""

IN_ORDER = (
    *("completed", "kept", "skipped", "failed", "cancelled"),
    *("in progress", "waiting", "pending"),
)

PER_SECOND = 8
"""Pictures of a tree."""


def branches(needs: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Every name with the lines in front of it that join it to what it needs.

    Parameters
    ----------
    needs : mapping of name to names
        Each after those it needs.

    >>> for name, line in branches({"a": [], "b": ["a"], "c": ["a"], "d": ["b"]}).items():
    ...     print(line)
    a
    ├ b
    │ └ d
    └ c
    """
    below: dict[str, list[str]] = {"": []}
    for name, others in needs.items():
        below[name] = []
        below[others[-1] if others else ""].append(name)
    drawn: dict[str, str] = {}
    waiting = [(name, "", "") for name in reversed(below[""])]
    while waiting:
        name, stem, mark = waiting.pop()
        drawn[name] = f"{stem}{mark}{name}"
        inner = stem + {"├ ": "│ ", "└ ": "  "}.get(mark, "")
        marks = ["├ "] * (len(below[name]) - 1) + ["└ "]
        waiting += reversed([(each, inner, m) for each, m in zip(below[name], marks, strict=False)])
    return drawn


def counts(states: Iterable[str]) -> str:
    """How many steps are in each state, always in one order.

    >>> counts(["kept", "completed", "kept"])
    '1 completed, 2 kept'
    """
    found = Counter(states)
    return ", ".join(f"{found[state]} {state}" for state in IN_ORDER if found[state])


def more_than(state: str, detail: str) -> str:
    """What a detail says besides the state itself."""
    return "" if detail == f"it was {state}" else detail


@contextmanager
def shown_events(title: str, nodes: "Sequence[Node]") -> Iterator[Callable[["Event"], None]]:
    """Show on standard error what becomes of steps; yields what is called with each event.

    On a terminal a tree that is drawn anew, elsewhere a line for each change of state.
    """
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _line_by_line()
        return
    from rich.live import Live

    tree = LiveTree(title, {node.name: node.needs for node in nodes})
    with Live(
        get_renderable=lambda: tree.picture(console),
        console=console,
        refresh_per_second=PER_SECOND,
    ):
        yield tree.told


def _line_by_line() -> Callable[["Event"], None]:
    begun: dict[str, float] = {}

    def told(event: "Event") -> None:
        now = time.monotonic()
        first = begun.setdefault(event.node, now)
        if event.progress is None:
            took = f" after {now - first:.1f} s" if event.state in ("completed", "failed") else ""
            detail = more_than(event.state, event.detail)
            why = f": {detail}" if detail else ""
            with suppress(OSError):  # who read it has gone; the work goes on
                note(f"{event.node}: {event.state}{took}{why}")

    return told


class LiveTree:
    """What is known of each step, and a picture of it.

    Parameters
    ----------
    title : str
    needs : mapping of name to names
    """

    def __init__(self, title: str, needs: Mapping[str, Sequence[str]]) -> None:
        self._title, self._lines = title, branches(needs)
        self._last: dict[str, Event] = {}
        self._begun: dict[str, float] = {}
        self._took: dict[str, float] = {}

    def told(self, event: "Event") -> None:
        """Note what became of a step."""
        now = time.monotonic()
        if event.state == "in progress":
            self._begun.setdefault(event.node, now)
        elif event.node in self._begun:
            self._took[event.node] = now - self._begun[event.node]
        self._last[event.node] = event

    def picture(self, console: "Console") -> "Table":
        """The tree as it is now; where it is too high, without what is over or has not begun."""
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        table.title, table.title_justify = Text(safe(self._title)), "left"
        fits = len(self._lines) + 3 <= console.height
        for name, line in self._lines.items():
            if fits or self._state(name) in ("in progress", "waiting", "failed"):
                table.add_row(*self._row(name, line if fits else name))
        if not fits:
            table.add_row(Text(counts(map(self._state, self._lines))))
        return table

    def _state(self, name: str) -> str:
        return self._last[name].state if name in self._last else "pending"

    def _row(self, name: str, line: str) -> list[Any]:
        from rich.text import Text

        state = self._state(name)
        mark, style = LOOKS[state]
        event = self._last.get(name)
        more = ""
        if event and event.progress:
            more = "{} {}/{}".format(*event.progress)
        elif event and state != "waiting":
            more = more_than(state, event.detail)
        return [
            Text(safe(line), style="bold" if state == "in progress" else "", no_wrap=True),
            Text(f"{mark} {state}", style=style, no_wrap=True),
            Text(self._seconds(name), justify="right", no_wrap=True),
            Text(safe(more), style="dim", no_wrap=True, overflow="ellipsis"),
        ]

    def _seconds(self, name: str) -> str:
        if name in self._took:
            return f"{self._took[name]:.1f} s"
        begun = self._begun.get(name)
        return "" if begun is None else f"{time.monotonic() - begun:.0f} s"
