"""Jobs give the same results here and in other processes, and failures name their job."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from ossicle.errors import AudioError, OssicleError, WorkflowError
from ossicle.workflow import LocalCluster
from ossicle.workflow.lanes import TooLateError, WorkCancelledError


def square(n: int) -> int:
    return n * n


def fail_at_three(n: int) -> int:
    if n == 3:
        raise AudioError("take 3 is silent")
    return n


def divide_at_three(n: int) -> float:
    return 1 / (n - 3)


def die_at_three(n: int) -> int:
    if n == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.01)
    return n


def threads_allowed(_: int) -> str | None:
    return os.environ.get("OPENBLAS_NUM_THREADS")


def kill_self(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def span(seconds: float) -> tuple[int, float, float]:
    """Which process was at work, from when to when."""
    start = time.monotonic()
    time.sleep(seconds)
    return os.getpid(), start, time.monotonic()


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="needs /proc to see processes"
)
WORKER = "popen_loky"
"""In the command line of every worker, and not in the process that tracks their resources."""


class Unwelcome:
    """A job that no other process can read."""

    def __repr__(self) -> str:
        return "Unwelcome()"

    def __reduce__(self) -> str:
        raise TypeError("stays at home")


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_every_job_is_done_once_for_any_number_of_processes(n_jobs: int) -> None:
    results = dict(LocalCluster(n_jobs).run(square, range(40)))
    assert results == {n: n * n for n in range(40)}


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_no_jobs_give_no_results(n_jobs: int) -> None:
    assert list(LocalCluster(n_jobs).run(square, [])) == []


@pytest.mark.parametrize("n_jobs", [0, -2])
def test_a_number_of_processes_that_makes_no_sense_is_refused(n_jobs: int) -> None:
    with pytest.raises(WorkflowError, match=f"n_jobs is {n_jobs}"):
        LocalCluster(n_jobs)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_result_is_stored_before_it_is_reported(n_jobs: int) -> None:
    stored: list[tuple[int, int]] = []

    def store(job: int, result: int) -> None:
        stored.append((job, result))

    results = LocalCluster(n_jobs).run(square, range(12), store=store)
    for n_reported, result in enumerate(results, start=1):
        assert stored[-1] == result
        assert len(stored) == n_reported


@pytest.mark.parametrize(("n_jobs", "window"), [(1, 1), (2, 4)])
def test_few_jobs_are_drawn_ahead_of_the_results(n_jobs: int, window: int) -> None:
    drawn, reported, ahead = 0, 0, []

    def jobs() -> Iterator[int]:
        nonlocal drawn
        for n in range(60):
            drawn += 1
            ahead.append(drawn - reported)
            yield n

    for _ in LocalCluster(n_jobs).run(square, jobs()):
        reported += 1
    assert reported == 60
    assert max(ahead) == window


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_our_own_error_keeps_its_type_and_names_the_job(n_jobs: int) -> None:
    with pytest.raises(AudioError, match="take 3 is silent") as caught:
        list(LocalCluster(n_jobs).run(fail_at_three, range(6)))
    assert caught.value.__notes__ == ["in job 3 (3)"]
    assert caught.value.__cause__ is not caught.value


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_another_error_becomes_one_that_names_the_job(n_jobs: int) -> None:
    with pytest.raises(WorkflowError, match=r"job 3 \(3\) failed: ZeroDivisionError"):
        list(LocalCluster(n_jobs).run(divide_at_three, range(6)))


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_job_that_exits_is_a_job_that_failed(n_jobs: int) -> None:
    with pytest.raises(WorkflowError, match=r"job 0 \(3\) failed: SystemExit: 3"):
        list(LocalCluster(n_jobs).run(sys.exit, [3]))


def test_a_worker_that_is_killed_is_reported_with_its_job() -> None:
    with pytest.raises(WorkflowError, match=r"lost while doing .*job 3 \(3\).*SIGKILL"):
        list(LocalCluster(2).run(die_at_three, range(20)))


def test_results_before_a_death_were_stored() -> None:
    stored: list[int] = []
    jobs = [0, 1, 2, 4, 5, 6, 3]  # the last is drawn when three results have been reported
    results = LocalCluster(2).run(die_at_three, jobs, store=lambda job, _: stored.append(job))
    with pytest.raises(WorkflowError, match="lost while doing"):
        list(results)
    assert len(stored) >= 3
    assert 3 not in stored


@pytest.mark.parametrize("n", [1, 5])
def test_even_when_every_worker_is_killed_the_run_ends(n: int) -> None:
    with pytest.raises(WorkflowError, match="lost while doing job 0"):
        list(LocalCluster(2).run(kill_self, range(n)))


def test_a_job_that_cannot_travel_is_named() -> None:
    with pytest.raises(WorkflowError, match=r"Unwelcome\(\)"):
        list(LocalCluster(2).run(repr, [Unwelcome()]))


def test_workers_use_one_thread_for_linear_algebra() -> None:
    assert dict(LocalCluster(2).run(threads_allowed, range(2))) == {0: "1", 1: "1"}


@needs_proc
def test_a_failing_store_ends_the_run_and_its_workers() -> None:
    def store(job: int, result: int) -> None:
        raise WorkflowError("disk full")

    with pytest.raises(WorkflowError, match="disk full"):
        list(LocalCluster(2).run(square, range(20), store=store))
    assert _workers(os.getpid()) == []


@needs_proc
def test_a_reader_that_stops_early_ends_the_workers() -> None:
    results = LocalCluster(2).run(square, range(10_000))
    next(results)
    results.close()
    assert _workers(os.getpid()) == []


SLEEP_IN_WORKERS = """
import sys, time
from ossicle.workflow import LocalCluster
from ossicle.workflow.lanes import TooLateError, WorkCancelledError
def jobs():
    for n in range(100):
        yield 0.0 if n < 2 else 60.0
