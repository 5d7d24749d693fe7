"""Jobs done here or in parallel processes, with the same results either way.

Only a few jobs are drawn ahead and a result is stored before it is reported, so a run of millions
needs little memory and a killed run has lost only what was under way.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import islice, pairwise
from operator import itemgetter
from typing import Any, Generic, Literal, NamedTuple, NoReturn, TypeVar

from ossicle.errors import OssicleError, WorkflowError
from ossicle.extras import require

__all__ = ["LocalCluster", "TooLateError", "WorkCancelledError", "WorkerLostError"]

Job = TypeVar("Job")
Result = TypeVar("Result")

IN_FLIGHT = 2
"""Jobs handed out per worker: one under way, one waiting."""

MOST_JOBS = 1024
"""Processes that may be asked for; more is a slip of the finger that no machine survives."""

IDLE = 20.0
"""Seconds after which a worker without work ends."""

WATCH = 0.1
"""Seconds between two looks at whether those who wait for a process are still to wait."""

ONE_THREAD = dict.fromkeys(("MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")

_kept_pool = threading.Lock()


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
                f"not done by the deadline of {self.deadline:.3g} s, so the processes were ended; "
                "allow a longer one, or more processes"
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


@dataclass(frozen=True, slots=True)
class LocalCluster:
    """Processes of this machine.

    Parameters
    ----------
    n_jobs : int
        Worker processes, each with one thread for linear algebra; 1: no other process, the work
        is done where it is asked for; -1: one for each core.
    labels : mapping of str to anything, optional
        What this machine is and where: ``{"house": 7, "room": "kitchen"}``.

    Raises
    ------
    WorkflowError
        If ``n_jobs`` is neither from 1 to `MOST_JOBS` nor -1.

    >>> sorted(LocalCluster().run(abs, [-3, 1]))
    [(0, 3), (1, 1)]
    """

    n_jobs: int = 1
    labels: Mapping[str, Any] = field(default_factory=dict, hash=False)
    _slots: Slots = field(default_factory=Slots, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.n_jobs != -1 and not 1 <= self.n_jobs <= MOST_JOBS:
            raise WorkflowError(
                f"n_jobs is {self.n_jobs}; 1 to {MOST_JOBS} processes are allowed, "
                "or -1 for one per core"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        return LocalCluster, (self.n_jobs, self.labels)

    @property
    def n_workers(self) -> int:
        """Processes at work at a time."""
        count: int = require("loky", extra="search").cpu_count() if self.n_jobs < 0 else self.n_jobs
        return count

    def check(self, where: Mapping[str, Any] | None) -> None:
        """Refuse labels that this machine does not have.

        Parameters
        ----------
        where : mapping of str to anything, optional
            What is asked for: each label with its value, or a list of values any of which will do.

        Raises
        ------
        WorkflowError
            If a label is missing or has another value.

        >>> LocalCluster(labels={"house": 7}).check({"house": [6, 7]})
        """
        for label, value in (where or {}).items():
            allowed = value if isinstance(value, list | tuple | set | frozenset) else [value]
            if self.labels.get(label) not in allowed:
                here = ", ".join(f"{name} = {value!r}" for name, value in self.labels.items())
                raise WorkflowError(
                    f"no worker has {label} = {value!r}; this machine has {here or 'no labels'}: "
                    "LocalCluster(labels=…) names what it is"
                )

    def run(
        self,
        function: Callable[[Job], Result],
        jobs: Iterable[Job],
        *,
        store: Callable[[Job, Result], None] | None = None,
        where: Mapping[str, Any] | None = None,
        share: Literal["steal", "static"] = "steal",
        deadline: float | None = None,
        stop: Future[None] | None = None,
    ) -> Iterator[tuple[int, Result]]:
        """Do every job; give each result as it is finished.

        Parameters
        ----------
        function : callable
            From job to result; of a module, so that another process finds it by name.
        jobs : iterable
            Drawn as needed, at most two per worker ahead of the results.
        store : callable, optional
            Called here with job and result before the result is reported.
        where : mapping of str to anything, optional
            Labels that the worker must have.
        share : {"steal", "static"}
            "steal": a worker that is free takes the next job. "static": the jobs are cut into
            equal portions once, in order, one for each worker.
        deadline : float, optional
            Seconds from now on; then the processes are ended. With a deadline there always are
            processes, be it one.
        stop : future, optional
            When it is done, the processes are ended too.

        Yields
        ------
        (int, result)
            The job's place in ``jobs`` and its result, in the order of completion.

        Raises
        ------
        OssicleError
            As raised by a job.
        WorkflowError
            If a job fails in another way or its process dies, naming the job; if labels are
            missing, the deadline has passed, or it was asked to stop.
        """
        self.check(where)
        n_workers = self.n_workers
        limits = Limits(deadline, stop)
        if n_workers == 1 and deadline is None:
            results = _here(function, jobs, limits)
        else:
            results = self._apart(function, jobs, n_workers, share == "static", limits)
        # Closed at once, so that no worker outlives an error while its traceback is looked at.
        with closing(results):
            for index, job, result in results:
                if store is not None:
                    store(job, result)
                yield index, result

    def _apart(
        self,
        function: Callable[[Job], Result],
        jobs: Iterable[Job],
        n_workers: int,
        static: bool,
        limits: Limits,
    ) -> Generator[tuple[int, Job, Result], None, None]:
        """Do the jobs in as many processes as other threads leave free, one at least."""
        known = jobs if isinstance(jobs, Sequence) else list(jobs) if static else None
        most = n_workers if known is None else max(1, min(n_workers, len(known)))
        with self._slots.taken(most, n_workers, limits) as n_free, ExitStack() as stack:
            if static:
                portions = [iter(portion) for portion in _portions(known or (), n_free)]
                lanes = [_Lane(stack.enter_context(_pool(1)), 1, portion) for portion in portions]
            else:
                numbered = enumerate(jobs if known is None else known)
                lanes = [_Lane(stack.enter_context(_pool(n_free)), n_free, numbered)]
            yield from _in_lanes(function, lanes, limits)


def _here(
    function: Callable[[Job], Result], jobs: Iterable[Job], limits: Limits
) -> Generator[tuple[int, Job, Result], None, None]:
    """Do the jobs one after the other in this process."""
    for index, job in enumerate(jobs):
        limits.check()
        try:
            result = function(job)
        except Exception as error:
            _fail(error, {index: job})
        yield index, job, result


def _portions(jobs: Sequence[Job], count: int) -> list[list[tuple[int, Job]]]:
    """The jobs with their places, cut into this many portions of one length, or one more."""
    numbered = list(enumerate(jobs))
    cuts = [len(numbered) * place // count for place in range(count + 1)]
    return [numbered[start:end] for start, end in pairwise(cuts)]


@dataclass(frozen=True, eq=False, slots=True)
class _Lane(Generic[Job]):
    """Workers that draw from the same jobs."""

    pool: Any
    n_workers: int
    jobs: Iterator[tuple[int, Job]]


class _Way(NamedTuple):
    """Where a job on its way comes from."""

    place: int
    job: Any
    lane: _Lane[Any]


def _in_lanes(
    function: Callable[[Job], Result], lanes: list[_Lane[Job]], limits: Limits
) -> Generator[tuple[int, Job, Result], None, None]:
    """Do the jobs in other processes, a few in flight in each lane."""
    waiting: dict[Future[Result], _Way] = {}

    def hand_out(lane: _Lane[Job], count: int) -> None:
        for index, job in islice(lane.jobs, count):
            try:
                waiting[lane.pool.submit(function, job)] = _Way(index, job, lane)
            except BrokenExecutor as error:
                _fail(error, {**_under_way(waiting, lane), index: job})

    for lane in lanes:
        hand_out(lane, IN_FLIGHT * lane.n_workers)
    while waiting:
        for future in limits.wait(waiting):
            result = _outcome(future, waiting)
            index, job, lane = waiting.pop(future)
            yield index, job, result
            hand_out(lane, 1)


@contextmanager
def _pool(n_workers: int) -> Iterator[Any]:
    """Processes that have started, or do so when they are given work.

    In the main thread they stay for the next run, which then need not start them and load
    everything again, and end when idle. After a failure they are ended at once.
    """
    loky = require("loky", extra="search")
    form = {"env": ONE_THREAD, "initializer": _start_worker, "initargs": (os.getpid(),)}
    in_main = threading.current_thread() is threading.main_thread()
    kept = in_main and _kept_pool.acquire(blocking=False)
    make = loky.get_reusable_executor if kept else loky.ProcessPoolExecutor
    finished = False
    try:
        pool = make(max_workers=n_workers, timeout=IDLE, **form)
        try:
            yield pool
            finished = True
        finally:
            if not (finished and kept):
                pool.shutdown(wait=True, kill_workers=not finished)
    finally:
        if kept:
            _kept_pool.release()


def _outcome(future: Future[Result], waiting: dict[Future[Result], _Way]) -> Result:
    """The result of a future that is done, or its failure with the name of its job."""
    way = waiting[future]
    try:
        return future.result()
    except BrokenExecutor as error:
        _fail(error, _under_way(waiting, way.lane))
    except Exception as error:
        _fail(error, {way.place: way.job})


def _under_way(waiting: dict[Future[Any], _Way], lane: _Lane[Any]) -> dict[int, Any]:
    """The jobs that were being done when the pool broke: it takes them in order, oldest first."""
    broken = [
        (way.place, way.job)
        for future, way in waiting.items()
        if way.lane is lane and (not future.done() or future.exception() is not None)
    ]
    return dict(sorted(broken, key=itemgetter(0))[: lane.n_workers])


def _fail(error: Exception, under_way: dict[int, Any]) -> NoReturn:
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


def _start_worker(parent: int) -> None:
    """Leave Ctrl-C, which reaches every process of a terminal, to the parent; end when it is gone.

    A pool whose owner was killed would otherwise wait for work for ever.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)
