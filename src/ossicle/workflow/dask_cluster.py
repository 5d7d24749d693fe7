"""Jobs done by the workers of a Dask scheduler, on this machine or in the house, by label."""

import ipaddress
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

from ossicle.errors import WorkflowError
from ossicle.extras import require
from ossicle.workflow.lanes import Lane, Limits, WorkerLostError, in_lanes, portions

__all__ = ["DaskCluster"]

Job = TypeVar("Job")
Result = TypeVar("Result")

PATIENCE = 10.0
"""Seconds in which a scheduler must answer."""

ROUND = 1.0
"""Seconds between two looks at whether the workers are still there."""


@dataclass(frozen=True, slots=True)
class DaskCluster:
    """The workers of a Dask scheduler.

    A label is an abstract resource of a worker: one started with ``dask worker ADDRESS --resources
    "house.7=1,room.kitchen=1"`` does jobs with ``where={"house": 7}``. Whoever reaches a scheduler
    can run any code on its workers, so one that is not on this machine must use TLS.

    A function under way cannot be stopped on a Dask worker: after a deadline, an error or Ctrl-C
    nothing more is handed out, and what is under way is done to its end and forgotten.

    Parameters
    ----------
    address : str
        That of the scheduler: ``"tcp://127.0.0.1:8786"``.
    security : distributed.Security, optional
        Certificate and keys for TLS.

    Raises
    ------
    WorkflowError
        If the scheduler is not on this machine and there is no TLS.

    >>> DaskCluster("tcp://192.168.1.7:8786")
    Traceback (most recent call last):
    ossicle.errors.WorkflowError: tcp://192.168.1.7:8786 is not on this machine; ...
    """

    address: str
    security: Any = None

    def __post_init__(self) -> None:
        if not (_is_here(self.address) or (self.address.startswith("tls://") and self.security)):
            raise WorkflowError(
                f"{self.address} is not on this machine; whoever reaches it can run any code, so "
                "give a tls:// address and security=distributed.Security(…)"
            )

    def check(self, where: Mapping[str, Any] | None) -> None:
        """Refuse labels that no worker has now.

        Parameters
        ----------
        where : mapping of str to anything, optional
            Each label with its value, or a list of values any of which will do.

        Raises
        ------
        WorkflowError
            If no worker has them all, or the scheduler does not answer.
        """
        with self._client() as client:
            _workers(client, where)

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
        """Do every job, as `LocalCluster.run` does.

        A worker that is lost is replaced by the others; a job that was on it is done again.

        Yields
        ------
        (int, result)
            The job's place in ``jobs`` and its result, in the order of completion.

        Raises
        ------
        OssicleError
            As raised by a job.
        WorkflowError
            If a job fails in another way or is lost with several workers, no worker has the
            labels, the deadline has passed, or it was asked to stop.
        """
        limits = Limits(deadline, stop)
        with self._client() as client:
            workers = _workers(client, where)
            if share == "static":
                cut = zip(workers.items(), portions(list(jobs), len(workers)), strict=True)
                lanes = [Lane(_Pool(client, {name: n}), n, iter(one)) for (name, n), one in cut]
            else:
                lanes = [Lane(_Pool(client, workers), sum(workers.values()), enumerate(jobs))]
            pools = [lane.pool for lane in lanes]
            results = in_lanes(function, lanes, limits)
            with _looked_after(pools, client, where), closing(results):
                for index, job, result in results:
                    if store is not None:
                        store(job, result)
                    yield index, result

    @contextmanager
    def _client(self) -> Iterator[Any]:
        distributed = require("distributed", extra="cluster")
        options = {"security": self.security, "timeout": PATIENCE, "set_as_default": False}
        try:
            client = distributed.Client(self.address, **options)
        except OSError as error:
            raise WorkflowError(
                f"no scheduler answers at {self.address} ({error}); start one: dask scheduler"
            ) from error
        with client:
            yield client


