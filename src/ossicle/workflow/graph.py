"""Who sends to whom: the graph of the works of a composite, and what is refused in it."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter

from ossicle.errors import WorkflowError, nearest
from ossicle.workflow.messages import Messages
from ossicle.workflow.works import Work

__all__ = ["Graph"]

MOST_NAMES = 20
"""Names listed where one is not known and none is near."""

REFUSED_WAYS = {
    "list": "which stands before it in {!r}; put it after its senders, or take order='ready'",
    "parallel": "and both run at once in {!r}; put them one after the other in a Workflow",
}
"""Why a work may not send to another one, in those orders in which it may not send to all."""

STRAY_WAY = "the work {!r} sends to {!r}, and no work in {!r} has this name"
STRAY_ROW = "nobody takes the row from {!r} for {!r}"


class Graph:
    """The works of one composite and the ways between them.

    Parameters
    ----------
    name : str
        That of the composite.
    works : tuple of Work
        Its members.
    order : {"list", "ready", "parallel"}
        One after the other, each when its messages are complete, or all at once.

    Attributes
    ----------
    inside : dict of str to Work
        Every work inside by its name, also deeper.
    places : dict of str to int
        For each of these names the place of the member that it is or is in.
    first : tuple of Work
        The members that get a message addressed to the composite.
    ways : list of (str, str)
        Who sends to whom, of the works that are no composites.
    followers : list of list of int
        For each member the places of those that wait for it: of the other members that it, or
        something in it, sends to; in order "list", of the next one.

    Raises
    ------
    WorkflowError
        If there is no work, a name is missing or taken twice, works wait for each other, or one
        sends to another that this order does not put after it.
    """

    def __init__(self, name: str, works: tuple[Work, ...], order: str) -> None:
        if not works:
            raise WorkflowError(f"{name!r} has no works; a composite needs one at least")
        self.name, self.works, self.order = name, works, order
        self.first = works if order == "parallel" else works[:1]
        self.inside: dict[str, Work] = {}
        self.places: dict[str, int] = {}
        for place, work in enumerate(works):
            self._name(place, work)
        leaves = (work for work in self.inside.values() if not work.first)
        self.ways = [(leaf.name, name) for leaf in leaves for name in leaf.receivers if name]
        self.followers = self._followers()
        self._refuse_circles()
        self._refuse_ways()
        if order == "list":
            self.followers = [[place] for place in range(1, len(works))] + [[]]

    def _name(self, place: int, work: Work) -> None:
        for name, inner in work.inside.items():
            if not name or not isinstance(name, str):
                raise WorkflowError(f"a work in {self.name!r} is named {name!r}; a name is a word")
            if name in self.inside or name == self.name:
                raise WorkflowError(
                    f"the name {name!r} is taken twice in {self.name!r}; messages are addressed "
                    "by name, so give each work and each composite its own"
                )
            self.inside[name], self.places[name] = inner, place

    def _followers(self) -> list[list[int]]:
        following: list[set[int]] = [set() for _ in self.works]
        for sender, receiver in self.ways:
            if receiver in (sender, self.name):
                raise WorkflowError(
                    f"a circle: {sender!r} sends to {receiver!r} and would wait for itself"
                )
            if receiver in self.places:
                following[self.places[sender]].add(self.places[receiver])
        return [sorted(others - {place}) for place, others in enumerate(following)]

    def _refuse_circles(self) -> None:
        """Refuse works that wait for each other."""
        try:
            TopologicalSorter(dict(enumerate(self.followers))).prepare()
        except CycleError as error:
            names = " → ".join(repr(self.works[place].name) for place in reversed(error.args[1]))
            raise WorkflowError(
                f"a circle in {self.name!r}: {names}; each waits for the one before it"
            ) from None

    def _refuse_ways(self) -> None:
        """Refuse a work that sends to another that this order does not put after it."""
        for sender, receiver in self.ways if self.order in REFUSED_WAYS else ():
            start, end = self.places[sender], self.places.get(receiver)
            if end is not None and (end < start or (end > start and self.order == "parallel")):
                why = REFUSED_WAYS[self.order].format(self.name)
                raise WorkflowError(f"{sender!r} sends to {receiver!r}, {why}")

    def refuse_next(self, outside: Sequence[str]) -> None:
        """Refuse a composite's own next works if they are not those that its works send to."""
        if outside:
            self.refuse_unknown(outside)
        for name in set(outside).difference(receiver for _, receiver in self.ways):
            raise WorkflowError(
                f"{self.name!r} names {name!r} as next, and none of the works in it sends there; "
                "a composite sends nothing of its own: name it as next of a work inside"
            )

    def refuse_unknown(self, outside: Sequence[str]) -> None:
        """Refuse a receiver that is neither inside nor among those outside."""
        self._refuse_strays(STRAY_WAY, self.ways, outside)

    def refuse_messages(self, messages: Messages, outside: Sequence[str]) -> None:
        """Refuse rows that nobody takes."""
        rows = ((row.sender, row.receiver) for row in messages if row.receiver)
        self._refuse_strays(STRAY_ROW, rows, (self.name, *outside))

    def _refuse_strays(
        self, why: str, ways: Iterable[tuple[str, str]], outside: Sequence[str]
    ) -> None:
        for sender, receiver in ways:
            if receiver not in self.inside and receiver not in outside:
                names = [*self.inside, *outside]
                near = get_close_matches(receiver, names, n=1) or sorted(names)[:MOST_NAMES]
                hint = nearest(receiver, near)
                raise WorkflowError(f"{why.format(sender, receiver, self.name)}; {hint}")

    def refuse_unreached(self, messages: Messages, composite: Work) -> None:
        """Refuse works that no row can reach, though all rows go on as far as they can."""
        known = {**self.inside, self.name: composite}
        waiting, reached = list(messages.receivers), set[str]()
        while waiting:
            work = known.get(waiting.pop())
            if work is not None and work.name not in reached:
                reached.add(work.name)
                waiting += [inner.name for inner in work.first] or work.receivers
        for name, work in self.inside.items():
            if name not in reached and not work.first:
                raise WorkflowError(
                    f"the work {name!r} can never get a message: name it as next of a work that "
                    f"gets one, or give a row (data, 'init', {name!r})"
                )
