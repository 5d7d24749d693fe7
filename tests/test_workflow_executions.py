"""Executions: recorded, resumed, ended from outside; two at once do not harm each other."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from flows import SMALL, states

from ossicle.errors import WorkflowError
from ossicle.workflow.claims import hold
from ossicle.workflow.executing import execute
from ossicle.workflow.executions import Executions, ExecutionSettings
from ossicle.workflow.flow import flow_of
from ossicle.workflow.record import recorder


@pytest.fixture
def small(tmp_path):
    (tmp_path / "words.txt").write_text("dog siren dog bell")
    return lambda **given: flow_of(SMALL, folder=tmp_path, given=given)


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
    again = ExecutionSettings(again=flow.nodes_from("counts"))
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
    relative = r"gone\.txt, where nothing is: gone\.txt is relative to where you are"
    with pytest.raises(WorkflowError, match=rf"words: file is .*{relative}"):
        execute(small(file="gone.txt"), root=tmp_path / "kept")
    (tmp_path / "words.txt").unlink()
    with pytest.raises(WorkflowError, match=r": words\.txt is relative to the file's folder"):
        execute(small(), root=tmp_path / "kept")
    with pytest.raises(WorkflowError, match=r"words: file is /gone\.txt, where nothing is$"):
        execute(small(file="/gone.txt"), root=tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_an_output_that_was_not_made_is_answered_with_files_and_keys(tmp_path):
    (tmp_path / "words.txt").write_text("dog siren dog bell")
    words = {**SMALL, "outputs": {"page": "${page.pgae}"}}
    with pytest.raises(WorkflowError, match=r"outputs\.page: .*pgae'; did you mean 'page'"):
        execute(flow_of(words, folder=tmp_path), root=tmp_path / "kept")


def test_labels_of_this_machine_let_a_step_run_that_asks_for_them(tmp_path):
    words = {
        "name": "placed",
        "steps": {"add": {"step": "small addition", "left": 1, "on": {"house": 7}}},
    }
    flow = flow_of(words, folder=tmp_path)
    with pytest.raises(WorkflowError, match="house"):
        execute(flow, root=tmp_path / "kept")
    assert not (tmp_path / "kept").exists()
    outcome = execute(flow, root=tmp_path / "kept", settings=ExecutionSettings(labels={"house": 7}))
    assert outcome.id == "placed-1"


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


def test_executions_that_make_the_record_at_once_all_write_in_it(tmp_path):
    def begin(root, number):
        together.wait(20)
        with recorder(root, f"x-{number}", "x", ["a", "b"]):
            pass

    for root in (tmp_path / str(n) for n in range(50)):
        root.mkdir()
        together = threading.Barrier(8)
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(begin, [root] * 8, range(8)))
        assert len(Executions(root).list()) == 8


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


def test_an_execution_that_ends_while_it_is_looked_at_is_not_interrupted(
    small, tmp_path, monkeypatch
):
    begun, go = threading.Event(), threading.Event()

    def wait(event):
        begun.set()
        assert go.wait(20)

    arguments = {"root": tmp_path / "kept", "on_event": wait}
    runner = threading.Thread(target=execute, args=(small(),), kwargs=arguments)
    runner.start()
    assert begun.wait(20)
    is_running = Executions.is_running

    def a_moment_later(self, execution):
        go.set()
        runner.join(20)
        return is_running(self, execution)

    monkeypatch.setattr(Executions, "is_running", a_moment_later)
    assert [each.state for each in Executions(tmp_path / "kept").list()] == ["completed"]


def test_a_letter_that_is_half_written_is_waited_for(small, tmp_path):
    execute(small(), root=tmp_path / "kept")
    folder = tmp_path / "kept" / "executions" / "small-1"
    log = folder / "logs" / "chat.txt"
    letter = "é".encode()
    log.write_bytes(b"caf" + letter[:1])
    with hold(folder, alone=True):
        following = Executions(tmp_path / "kept").logs("small-1", "chat", follow=True)
        assert next(following) == ("chat", "caf")
        with log.open("ab") as file:
            file.write(letter[1:])
        assert next(following) == ("chat", "é")
    assert list(following) == []


def test_a_folder_removed_by_hand_does_not_stop_the_next_execution(small, tmp_path):
    execute(small(), root=tmp_path / "kept")
    shutil.rmtree(tmp_path / "kept" / "executions")
    outcome = execute(small(), root=tmp_path / "kept")
    executions = Executions(tmp_path / "kept")
    assert outcome.id == "small-1"
    assert [each.state for each in executions.list()] == ["completed"]
    assert states(executions, "small-1") == dict.fromkeys(SMALL["steps"], "kept")


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
    with pytest.raises(WorkflowError, match=r"executions\.sqlite cannot be used: file is not"):
        execute(small(), root=tmp_path / "kept")
