"""Works of a composite done: each starts when its messages are complete, and all end before we."""

import contextlib
from collections.abc import Iterable, Sequence
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


class Post:
    """The messages of a composite while its works are done: kept by receiver, given in order.

    The order is that of the senders in the list, whoever was done first. Rows addressed to the
    composite itself go to the works named as its first.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._boxes: list[list[tuple[int, int, Message]]] = [[] for _ in graph.works]
        self._rest: list[tuple[int, int, Message]] = []

    def deliver(self, sender: int, rows: Iterable[Message]) -> None:
        """Take the rows of the member at this place."""
        graph = self._graph
        for number, row in enumerate(rows):
            if row.receiver in graph.places:
                self._boxes[graph.places[row.receiver]].append((sender, number, row))
            elif row.receiver == graph.name:
                for place, work in enumerate(graph.first):
                    inner = Message(row.data, row.sender, work.name)
                    self._boxes[place].append((sender, number, inner))
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
        self._graph, self._context, self._post = graph, context, Post(graph)
        self._in_list, self._at_once = graph.order == "list", graph.order == "parallel"
        n_jobs = sum(isinstance(work, Job) for work in graph.works)
        self._hands = ThreadPoolExecutor(n_threads + n_jobs)
        self._n_threads, self._n_serving = n_threads, 0
        self._waiting = SimpleQueue[tuple[int, Context, list[str]] | None]()
        n_works = len(graph.works)
        following = [[place] for place in range(1, n_works)] + [[]]
        self._followers = following if self._in_list else graph.followers
        self._n_before = [0] * n_works
        for place in chain.from_iterable(self._followers):
            self._n_before[place] += 1
        self._n_running = self._n_told = 0
        self._lock, self._begun = Lock(), set[int]()
        self._done = SimpleQueue[tuple[int, Sequence[Message], list[str]]]()
        self._failures: dict[int, BaseException] = {}
        self._stopped = self._asked = False
        self._inner = replace(context, stopped=self._is_asked)
        self._log: dict[int, list[str]] = {}

    def run(self, mine: Messages) -> Messages:
        """Do every work once, and give what is left with nobody.

        Raises
        ------
        Exception
            What the first of the works that failed, in the order of the list, has raised.
        """
        self._post.deliver(GIVEN, mine)
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
        return self._post.everything()

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

    def _start(self, ready: list[int]) -> None:
        """Start what is ready, jobs first; in this thread if nothing else is to be done."""
        if self._stopped or self._context.stopped():
            return
        alone = len(ready) == 1 and not self._n_running
        self._n_running += len(ready)
        for place in sorted(ready, key=self._is_plain):
            lines: list[str] = []
            context = self._inner
            if context.say and not (alone and place == self._n_told):
                context = replace(context, say=lines.append)
            if alone:
                self._do(place, context, lines)
            elif not self._is_plain(place):
                self._hands.submit(self._do, place, context, lines)
            else:
                self._waiting.put((place, context, lines))
                if self._n_serving < self._n_threads:
                    self._n_serving += 1
                    self._hands.submit(self._serve)

    def _is_plain(self, place: int) -> bool:
        return not isinstance(self._graph.works[place], Job)

    def _serve(self) -> None:
        """Do one plain work after the other in a thread."""
        while given := self._waiting.get():
            self._do(*given)

    def _do(self, place: int, context: Context, lines: list[str]) -> None:
        """Do one work, unless another has failed while it waited for a thread."""
        rows: Sequence[Message] = ()
        if self._may_begin(place):
            try:
                rows = self._answer(place, context)
            except BaseException as error:
                self._failures[place] = error
                self._stopped = True
        self._done.put((place, rows, lines))

    def _answer(self, place: int, context: Context) -> Sequence[Message]:
        work = self._graph.works[place]
        present = self._post.everything() if context.say and self._in_list else Messages()
        mine = self._post.collect(place)
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

    def _finish(self, place: int, rows: Sequence[Message], lines: list[str]) -> list[int]:
        """Deliver what a work has made; give those that are ready by that."""
        self._n_running -= 1
        self._begun.discard(place)
        self._log[place] = lines
        while self._n_told in self._log:
            self._tell(self._n_told)
            self._n_told += 1
        if self._failures and self._at_once:
            self._stop()
        self._post.deliver(place, rows)
        for follower in self._followers[place]:
            self._n_before[follower] -= 1
        return [follower for follower in self._followers[place] if not self._n_before[follower]]

    def _tell(self, place: int) -> None:
        """Print the lines of a work, whole."""
        for line in self._log.pop(place):
            assert self._context.say is not None
            self._context.say(line)

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
