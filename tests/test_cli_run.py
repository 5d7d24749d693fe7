"""``ossicle run``: what it says before, meanwhile, and at the end."""

import io
import json
import os
import pty
import random
import re
import shutil
import subprocess
import sys

import pytest
from commands import answered, printed, refused, typed
from flows import NODES, OSSICLE, started, written
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ossicle.cli.tree import LiveTree, branches, counts
from ossicle.workflow.executions import Executions, store_of
from ossicle.workflow.nodes import Event

FAILING = """
name = "failing"
[steps.bad]
step = "my_failure"
word = "yelp"
"""


@pytest.fixture
def flow(tmp_path, monkeypatch):
    """A workflow file; its steps are loaded anew in every test."""
    monkeypatch.delitem(sys.modules, "words_steps", raising=False)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield written(tmp_path / "flow")
    sys.modules.pop("words_steps", None)


def words(flow, *more):
    steps = flow.with_name("words_steps.py")
    return ("run", flow, "--steps", steps, "--store", flow.with_name("kept"), *more)


def planned(flow, *more):
    return {each["step"]: each for each in answered(*words(flow, "--dry-run", *more))}


# --- before -------------------------------------------------------------------------------------


def test_a_plan_is_a_tree_and_writes_nothing(flow):
    before = sorted(flow.parent.rglob("*"))
    lines = printed(*words(flow, "--dry-run")).splitlines()
    assert [re.split(r"(?<=\w)\]?\s{2,}", line) for line in lines[2:]] == [
        ["count", "to run", "new"],
        ["├ first", "depends", "on what count will make"],
        ["│ └ second", "depends", "on what first will make"],
        ["│   └ report", "depends", "on what second will make"],
        ["├ side[kind=a", "depends", "on what count will make"],
        ["└ side[kind=b", "depends", "on what count will make"],
    ]
    assert sorted(flow.parent.rglob("*")) == before


def test_a_plan_says_what_is_kept_and_what_has_changed(flow):
    printed(*words(flow))
    assert {each["state"] for each in planned(flow).values()} == {"kept"}
    changed = planned(flow, "--set", "seconds=0.01")
    assert changed["count"]["state"] == "kept"
    assert changed["first"] == {
        "step": "first",
        "state": "to run",
        "why": "changed: parameter seconds",
    }
    flow.with_name("words.txt").write_text("other words")
    assert planned(flow)["count"]["why"] == "changed: input file"
    asked = planned(flow, "--from", "first")
    assert asked["side[kind=a]"]["state"] == "depends"


def test_a_change_of_the_code_makes_everything_anew(flow):
    printed(*words(flow))
    steps = flow.with_name("words_steps.py")
    steps.write_text(steps.read_text() + "\n# changed\n")
    with started(flow, "--dry-run", "--json") as process:
        told = {each["step"]: each for each in json.loads(process.communicate(timeout=60)[0])}
    assert told["count"]["why"] == "changed: code"


@given(st.lists(st.lists(st.integers(0, 20), max_size=3), max_size=20))
def test_a_tree_names_every_step_once_and_after_what_it_hangs_from(links):
    needs = {
        f"s{n}": [f"s{other}" for other in others if other < n] for n, others in enumerate(links)
    }
    lines = branches(needs)
    assert sorted(lines) == sorted(needs)
    order = list(lines)
    for name, others in needs.items():
        assert lines[name].endswith(name)
        if others:
            assert order.index(others[-1]) < order.index(name)
            assert len(lines[name]) - len(name) in (
                len(lines[others[-1]]) - len(others[-1]) + 2,
                2,
            )


# --- meanwhile ----------------------------------------------------------------------------------


def test_without_a_terminal_each_change_is_a_line(flow):
    first = typed(*words(flow))
    told = first.stderr.splitlines()
    assert "count: in progress" in told
    assert any(re.fullmatch(r"report: completed after \d+\.\d s", line) for line in told)
    again = typed(*words(flow)).stderr.splitlines()
    assert sorted(again) == sorted(f"{name}: kept" for name in NODES)


