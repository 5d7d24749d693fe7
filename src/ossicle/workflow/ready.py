"""Works under way together: each starts when its messages are complete; all end before we go on."""

import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from itertools import chain
from operator import itemgetter
from queue import SimpleQueue
from threading import Lock
from typing import Any

from ossicle.workflow.graph import Graph
from ossicle.workflow.jobs import Job
from ossicle.workflow.lanes import WorkCancelledError
from ossicle.workflow.messages import Message, Messages
from ossicle.workflow.works import Context, Work

__all__ = ["Crew", "Post"]


class Post:
    """The messages of a composite while its works are done: kept by receiver, given in order.

    The order is that of the senders in the list, whoever was done first. Rows addressed to the
    composite itself go to the works named as its first.
    """

    def __init__(self, graph: Graph, first: Sequence[Work]) -> None:
        self._graph, self._first = graph, first
        self._boxes: list[list[tuple[int, int, Message]]] = [[] for _ in graph.works]
        self._rest: list[tuple[int, int, Message]] = []

    def deliver(self, sender: int, rows: Sequence[Message]) -> None:
        """Take the rows of the member at this place; -1: those the composite was given."""
        places = self._graph.places
        for number, row in enumerate(rows):
            if row.receiver in places:
                self._boxes[places[row.receiver]].append((sender, number, row))
            elif row.receiver == self._graph.name:
                for work in self._first:
                    inner = Message(row.data, row.sender, work.name)
                    self._boxes[places[work.name]].append((sender, number, inner))
            else:
                self._rest.append((sender, number, row))

    def collect(self, place: int) -> Messages:
        """Give the member at this place its rows."""
        rows, self._boxes[place] = self._boxes[place], []
        return _in_order(rows)

    def everything(self) -> Messages:
        """All rows that are with nobody."""
        return _in_order([*self._rest, *chain.from_iterable(self._boxes)])


def _in_order(rows: list[tuple[int, int, Message]]) -> Messages:
    return Messages(tuple(row for _, _, row in sorted(rows, key=itemgetter(0, 1))))


@dataclass(eq=False)
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
    line : str
        What the log says when a work starts, with braces for its name.
    """

    graph: Graph
    post: Post
    context: Context
    n_threads: int
    hasty: bool
    line: str

    def __post_init__(self) -> None:
        counts = [0] * len(self.graph.works)
        for place in chain.from_iterable(self.graph.followers):
            counts[place] += 1
        self._senders = counts
        self._ready = [place for place, count in enumerate(counts) if not count]
        self._waiting: SimpleQueue[tuple[int, Messages] | None] = SimpleQueue()
        self._running: set[int] = set()
        self._begun: set[int] = set()
        self._lock = Lock()
        self._done: SimpleQueue[tuple[int, Sequence[Message], list[str]]] = SimpleQueue()
        self._failures: dict[int, BaseException] = {}
        self._stopped = self._asked = False
        self._inner = replace(self.context, stopped=self._is_asked)
        self._threads: list[Future[None]] = []
        self._n_serving = self._n_told = 0
        self._log: dict[int, list[str]] = {}

    def run(self) -> None:
        """Do every work once.

        Raises
        ------
        Exception
            What the first of the works that failed, in the order of the list, has raised.
        """
        try:
            self._start()
            while self._running:
                self._finish(*self._done.get())
                self._start()
        except BaseException:
            self._stop()
            raise
        finally:
            for _ in self._threads:
                self._waiting.put(None)
            wait(self._threads)
            for place in sorted(self._log):
                self._tell(place)
        if self._failures:
            self._fail()

    def _start(self) -> None:
        """Start what is ready, jobs first; in this thread if nothing else is to be done."""
        if self._stopped or self.context.stopped():
            return
        works, ready = self.graph.works, self._ready
        alone = len(ready) == 1 and not self._running
        self._ready = []
        self._running.update(ready)
        for place in sorted(ready, key=lambda place: (not isinstance(works[place], Job), place)):
            mine = self.post.collect(place)
            if alone:
                self._do(place, mine)
            elif isinstance(works[place], Job):
                self._thread(self._do, place, mine)
            else:
                self._waiting.put((place, mine))
                if self._n_serving < self.n_threads:
                    self._n_serving += 1
                    self._thread(self._serve)

    def _thread(self, call: Callable[..., None], *given: Any) -> None:
        assert self.context.hands is not None
        self._threads.append(self.context.hands.submit(call, *given))

    def _serve(self) -> None:
        """Do one work after the other in a thread."""
        while (given := self._waiting.get()) is not None:
            self._do(*given)

    def _do(self, place: int, mine: Messages) -> None:
        """Do one work, unless another has failed while it waited for a thread."""
        work = self.graph.works[place]
        rows: Sequence[Message] = ()
        lines: list[str] = []
        context = replace(self._inner, say=lines.append) if self._inner.say else self._inner
        if self._may_begin(place):
            context.tell(self.graph.name, self.line.format(work.name))
            context.tell(work.name, "selected input :", mine)
            try:
                rows = work.answer(mine, context)
            except BaseException as error:
                self._failures[place] = error
                self._stopped = True
        self._done.put((place, rows, lines))

    def _may_begin(self, place: int) -> bool:
        with self._lock:
            if not (self._stopped or self.context.stopped()):
                self._begun.add(place)
            return place in self._begun

    def _finish(self, place: int, rows: Sequence[Message], lines: list[str]) -> None:
        """Deliver what a work has made, and see which works are complete by that."""
        self._running.discard(place)
        self._log[place] = lines
        while self._n_told in self._log:
            self._tell(self._n_told)
            self._n_told += 1
        if self._stopped and self.hasty:
            self._stop()
        self.post.deliver(place, rows)
        for follower in self.graph.followers[place]:
            self._senders[follower] -= 1
            if not self._senders[follower]:
                self._ready.append(follower)

    def _tell(self, place: int) -> None:
        """Print the lines of a work, whole."""
        for line in self._log.pop(place):
            (self.context.say or print)(line)

    def _stop(self) -> None:
        """Start nothing more and ask the works under way to stop, once."""
        with self._lock:
            asked = () if self._is_asked() else tuple(self._running & self._begun)
            self._stopped = self._asked = True
        for place in asked:
            with contextlib.suppress(Exception):
                self.graph.works[place].cancel()

    def _is_asked(self) -> bool:
        return self._asked or self.context.stopped()

    def _fail(self) -> None:
        """Raise the failure of the first work in the list, and name the others.

        An interrupt goes before an error, and that before what only was asked to stop.
        """

        def rank(place: int) -> tuple[int, int]:
            error = self._failures[place]
            return isinstance(error, Exception) + isinstance(error, WorkCancelledError), place

        first, *others = sorted(self._failures, key=rank)
        error = self._failures[first]
        for place in others:
            if not isinstance(other := self._failures[place], WorkCancelledError):
                name = self.graph.works[place].name
                error.add_note(f"{name!r} failed too: {type(other).__name__}: {other}")
        raise error
