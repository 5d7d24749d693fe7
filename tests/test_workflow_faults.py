"""Steps that die, hang, fail or fill the disk: named, ended, and nothing that was done is lost."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import small_steps as small
from pipelines import completed

from ossicle.errors import WorkflowError
from ossicle.workflow.executor import LocalCluster
from ossicle.workflow.pipeline import NodeOptions, Pipeline
from ossicle.workflow.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def gone(pid: int, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_a_step_that_kills_its_process_fails_alone(store: Store) -> None:
    pipeline = Pipeline()
    pipeline.add(small.add, "sum", left=1.0, pause=0.5)
    pipeline.add(small.die, "dying")
    with pytest.raises(WorkflowError, match=r"dying: step small death was killed \(signal 9\)"):
        pipeline.run(store, cluster=LocalCluster(2))
    alone = Pipeline()
    alone.add(small.add, "sum", left=1.0, pause=0.5)
    assert completed(alone, store) == set()


def test_a_step_that_leaves_is_named_with_its_status(store: Store) -> None:
    pipeline = Pipeline()
    pipeline.add(small.leave, "leaving", status=3)
    with pytest.raises(WorkflowError, match=r"leaving: .* ended its process with exit status 3"):
        pipeline.run(store, cluster=LocalCluster(1))


@pytest.mark.parametrize("cluster", [None, LocalCluster(1)], ids=["here", "apart"])
def test_a_step_past_its_deadline_is_ended_with_its_children(
    store: Store, tmp_path: Path, cluster: LocalCluster | None
) -> None:
    note = tmp_path / "pids"
    pipeline = Pipeline()
    pipeline.add(small.hang, "hanging", note=str(note), options=NodeOptions(deadline=1.5))
    with pytest.raises(WorkflowError, match=r"hanging: .* took longer than 1\.5 s"):
        pipeline.run(store, cluster=cluster)
    assert all(gone(int(pid)) for pid in note.read_text().split())


@pytest.mark.parametrize("cluster", [None, LocalCluster(1)], ids=["here", "apart"])
def test_a_step_that_fails_twice_then_works(
    store: Store, tmp_path: Path, cluster: LocalCluster | None
) -> None:
    note = str(tmp_path / "tries")
    pipeline = Pipeline()
    pipeline.add(small.third_time, "luck", note=note, options=NodeOptions(retries=2))
    assert pipeline.run(store, cluster=cluster).value("luck") == 3


def test_a_step_that_fails_too_often_says_why_the_last_time(store: Store, tmp_path: Path) -> None:
    pipeline = Pipeline()
    note = str(tmp_path / "tries")
    pipeline.add(small.third_time, "luck", note=note, options=NodeOptions(retries=1))
    with pytest.raises(WorkflowError, match=r"luck failed: ValueError: no luck the 2\. time"):
        pipeline.run(store)


def test_a_full_disk_leaves_no_half_artifact_and_is_named(full_disk: Path) -> None:
    store = Store(full_disk / "store")
    pipeline = Pipeline()
    pipeline.add(small.add, "sum", left=1.0)
    pipeline.add(small.flood, "flood", n_bytes=4_000_000)
    with pytest.raises(WorkflowError, match=r"flood: .*No space left on device"):
        pipeline.run(store)
    small_enough = Pipeline()
    small_enough.add(small.add, "sum", left=1.0)
    small_enough.add(small.flood, "flood", n_bytes=400_000)
    assert completed(small_enough, store) == {"flood"}


def test_a_killed_step_goes_on_where_it_was(store: Store) -> None:
    pipeline = Pipeline()
    pipeline.add(
        small.go_on, "going on", n=40, pause=0.05, options=NodeOptions(retries=9, deadline=1.0)
    )
    results = pipeline.run(store, cluster=LocalCluster(1))
    assert results.value("going on") == 40
    assert set(results["going on"].manifest["files"]) == {"done.txt", "result.json"}


PROGRAM = """
import sys
import small_steps as small
from ossicle.workflow import LocalCluster, Pipeline, Store
pipeline = Pipeline()
pipeline.add(small.hang, "hanging", note=sys.argv[1])
pipeline.run(Store(sys.argv[2]), cluster=LocalCluster(1))
"""


def test_a_killed_program_leaves_no_step_running(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    command = [sys.executable, "-c", PROGRAM, str(note), str(tmp_path / "store")]
    paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": paths}) as process:
        end = time.monotonic() + 20
        while not (note.exists() and len(note.read_text().split()) == 2):
            assert time.monotonic() < end
            time.sleep(0.02)
        process.kill()
    assert all(gone(int(pid)) for pid in note.read_text().split())
