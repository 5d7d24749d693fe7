"""Things made ahead by other processes and taken in their order.

Each process makes every n-th thing and sends it through a pipe of its own, so no shared memory is
needed and no lock can be left behind by a process that was killed: its pipe ends, and that is an
error at once. Where the parent is killed, the pipes break and the processes end.
"""

import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkContext, SpawnContext
from multiprocessing.process import BaseProcess
from queue import Queue
from typing import Any, NamedTuple, TypeVar

from ossicle.errors import OssicleError, TrainingError

__all__ = ["made_ahead"]

Thing = TypeVar("Thing")

AHEAD = 4
"""Things that each process makes ahead of those taken."""

GRACE = 10.0
"""Seconds that a process which stopped sending has to end."""


class _Failure(NamedTuple):
    """What a process raised."""

    error: OssicleError


class _Worker(NamedTuple):
    process: BaseProcess
    pipe: Connection


def made_ahead(
    make: Callable[[int], Thing], count: int, *, n_workers: int
) -> Generator[Thing, None, None]:
    """Give ``make(0)``, ``make(1)`` ... up to ``count`` of them.

    Parameters
    ----------
    make : function
        Must give the same wherever it is called. Forked processes share what it holds; where the
        system starts them afresh, each is sent a copy.
    count : int
    n_workers : int
        Processes; 0: each thing is made here when it is asked for.

    Raises
    ------
    OssicleError
        As raised by ``make``.
    TrainingError
        If a process was lost, or failed in another way.

    >>> list(made_ahead(abs, 3, n_workers=0))
    [0, 1, 2]
    """
    if n_workers == 0:
        yield from map(make, range(count))
        return
    with _started(make, count, min(n_workers, count)) as workers:
        for place in range(count):
            yield _received(workers[place % len(workers)])


@contextmanager
def _started(make: Callable[[int], Thing], count: int, n_workers: int) -> Iterator[list[_Worker]]:
    """Processes at work; in the end they are gone, whatever happened."""
    workers: list[_Worker] = []
    try:
        for number in range(n_workers):
            workers.append(_start(make, range(number, count, n_workers)))
        yield workers
    finally:
        for process, pipe in workers:
            pipe.close()
            process.kill()  # it holds nothing that would have to be saved
            process.join()
            process.close()


def _start(make: Callable[[int], Thing], places: range) -> _Worker:
    context = _context()
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(make, places, theirs), daemon=True)
    with warnings.catch_warnings():
        # They make plain arrays, and need no lock that another thread may hold at this moment.
        warnings.filterwarnings("ignore", ".*multi-threaded", DeprecationWarning)
        process.start()
    theirs.close()  # so that the pipe ends with the process
    return _Worker(process, ours)


def _context() -> ForkContext | SpawnContext:
    """Forked processes share what is in memory; elsewhere than on Linux that is not safe."""
    if sys.platform == "linux":
        return multiprocessing.get_context("fork")
    return multiprocessing.get_context("spawn")


def _received(worker: _Worker) -> Any:
    try:
        thing = worker.pipe.recv()
    except (EOFError, OSError) as error:
        worker.process.join(GRACE)
        raise TrainingError(
            f"a process that makes batches was lost: {_ending(worker.process.exitcode)}. If it was "
            "killed for want of memory, fewer n_workers, or in_memory=False, need less; the run "
            "can be resumed from its last checkpoint"
        ) from error
    if isinstance(thing, _Failure):
        raise thing.error
    return thing


def _ending(exit_code: int | None) -> str:
    if exit_code is None:
        return "it sends nothing and does not end"
    if exit_code < 0:
        return f"killed by {signal.Signals(-exit_code).name}"
    return f"it ended with exit code {exit_code}"


def _work(make: Callable[[int], Thing], places: range, pipe: Connection) -> None:
    """Make some things and send them, a few waiting to be sent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which ends us
    waiting: Queue[Thing | _Failure] = Queue(AHEAD)
    sender = threading.Thread(target=_send, args=(waiting, len(places), pipe), daemon=True)
    sender.start()
    for place in places:
        waiting.put(_made(make, place))
    sender.join()


def _made(make: Callable[[int], Thing], place: int) -> "Thing | _Failure":
    try:
        return make(place)
    except OssicleError as error:
        return _Failure(error)
    except Exception as error:  # sent as text: not every exception survives the way
        return _Failure(TrainingError(f"batch {place} failed: {type(error).__name__}: {error}"))


def _send(waiting: "Queue[Thing | _Failure]", count: int, pipe: Connection) -> None:
    try:
        for _ in range(count):
            pipe.send(waiting.get())
    except OSError:  # the parent is gone
        os._exit(1)
