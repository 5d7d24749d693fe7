"""Steps, files and hands that do what they should not: told in one line, and nothing hangs."""

import os
import shutil
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import clumsy_steps as clumsy
import pytest

from ossicle.errors import WorkflowError
from ossicle.workflow.calls import load_module
from ossicle.workflow.executor import LocalCluster
from ossicle.workflow.files import path_digest
from ossicle.workflow.manifest import Step, find_step
from ossicle.workflow.nodes import Event
from ossicle.workflow.pipeline import NodeOptions, Pipeline, Results
from ossicle.workflow.record import read_executions, recorder
from ossicle.workflow.store import Store

APART = LocalCluster(1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def run(store: Store, step: Step[..., object], deadline: float = 30.0, **more: object) -> Results:
    pipeline = Pipeline()
    pipeline.add(step, "a", options=NodeOptions(deadline=deadline), **more)
    return pipeline.run(store, cluster=APART)


# --- steps ----------------------------------------------------------------------------------------


def test_a_step_finds_no_input_and_waits_for_none(store: Store) -> None:
    assert run(store, clumsy.ask).value("a") == ""


@pytest.mark.parametrize(
    ("then", "message"), [("die", "exit status 7"), ("wait", r"longer than 1\.0 s")]
)
def test_what_a_step_has_left_behind_keeps_nobody_waiting(
    store: Store, tmp_path: Path, then: str, message: str
) -> None:
    begun, note = time.monotonic(), tmp_path / "note"
    with pytest.raises(WorkflowError, match=message):
        run(
            store,
            clumsy.daemon,
            deadline=1.0 if then == "wait" else 15.0,
            note=str(note),
            then=then,
        )
    with suppress(OSError):
        os.kill(int(note.read_text()), signal.SIGKILL)
    assert time.monotonic() - begun < 10.0


def test_a_forked_copy_of_a_step_ends_where_the_step_ends(store: Store) -> None:
    made = run(store, clumsy.fork)["a"]
    assert (made.path / "made").read_text() == "by the parent"


@pytest.mark.parametrize("relative", [False, True])
def test_a_step_may_close_its_output_and_leave_its_folder(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relative: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("logs").mkdir()
    pipeline, where = Pipeline(), Store("store") if relative else store
    pipeline.add(clumsy.silence, "a")
    pipeline.add(clumsy.wander, "b", place=str(tmp_path / "there"))
    pipeline.add(clumsy.copy, "c", text="c")
    assert pipeline.run(where, cluster=APART, logs=Path("logs")).value("c") == "c"


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("speechless", "SpeechlessError: it cannot be put in words"),
        ("unwritable", r"ValueError: a\\udcffb"),
        ("system", "a: FileNotFoundError: .*/nowhere/at/all"),
    ],
)
def test_a_failure_that_is_hard_to_tell_is_told(store: Store, how: str, message: str) -> None:
    with pytest.raises(WorkflowError, match=message) as caught:
        run(store, clumsy.failing, how=how)
    assert str(store.root) not in str(caught.value)


def test_what_the_system_refuses_a_step_is_not_the_stores_here_either(store: Store) -> None:
    pipeline = Pipeline()
    pipeline.add(clumsy.failing, "a", how="system")
    with pytest.raises(WorkflowError, match="a: FileNotFoundError"):
        pipeline.run(store)


def test_a_pipe_is_no_result_and_is_not_waited_for(store: Store) -> None:
    with pytest.raises(WorkflowError, match="an artifact cannot hold pipe"):
        run(store, clumsy.pipe)


def test_progress_in_other_numbers_fails_no_step_and_no_record(
    store: Store, tmp_path: Path
) -> None:
    pipeline = Pipeline()
    pipeline.add(clumsy.far, "a")
    with pytest.raises(WorkflowError), recorder(tmp_path, "x-1", "x", ["a"]) as record:
        pipeline.run(store, cluster=APART, on_event=record.event)
        record.event(Event("a", "failed", "a name that is no text: \udcff"))
        raise WorkflowError("\udcff")
    assert read_executions(tmp_path)[0]["message"] == r"\udcff"


def test_a_deadline_longer_than_any_clock_is_one(store: Store) -> None:
    assert run(store, clumsy.copy, deadline=1e300, text="x").value("a") == "x"


