"""Executions that are killed, cancelled, begun at once, or meet a full disk."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading

import pytest
from flows import SMALL, is_alive, started, states, traced, wait_for, written

from ossicle.errors import WorkflowError
from ossicle.workflow.executing import execute
from ossicle.workflow.executions import Executions, store_of
from ossicle.workflow.flow import flow_of
from ossicle.workflow.nodes import Event


@pytest.fixture
def small(tmp_path):
    (tmp_path / "words.txt").write_text("dog siren dog bell")
    return lambda **given: flow_of(SMALL, folder=tmp_path, given=given)


def test_two_executions_of_one_workflow_at_once_end_with_the_same_artifacts(tmp_path):
    flow = written(tmp_path)
    both = [started(flow, "--set", "seconds=0.15", "--jobs", "2") for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert "completed" in out
    executions = Executions(tmp_path / "kept")
    assert {each.id: each.state for each in executions.list()} == {
        "words-1": "completed",
        "words-2": "completed",
    }
    one, other = (states(executions, f"words-{n}") for n in (1, 2))
    assert all({one[name], other[name]} == {"completed", "kept"} for name in one)
    keys = [[row["key"] for row in executions.steps(f"words-{n}")] for n in (1, 2)]
    assert keys[0] == keys[1]
    assert store_of(tmp_path / "kept").flags() == {}
    assert sorted(traced(tmp_path)) == ["count", "first", "second", "side a", "side b"]


def test_executions_begun_in_many_threads_have_names_of_their_own(small, tmp_path):
    flow = small()
    threads = [
        threading.Thread(target=execute, args=(flow,), kwargs={"root": tmp_path / "kept"})
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = Executions(tmp_path / "kept").list()
    assert {each.id for each in found} == {f"small-{n}" for n in range(1, 7)}
    assert {each.state for each in found} == {"completed"}


def test_a_runner_killed_in_the_middle_is_interrupted_and_goes_on_where_it_was(tmp_path):
    flow = written(tmp_path)
    words = ("--set", "seconds=0.25", "--jobs", "1")
    with started(flow, *words) as process:
        wait_for(lambda: len(traced(tmp_path)) >= 2)
        process.kill()
    before = traced(tmp_path)
    executions = Executions(tmp_path / "kept")
    told = executions.get("words-1")
    assert told.state == "interrupted"
    assert executions.get("words-1").seconds == told.seconds
    assert "interrupted" in states(executions, "words-1").values()
    with started(flow, *words) as process:
        assert process.wait(timeout=60) == 0
    assert executions.get("words-2").state == "completed"
    found = states(executions, "words-2")
    assert found["count"] == "kept"
    assert traced(tmp_path)[: len(before)] == before
    assert sorted(set(traced(tmp_path))) == ["count", "first", "second", "side a", "side b"]
    assert len(traced(tmp_path)) <= len(set(traced(tmp_path))) + 1  # one was under way


WAITING = """
name = "waiting"
[parameters]
note = "NOTE"
[steps.wait]
step = "my_wait"
note = "${note}"
"""


def processes_of_step(folder):
    wait_for(lambda: traced(folder))
    return [int(pid) for pid in traced(folder)[0].split()]


def test_ctrl_c_leaves_no_orphan(tmp_path):

    with started(written(tmp_path, WAITING)) as process:
        pids = processes_of_step(tmp_path)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1] == "interrupted"
    wait_for(lambda: not any(map(is_alive, pids)), 5)
    executions = Executions(tmp_path / "kept")
    assert executions.get("waiting-1").state == "cancelled"
    assert states(executions, "waiting-1") == {"wait": "cancelled"}


def test_a_killed_runner_leaves_no_orphan(tmp_path):
    with started(written(tmp_path, WAITING)) as process:
        pids = processes_of_step(tmp_path)
        process.kill()
    wait_for(lambda: not any(map(is_alive, pids)), 10)


def test_an_execution_is_cancelled_from_another_process(tmp_path):
    with started(written(tmp_path, WAITING)) as process:
        pids = processes_of_step(tmp_path)
        executions = Executions(tmp_path / "kept")
        assert executions.get("waiting-1").state == "in progress"
        with pytest.raises(WorkflowError, match="waiting-1 is in progress; cancel it first"):
            executions.remove("waiting-1")
        (row,) = executions.steps("waiting-1")
        assert (row["state"], row["stage"], row["done"], row["total"]) == (
            "in progress",
            "waiting",
            1,
            2,
        )
        executions.cancel("waiting-1")
        _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Error: waiting-1 was cancelled" in err
    wait_for(lambda: not any(map(is_alive, pids)), 5)
    assert executions.get("waiting-1").state == "cancelled"
    executions.remove("waiting-1")


def test_a_disk_that_is_full_from_the_start_is_told_and_begins_nothing(small, full_disk):
    room = shutil.disk_usage(full_disk).free
    (full_disk / "filler").write_bytes(bytes(room))
    with pytest.raises(WorkflowError, match=r"No space left|disk is full"):
        execute(small(), root=full_disk / "kept")


def test_a_disk_that_fills_while_an_execution_is_recorded_is_told(small, full_disk):
    def fill(event: Event) -> None:
        if event.state == "in progress" and event.node == "words":
            room = shutil.disk_usage(full_disk).free
            (full_disk / "filler").write_bytes(bytes(room))

    with pytest.raises(WorkflowError, match=r"No space left|disk is full"):
        execute(small(), root=full_disk / "kept", on_event=fill)
    (full_disk / "filler").unlink()
    outcome = execute(small(), root=full_disk / "kept")
    assert Executions(full_disk / "kept").get(outcome.id).state == "completed"


def test_recording_needs_no_sqlite_until_it_is_used():
    code = (
        "import sys, ossicle.workflow.executions, ossicle.workflow.executing\n"
        "print(sorted({'sqlite3', 'numpy'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_a_reader_waits_for_a_writer_and_sees_whole_records(small, tmp_path):
    execute(small(), root=tmp_path / "kept")
    database = sqlite3.connect(tmp_path / "kept" / "executions.sqlite")
    database.execute("BEGIN IMMEDIATE")
    try:
        assert Executions(tmp_path / "kept").get("small-1").state == "completed"
    finally:
        database.rollback()
        database.close()


def test_looking_at_a_record_changes_nothing(small, tmp_path):
    execute(small(), root=tmp_path / "kept")
    database = tmp_path / "kept" / "executions.sqlite"
    before = database.read_bytes()
    assert Executions(tmp_path / "kept").get("small-1").state == "completed"
    assert database.read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_record_where_nobody_may_write_is_read(small, tmp_path):
    execute(small(), root=tmp_path / "kept")
    before = Executions(tmp_path / "kept").list()
    (tmp_path / "kept").chmod(0o500)
    try:
        assert Executions(tmp_path / "kept").list() == before
    finally:
        (tmp_path / "kept").chmod(0o700)


def test_a_folder_with_a_name_of_odd_characters_is_as_good_as_any(small, tmp_path):
    root = tmp_path / "a ?mode=ro#é %41"
    execute(small(), root=root)
    assert [each.state for each in Executions(root).list()] == ["completed"]