def test_on_a_terminal_a_tree_shows_states_progress_and_seconds():
    tree = LiveTree("words", {"count": [], "first": ["count"], "side[kind=a]": ["count"]})
    console = Console(width=60, height=24, record=True, file=io.StringIO())
    tree.told(Event("count", "in progress"))
    tree.told(Event("count", "completed"))
    tree.told(Event("first", "in progress", progress=("hearing", 12, 40)))
    console.print(tree.picture(console))
    lines = [line.rstrip() for line in console.export_text().splitlines()]
    assert lines == [
        "words",
        "count           ✓ completed    0.0 s",
        "├ first         ▸ in progress    0 s  hearing 12/40",
        "└ side[kind=a]  · pending",
    ]


def test_what_is_to_be_said_of_a_completed_step_is_shown_and_nothing_twice():
    tree = LiveTree("words", {"count": [], "wait": []})
    console = Console(width=70, record=True, file=io.StringIO())
    tree.told(Event("count", "completed", "other bytes than before; the first stay"))
    tree.told(Event("wait", "cancelled", "it was cancelled"))
    console.print(tree.picture(console))
    _, first, second = console.export_text().splitlines()
    assert first.split(maxsplit=3)[3].strip() == "other bytes than before; the first stay"
    assert second.split() == ["wait", "✗", "cancelled"]


def test_the_same_recipe_that_gives_other_bytes_is_told_in_the_line_and_the_status(flow):
    printed(*words(flow))
    steps = flow.with_name("words_steps.py")
    steps.write_text(steps.read_text().replace("name: len(before)}", "name: time.time()}"))
    for more in ((), ("--from", "first")):
        with started(flow, *more) as process:
            err = process.communicate(timeout=60)[1]
    assert re.search(r"^first: completed after \d\.\d s: other bytes than before; the f", err, re.M)
    status = printed("workflow", "status", "words-3", "--store", flow.with_name("kept"))
    assert re.search(r"^first .* other bytes than before; the first stay$", status, re.M)


def test_a_tree_higher_than_the_terminal_shows_what_is_under_way_and_counts_the_rest():
    tree = LiveTree("wide", {f"part[n={n}]": [] for n in range(100)})
    for n in range(40):
        tree.told(Event(f"part[n={n}]", "kept"))
    tree.told(Event("part[n=40]", "in progress"))
    console = Console(width=60, height=24, record=True, file=io.StringIO())
    console.print(tree.picture(console))
    lines = [line.split() for line in console.export_text().splitlines()]
    assert lines[1][:4] == ["part[n=40]", "▸", "in", "progress"]
    assert " ".join(lines[2]) == "40 kept, 1 in progress, 59 pending"
    assert len(lines) == 3


def test_a_name_from_the_file_is_never_an_order_to_the_terminal(flow):
    hostile = flow.read_text().replace('["a", "b"]', '["\\u001b[31mred", "b"]')
    flow.write_text(hostile)
    run = typed(*words(flow))
    assert run.exit_code == 0
    assert "\x1b" not in run.output
    assert r"side[kind=\x1b[31mred]: completed" in run.stderr
    tree = LiveTree("t", {"side[kind=\x1b[31mred]": []})
    console = Console(width=60, record=True, file=io.StringIO())
    console.print(tree.picture(console))
    assert "\x1b[31m" not in console.export_text(styles=False)


def test_the_tree_of_a_real_terminal_ends_with_how_each_step_ended(flow):
    ours, theirs = pty.openpty()
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "30"}
    command = [str(each) for each in (OSSICLE, *words(flow))]
    with subprocess.Popen(command, **streams, env=environment) as process:
        os.close(theirs)
        screen = b"".join(read_until_closed(ours))
    os.close(ours)
    assert process.returncode == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.decode())
    last = text.rpartition("\ncount ")[2]
    for name in NODES[1:]:
        assert re.search(rf"{re.escape(name)} +✓ completed", last)
    assert "words-1 completed" in last