# --- files that change ----------------------------------------------------------------------------


def test_what_was_made_of_a_file_that_changed_meanwhile_is_not_kept(
    store: Store, tmp_path: Path
) -> None:
    file = tmp_path / "text"
    file.write_text("one")
    change = threading.Timer(0.7, file.write_text, ["two"])
    change.start()
    with pytest.raises(WorkflowError, match="a: file changed while it was done"):
        run(store, clumsy.read, file=file, pause=1.5)
    change.join()
    assert store.list() == []
    file.write_text("one")
    assert run(store, clumsy.read, file=file, pause=1.5).value("a") == "one"


def chain(store: Store) -> str:
    pipeline = Pipeline()
    first = pipeline.add(clumsy.copy, "first", text="sound")
    pipeline.add(clumsy.copy, "second", text=first)
    return str(pipeline.run(store).value("second"))


def of(store: Store, node: str) -> Path:
    return next(a.path for a in store.list() if a.manifest["provenance"]["node"] == node)


@pytest.mark.parametrize("node", ["first", "second"])
def test_a_result_whose_file_was_deleted_is_made_again(store: Store, node: str) -> None:
    chain(store)
    (of(store, node) / "result.json").unlink()
    assert chain(store) == "sound"
    for artifact in store.list():
        store.verify(artifact)
    assert len(store.list()) == 2


def test_a_result_that_was_edited_is_never_built_upon(store: Store) -> None:
    chain(store)
    edited = of(store, "first") / "result.json"
    edited.write_text('"noise"\n')
    shutil.rmtree(of(store, "second"))
    with pytest.raises(WorkflowError, match=r"second: .*result\.json has changed; delete"):
        chain(store)
    shutil.rmtree(edited.parent)
    assert chain(store) == "sound"


@pytest.mark.parametrize(
    "told",
    ['{"key": "KEY", "files": 3}', '{"key": "KEY", "files": {"a": 1}}', '{"key": "KEY"}', "[]"],
)
def test_a_manifest_that_was_edited_is_told_and_passed_over(store: Store, told: str) -> None:
    chain(store)
    folder = of(store, "first")
    (folder / "manifest.json").write_text(told.replace("KEY", folder.name))
    (of(store, "second") / "times.json").write_text("[1]")
    with pytest.raises(WorkflowError, match="is not the manifest of"):
        store.get(folder.name)
    assert [artifact.times for artifact in store.list()] == [{}]
    assert store.gc(older=0.0)


def test_a_pin_that_is_nonsense_names_nothing(store: Store) -> None:
    chain(store)
    pins = Path(store.root) / ".pins"
    (pins / "folder").mkdir(parents=True)
    (pins / "bytes").write_bytes(b"\xff\xfe")
    assert list(store.pins()) == ["bytes"]
    with pytest.raises(WorkflowError, match="has no artifact 'bytes'"):
        store.find("bytes")


CODE = """
from ossicle.workflow.manifest import step


@step(name="clumsy edited")
def edited() -> str:
    return "WORD"
"""


def test_code_that_changed_after_a_run_began_is_not_run_under_the_old_key(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    file = tmp_path / "clumsy_edited.py"
    file.write_text(CODE.replace("WORD", "old"))
    load_module("clumsy_edited", str(file))
    step = find_step("clumsy edited")
    assert step.version
    file.write_text(CODE.replace("WORD", "new"))
    with pytest.raises(WorkflowError, match="the code of step clumsy edited changed after"):
        run(store, step)
    file.write_text(CODE.replace("WORD", "old"))
    assert run(store, step).value("a") == "old"


# --- folders --------------------------------------------------------------------------------------


def test_a_folder_counts_with_what_lies_behind_links(tmp_path: Path) -> None:
    folder, other = tmp_path / "folder", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    (other / "a").write_text("one")
    (folder / "link").symlink_to(other)
    before = path_digest(folder)
    (other / "a").write_text("other")
    assert path_digest(folder) != before
    (other / "ring").symlink_to(folder)
    assert path_digest(folder) == path_digest(folder)


def test_a_folder_with_names_that_are_no_text_is_an_input(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.wav")).write_text("sound")
    assert run(store, clumsy.names, folder=folder).value("a") == 1