class _Pool:
    """Some workers in the form of an executor."""

    def __init__(self, client: Any, workers: dict[str, int]) -> None:
        self._client, self._workers = client, workers
        self._sent: dict[Future[Any], tuple[Any, tuple[Any, Any]]] = {}
        self._lock = threading.Lock()

    def submit(self, function: Any, job: Any) -> Future[Any]:
        outcome: Future[Any] = Future()
        with self._lock:
            self._send(outcome, (function, job))
        return outcome

    def _send(self, outcome: Future[Any], call: tuple[Any, Any]) -> None:
        remote = self._client.submit(*call, pure=False, workers=list(self._workers))
        self._sent[outcome] = (remote, call)
        remote.add_done_callback(partial(self._arrive, outcome))

    def _arrive(self, outcome: Future[Any], remote: Any) -> None:
        """Hand over what came of a job, unless it has been sent again meanwhile."""
        with self._lock:
            sent = self._sent.get(outcome)
            if sent is None or sent[0] is not remote:
                return
            del self._sent[outcome]
        try:
            outcome.set_result(remote.result())
        except Exception as error:
            outcome.set_exception(_translated(error, remote))

    def keep_to(self, workers: dict[str, int]) -> None:
        """Send what is under way to these workers if all it was sent to are lost."""
        with self._lock:
            if self._workers.keys() & workers.keys():
                return
            self._workers = workers
            for outcome, (remote, call) in list(self._sent.items()):
                if workers:
                    self._send(outcome, call)
                else:
                    del self._sent[outcome]
                    outcome.set_exception(WorkerLostError("no worker with the labels is left"))
                remote.cancel()

    def forget(self) -> None:
        """Cancel what has not begun and do not wait for the rest."""
        with self._lock:
            remotes = [remote for remote, _ in self._sent.values()]
            self._sent.clear()
        with suppress(Exception):
            self._client.cancel(remotes)


@contextmanager
def _looked_after(
    pools: Sequence[_Pool], client: Any, where: Mapping[str, Any] | None
) -> Iterator[None]:
    """Watch the workers while the jobs are done; forget what is left in the end."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(ROUND):
            with suppress(OSError):
                workers = _labelled(client, where)
                for pool in pools:
                    pool.keep_to(workers)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        for pool in pools:
            pool.forget()


def _translated(error: Exception, remote: Any) -> Exception:
    """The error of a job as it is; the loss of its worker or of the scheduler in our words."""
    if type(error).__name__ == "KilledWorker":
        return WorkerLostError(f"every worker that began it was lost: {error}")
    if remote.status in ("cancelled", "lost"):
        return WorkerLostError("the scheduler was lost, and all results with it")
    return error


def _labelled(client: Any, where: Mapping[str, Any] | None) -> dict[str, int]:
    """The workers that have all labels now, with the jobs that each does at once."""
    workers = client.scheduler_info(n_workers=-1)["workers"]
    return {
        name: worker["nthreads"]
        for name, worker in workers.items()
        if all(_has(worker["resources"], label, value) for label, value in (where or {}).items())
    }


def _workers(client: Any, where: Mapping[str, Any] | None) -> dict[str, int]:
    """The workers that have all labels, one at least."""
    if workers := _labelled(client, where):
        return workers
    asked = ", ".join(f"{label} = {value!r}" for label, value in (where or {}).items())
    present = sorted(
        {
            label
            for worker in client.scheduler_info(n_workers=-1)["workers"].values()
            for label in worker["resources"]
        }
    )
    raise WorkflowError(
        f"no worker has {asked or 'joined yet'}; labels of the workers: "
        f'{", ".join(present) or "none"}: dask worker ADDRESS --resources "house.7=1"'
    )


def _has(resources: Mapping[str, float], label: str, value: Any) -> bool:
    allowed = value if isinstance(value, list | tuple | set | frozenset) else [value]
    return any(f"{label}.{one}" in resources for one in allowed)


def _is_here(address: str) -> bool:
    host = address.partition("://")[2].rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
