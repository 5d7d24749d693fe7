"""Jobs on the workers of a Dask scheduler: by label, shared, and done again when one is lost."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from ossicle.errors import AudioError, WorkflowError
from ossicle.workflow.composites import Workflow
from ossicle.workflow.dask_cluster import DaskCluster
from ossicle.workflow.jobs import Job
from ossicle.workflow.lanes import TooLateError, WorkCancelledError, WorkerLostError
from ossicle.workflow.messages import Messages


def test_a_scheduler_elsewhere_needs_tls() -> None:
    for address in (
        "tcp://192.168.1.7:8786",
        "tls://192.168.1.7:8786",
        "somewhere",
        "tcp://[::2]:1",
    ):
        with pytest.raises(WorkflowError, match=r"is not on this machine; .*Security"):
            DaskCluster(address)
    for address in ("tcp://127.0.0.1:8786", "tcp://localhost:1", "tcp://[::1]:8786"):
        assert DaskCluster(address).address == address
    assert DaskCluster("tls://192.168.1.7:8786", security="certificates").security


LABELS = ("house.7=1,room.kitchen=1", "house.7=1,room.attic=1", "house.8=1")


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


class House:
    """A scheduler and workers, each a process of its own."""

    def __init__(self) -> None:
        import distributed

        self.address = f"tcp://127.0.0.1:{free_port()}"
        self.cluster = DaskCluster(self.address)
        self.processes: list[subprocess.Popen[bytes]] = []
        port = self.address.rpartition(":")[2]
        self._start("scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")
        self.workers = [self.add(labels) for labels in LABELS]
        with distributed.Client(self.address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(len(LABELS), timeout=60)

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        tests = str(Path(__file__).parent)
        process = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_" + words[0], *words[1:]],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([tests, *filter(None, sys.path)])},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.processes.append(process)
        return process

    def add(self, labels: str) -> subprocess.Popen[bytes]:
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")
        return self._start("worker", self.address, *options, "--resources", labels)

    def end(self) -> None:
        for process in reversed(self.processes):
            process.kill()
        for process in self.processes:
            process.wait(20)


@pytest.fixture
def house() -> Iterator[House]:
    pytest.importorskip("distributed")
    house = House()
    yield house
    house.end()


def square(n: int) -> int:
    return n * n


def hold(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def slower_in(arguments: tuple[int, float]) -> int:
    """Take eight times as long in one process, as a small device would."""
    slow, seconds = arguments
    time.sleep(seconds * (8 if os.getpid() == slow else 1))
    return os.getpid()


def fail_at_three(n: int) -> int:
    if n == 3:
        raise AudioError("take 3 is silent")
    return n


def divide_at_three(n: int) -> float:
    return 1 / (n - 3)


def kill_self(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def pids_of(messages: Messages) -> Any:
    return messages.one()


@pytest.mark.slow
def test_jobs_on_workers_of_a_house(house: House) -> None:
    cluster = house.cluster
    pids = [worker.pid for worker in house.workers]
    for share in ("steal", "static"):
        results = dict(cluster.run(square, range(40), share=share))  # type: ignore[arg-type]
        assert results == {n: n * n for n in range(40)}

    for where, allowed in (
        ({"house": 7}, pids[:2]),
        ({"house": 7, "room": "attic"}, pids[1:2]),
        ({"house": [7, 8]}, pids),
    ):
        assert set(dict(cluster.run(hold, [0.02] * 12, where=where)).values()) == set(allowed)

    said = "no worker has house = 9; labels of the workers: house.7, house.8, room.attic"
    with pytest.raises(WorkflowError, match=said):
        list(cluster.run(square, [1], where={"house": 9}))
    job = Job(hold, "job", parts=pids_of, where={"house": 9})
    with pytest.raises(WorkflowError, match="the work 'job' cannot run: no worker has house = 9"):
        Workflow([job], cluster=cluster)(Messages.of(([0.0], "init", "job")))

    with pytest.raises(AudioError, match="take 3 is silent") as caught:
        list(cluster.run(fail_at_three, range(6)))
    assert caught.value.__notes__ == ["in job 3 (3)"]
    with pytest.raises(WorkflowError, match=r"job 3 \(3\) failed: ZeroDivisionError"):
        list(cluster.run(divide_at_three, range(6)))
    with pytest.raises(TooLateError, match=r"deadline of 0\.5 s"):
        list(cluster.run(hold, [0.1, 3.0], deadline=0.5))
    stop: Future[None] = Future()
    results = cluster.run(hold, [0.02] * 200, stop=stop)
    next(results)
    stop.set_result(None)
    with pytest.raises(WorkCancelledError):
        list(results)


@pytest.mark.slow
def test_labelled_jobs_are_stolen_from_a_slow_worker_and_static_portions_are_not(
    house: House,
) -> None:
    slow = house.workers[0].pid
    jobs = [(slow, 0.03)] * 48
    shared = {}
    for share in ("steal", "static"):
        results = house.cluster.run(slower_in, jobs, where={"house": 7}, share=share)  # type: ignore[arg-type]
        shared[share] = Counter(pid for _, pid in results)[slow]
    assert shared["static"] == 24
    assert shared["steal"] <= 12


@pytest.mark.slow
@pytest.mark.parametrize("share", ["steal", "static"])
def test_a_killed_worker_costs_no_result(house: House, share: Any) -> None:
    results = []
    for result in house.cluster.run(hold, [0.05] * 60, where={"house": 7}, share=share):
        results.append(result)
        if len(results) == 8:
            house.workers[1].kill()
    assert sorted(place for place, _ in results) == list(range(60))


@pytest.mark.slow
def test_when_all_workers_or_the_scheduler_are_lost_it_is_told(house: House) -> None:
    running = house.cluster.run(hold, [0.05] * 200, where={"room": "kitchen"})
    next(running)
    house.workers[0].kill()
    with pytest.raises(WorkerLostError, match="no worker with the labels is left"):
        list(running)
    with pytest.raises(WorkflowError, match="no worker has room = 'kitchen'"):
        house.cluster.check({"room": "kitchen"})
    house.processes[0].kill()
    house.processes[0].wait(20)
    with pytest.raises(WorkflowError, match=r"no scheduler answers at tcp://127.0.0.1"):
        house.cluster.check(None)