def read_until_closed(descriptor):
    while True:
        try:
            yield os.read(descriptor, 4096)
        except OSError:  # the other end is closed
            return


# --- at the end ---------------------------------------------------------------------------------


def test_what_was_made_is_printed_and_copied(flow, tmp_path):
    out = tmp_path / "out"
    text = printed(*words(flow, "--out", out, "--set", "least=2"))
    head, *lines = text.splitlines()
    assert re.fullmatch(r"words-1 completed in \d+\.\d s: 6 completed", head)
    assert [line.split(maxsplit=1) for line in lines] == [
        ["page", str(out / "page.html")],
        ["list", str(out / "list.txt")],
        ["sides", '[{"dog": 2, "side a": 1}, {"dog": 2, "side b": 1}]'],
        ["n", "1"],
    ]
    told = answered(*words(flow, "--set", "least=2"))
    assert (told["id"], told["state"]) == ("words-2", "completed")
    assert told["steps"] == dict.fromkeys(NODES, "kept")
    assert told["outputs"]["n"] == 1
    assert json.loads((out / "outputs.json").read_text())["outputs"]["page"] == "page.html"


def test_how_steps_ended_is_counted_in_one_order(flow):
    printed(*words(flow))
    text = printed(*words(flow, "--from", "first"))
    assert re.match(r"words-2 completed in \d+\.\d s: 3 completed, 3 kept\n", text)
    states = ["pending", "cancelled", "failed", "skipped", "kept", "completed", "kept"]
    assert counts(states) == ("1 completed, 2 kept, 1 skipped, 1 failed, 1 cancelled, 1 pending")


def test_a_step_asked_for_again_is_done_with_all_that_need_it(flow):
    printed(*words(flow))
    again = answered(*words(flow, "--from", "first"))["steps"]
    assert {name for name, state in again.items() if state == "completed"} == {
        "first",
        "second",
        "report",
    }


def test_a_path_that_is_typed_is_relative_to_the_current_folder(flow, tmp_path, monkeypatch):
    (tmp_path / "mine.txt").write_text("one")
    monkeypatch.chdir(tmp_path)
    told = answered(*words(flow, "--set", "file=mine.txt"))
    assert told["outputs"]["sides"][0] == {"one": 1, "side a": 1}


def test_a_step_that_fails_is_named_with_its_message_and_last_lines(flow):
    flow.write_text(FAILING)
    run = typed(*words(flow))
    assert (run.exit_code, run.stdout) == (1, "")
    lines = run.stderr.splitlines()
    assert lines[-1] == "Error: bad: ValueError: no such word: yelp"
    assert "the last lines of bad (all: ossicle workflow log failing-1 bad):" in lines
    assert "  ValueError: no such word: yelp" in lines
    shown = lines[lines.index("the last lines of bad (all: ossicle workflow log failing-1 bad):") :]
    assert len(shown) == 12


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--set", "lest=2"), "no parameter 'lest'; did you mean 'least'?"),
        (("--set", "least=many"), "parameters.least: 'many' is not allowed; an integer is"),
        (("--from", "frist"), "words has no step 'frist'; did you mean 'first'?"),
        (("--steps", "none.py"), "--steps none.py does not exist"),
        (("--steps", "."), "--steps . is no Python file"),
        (("--set", "file=gone.txt"), "where nothing is: gone.txt is relative to where you are"),
        (("--set", "file=gone.txt", "--dry-run"), "gone.txt is relative to where you are"),
    ],
)
def test_a_word_that_means_nothing_is_answered_with_what_was_meant(flow, more, message):
    assert message in refused(1, *words(flow, *more))
    assert not flow.with_name("kept").exists()


