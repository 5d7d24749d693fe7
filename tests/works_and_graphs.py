"""Small works, the figure's workflow, and random workflows for the tests of composites."""

import random
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from ossicle.workflow.composites import Parallel, Workflow
from ossicle.workflow.messages import Messages
from ossicle.workflow.works import Function, Work

FIGURE_INPUT = Messages.of((2, "init", "f1"), (3, "init", "f211"))


def figure(**options: Any) -> Workflow:
    """The workflow of Figure 5, with its two slips put right; it gives 13."""
    f1 = Function(lambda x: 2 * x.one("init"), "f1", ["f211", "f221", "f3"])
    f211 = Function(lambda x: x.one("f1") * x.one("init"), "f211", "f212")
    f212 = Function(lambda x: x.one("f211") / 3, "f212", "f3")
    f221 = Function(lambda x: x.one("f1") + 1, "f221", ["f2221", "f2222"])
    f2221 = Function(lambda x: x.one("f221") - 2, "f2221", "f3")
    f2222 = Function(lambda x: x.one("f221") - 3, "f2222", "f3")
    f3 = Function(lambda x: sum(map(x.one, ("f1", "f212", "f2221", "f2222"))), "f3")
    f21 = Workflow([f211, f212], "f21", "f3")
    f222 = Parallel([f2221, f2222], "f222", "f3")
    f22 = Workflow([f221, f222], "f22", "f3")
    f2 = Parallel([f21, f22], "f2", "f3")
    return Workflow([f1, f2, f3], "workflow", **options)


class Mark(Work):
    """Makes a number that tells its name and everything it was given, in order."""

    def process(self, messages: Messages) -> int:
        time.sleep(random.choice([0, 0, 0.0005, 0.002]))
        said = [(row.sender, row.data) for row in messages]
        return zlib.crc32(repr((self.name, said)).encode())


def nothing(messages: Messages) -> None:
    """Makes nothing of anything."""


def chain_of(*names: str, function: Callable[[Messages], Any] = nothing) -> list[Function]:
    """Works that each send to the one after."""
    return [
        Function(function, name, following)
        for name, following in zip(names, (*names[1:], ""), strict=True)
    ]


@dataclass(frozen=True)
class Plan:
    """A random workflow: nested lists (of works one after the other, or at once), ways, rows."""

    tree: Any
    receivers: dict[int, list[str]]
    rows: Messages

    def leaf(self, number: int) -> Mark:
        return Mark(f"w{number}", self.receivers[number])

    def flat(self, order: Any) -> Workflow:
        """All works in one list."""
        works = [self.leaf(number) for number in sorted(self.receivers)]
        return Workflow(works, order=order, n_threads=3)

    def nested(self, order: Any) -> Workflow:
        """The works in composites inside composites."""
        numbers = iter(range(1000))

        def build(node: Any) -> Work:
            if isinstance(node, int):
                return self.leaf(node)
            kind, nodes = node
            name, works = f"c{next(numbers)}", [build(inner) for inner in nodes]
            return (
                Parallel(works, name) if kind == "parallel" else Workflow(works, name, order=order)
            )

        outer = build(("workflow", [self.tree]))
        assert isinstance(outer, Workflow)
        return outer


def _leaves(node: Any) -> Iterator[int]:
    if isinstance(node, int):
        yield node
    else:
        for inner in node[1]:
            yield from _leaves(inner)


def _at_once(node: Any) -> Iterator[tuple[int, int]]:
    """Pairs of works that are in different members of one parallel."""
    if isinstance(node, int):
        return
    for place, inner in enumerate(node[1]):
        yield from _at_once(inner)
        if node[0] == "parallel":
            for other in node[1][place + 1 :]:
                yield from ((a, b) for a in _leaves(inner) for b in _leaves(other))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Any valid workflow of a few works, with several rows for and from the same works."""
    kinds = st.sampled_from(["workflow", "parallel"])
    shape = draw(
        st.recursive(
            st.none(),
            lambda inner: st.tuples(kinds, st.lists(inner, min_size=1, max_size=4)),
            max_leaves=12,
        )
    )
    count = iter(range(1000))

    def number(node: Any) -> Any:
        return next(count) if node is None else (node[0], [number(inner) for inner in node[1]])

    tree = number(shape)
    leaves, apart = sorted(_leaves(tree)), set(_at_once(tree))
    receivers: dict[int, list[str]] = {}
    reached: set[int] = set()
    for leaf in leaves:
        later = [other for other in leaves if other > leaf and (leaf, other) not in apart]
        chosen = draw(st.lists(st.sampled_from(later), max_size=4)) if later else []
        receivers[leaf] = [f"w{other}" for other in chosen]
        reached.update(chosen)
    rows = [(draw(st.integers(0, 9)), "init", f"w{leaf}") for leaf in leaves if leaf not in reached]
    more = draw(st.lists(st.sampled_from(leaves), max_size=4))
    rows += [(leaf, draw(st.sampled_from(["init", "extra"])), f"w{leaf}") for leaf in more]
    if draw(st.booleans()):
        rows.append((0, "init", ""))
    return Plan(tree, receivers, Messages.of(*draw(st.permutations(rows))))
