"""Executions: recorded, resumed, ended from outside; two at once do not harm each other."""

import shutil
import sqlite3
import subprocess
import sys
import threading

import pytest
import small_steps
from flows import is_alive, started, traced, wait_for, written

from ossicle.errors import WorkflowError
from ossicle.workflow.delivery import check_out, deliver
from ossicle.workflow.executing import execute
from ossicle.workflow.executions import Executions, Settings, store_of
from ossicle.workflow.flow import flow_of
from ossicle.workflow.nodes import Event

SMALL = {
    "name": "small",
    "parameters": {"file": "words.txt", "least": 1},
    "steps": {
        "words": {"step": "small words", "file": "${file}"},
        "counts": {"step": "small counts", "words": "${words}", "least": "${least}"},
        "longest": {"step": "small longest", "words": "${words}"},
        "page": {"step": "small page", "counts": "${counts}", "title": "${longest}"},
        "chat": {"step": "small chatter", "n": 2},
    },
    "outputs": {"page": "${page.page}", "tables": "${page.tables}", "longest": "${longest}"},
}
assert small_steps


@pytest.fixture
def small(tmp_path):
    (tmp_path / "words.txt").write_text("dog siren dog bell")
    return lambda **given: flow_of(SMALL, folder=tmp_path, given=given)


def states(executions, execution):
    return {row["name"]: row["state"] for row in executions.steps(execution)}


# --- one execution ------------------------------------------------------------------------------


def test_an_execution_is_recorded_with_all_its_steps(small, tmp_path):
    events = []
    outcome = execute(small(), root=tmp_path / "kept", on_event=events.append)
    executions = Executions(tmp_path / "kept")
    told = executions.get("small-1")
    assert (told.id, told.name, told.state) == (outcome.id, "small", "completed")
    assert (told.n_done, told.n_steps) == (5, 5)
    assert 0 < told.seconds < 60
    assert states(executions, "small-1") == dict.fromkeys(SMALL["steps"], "completed")
    keys = {row["name"]: row["key"] for row in executions.steps("small-1")}
    assert keys == {name: outcome.results[name].key for name in SMALL["steps"]}
    assert {event.node for event in events} == set(SMALL["steps"])
    assert executions.log("small-1", "chat") == "chatter prints\n"
    assert not executions.is_running("small-1")


def test_outputs_are_paths_and_values(small, tmp_path):
    outcome = execute(small(), root=tmp_path / "kept")
    assert outcome.outputs["longest"] == "siren"
    assert outcome.outputs["page"].read_text() == "siren: 3 words\n"
    assert outcome.outputs["page"].is_relative_to(tmp_path / "kept" / "store")


def test_a_second_execution_finds_everything_kept_with_its_logs(small, tmp_path):
    execute(small(), root=tmp_path / "kept")
    execute(small(), root=tmp_path / "kept")
    executions = Executions(tmp_path / "kept")
    assert [each.id for each in executions.list()] == ["small-2", "small-1"]
    assert states(executions, "small-2") == dict.fromkeys(SMALL["steps"], "kept")
    assert executions.log("small-2", "chat") == "chatter prints\n"
    assert [text for _, text in executions.logs("small-2")] == ["chatter prints\n"]


def test_a_changed_input_under_the_same_name_is_another_input(small, tmp_path):
    execute(small(), root=tmp_path / "kept")
    (tmp_path / "words.txt").write_text("dog siren dog yelp")
    execute(small(), root=tmp_path / "kept")
    assert states(Executions(tmp_path / "kept"), "small-2") == {
        "words": "completed",
        "counts": "completed",
        "longest": "completed",
        "page": "completed",
        "chat": "kept",
    }


def test_a_step_asked_for_again_is_done_again_with_all_that_need_it(small, tmp_path):
    flow = small()
    execute(flow, root=tmp_path / "kept")
    again = Settings(again=flow.nodes_from("counts"))
    execute(flow, root=tmp_path / "kept", settings=again)
    found = states(Executions(tmp_path / "kept"), "small-2")
    assert {name for name, state in found.items() if state == "completed"} == {"counts", "page"}


def test_every_instance_of_a_step_is_meant_by_its_name(tmp_path):
    words = {
        "name": "grid",
        "steps": {
            "add": {"step": "small addition", "left": "${each.n}", "for_each": {"n": [1, 2]}},
            "sum": {"step": "small sum", "values": "${add}"},
        },
    }
    flow = flow_of(words, folder=tmp_path)
    assert flow.nodes_from("add") == {"add[n=1]", "add[n=2]", "sum"}
    assert flow.nodes_from("add[n=2]") == {"add[n=2]", "sum"}
    with pytest.raises(WorkflowError, match=r"grid has no step 'ad'; did you mean 'add'"):
        flow.nodes_from("ad")
    outcome = execute(flow, root=tmp_path / "kept")
    assert outcome.results.value("sum") == 3