def test_a_step_that_is_none_is_answered_with_how_to_bring_ones_own(flow):
    words = ("run", flow, "--store", flow.with_name("kept"))
    flow.write_text('name = "x"\n[steps.a]\nstep = "nobodys"')
    assert "no step 'nobodys'; " in refused(1, *words)
    assert "; steps of your own: --steps FILE.py" in refused(1, *words)
    with_steps = refused(1, *words, "--steps", flow.with_name("words_steps.py"))
    assert "no step 'nobodys'; " in with_steps
    assert "steps of your own" not in with_steps
    assert "steps of your own" in refused(1, "workflow", "steps", "nobodys")


def test_a_setting_without_a_value_is_wrong_words(flow):
    assert "'least' is not NAME=VALUE" in refused(2, *words(flow, "--set", "least"))


def test_a_file_of_steps_does_not_take_the_place_of_a_module(flow):
    other = flow.with_name("json.py")
    other.write_text("")
    message = refused(1, *words(flow, "--steps", other))
    assert "json.py: a module is called 'json'; rename it" in message


def test_a_label_of_this_machine_is_typed(flow):
    flow.write_text(flow.read_text().replace("[steps.first]", "[steps.first]\non = {house = 7}"))
    message = refused(1, *words(flow))
    assert "first: no worker has house = 7; this machine has no labels: give --label" in message
    assert "--label house=7" in message
    assert not flow.with_name("kept").exists()
    assert "this machine has house = 8: give --label house=7" in refused(
        1, *words(flow, "--label", "house=8")
    )
    assert printed(*words(flow, "--label", "house=7"))


def test_the_folder_of_executions_is_named_by_the_environment(flow, tmp_path, monkeypatch):
    monkeypatch.setenv("OSSICLE_STORE", str(tmp_path / "elsewhere"))
    printed("run", flow, "--steps", flow.with_name("words_steps.py"))
    assert (tmp_path / "elsewhere" / "executions" / "words-1").is_dir()


# --- killed -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_killed_thirty_times_at_random_the_same_artifacts_are_made(tmp_path):
    draw = random.Random(0)
    flow, quick = written(tmp_path), ("--set", "seconds=0.2")
    expected = finished(flow, *quick)
    n_killed = 0
    while n_killed < 30:
        shutil.rmtree(tmp_path / "kept")
        survived = False
        while n_killed < 30 and not survived:
            with started(flow, *quick) as process:
                try:
                    process.communicate(timeout=draw.uniform(0.3, 1.3))
                    survived = True
                except subprocess.TimeoutExpired:
                    process.kill()
                    n_killed += 1
        assert finished(flow, *quick) == expected
    states = {each.state for each in Executions(tmp_path / "kept").list()}
    assert states <= {"completed", "interrupted"}


def finished(flow, *words):
    """Every artifact by key, with what is in it, once a run has ended well."""
    with started(flow, *words) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    store = store_of(flow.with_name("kept"))
    for artifact in store.list():
        store.verify(artifact)
    assert store.flags() == {}
    return {artifact.key: artifact.manifest["files"] for artifact in store.list()}


def test_what_lies_beside_a_file_of_steps_is_in_nobodys_way(flow):
    for name in ("json.py", "signal.py", "ossicle.py"):
        flow.with_name(name).write_text("raise SystemExit(9)")
    assert typed(*words(flow, "--jobs", 2)).exit_code == 0


def test_a_file_of_steps_that_ends_the_program_is_told(flow):
    other = flow.with_name("ending.py")
    other.write_text("import sys\nsys.exit(3)")
    message = refused(1, *words(flow, "--steps", other))
    assert "steps cannot be loaded from" in message
    assert "SystemExit: 3" in message
    assert "a module is called 'wave'" in refused(1, *words(flow, "--steps", wave(flow)))


def wave(flow):
    """A file of steps that is called as a module of Python's that nobody has loaded yet."""
    path = flow.with_name("wave.py")
    path.write_text("")
    return path


def test_a_run_goes_on_when_nobody_reads_what_it_says(flow, tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    store = tmp_path / "unread"
    command = [str(OSSICLE), *map(str, words(flow, "--store", store))]
    ended = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=writing, check=False)
    os.close(writing)
    assert ended.returncode == 0
    assert Executions(store).list()[0].state == "completed"