try:
    for index, _ in LocalCluster(2).run(time.sleep, jobs()):
        print(index, flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def _status(pid: int) -> dict[str, str]:
    """What the system says of a process; nothing if it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, value in (line.split(":", 1) for line in lines)}


def _alive(pid: int) -> bool:
    return _status(pid).get("State", "Z")[0] != "Z"


def _children(pid: int) -> list[int]:
    """Living processes started by a process, and by those."""
    pids = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    children = [other for other in pids if _status(other).get("PPid") == str(pid)]
    return [child for child in children if _alive(child)] + [
        grandchild for child in children for grandchild in _children(child)
    ]


def _workers(pid: int) -> list[int]:
    return [child for child in _children(pid) if WORKER in _command(child)]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def _ignores_interrupts(pid: int) -> bool:
    ignored = int(_status(pid).get("SigIgn", "0"), 16)
    return bool(ignored >> (signal.SIGINT - 1) & 1)


def _soon(claim: Callable[[], bool], *, within: float = 20.0) -> bool:
    deadline = time.monotonic() + within
    while not claim() and time.monotonic() < deadline:
        time.sleep(0.05)
    return claim()


@needs_proc
@pytest.mark.parametrize("to_group", [True, False], ids=["terminal", "parent"])
def test_ctrl_c_leaves_no_orphan(tmp_path: Path, to_group: bool) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SLEEP_IN_WORKERS],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        assert _soon(lambda: sum(map(_ignores_interrupts, _workers(parent.pid))) == 2)
        workers = _children(parent.pid)
        (os.killpg if to_group else os.kill)(parent.pid, signal.SIGINT)
        out, error = parent.communicate(timeout=20)
    assert out.splitlines()[-1] == "interrupted"
    assert "Traceback" not in error
    assert _soon(lambda: not any(map(_alive, workers)))


@needs_proc
def test_workers_of_a_killed_parent_end_soon() -> None:
    command = [sys.executable, "-c", SLEEP_IN_WORKERS]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        workers = _workers(parent.pid)
        parent.kill()
    assert workers
    assert _soon(lambda: not any(map(_alive, workers)))


def test_errors_of_jobs_are_all_ours() -> None:
    for function in (fail_at_three, divide_at_three):
        with pytest.raises(OssicleError):
            list(LocalCluster().run(function, [3]))


# --- sharing, labels, limits, several runs at once ------------------------------------------------


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("n", [0, 1, 2, 7])
def test_static_sharing_gives_the_same_results(n_jobs: int, n: int) -> None:
    jobs = (k for k in range(n))
    results = dict(LocalCluster(n_jobs).run(square, jobs, share="static"))
    assert results == {k: k * k for k in range(n)}


def test_static_sharing_gives_each_process_one_portion_in_order() -> None:
    results = dict(LocalCluster(3).run(span, [0.02] * 8, share="static"))
    portions = [
        {results[place][0] for place in places} for places in ((0, 1), (2, 3, 4), (5, 6, 7))
    ]
    assert [len(portion) for portion in portions] == [1, 1, 1]
    assert len(set.union(*portions)) == 3


def test_static_sharing_names_a_job_that_fails_and_one_that_dies() -> None:
    with pytest.raises(AudioError) as caught:
        list(LocalCluster(2).run(fail_at_three, range(6), share="static"))
    assert caught.value.__notes__ == ["in job 3 (3)"]
    with pytest.raises(WorkflowError, match=r"lost while doing job 3 \(3\)"):
        list(LocalCluster(2).run(die_at_three, range(6), share="static"))


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_labels_that_a_machine_lacks_are_refused_before_a_job_is_drawn(n_jobs: int) -> None:
    cluster = LocalCluster(n_jobs, {"house": 7})
    jobs = iter([1])
    with pytest.raises(WorkflowError, match="no worker has house = 8; this machine has house = 7"):
        list(cluster.run(square, jobs, where={"house": 8}))
    with pytest.raises(WorkflowError, match="no worker has room = 'kitchen'"):
        list(cluster.run(square, jobs, where={"house": 7, "room": "kitchen"}))
    assert dict(cluster.run(square, jobs, where={"house": [7, 8]})) == {0: 1}


def test_a_cluster_can_be_compared_hashed_and_sent() -> None:
    cluster = LocalCluster(2, {"house": 7})
    assert pickle.loads(pickle.dumps(cluster)) == cluster == LocalCluster(2, {"house": 7})
    assert len({cluster, LocalCluster(2, {"house": 7})}) == 1
    assert cluster != LocalCluster(2)


@needs_proc
def test_a_deadline_ends_the_processes_even_of_a_cluster_of_one() -> None:
    start = time.monotonic()
    with pytest.raises(TooLateError, match=r"not done by the deadline of 0\.6 s"):
        list(LocalCluster(1).run(span, [0.0, 60.0], deadline=0.6))
    assert time.monotonic() - start < 20
    assert _soon(lambda: _workers(os.getpid()) == [])


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_run_that_is_asked_to_stop_does_so(n_jobs: int) -> None:
    stop: Future[None] = Future()
    results = LocalCluster(n_jobs).run(square, range(100), stop=stop)
    next(results)
    stop.set_result(None)
    with pytest.raises(WorkCancelledError):
        list(results)


def test_runs_in_several_threads_take_no_more_processes_than_there_are() -> None:
    cluster = LocalCluster(2)
    with ThreadPoolExecutor(3) as threads:
        runs = [threads.submit(lambda: dict(cluster.run(span, [0.04] * 5))) for _ in range(3)]
        results = [run.result(timeout=60) for run in runs]
    spans = [span for result in results for span in result.values()]
    assert [len(result) for result in results] == [5, 5, 5]
    for _, start, _ in spans:
        assert sum(other[1] <= start < other[2] for other in spans) <= 2


def test_a_run_that_fails_leaves_a_run_in_another_thread_alone() -> None:
    cluster = LocalCluster(2)
    ready, failed = threading.Event(), threading.Event()

    def jobs() -> Iterator[float]:
        yield 0.0
        ready.set()
        yield 0.5
        failed.wait(20)
        yield 0.0

    with ThreadPoolExecutor(1) as threads:
        other = threads.submit(lambda: dict(LocalCluster(2).run(span, jobs())))
        ready.wait(20)
        with pytest.raises(WorkflowError, match="lost while doing"):
            list(cluster.run(die_at_three, range(20)))
        failed.set()
        assert len(other.result(timeout=60)) == 3


def test_a_run_within_a_run_of_the_same_cluster_does_not_wait_for_itself() -> None:
    cluster = LocalCluster(2)
    sums = [sum(dict(cluster.run(square, range(n))).values()) for _, n in cluster.run(abs, [2, 3])]
    assert sorted(sums) == [1, 5]
