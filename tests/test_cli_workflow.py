"""``ossicle workflow``: executions as a person sees them, from any terminal."""

import json
import re
import sqlite3
import subprocess
import sys
import time

import pytest
from commands import answered, printed, refused
from flows import NODES, OSSICLE, started, traced, wait_for, written

WAITING = """
name = "waiting"
[steps.wait]
step = "my_wait"
note = "NOTE"
"""


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """One execution, done, whose folder every verb looks into."""
    monkeypatch.delitem(sys.modules, "words_steps", raising=False)
    monkeypatch.setattr(sys, "path", [*sys.path])
    flow = written(tmp_path)
    monkeypatch.setenv("OSSICLE_STORE", str(tmp_path / "kept"))
    printed("run", flow, "--steps", tmp_path / "words_steps.py")
    yield tmp_path
    sys.modules.pop("words_steps", None)


def test_executions_are_listed_newest_first(kept):
    printed("run", kept / "words.toml", "--steps", kept / "words_steps.py")
    head, _, *lines = printed("workflow", "ps").splitlines()
    assert head.split() == ["id", "workflow", "state", "steps", "started", "seconds"]
    assert [line.split()[0] for line in lines] == ["words-2", "words-1"]
    assert all(line.split()[1:4] == ["words", "completed", "6/6"] for line in lines)
    assert [each["id"] for each in answered("workflow", "ps")] == ["words-2", "words-1"]


def test_no_execution_is_said_so(tmp_path):
    assert printed("workflow", "ps", "--store", tmp_path / "none") == (
        f"no execution in {tmp_path / 'none'}\n"
    )
    assert answered("workflow", "ps", "--store", tmp_path / "none") == []
    assert not (tmp_path / "none").exists()


def test_the_steps_of_an_execution_are_shown_with_state_seconds_and_key(kept):
    lines = printed("workflow", "status", "words-1").splitlines()
    assert re.fullmatch(r"words-1 completed, \d+\.\d s", lines[0])
    assert lines[2].split() == ["step", "state", "seconds", "key"]
    assert [line.split()[0] for line in lines[4:]] == list(NODES)
    assert all(re.search(r"completed +\d\.\d{3}  [0-9a-f]{12}$", line) for line in lines[4:])
    told = answered("workflow", "status", "words-1")
    assert [step["name"] for step in told["steps"]] == list(NODES)
    assert all(len(step["key"]) == 32 for step in told["steps"])


def test_a_kept_step_took_no_time(kept):
    printed("run", kept / "words.toml", "--steps", kept / "words_steps.py")
    told = answered("workflow", "status", "words-2")
    assert [step["seconds"] for step in told["steps"]] == [None] * 6


def test_a_log_is_what_a_step_has_printed(kept):
    assert printed("workflow", "log", "words-1", "count") == "counting 4 words\n"
    assert printed("workflow", "log", "words-1") == "── count\ncounting 4 words\n"
    told = answered("workflow", "log", "words-1")
    assert told == [{"step": "count", "text": "counting 4 words\n"}]
    assert "no step 'cuont'; did you mean 'count'?" in refused(
        1, "workflow", "log", "words-1", "cuont"
    )


def test_an_execution_is_done_again_with_the_words_of_then(kept):
    (kept / "words.toml").write_text("no workflow any more")
    again = answered("workflow", "retry", "words-1")
    assert (again["id"], set(again["steps"].values())) == ("words-2", {"kept"})
    first = answered("workflow", "retry", "words-2", "--from", "second")
    assert {name for name, state in first["steps"].items() if state == "completed"} == {
        "second",
        "report",
    }


def test_a_retry_in_another_process_has_the_steps_of_then(kept, monkeypatch):
    monkeypatch.chdir("/")
    words = [OSSICLE, "workflow", "retry", "words-1", "--json"]
    run = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    assert set(json.loads(run.stdout)["steps"].values()) == {"kept"}
    (kept / "words_steps.py").rename(kept / "moved_steps.py")
    run = subprocess.run(words, stderr=subprocess.PIPE, text=True, check=False)
    assert run.returncode == 1
    assert f"words-1 was run with --steps {kept / 'words_steps.py'}, which has gone" in run.stderr
    words += ["--steps", str(kept / "moved_steps.py"), "--dry-run"]
    run = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    assert [each["step"] for each in json.loads(run.stdout)][:2] == ["count", "first"]


def test_a_retry_may_have_other_processes_labels_and_outputs(kept):
    retry = ("workflow", "retry", "words-1")
    plan = answered(*retry, "--dry-run", "--from", "second")
    assert {each["step"]: each["why"] for each in plan}["second"] == "asked for"
    assert len(answered("workflow", "ps")) == 1
    printed(*retry, "--jobs", 1, "--label", "house=7", "--out", kept / "out")
    assert (kept / "out" / "page.html").is_file()
    told = json.loads((kept / "kept/executions/words-2/execution.json").read_text())
    assert (told["n_jobs"], told["labels"], told["out"]) == (1, {"house": 7}, str(kept / "out"))


