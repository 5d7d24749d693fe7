"""Works of a composite done: each starts when its messages are complete, and all end before we."""

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from operator import itemgetter
from queue import SimpleQueue
from threading import Lock

from ossicle.workflow.graph import Graph
from ossicle.workflow.jobs import Job
from ossicle.workflow.lanes import WorkCancelledError
from ossicle.workflow.messages import Message, Messages
from ossicle.workflow.works import Context

__all__ = ["Crew"]

GIVEN = -1
"""Place, before all members, of the messages that the composite was given."""

_Sent = tuple[int, int, Message]
"""A message with the place of its sender and its number among those of it."""


def _in_order(rows: Iterable[_Sent]) -> Messages:
    """Messages in the order of their senders in the list, whoever was done first."""
    return Messages(tuple(row for _, _, row in sorted(rows, key=itemgetter(0, 1))))


class Crew:
    """The works of a composite under way, at the same time as far as its order allows.

    Parameters
    ----------
    graph : Graph
        The works, their ways and their order.
    n_threads : int
        Plain works that may be under way at once; each `Job` has a thread of its own, which waits
        for the cluster.
    context : Context
        Handed down.
    """

    def __init__(self, graph: Graph, n_threads: int, context: Context) -> None:
        self._graph, self._context = graph, context
        self._in_list, self._at_once = graph.order == "list", graph.order == "parallel"
        self._n_before = [0] * len(graph.works)
        for place in chain.from_iterable(graph.followers):
            self._n_before[place] += 1
        self._boxes: list[list[_Sent]] = [[] for _ in [*graph.works, "nobody"]]
        n_jobs = sum(isinstance(work, Job) for work in graph.works)
        self._hands = ThreadPoolExecutor(n_threads + n_jobs)
        self._n_threads = n_threads
        self._n_serving = self._n_running = self._n_told = 0
        self._waiting = SimpleQueue[int | None]()
        self._done = SimpleQueue[tuple[int, Sequence[Message]]]()
        self._lock, self._begun, self._finished = Lock(), set[int](), set[int]()
        self._failures: dict[int, BaseException] = {}
        self._stopped = self._asked = False
        self._inner = replace(context, stopped=self._is_asked)
        self._log = defaultdict[int, list[str]](list)

    def run(self, mine: Messages) -> Messages:
        """Do every work once, and give what is left with nobody.

        Raises
        ------
        Exception
            What the first of the works that failed, in the order of the list, has raised.
        """
        self._deliver(GIVEN, list(self._addressed(mine)))
        try:
            with self._hands:
                self._work()
        finally:
            for place in sorted(self._log):
                self._tell(place)
        if self._failures:
            self._fail()
        if self._context.stopped():
            raise WorkCancelledError(f"{self._graph.name!r} was asked to stop")
        return self._everything()

    def _addressed(self, rows: Messages) -> Iterator[Message]:
        """What is addressed to the composite itself goes to those that are its first."""
        for row in rows:
            if row.receiver == self._graph.name:
                yield from (Message(row.data, row.sender, work.name) for work in self._graph.first)
            else:
                yield row

    def _deliver(self, sender: int, rows: Sequence[Message]) -> None:
        """Put the rows of the member at this place in the boxes; the last is that of all others."""
        for number, row in enumerate(rows):
            place = self._graph.places.get(row.receiver, -1)
            self._boxes[place].append((sender, number, row))

    def _everything(self) -> Messages:
        return _in_order(chain.from_iterable(self._boxes))

    def _work(self) -> None:
        try:
            self._start([place for place, count in enumerate(self._n_before) if not count])
            while self._n_running:
                self._start(self._finish(*self._done.get()))
        except BaseException:
            self._stop()
            raise
        finally:
            for _ in range(self._n_serving):
                self._waiting.put(None)

    def _start(self, ready: Sequence[int]) -> None:
        """Start what is ready, jobs first; in this thread if nothing else is to be done."""
        if self._stopped or self._context.stopped():
            return
        alone = len(ready) == 1 and not self._n_running
        self._n_running += len(ready)
        works = self._graph.works
        for place in sorted(ready, key=lambda place: not isinstance(works[place], Job)):
            if alone:
                self._do(place)
            elif isinstance(works[place], Job):
                self._hands.submit(self._do, place)
            else:
                self._waiting.put(place)
                if self._n_serving < self._n_threads:
                    self._n_serving += 1
                    self._hands.submit(self._serve)

    def _serve(self) -> None:
        """Do one plain work after the other in a thread."""
        while (place := self._waiting.get()) is not None:
            self._do(place)

    def _do(self, place: int) -> None:
        """Do one work, unless another has failed while it waited for a thread."""
        rows: Sequence[Message] = ()
        if self._may_begin(place):
            try:
                rows = self._answer(place)
            except BaseException as error:
                self._failures[place] = error
                self._stopped = True
        self._done.put((place, rows))

    def _answer(self, place: int) -> Sequence[Message]:
        context, work = self._inner, self._graph.works[place]
        if context.say and not self._in_list:
            context = replace(context, say=self._log[place].append)
        present = self._everything() if context.say and self._in_list else Messages()
        mine, self._boxes[place] = _in_order(self._boxes[place]), []
        line = 'thread "{}" started' if self._at_once else 'launching "{}"'
        context.tell(self._graph.name, line.format(work.name))
        if len(present) > len(mine):
            context.tell(work.name, "input :", present)
        context.tell(work.name, "selected input :", mine)
        return work.answer(mine, context)

    def _may_begin(self, place: int) -> bool:
        with self._lock:
            if not (self._stopped or self._context.stopped()):
                self._begun.add(place)
            return place in self._begun

    def _finish(self, place: int, rows: Sequence[Message]) -> list[int]:
        """Deliver what a work has made; give those that waited for it alone."""
        self._n_running -= 1
        self._begun.discard(place)
        self._finished.add(place)
        while self._n_told in self._finished:
            self._tell(self._n_told)
            self._n_told += 1
        if self._failures and self._at_once:
            self._stop()
        self._deliver(place, rows)
        followers = self._graph.followers[place]
        for follower in followers:
            self._n_before[follower] -= 1
        return [follower for follower in followers if not self._n_before[follower]]

    def _tell(self, place: int) -> None:
        """Print the lines of a work, whole."""
        for line in self._log.pop(place, ()):
            (self._context.say or print)(line)

    def _stop(self) -> None:
        """Start nothing more and ask the works under way to stop, once."""
        with self._lock:
            asked = () if self._is_asked() else tuple(self._begun)
            self._stopped = self._asked = True
        for place in asked:
            with contextlib.suppress(Exception):
                self._graph.works[place].cancel()

    def _is_asked(self) -> bool:
        return self._asked or self._context.stopped()

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
                name = self._graph.works[place].name
                error.add_note(f"{name!r} failed too: {type(other).__name__}: {other}")
        raise error
