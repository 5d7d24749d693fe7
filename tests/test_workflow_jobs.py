"""Jobs are cut, shared, done in other processes and joined; no failure leaves one behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ossicle.errors import AudioError, WorkflowError
from ossicle.workflow.composites import Parallel, Workflow
from ossicle.workflow.executor import LocalCluster
from ossicle.workflow.jobs import Job
from ossicle.workflow.lanes import WorkCancelledError, WorkerLostError
from ossicle.workflow.messages import Messages
from ossicle.workflow.works import Function

TWO = LocalCluster(2, {"house": 7, "room": "kitchen"})

needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")


def given(data: Any, name: str = "job") -> Messages:
    return Messages.of((data, "init", name))


def square(n: int) -> int:
    return n * n


def first(messages: Messages) -> Any:
    return messages.one()


def hold(seconds: float) -> int:
    """The process that took this part, and kept it for so long."""
    time.sleep(seconds)
    return os.getpid()


def process_of(_: Any) -> int:
    return os.getpid()


def fail_until(arguments: tuple[Path, int]) -> int:
    """Fail as long as fewer tries than this have left a line in the file."""
    path, n_tries = arguments
    with path.open("a") as file:
        file.write("tried\n")
    tries = len(path.read_text().splitlines())
    if tries < n_tries:
        raise AudioError(f"try {tries}")
    return tries


def die_until(arguments: tuple[Path, int]) -> int:
    try:
        return fail_until(arguments)
    except AudioError:
        os.kill(os.getpid(), signal.SIGKILL)
        raise


def sleep_with_a_child(pids: Path) -> None:
    """Hang, and so does a process that was started for it."""
    with subprocess.Popen(["sleep", "60"]) as child:
        with pids.open("a") as file:
            file.write(f"{os.getpid()} {child.pid}\n")
        time.sleep(60)


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def gone(pids: Sequence[int]) -> bool:
    end = time.monotonic() + 20
    while any(map(alive, pids)) and time.monotonic() < end:
        time.sleep(0.05)
    return not any(map(alive, pids))


@pytest.mark.parametrize("cluster", [None, LocalCluster(), TWO])
@pytest.mark.parametrize("share", ["steal", "static"])
def test_parts_are_joined_in_their_order_wherever_they_are_done(cluster: Any, share: Any) -> None:
    job = Job(square, "job", "next", parts=first, join=tuple, share=share, cluster=cluster)
    table = job(given(range(9)) + Messages.of((0, "f1", "else")))
    assert table == Messages.of((0, "f1", "else"), (tuple(n * n for n in range(9)), "job", "next"))


def test_without_parts_the_messages_are_sent_and_without_join_a_list_comes_back() -> None:
    assert Job(first, "job", cluster=TWO)(given(3)).data == (3,)
    assert Job(square, "job", parts=first, cluster=TWO)(given([2, 3])).data == ([4, 9],)
    assert Job(square, "job", parts=first, join=sum)(given([])).data == (0,)


def test_a_job_runs_elsewhere_and_a_function_here() -> None:
    flow = Workflow([Job(process_of, "far", "near"), Function(first, "near")], cluster=TWO)
    assert flow(given(0, "far")).data != (os.getpid(),)
    assert Workflow([Job(process_of, "far")])(given(0, "far")).data == (os.getpid(),)


def test_the_nearest_cluster_is_taken() -> None:
    inner = Workflow([Job(process_of, "far")], "inner", cluster=TWO)
    flow = Workflow(
        [inner, Job(process_of, "here", cluster=LocalCluster())], cluster=LocalCluster()
    )
    far, here = flow(given(0, "far") + given(0, "here")).data
    assert here == os.getpid() != far


def test_submit_does_not_wait_and_the_result_does() -> None:
    job = Job(hold, "job", parts=first, join=len, cluster=TWO)
    start = time.monotonic()
    handle = job.submit(given([0.6]))
    assert time.monotonic() - start < 0.5
    assert not handle.done()
    assert handle.result(timeout=60) == 1
    assert time.monotonic() - start >= 0.6


def test_a_submitted_job_that_fails_tells_so_in_its_result() -> None:
    handle = Job(fail_until, "job", parts=first).submit(given([(Path(os.devnull), 9)]))
    with pytest.raises(AudioError, match="try 0") as caught:
        handle.result(timeout=60)
    assert "in the work 'job'" in caught.value.__notes__


# --- sharing ------------------------------------------------------------------------------------

UNEVEN = [0.25] * 4 + [0.01] * 4
"""Seconds each part takes: cut in two halves, one worker gets all that is slow."""


def shares_of(pids: Sequence[int]) -> list[float]:
    """Seconds of work that each process has done, in order."""
    work: dict[int, float] = {}
    for pid, seconds in zip(pids, UNEVEN, strict=True):
        work[pid] = work.get(pid, 0.0) + seconds
    return sorted(work.values())


def test_static_sharing_cuts_once_whatever_the_parts_take() -> None:
    pids = Job(hold, "job", parts=first, share="static", cluster=TWO)(given(UNEVEN)).data[0]
    assert len(set(pids[:4])) == len(set(pids[4:])) == 1
    assert shares_of(pids) == pytest.approx([0.04, 1.0])


def test_stealing_shares_uneven_parts_evenly() -> None:
    list(TWO.run(hold, [0.3, 0.3]))
    pids = Job(hold, "job", parts=first, share="steal", cluster=TWO)(given(UNEVEN)).data[0]
    assert max(shares_of(pids)) < 0.85


# --- where --------------------------------------------------------------------------------------


def test_labels_are_asked_for_before_anything_runs() -> None:
    ran: list[int] = []
    start = Function(lambda messages: ran.append(1), "start", "job")
    inner = Workflow([Job(first, "job", where={"house": 8})], "inner")
    said = "the work 'job' cannot run: no worker has house = 8; this machine has house = 7, room"
    with pytest.raises(WorkflowError, match=said):
        Workflow([start, inner], cluster=TWO)(given(0, "start"))
    with pytest.raises(WorkflowError, match="this machine has no labels"):
        Job(first, "job", where={"house": 8})(given(0))
    assert ran == []


@pytest.mark.parametrize("where", [{"house": 7}, {"house": [6, 7], "room": "kitchen"}, {}])
def test_a_machine_with_the_labels_does_the_job(where: dict[str, Any]) -> None:
    assert Job(first, "job", where=where, cluster=TWO)(given(3)).data == (3,)


def test_a_job_of_a_parallel_is_submitted_before_the_plain_works_start() -> None:
    order: list[str] = []

    def parts(messages: Messages) -> list[int]:
        order.append("job")
        time.sleep(0.05)
        order.append("parts")
        return [2]

    plain = [Function(lambda _: order.append("plain"), f"w{n}") for n in range(3)]
    both = Parallel([*plain, Job(square, "job", parts=parts)])
    both(given(0, "parallel"))
    assert order[0] == "job"
    assert order.count("plain") == 3


# --- failures -----------------------------------------------------------------------------------


@pytest.mark.parametrize("cluster", [LocalCluster(), TWO])
def test_a_part_that_fails_twice_is_done_with_two_retries(tmp_path: Path, cluster: Any) -> None:
    def job(retries: int) -> Job:
        return Job(fail_until, "job", parts=first, retries=retries, cluster=cluster)

    assert job(2)(given([(tmp_path / "tries", 3)])).data == ([3],)
    with pytest.raises(AudioError, match="try 2") as caught:
        job(1)(given([(tmp_path / "more", 3)]))
    assert "in the work 'job'" in caught.value.__notes__


def test_a_part_whose_process_is_killed_is_done_again(tmp_path: Path) -> None:
    job = Job(die_until, "job", parts=first, retries=2, cluster=TWO)
    assert job(given([(tmp_path / "b", 3)])).data == ([3],)
    with pytest.raises(WorkerLostError, match="a worker process was lost"):
        Job(die_until, "job", parts=first, cluster=TWO)(given([(tmp_path / "c", 2)]))


@needs_proc
def test_at_its_deadline_a_job_is_killed_with_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    job = Job(sleep_with_a_child, "job", parts=first, deadline=2, cluster=LocalCluster())
    with pytest.raises(WorkflowError, match=r"the work 'job' was not done by its deadline of 2 s"):
        job(given([pids]))
    started = [int(pid) for pid in pids.read_text().split()]
    assert len(started) == 2
    assert gone(started)


@needs_proc
def test_a_failure_in_a_parallel_ends_the_processes_of_its_jobs(tmp_path: Path) -> None:
    pids = tmp_path / "pids"

    def fail_late(_: Messages) -> None:
        end = time.monotonic() + 30
        while not pids.exists() and time.monotonic() < end:
            time.sleep(0.02)
        raise ValueError("no")

    hang = Job(sleep_with_a_child, "hang", parts=lambda _: [pids], cluster=TWO)
    with pytest.raises(ValueError, match="no") as caught:
        Parallel([hang, Function(fail_late, "bad")])(given(0, "parallel"))
    assert caught.value.__notes__ == ["in the work 'bad'", "in 'parallel'"]
    assert gone([int(pid) for pid in pids.read_text().split()])


def test_a_job_that_is_cancelled_says_so(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    job = Job(sleep_with_a_child, "job", parts=first, cluster=TWO)
    handle = job.submit(given([pids]))
    while not pids.exists():
        time.sleep(0.02)
    job.cancel()
    with pytest.raises(WorkCancelledError):
        handle.result(timeout=60)


@pytest.mark.parametrize("cluster", [LocalCluster(), TWO])
def test_data_that_cannot_be_sent_are_refused_for_a_job_and_not_for_a_function(
    cluster: LocalCluster,
) -> None:
    connection = {"conn": threading.Lock()}
    assert Function(first, "job")(given(connection)).data == (connection,)
    said = "the work 'job' is given what cannot be sent to another process .*make it a Function"
    with pytest.raises(WorkflowError, match=said):
        Job(first, "job", cluster=cluster)(given(connection))


def test_options_of_a_job_that_make_no_sense_are_refused() -> None:
    with pytest.raises(WorkflowError, match="3 is no work; a callable"):
        Job(3, "job")
    with pytest.raises(WorkflowError, match="'square': share is 'stael'; did you mean 'steal'"):
        Job(square, share="stael")  # type: ignore[arg-type]
    with pytest.raises(WorkflowError, match="'square' may take -1 s"):
        Job(square, deadline=-1)
    with pytest.raises(WorkflowError, match="'square': retries is -1"):
        Job(square, retries=-1)


def test_several_jobs_at_once_share_the_processes_of_a_cluster() -> None:
    jobs = [Job(hold, f"j{n}", parts=lambda _: [0.05] * 4, cluster=TWO) for n in range(3)]
    rows = Parallel(jobs)(given(0, "parallel"))
    assert [len(pids) for pids in rows.data] == [4, 4, 4]


def test_a_job_that_kills_its_process_leaves_the_work_of_others_alone(tmp_path: Path) -> None:
    cluster = LocalCluster(4)
    bad = Job(die_until, "bad", parts=lambda _: [(tmp_path / "x", 9)], cluster=cluster)
    good = Job(hold, "good", parts=lambda _: [0.5, 0.5], join=len, cluster=cluster)
    flow = Workflow([bad, good], order="ready")
    handle = good.submit(given(0, "good"))
    with pytest.raises(WorkerLostError):
        flow(given(0, "bad") + given(0, "good"))
    assert handle.result(timeout=60) == 2


INTERRUPTED = """
import sys, threading, time
from pathlib import Path
from test_workflow_jobs import sleep_with_a_child
from ossicle.workflow.composites import Parallel, Workflow
from ossicle.workflow.executor import LocalCluster
from ossicle.workflow.jobs import Job
from ossicle.workflow.messages import Messages
jobs = [Job(sleep_with_a_child, name, parts=lambda m: [Path(sys.argv[2])]) for name in "ab"]
flow = Workflow([Parallel(jobs)] if sys.argv[1] == "parallel" else jobs, "flow",
                order="ready" if sys.argv[1] == "ready" else "list", cluster=LocalCluster(2))
