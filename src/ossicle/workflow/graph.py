"""Who sends to whom: the graph of the works of a composite, and what is refused in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter

from ossicle.errors import WorkflowError, nearest
from ossicle.workflow.messages import Messages
from ossicle.workflow.works import Work

__all__ = ["Graph"]

MOST_NAMES = 20
"""Names listed where one is not known and none is near."""


@dataclass(frozen=True, slots=True)
class Graph:
    """The works of one composite and the ways between them.

    Parameters
    ----------
    name : str
        That of the composite.
    works : tuple of Work
        Its members.
    inside : mapping of str to Work
        Every work inside by its name, also deeper.
    places : mapping of str to int
        For each of these names the place of the member that it is or is in.
    leaves : tuple of Work
        The works inside that are no composites, in order.
    followers : tuple of tuple of int
        For each member the places of the other members that it, or something in it, sends to.
    """

    name: str
    works: tuple[Work, ...]
    inside: Mapping[str, Work]
    places: Mapping[str, int]
    leaves: tuple[Work, ...]
    followers: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, name: str, works: tuple[Work, ...]) -> "Graph":
        """Draw the graph.

        Raises
        ------
        WorkflowError
            If there is no work, a name is missing or taken twice, or a work sends to itself or to
            a composite that it is in.
        """
        if not works:
            raise WorkflowError(f"{name!r} has no works; a composite needs one at least")
        inside, places = _names(name, works)
        leaves = tuple(leaf for work in works for leaf in work.leaves)
        for leaf in leaves:
            for own in {name, leaf.name}.intersection(leaf.receivers):
                raise WorkflowError(
                    f"a circle: {leaf.name!r} sends to {own!r} and would wait for itself"
                )
        followers = tuple(_followers(place, work, places) for place, work in enumerate(works))
        return cls(name, works, inside, places, leaves, followers)

    def refuse_order(self) -> None:
        """Refuse a work that sends to one before it in the list."""
        for place, following in enumerate(self.followers):
            if following and following[0] < place:
                self.refuse_circles()
                raise WorkflowError(
                    f"{self._way(place, following[0])}, which stands before it in {self.name!r}; "
                    "put it after its senders, or take order='ready'"
                )

    def refuse_ways(self) -> None:
        """Refuse members that send to each other."""
        for place, following in enumerate(self.followers):
            if following:
                raise WorkflowError(
                    f"{self._way(place, following[0])}, and both run at once in {self.name!r}; "
                    "put them one after the other in a Workflow"
                )

    def refuse_circles(self) -> None:
        """Refuse works that wait for each other."""
        try:
            TopologicalSorter(dict(enumerate(self.followers))).prepare()
        except CycleError as error:
            names = " → ".join(repr(self.works[place].name) for place in reversed(error.args[1]))
            raise WorkflowError(
                f"a circle in {self.name!r}: {names}; each waits for the one before it"
            ) from None

    def refuse_next(self, receivers: Sequence[str]) -> None:
        """Refuse a composite's own next works if they are not those that its works send to."""
        if not receivers:
            return
        self.refuse_unknown(receivers)
        sent = {receiver for leaf in self.leaves for receiver in leaf.receivers}
        for receiver in receivers:
            if receiver not in sent:
                raise WorkflowError(
                    f"{self.name!r} names {receiver!r} as next, and none of the works in it sends "
                    "there; a composite sends nothing of its own: name it as next of a work inside"
                )

    def refuse_unknown(self, outside: Sequence[str]) -> None:
        """Refuse a receiver that is neither inside nor among those outside."""
        for leaf in self.leaves:
            for receiver in leaf.receivers:
                if receiver not in self.inside and receiver not in outside:
                    raise WorkflowError(
                        f"the work {leaf.name!r} sends to {receiver!r}, and no work in "
                        f"{self.name!r} has this name; {self._hint(receiver, *outside)}"
                    )

    def refuse_messages(self, messages: Messages, outside: Sequence[str]) -> None:
        """Refuse rows that nobody takes and works that no row can reach."""
        for row in messages:
            taken = row.receiver in self.inside or row.receiver in ("", self.name, *outside)
            if not taken:
                raise WorkflowError(
                    f"nobody takes the row from {row.sender!r} for {row.receiver!r}; "
                    f"{self._hint(row.receiver, self.name, *outside)}"
                )

    def refuse_unreached(self, messages: Messages, entries: Sequence[Work]) -> None:
        """Refuse works that no row can reach; a row for the whole goes to its entries."""
        waiting = [leaf for row in messages for leaf in self._reached(row.receiver, entries)]
        reached: set[str] = set()
        while waiting:
            leaf = waiting.pop()
            if leaf.name not in reached:
                reached.add(leaf.name)
                waiting += (
                    other for name in leaf.receivers for other in self._reached(name, entries)
                )
        for leaf in self.leaves:
            if leaf.name not in reached:
                raise WorkflowError(
                    f"the work {leaf.name!r} can never get a message: name it as next of a work "
                    f"that gets one, or give a row (data, 'init', {leaf.name!r})"
                )

    def _reached(self, name: str, entries: Sequence[Work]) -> Sequence[Work]:
        if name == self.name:
            return entries
        return self.inside[name].entries if name in self.inside else ()

    def _hint(self, name: str, *others: str) -> str:
        """The name that was probably meant, of however many."""
        names = [*self.inside, *others]
        return nearest(name, get_close_matches(name, names, n=1) or sorted(names)[:MOST_NAMES])

    def _way(self, place: int, other: int) -> str:
        """Who in one member sends to whom in another, in words."""
        for leaf in self.works[place].leaves:
            for receiver in leaf.receivers:
                if self.places.get(receiver) == other:
                    return f"{leaf.name!r} sends to {receiver!r}"
        raise AssertionError("no way")


def _names(name: str, works: Sequence[Work]) -> tuple[dict[str, Work], dict[str, int]]:
    """Every name inside with its work and the place of its member."""
    inside: dict[str, Work] = {}
    places: dict[str, int] = {}
    for place, work in enumerate(works):
        for inner in work.inside:
            if not inner or not isinstance(inner, str):
                raise WorkflowError(f"a work in {name!r} is named {inner!r}; a name is a word")
            if inner in inside or inner == name:
                raise WorkflowError(
                    f"the name {inner!r} is taken twice in {name!r}; messages are addressed by "
                    "name, so give each work and each composite its own"
                )
            places[inner] = place
        inside.update(work.inside)
    return inside, places


def _followers(place: int, work: Work, places: Mapping[str, int]) -> tuple[int, ...]:
    found = {places.get(receiver, place) for leaf in work.leaves for receiver in leaf.receivers}
    return tuple(sorted(found - {place}))
