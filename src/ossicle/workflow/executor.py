"""Jobs done here or in parallel processes, with the same results either way.

Only a few jobs are drawn ahead and a result is stored before it is reported, so a run of millions
needs little memory and a killed run has lost only what was under way.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from ossicle.errors import WorkflowError
from ossicle.extras import require
from ossicle.workflow.lanes import Lane, Limits, Slots, fail, in_lanes, portions

__all__ = ["LocalCluster"]

Job = TypeVar("Job")
Result = TypeVar("Result")

MOST_JOBS = 1024
"""Processes that may be asked for; more is a slip of the finger that no machine survives."""

IDLE = 20.0
"""Seconds after which a worker without work ends."""

ONE_THREAD = dict.fromkeys(("MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")

_kept_pool = threading.Lock()


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
        return _n_cores() if self.n_jobs < 0 else self.n_jobs

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
            if label not in self.labels or self.labels[label] not in allowed:
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
                cut = portions(known or (), n_free)
                lanes = [Lane(stack.enter_context(_pool(1)), 1, iter(portion)) for portion in cut]
            else:
                numbered = enumerate(jobs if known is None else known)
                lanes = [Lane(stack.enter_context(_pool(n_free)), n_free, numbered)]
            yield from in_lanes(function, lanes, limits)


def _here(
    function: Callable[[Job], Result], jobs: Iterable[Job], limits: Limits
) -> Generator[tuple[int, Job, Result], None, None]:
    """Do the jobs one after the other in this process."""
    for index, job in enumerate(jobs):
        limits.check()
        try:
            result = function(job)
        except (Exception, SystemExit) as error:
            fail(error, {index: job})
        yield index, job, result


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


def _n_cores() -> int:
    """Cores that this process may use."""
    try:
        import loky
    except ImportError:  # without the extra that brings it
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    count: int = loky.cpu_count()
    return count