try:
    flow(Messages.of((0, "init", "a"), (0, "init", "b")))
except KeyboardInterrupt:
    end = time.monotonic() + 5  # the pool's own thread for its queue may just be ending
    while threading.active_count() > 1 and time.monotonic() < end:
        time.sleep(0.01)
    print("interrupted", threading.active_count(), flush=True)
"""


@needs_proc
@pytest.mark.parametrize("how", ["list", "parallel", "ready"])
def test_ctrl_c_ends_jobs_and_their_children(tmp_path: Path, how: str) -> None:
    pids = tmp_path / "pids"
    tests = str(Path(__file__).parent)
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, how, str(pids)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([tests, *filter(None, sys.path)])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as parent:
        n_jobs = 1 if how == "list" else 2
        _wait_for_lines(pids, n_jobs)
        parent.send_signal(signal.SIGINT)
        out, error = parent.communicate(timeout=30)
    assert out.split() == ["interrupted", "1"]
    assert error == ""
    started = [int(pid) for pid in pids.read_text().split()]
    assert len(started) == 2 * n_jobs
    assert gone(started)


def _wait_for_lines(path: Path, n_lines: int) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if path.exists() and len(path.read_text().splitlines()) >= n_lines:
            return
        time.sleep(0.05)
    raise AssertionError(f"no {n_lines} lines in {path}")
