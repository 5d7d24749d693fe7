"""Jobs handed out to workers a few at a time: lanes, limits, and what is told of a failure."""

import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice, pairwise
from operator import itemgetter
from typing import Any, Generic, NoReturn, TypeVar

from ossicle.errors import OssicleError, WorkflowError

__all__ = [
    "Lane",
    "Limits",
    "Slots",
    "TooLateError",
    "WorkCancelledError",
    "WorkerLostError",
    "fail",
    "in_lanes",
    "portions",
]

Job = TypeVar("Job")
Result = TypeVar("Result")

IN_FLIGHT = 2
"""Jobs handed out per worker: one under way, one waiting."""

WATCH = 0.1
"""Seconds between two looks at whether those who wait for a process are still to wait."""


class WorkerLostError(WorkflowError):
    """A process that ended while it was at work."""


class TooLateError(WorkflowError):
    """Work that was not done by its deadline."""


class WorkCancelledError(WorkflowError):
    """Work that was asked to stop and did."""


@dataclass(frozen=True)
class Limits:
    """How long work may go on: until a deadline, or until somebody asks it to stop.

    Parameters
    ----------
    deadline : float, optional
        Seconds from the making of this object.
    stop : future, optional
        Done when nobody waits for the results any longer.
    """

    deadline: float | None = None
    stop: Future[None] | None = None
    start: float = field(default_factory=time.monotonic, init=False)

    @property
    def left(self) -> float | None:
        """Seconds until the deadline."""
        return None if self.deadline is None else self.start + self.deadline - time.monotonic()

    def check(self) -> None:
        """Raise if there is a reason to stop."""
        if self.stop is not None and self.stop.done():
            raise WorkCancelledError("it was asked to stop")
        if self.left is not None and self.left <= 0:
            raise TooLateError(
                f"not done by the deadline of {self.deadline:.3g} s and given up; allow a longer "
                "one, or more workers"
            )

    def wait(self, futures: Iterable[Future[Any]]) -> set[Future[Any]]:
        """Those of the futures that are done, one at least."""
        stops = [] if self.stop is None else [self.stop]
        left = None if self.left is None else max(0.0, self.left)
        done = wait([*futures, *stops], timeout=left, return_when=FIRST_COMPLETED).done
        self.check()
        return done


class Slots:
    """The processes of a cluster that are in use: runs in several threads share them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._owners: list[int] = []

    @contextmanager
    def taken(self, most: int, n_slots: int, limits: Limits) -> Iterator[int]:
        """Take as many as are free, one at least; a run within a run of its thread never waits."""
        owner = threading.get_ident()
        with self._changed:
            while len(self._owners) >= n_slots and owner not in self._owners:
                limits.check()
                self._changed.wait(WATCH)
            mine = [owner] * max(1, min(most, n_slots - len(self._owners)))
            self._owners += mine
        try:
            yield len(mine)
        finally:
            with self._changed:
                for _ in mine:
                    self._owners.remove(owner)
                self._changed.notify_all()


def portions(jobs: Sequence[Job], count: int) -> list[list[tuple[int, Job]]]:
    """The jobs with their places, cut into this many portions of one length, or one more."""
    numbered = list(enumerate(jobs))
    cuts = [len(numbered) * place // count for place in range(count + 1)]
    return [numbered[start:end] for start, end in pairwise(cuts)]


@dataclass(frozen=True, eq=False, slots=True)
class Lane(Generic[Job]):
    """Workers that draw from the same jobs."""

    pool: Any
    n_workers: int
    jobs: Iterator[tuple[int, Job]]


_Way = tuple[int, Any, Lane[Any]]
"""Where a job on its way comes from: its place, itself, its lane."""


def in_lanes(
    function: Callable[[Job], Result], lanes: list[Lane[Job]], limits: Limits
) -> Generator[tuple[int, Job, Result], None, None]:
    """Do the jobs in other processes, a few in flight in each lane."""
    waiting: dict[Future[Result], _Way] = {}

    def hand_out(lane: Lane[Job], count: int) -> None:
        for index, job in islice(lane.jobs, count):
            try:
                waiting[lane.pool.submit(function, job)] = (index, job, lane)
            except BrokenExecutor as error:
                fail(error, {**_under_way(waiting, lane), index: job})

    for lane in lanes:
        hand_out(lane, IN_FLIGHT * lane.n_workers)
    while waiting:
        for future in sorted(limits.wait(waiting), key=_failed):
            index, job, lane = waiting[future]
            if (error := future.exception()) is not None:
                broken = isinstance(error, BrokenExecutor)
                fail(error, _under_way(waiting, lane) if broken else {index: job})
            del waiting[future]
            yield index, job, future.result()
            hand_out(lane, 1)


def _failed(future: Future[Any]) -> bool:
    return future.exception() is not None


def _under_way(waiting: dict[Future[Any], _Way], lane: Lane[Any]) -> dict[int, Any]:
    """The jobs that were being done when the pool broke: it takes them in order, oldest first."""
    broken = {
        index: job
        for future, (index, job, its_lane) in waiting.items()
        if its_lane is lane and (not future.done() or _failed(future))
    }
    return dict(sorted(broken.items(), key=itemgetter(0))[: lane.n_workers])


def fail(error: BaseException, under_way: dict[int, Any]) -> NoReturn:
    """Raise what a job raised if it is one of ours, else an error that names the job."""
    names = " or ".join(f"job {index} ({_short(job)})" for index, job in under_way.items())
    if isinstance(error, OssicleError):
        error.add_note(f"in {names}")
        raise error
    if isinstance(error, BrokenExecutor):
        lines = str(error).strip().splitlines() or ["no reason given"]
        why = next((line for line in lines if "exit codes" in line), lines[0]).strip()
        message = f"a worker process was lost while doing {names}: {why}"
        hint = "if it was killed for want of memory, fewer n_jobs need less"
        raise WorkerLostError(f"{message}; {hint}") from error
    raise WorkflowError(f"{names} failed: {type(error).__name__}: {error}") from error


def _short(job: object, limit: int = 80) -> str:
    text = repr(job)
    return text if len(text) <= limit else text[: limit - 1] + "…"