def test_a_condition_on_a_result_skips_what_depends_on_it(tmp_path):
    words = {
        "name": "maybe",
        "steps": {
            "add": {"step": "small addition", "left": 1},
            "more": {"step": "small addition", "left": "${add}", "when": "${add} > 5"},
            "last": {"step": "small sum", "values": ["${more}"]},
        },
        "outputs": {"last": "${last}"},
    }
    outcome = execute(flow_of(words, folder=tmp_path), root=tmp_path / "kept")
    assert outcome.outputs == {"last": None}
    executions = Executions(tmp_path / "kept")
    assert states(executions, "maybe-1") == {
        "add": "completed",
        "more": "skipped",
        "last": "skipped",
    }
    assert executions.get("maybe-1").n_done == 3


def test_a_failure_is_recorded_with_its_reason_and_what_was_done_is_kept(tmp_path):
    words = {
        "name": "bad",
        "steps": {
            "add": {"step": "small addition", "left": 1},
            "die": {"step": "small death", "value": "${add}"},
        },
    }
    with pytest.raises(WorkflowError, match=r"die: .*killed"):
        execute(flow_of(words, folder=tmp_path), root=tmp_path / "kept")
    executions = Executions(tmp_path / "kept")
    told = executions.get("bad-1")
    assert (told.state, told.n_done, told.n_steps) == ("failed", 1, 2)
    assert "killed" in told.message
    assert states(executions, "bad-1") == {"add": "completed", "die": "failed"}
    assert executions.log("bad-1", "die") == "about to die\n"


