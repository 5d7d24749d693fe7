"""Works under way together: each starts when its messages are complete; all end before we go on."""

import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from operator import itemgetter
from queue import SimpleQueue

from ossicle.workflow.executor import WorkCancelledError
from ossicle.workflow.graph import Graph
from ossicle.workflow.jobs import Job
from ossicle.workflow.messages import Message, Messages
from ossicle.workflow.works import Context, Work

__all__ = ["Crew", "Post"]


class Post:
    """The messages of a composite while its works are done: kept by receiver, given in order.

    The order is that of the senders in the list, whoever was done first.
    """

    def __init__(self, graph: Graph, entries: Sequence[Work]) -> None:
        self._graph = graph
        self._entries = [work.name for work in entries]
        self._boxes: list[list[tuple[int, int, Message]]] = [[] for _ in graph.works]
        self._rest: list[tuple[int, int, Message]] = []

    def deliver(self, sender: int, rows: Sequence[Message]) -> None:
        """Take the rows of the member at this place; -1: those the composite was given."""
        places = self._graph.places
        for number, row in enumerate(rows):
            place = places.get(row.receiver)
            if place is not None:
                self._boxes[place].append((sender, number, row))
            elif row.receiver == self._graph.name:
                for name in self._entries:
                    inner = Message(row.data, row.sender, name)
                    self._boxes[places[name]].append((sender, number, inner))
            else:
                self._rest.append((sender, number, row))

    def collect(self, place: int) -> Messages:
        """Give the member at this place its rows."""
        rows, self._boxes[place] = self._boxes[place], []
        return _in_order(rows)

    def everything(self) -> Messages:
        """All rows that are with nobody."""
        return _in_order([*self._rest, *(row for box in self._boxes for row in box)])


def _in_order(rows: list[tuple[int, int, Message]]) -> Messages:
    return Messages(tuple(row for _, _, row in sorted(rows, key=itemgetter(0, 1))))


class Crew:
    """The works of a composite, done at the same time as far as they do not wait for each other.

    Parameters
    ----------
    graph : Graph
        The works and their ways.
    post : Post
        The messages.
    context : Context
        Handed down.
    n_threads : int
        Plain works that may be under way at once; each `Job` has a thread of its own, which waits
        for the cluster.
    hasty : bool
        A failure asks the works that are under way to stop; else they are done to the end.
    announce : callable
        Gives the line of the log that says that a work starts.
    """

    def __init__(
        self,
        graph: Graph,
        post: Post,
        context: Context,
        n_threads: int,
        *,
        hasty: bool,
        announce: Callable[[Work], str],
    ) -> None:
        self._graph, self._post, self._context = graph, post, context
        self._n_threads, self._hasty, self._announce = n_threads, hasty, announce
        self._senders = [0] * len(graph.works)
        for place in chain.from_iterable(graph.followers):
            self._senders[place] += 1
        self._ready = [place for place, count in enumerate(self._senders) if not count]
        self._running: dict[int, Work] = {}
        self._done: SimpleQueue[tuple[int, Sequence[Message]]] = SimpleQueue()
        self._failures: dict[int, BaseException] = {}
        self._stopped = self._asked = False
        self._log = Pages(context, len(graph.works))

    def run(self) -> None:
        """Do every work once.

        Raises
        ------
        Exception
            What the first of the works that failed, in the order of the list, has raised.
        """
        n_jobs = sum(isinstance(work, Job) for work in self._graph.works)
        with (
            ThreadPoolExecutor(self._n_threads) as hands,
            ThreadPoolExecutor(max(1, n_jobs)) as clerks,
        ):
            try:
                self._start(hands, clerks)
                while self._running:
                    self._finish(*self._done.get())
                    self._start(hands, clerks)
            except BaseException:
                self._stop()
                raise
            finally:
                self._log.close()
        self._raise()

    def _start(self, hands: ThreadPoolExecutor, clerks: ThreadPoolExecutor) -> None:
        """Start what is ready, jobs first; in this thread if nothing else is to be done."""
        if self._stopped:
            return
        works, ready = self._graph.works, self._ready
        alone = len(ready) == 1 and not self._running
        self._ready = []
        self._running |= {place: works[place] for place in ready}
        for place in sorted(ready, key=lambda place: (not isinstance(works[place], Job), place)):
            mine = self._post.collect(place)
            if alone:
                self._do(place, mine)
            else:
                pool = clerks if isinstance(works[place], Job) else hands
                pool.submit(self._do, place, mine)

    def _do(self, place: int, mine: Messages) -> None:
        """Do one work, unless another has failed while it waited for a thread."""
        work = self._graph.works[place]
        rows: Sequence[Message] = ()
        context = self._log.page(place)
        if not self._stopped:
            context.tell(self._graph.name, self._announce(work))
            context.show(work.name, "selected input", mine)
            try:
                rows = work.answer(mine, context)
            except BaseException as error:
                self._failures[place] = error
                self._stopped = True
        self._done.put((place, rows))

    def _finish(self, place: int, rows: Sequence[Message]) -> None:
        """Deliver what a work has made, and see which works are complete by that."""
        del self._running[place]
        self._log.finish(place)
        if self._stopped:
            if self._hasty:
                self._stop()
            return
        self._post.deliver(place, rows)
        for follower in self._graph.followers[place]:
            self._senders[follower] -= 1
            if not self._senders[follower]:
                self._ready.append(follower)

    def _stop(self) -> None:
        """Start nothing more and ask the works under way to stop, once."""
        self._stopped = True
        for work in () if self._asked else self._running.values():
            with contextlib.suppress(Exception):
                work.cancel()
        self._asked = True

    def _raise(self) -> None:
        """Raise the failure of the first work in the list, and name the others."""
        if not self._failures:
            return
        order = sorted(self._failures, key=lambda place: (self._weight(place), place))
        error = self._failures[order[0]]
        for place in order[1:]:
            other = self._failures[place]
            if not isinstance(other, WorkCancelledError):
                name = self._graph.works[place].name
                error.add_note(f"{name!r} failed too: {type(other).__name__}: {other}")
        raise error

    def _weight(self, place: int) -> int:
        """An interrupt goes before an error, and that before what only was asked to stop."""
        error = self._failures[place]
        return isinstance(error, Exception) + isinstance(error, WorkCancelledError)


class Pages:
    """The log of works done at the same time: each work's lines whole, in the order of the list."""

    def __init__(self, context: Context, n_pages: int) -> None:
        self._context = context
        self._pages: list[list[str]] = [[] for _ in range(n_pages if context.say else 0)]
        self._ended: set[int] = set()
        self._next = 0

    def page(self, place: int) -> Context:
        """The context of the work at this place, whose lines are kept."""
        return (
            replace(self._context, say=self._pages[place].append) if self._pages else self._context
        )

    def finish(self, place: int) -> None:
        """Print the lines of a work that is done, once those before it are printed."""
        self._ended.add(place)
        while self._next in self._ended and self._pages:
            self._print(self._next)

    def close(self) -> None:
        """Print what is left."""
        while self._next < len(self._pages):
            self._print(self._next)

    def _print(self, place: int) -> None:
        self._next = place + 1
        for line in self._pages[place]:
            assert self._context.say is not None
            self._context.say(line)
