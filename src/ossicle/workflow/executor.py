"""Jobs done here or in parallel processes, with the same results either way.

Only a few jobs are drawn ahead and a result is stored before it is reported, so a run of millions
needs little memory and a killed run has lost only what was under way.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from typing import Any, NoReturn, TypeVar

from ossicle.errors import OssicleError, WorkflowError
from ossicle.extras import require

__all__ = ["LocalCluster"]

Job = TypeVar("Job")
Result = TypeVar("Result")

IN_FLIGHT = 2
"""Jobs handed out per worker: one under way, one waiting."""

MOST_JOBS = 1024
"""Processes that may be asked for; more is a slip of the finger that no machine survives."""

IDLE = 20.0
"""Seconds after which a worker without work ends."""

ONE_THREAD = dict.fromkeys(("MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


@dataclass(frozen=True, slots=True)
class LocalCluster:
    """Processes of this machine.

    Parameters
    ----------
    n_jobs : int
        Worker processes, each with one thread for linear algebra; 1: no other process, the work
        is done where it is asked for; -1: one for each core.

    Raises
    ------
    WorkflowError
        If ``n_jobs`` is neither from 1 to `MOST_JOBS` nor -1.

    >>> sorted(LocalCluster().run(abs, [-3, 1]))
    [(0, 3), (1, 1)]
    """

    n_jobs: int = 1

    def __post_init__(self) -> None:
        if self.n_jobs != -1 and not 1 <= self.n_jobs <= MOST_JOBS:
            raise WorkflowError(
                f"n_jobs is {self.n_jobs}; 1 to {MOST_JOBS} processes are allowed, "
                "or -1 for one per core"
            )

    def run(
        self,
        function: Callable[[Job], Result],
        jobs: Iterable[Job],
        *,
        store: Callable[[Job, Result], None] | None = None,
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

        Yields
        ------
        (int, result)
            The job's place in ``jobs`` and its result, in the order of completion.

        Raises
        ------
        OssicleError
            As raised by a job.
        WorkflowError
            If a job fails in another way or its process dies, naming the job.
        """
        n_workers = require("loky", extra="search").cpu_count() if self.n_jobs < 0 else self.n_jobs
        results = _here(function, jobs) if n_workers == 1 else _apart(function, jobs, n_workers)
        # Closed at once, so that no worker outlives an error while its traceback is looked at.
        with closing(results):
            for index, job, result in results:
                if store is not None:
                    store(job, result)
                yield index, result


def _here(
    function: Callable[[Job], Result], jobs: Iterable[Job]
) -> Generator[tuple[int, Job, Result], None, None]:
    """Do the jobs one after the other in this process."""
    for index, job in enumerate(jobs):
        try:
            result = function(job)
        except Exception as error:
            _fail(error, {index: job})
        yield index, job, result


def _apart(
    function: Callable[[Job], Result], jobs: Iterable[Job], n_workers: int
) -> Generator[tuple[int, Job, Result], None, None]:
    """Do the jobs in other processes, a few in flight.

    The processes stay for the next run, which then need not start them and load everything again,
    and end when idle; after a failure they are ended at once.
    """
    loky = require("loky", extra="search")
    pool = loky.get_reusable_executor(
        max_workers=n_workers,
        timeout=IDLE,
        env=ONE_THREAD,
        initializer=_start_worker,
        initargs=(os.getpid(),),
    )
    numbered = enumerate(jobs)
    waiting: dict[Future[Result], tuple[int, Job]] = {}

    def hand_out(count: int) -> None:
        for index, job in islice(numbered, count):
            try:
                waiting[pool.submit(function, job)] = (index, job)
            except BrokenExecutor as error:
                _fail(error, {**_under_way(waiting, n_workers), index: job})

    finished = False
    try:
        hand_out(IN_FLIGHT * n_workers)
        while waiting:
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                result = _outcome(future, waiting, n_workers)
                index, job = waiting.pop(future)
                yield index, job, result
                hand_out(1)
        finished = True
    finally:
        if not finished:
            pool.shutdown(wait=True, kill_workers=True)


def _outcome(
    future: Future[Result], waiting: dict[Future[Result], tuple[int, Job]], n_workers: int
) -> Result:
    """The result of a future that is done, or its failure with the name of its job."""
    try:
        return future.result()
    except BrokenExecutor as error:
        _fail(error, _under_way(waiting, n_workers))
    except Exception as error:
        _fail(error, dict([waiting[future]]))


def _under_way(waiting: dict[Future[Result], tuple[int, Job]], n_workers: int) -> dict[int, Job]:
    """The jobs that were being done when the pool broke: it takes them in order, oldest first."""
    broken = [future for future in waiting if not future.done() or future.exception() is not None]
    return dict(sorted((waiting[future] for future in broken), key=itemgetter(0))[:n_workers])


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
        raise WorkflowError(f"{message}; {hint}") from error
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