def test_a_missing_input_is_told_before_anything_is_done(small, tmp_path):
    with pytest.raises(WorkflowError, match=r"words: file is .*gone\.txt, where nothing is"):
        execute(small(file="gone.txt"), root=tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_labels_of_this_machine_let_a_step_run_that_asks_for_them(tmp_path):
    words = {
        "name": "placed",
        "steps": {"add": {"step": "small addition", "left": 1, "where": {"house": 7}}},
    }
    flow = flow_of(words, folder=tmp_path)
    with pytest.raises(WorkflowError, match="house"):
        execute(flow, root=tmp_path / "kept")
    outcome = execute(flow, root=tmp_path / "kept", settings=Settings(labels={"house": 7}))
    assert outcome.id == "placed-2"


def test_the_same_words_are_run_once_more_from_anywhere(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "typed").mkdir()
    (tmp_path / "typed" / "mine.txt").write_text("one two two")
    monkeypatch.chdir(tmp_path / "typed")
    execute(small(file="mine.txt", least="2"), root=tmp_path / "kept")
    monkeypatch.chdir("/")
    flow, settings = Executions(tmp_path / "kept").flow("small-1")
    outcome = execute(flow, root=tmp_path / "kept", settings=settings)
    assert outcome.results.value("counts") == {"two": 2}
    assert set(states(Executions(tmp_path / "kept"), "small-2").values()) == {"kept"}


# --- what is there ------------------------------------------------------------------------------


def test_nothing_is_made_by_looking(tmp_path):
    executions = Executions(tmp_path / "none")
    assert executions.list() == []
    with pytest.raises(WorkflowError, match=r"no execution 'a-1'; none is recorded in .*none"):
        executions.get("a-1")
    assert not (tmp_path / "none").exists()


def test_removing_an_execution_leaves_what_it_made(small, tmp_path):
    execute(small(), root=tmp_path / "kept")
    executions = Executions(tmp_path / "kept")
    executions.remove("small-1")
    assert executions.list() == []
    assert not (tmp_path / "kept" / "executions" / "small-1").exists()
    execute(small(), root=tmp_path / "kept")
    assert set(states(executions, executions.list()[0].id).values()) == {"kept"}


@pytest.mark.parametrize("verb", ["cancel", "remove", "steps", "flow", "log"])
def test_an_execution_that_is_none_is_answered_with_the_nearest(small, tmp_path, verb):
    execute(small(), root=tmp_path / "kept")
    words = ("smal-1", "chat") if verb == "log" else ("smal-1",)
    with pytest.raises(WorkflowError, match="no execution 'smal-1'; did you mean 'small-1'"):
        getattr(Executions(tmp_path / "kept"), verb)(*words)


def test_what_has_ended_cannot_be_cancelled(small, tmp_path):
    execute(small(), root=tmp_path / "kept")
    with pytest.raises(WorkflowError, match="small-1 is not in progress but completed"):
        Executions(tmp_path / "kept").cancel("small-1")


def test_a_damaged_snapshot_is_named(small, tmp_path):
    execute(small(), root=tmp_path / "kept")
    snapshot = tmp_path / "kept" / "executions" / "small-1" / "execution.json"
    snapshot.write_text("{}")
    with pytest.raises(WorkflowError, match=r"execution\.json is damaged"):
        Executions(tmp_path / "kept").flow("small-1")


def test_a_damaged_record_is_told_in_words(small, tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "executions.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(WorkflowError, match=r"executions\.sqlite: file is not a database"):
        execute(small(), root=tmp_path / "kept")


# --- outputs ------------------------------------------------------------------------------------


def test_outputs_are_copied_and_replaced_by_the_next_execution(small, tmp_path):
    out = tmp_path / "out"
    for text, words in (("dog siren dog bell", 3), ("a siren", 2)):
        (tmp_path / "words.txt").write_text(text)
        outcome = execute(small(), root=tmp_path / "kept", settings=Settings(out=out))
        assert (out / "page.txt").read_text() == f"siren: {words} words\n"
        names = {path.name for path in out.iterdir()}
        assert names == {"page.txt", "tables", "outputs.json"}
        assert [path.name for path in (out / "tables").iterdir()] == ["counts.json"]
        assert outcome.outputs["page"] == out / "page.txt"


def test_what_was_there_before_is_never_replaced(small, tmp_path):
    (tmp_path / "out" / "tables").mkdir(parents=True)
    (tmp_path / "out" / "tables" / "mine.txt").write_text("mine")
    with pytest.raises(WorkflowError, match="tables is there and no workflow made it"):
        execute(small(), root=tmp_path / "kept", settings=Settings(out=tmp_path / "out"))
    assert not (tmp_path / "kept").exists()
    assert (tmp_path / "out" / "tables" / "mine.txt").read_text() == "mine"


def test_outputs_of_several_instances_are_files_of_one_folder(tmp_path):
    words = {
        "name": "ramps",
        "steps": {"ramp": {"step": "small ramp", "n": "${each.n}", "for_each": {"n": [2, 3]}}},
        "outputs": {"ramps": "${ramp}"},
    }
    flow, out = flow_of(words, folder=tmp_path), tmp_path / "out"
    outcome = execute(flow, root=tmp_path / "kept", settings=Settings(out=out))
    assert sorted(path.name for path in (out / "ramps").iterdir()) == [
        "ramp[n=2].npy",
        "ramp[n=3].npy",
    ]
    assert [path.stat().st_size for path in outcome.outputs["ramps"]] == [136, 140]


def test_a_folder_of_outputs_is_whole_or_as_it_was(tmp_path, full_disk):
    old, new, out = tmp_path / "old", tmp_path / "new", full_disk / "out"
    for folder, size in ((old, 1_000), (new, 2_000_000)):
        folder.mkdir()
        (folder / "data.bin").write_bytes(bytes(size))
    deliver({"data": old}, {"data": None}, out)
    with pytest.raises(WorkflowError, match=r"cannot write .*data"):
        deliver({"data": new}, {"data": None}, out)
    assert (out / "data" / "data.bin").stat().st_size == 1_000
    assert {path.name for path in out.iterdir()} == {"data", "outputs.json"}


def test_a_list_of_outputs_that_is_none_is_left_alone(tmp_path):
    (tmp_path / "outputs.json").write_text("[]")
    with pytest.raises(WorkflowError, match="is no list of outputs"):
        check_out(tmp_path, ["page"])


# --- faults -------------------------------------------------------------------------------------


def test_two_executions_of_one_workflow_at_once_end_with_the_same_artifacts(tmp_path):
    flow = written(tmp_path)
    both = [started(flow, "--set", "seconds=0.3", "--jobs", "2") for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert "completed" in out
    executions = Executions(tmp_path / "kept")
    assert {each.id: each.state for each in executions.list()} == {
        "words-1": "completed",
        "words-2": "completed",
    }
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
    words = ("--set", "seconds=0.5", "--jobs", "1")
    with started(flow, *words) as process:
        wait_for(lambda: len(traced(tmp_path)) >= 2)
        process.kill()
    before = traced(tmp_path)
    executions = Executions(tmp_path / "kept")
    assert executions.get("words-1").state == "interrupted"
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
    import signal

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