def test_the_log_of_a_step_is_that_of_all_its_instances(kept):
    for n, kind in enumerate("ab"):
        (log,) = kept.glob(f"kept/executions/words-1/logs/side*{kind}*.txt")
        log.write_text(f"heard {n}\n")
    assert printed("workflow", "log", "words-1", "side") == (
        "── side[kind=a]\nheard 0\n── side[kind=b]\nheard 1\n"
    )
    assert printed("workflow", "log", "words-1", "side[kind=b]") == "heard 1\n"


def test_an_execution_is_removed_and_its_artifacts_stay(kept):
    text = printed("workflow", "rm", "words-1")
    assert text == "words-1 is removed; what its steps have made is kept\n"
    assert answered("workflow", "ps") == []
    again = answered("run", kept / "words.toml", "--steps", kept / "words_steps.py")
    assert set(again["steps"].values()) == {"kept"}


@pytest.mark.parametrize("verb", ["status", "log", "cancel", "retry", "rm"])
def test_an_execution_that_is_none_is_answered_with_the_nearest(kept, verb):
    assert "no execution 'word-1'; did you mean 'words-1'?" in refused(
        1, "workflow", verb, "word-1"
    )


def test_what_has_ended_is_not_cancelled(kept):
    message = refused(1, "workflow", "cancel", "words-1")
    assert message == "Error: words-1 is not in progress but completed\n"


def test_steps_are_listed_and_shown_with_what_they_take(kept):
    steps = ("--steps", kept / "words_steps.py")
    found = {each["name"]: each for each in answered("workflow", "steps", *steps)}
    assert found["my_count"]["description"] == "How often each word occurs."
    assert "my_count" in printed("workflow", "steps", *steps)
    text = printed("workflow", "steps", "my_count", *steps)
    assert re.search(r"^file +Path +required +A text\.$", text, re.M)
    assert re.search(r"^least +int +1 +Times a word must occur\.$", text, re.M)
    assert re.search(r"^outputs +list \(list\.txt\)$", text, re.M)
    assert answered("workflow", "steps", "my_count", *steps) == found["my_count"]
    assert "did you mean 'my_count'" in refused(1, "workflow", "steps", "my_cuont", *steps)


def test_what_a_step_takes_fits_the_terminal(kept, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    for name in [each["name"] for each in answered("workflow", "steps")]:
        text = printed("workflow", "steps", name)
        assert "``" not in text
        assert max(map(len, text.split("\nparameters")[-1].splitlines()[:-4])) <= 110


def test_how_long_an_execution_took_whose_process_has_gone_is_not_known(kept):
    edit(kept / "kept", "UPDATE executions SET state = 'in progress', finished = NULL")
    assert printed("workflow", "status", "words-1").splitlines()[0] == "words-1 interrupted"
    (told,) = answered("workflow", "ps")
    assert (told["state"], told["seconds"]) == ("interrupted", None)


def test_an_execution_is_followed_and_cancelled_from_another_terminal(tmp_path, monkeypatch):
    monkeypatch.setenv("OSSICLE_STORE", str(tmp_path / "kept"))
    flow = written(tmp_path, WAITING)
    with started(flow) as process:
        wait_for(lambda: traced(tmp_path))
        (told,) = answered("workflow", "ps")
        assert (told["state"], told["n_done"], told["n_steps"]) == ("in progress", 0, 1)
        wait_for(lambda: "waiting 1/2" in printed("workflow", "status", "waiting-1"))
        assert "cancel it first" in refused(1, "workflow", "rm", "waiting-1")
        words = [OSSICLE, "workflow", "log", "waiting-1", "--follow"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as follower:
            time.sleep(0.5)
            assert follower.poll() is None
            told = answered("workflow", "cancel", "waiting-1")
            assert told == {"id": "waiting-1", "done": "cancel"}
            assert process.wait(timeout=30) == 1
            assert follower.communicate(timeout=30)[0] == "── wait\nhere it waits\n"
    assert answered("workflow", "ps")[0]["state"] == "cancelled"


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("words", []),
        ("words", {}),
        ("given", 3),
        ("n_jobs", None),
        ("labels", [1]),
    ],
)
def test_an_execution_whose_snapshot_was_edited_is_told(kept, place, value):
    (path,) = kept.glob("kept/executions/*/execution.json")
    told = json.loads(path.read_text())
    told[place] = value
    path.write_text(json.dumps(told))
    assert "is damaged" in refused(1, "workflow", "retry", path.parent.name)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE executions SET started = NULL",
        "UPDATE executions SET started = 1e300, name = 3, message = x'41'",
        "UPDATE steps SET key = 3, started = 'x', detail = x'41'",
        "DELETE FROM steps",
    ],
)
def test_a_record_that_was_edited_is_shown_as_far_as_it_goes(kept, change):
    (execution,) = [each["id"] for each in answered("workflow", "ps")]
    edit(kept / "kept", change)
    for verb in (("ps",), ("status", execution), ("log", execution)):
        printed("workflow", *verb)


def test_an_id_that_is_a_path_removes_nothing(kept):
    edit(kept / "kept", "UPDATE executions SET id = '..'")
    assert "no execution's id" in refused(1, "workflow", "rm", "..")
    assert (kept / "kept" / "store").is_dir()


def edit(root, change):
    database = sqlite3.connect(root / "executions.sqlite")
    with database:
        database.execute(change)
    database.close()
