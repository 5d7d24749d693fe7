"""An artifact is there whole or not at all, whoever writes it and however they end."""

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ossicle.errors import WorkflowError
from ossicle.workflow import Artifact, Store

PARAMETERS = {"n": 3}


def _make(store: Store, *, version: str = "1", text: str = "three") -> Artifact:
    recipe = {"step": "count", "version": version, "parameters": PARAMETERS}
    key = store.key(**recipe)
    with store.writing(key, **recipe) as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "count.txt").write_text(text)
    artifact = store.get(key)
    assert artifact is not None
    return artifact


def test_everything_that_decides_a_result_changes_its_key() -> None:
    store = Store("unused")
    keys = {
        store.key("a", version="1", parameters={"n": 1}),
        store.key("b", version="1", parameters={"n": 1}),
        store.key("a", version="2", parameters={"n": 1}),
        store.key("a", version="1", parameters={"n": 2}),
        store.key("a", version="1", parameters={"n": 1}, inputs=["x", "y"]),
        store.key("a", version="1", parameters={"n": 1}, inputs=["y", "x"]),
    }
    assert len(keys) == 6
    first, second = ({"n": 1, "m": 2}, {"m": 2, "n": 1})
    assert store.key("a", version="1", parameters=first) == store.key(
        "a", version="1", parameters=second
    )


def test_a_store_that_was_never_written_to_has_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    assert store.get(store.key("a", version="1", parameters={})) is None
    assert not (tmp_path / "store").exists()


def test_the_same_work_gives_the_same_bytes_but_for_times(tmp_path: Path) -> None:
    artifacts = [_make(Store(tmp_path / name)) for name in ("one", "two")]
    for name in ("manifest.json", "deep/count.txt"):
        assert (artifacts[0].path / name).read_bytes() == (artifacts[1].path / name).read_bytes()
    manifest = artifacts[0].manifest
    assert manifest["step"] == "count"
    assert list(manifest["files"]) == ["deep/count.txt"]
    assert json.loads((artifacts[0].path / "times.json").read_text()).keys() == {
        "finished",
        "seconds",
    }


def test_a_failed_step_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    key = store.key("count", version="1", parameters={})
    with (
        pytest.raises(ZeroDivisionError),
        store.writing(key, step="count", version="1", parameters={}) as folder,
    ):
        (folder / "half.txt").write_text("ha")
        raise ZeroDivisionError
    assert store.get(key) is None
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "A" * 32, "0" * 31, "0" * 32 + "\n"])
def test_what_is_not_a_key_never_becomes_a_path(tmp_path: Path, key: str) -> None:
    with pytest.raises(WorkflowError, match="is not a key"):
        Store(tmp_path).get(key)


@pytest.mark.parametrize("fault", ["changed", "missing", "added"])
def test_verify_names_the_file_that_differs(tmp_path: Path, fault: str) -> None:
    store = Store(tmp_path)
    artifact = _make(store)
    store.verify(artifact)
    count = artifact.path / "deep" / "count.txt"
    if fault == "changed":
        count.write_text("four!")
    elif fault == "missing":
        count.unlink()
    else:
        (artifact.path / "deep" / "more.txt").write_text("x")
    with pytest.raises(WorkflowError, match=f"(count|more).txt .*{fault}"):
        store.verify(artifact)


def test_a_damaged_manifest_says_what_to_delete(tmp_path: Path) -> None:
    store = Store(tmp_path)
    artifact = _make(store)
    (artifact.path / "manifest.json").write_text('{"key": "other"}')
    with pytest.raises(WorkflowError, match="delete"):
        store.get(artifact.key)


@pytest.mark.parametrize("name", ["manifest.json", "times.json", "link"])
def test_reserved_names_and_links_are_refused(tmp_path: Path, name: str) -> None:
    store = Store(tmp_path)
    key = store.key("a", version="1", parameters={})
    with (
        pytest.raises(WorkflowError, match=f"cannot hold {name}"),
        store.writing(key, step="a", version="1", parameters={}) as folder,
    ):
        if name == "link":
            (folder / name).symlink_to("/etc/passwd")
        else:
            (folder / name).write_text("{}")
    assert store.get(key) is None


def test_of_writers_at_the_same_time_the_first_stays_and_all_succeed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    barrier, failures = threading.Barrier(8), []
    key = store.key("count", version="1", parameters=PARAMETERS)

    def write(text: str) -> None:
        try:
            with store.writing(key, step="count", version="1", parameters=PARAMETERS) as folder:
                (folder / "count.txt").write_text(text)
                barrier.wait()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(str(n),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    artifact = store.get(key)
    assert artifact is not None
    store.verify(artifact)
    assert {path.name for path in tmp_path.iterdir()} == {".unfinished", ".flags", key}
    assert store.flags()[key]["kept"] == artifact.content
    assert list((tmp_path / ".unfinished").iterdir()) == []


def test_old_leftovers_of_killed_writers_are_removed_and_young_ones_stay(tmp_path: Path) -> None:
    for name, age in (("old", 2 * 24 * 3600), ("young", 60)):
        folder = tmp_path / ".unfinished" / name
        folder.mkdir(parents=True)
        (folder / "file").write_text("x")
        os.utime(folder, (time.time() - age, time.time() - age))
    _make(Store(tmp_path))
    assert [path.name for path in (tmp_path / ".unfinished").iterdir()] == ["young"]


@pytest.mark.parametrize("nth", range(1, 8))
@pytest.mark.parametrize("call", ["fsync", "replace", "rename", "mkdir", "open"])
def test_whichever_call_the_system_refuses_an_artifact_is_whole_or_absent(
    tmp_path: Path, refuse: Callable[[str, int], list[str]], call: str, nth: int
) -> None:
    store = Store(tmp_path)
    key = store.key("count", version="1", parameters={})
    refuse(call, nth)
    message = ""
    try:
        with store.writing(key, step="count", version="1", parameters={}) as folder:
            (folder / "count.txt").write_text("3")
    except WorkflowError as error:
        message = str(error)
    artifact = store.get(key)
    if message:
        assert f"{key} (step count): [Errno 28] No space left" in message
        assert artifact is None
    else:
        assert artifact is not None
        store.verify(artifact)
    assert list((tmp_path / ".unfinished").glob("*")) == []


def test_a_full_disk_leaves_other_artifacts_alone(full_disk: Path) -> None:
    store = Store(full_disk)
    artifact = _make(store)
    key = store.key("count", version="2", parameters={})
    with (
        pytest.raises(WorkflowError, match=f"{key} .*No space left"),
        store.writing(key, step="count", version="2", parameters={}) as folder,
    ):
        (folder / "count.bin").write_bytes(bytes(8_000_000))
    store.verify(artifact)
    assert store.get(key) is None
    assert _make(store, version="3").key != artifact.key


WRITE_FOR_EVER = """
import sys
from ossicle.workflow import Store
store = Store(sys.argv[1])
print("ready", flush=True)
n = int(sys.argv[2])
while True:
    n += 1
    key = store.key("count", version=str(n), parameters={})
    with store.writing(key, step="count", version=str(n), parameters={}) as folder:
        for name in "abc":
            (folder / name).write_bytes(b"x" * 50_000)
"""


def test_a_killed_writer_never_leaves_half_an_artifact(tmp_path: Path) -> None:
    store, rng = Store(tmp_path), random.Random(0)
    for attempt in range(12):
        command = [sys.executable, "-c", WRITE_FOR_EVER, str(tmp_path), str(attempt * 100_000)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(rng.uniform(0, 0.04))
            writer.kill()
    keys = [path.name for path in tmp_path.iterdir() if path.name != ".unfinished"]
    for key in keys:
        artifact = store.get(key)
        assert artifact is not None
        store.verify(artifact)
        assert list(artifact.manifest["files"]) == ["a", "b", "c"]
    assert keys


# --- keys and manifests ---------------------------------------------------------------------------


@given(
    parameters=st.dictionaries(
        st.text(), st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    ),
    inputs=st.lists(st.text()) | st.dictionaries(st.text(), st.text()),
    version=st.text() | st.dictionaries(st.text(), st.text()),
)
def test_the_key_can_be_computed_from_what_json_keeps_of_its_recipe(
    parameters: Any, inputs: Any, version: Any
) -> None:
    store = Store("unused")
    recipe = {"parameters": parameters, "inputs": inputs, "version": version}
    again = json.loads(json.dumps(recipe))
    assert store.key("a", **again) == store.key("a", **recipe)


def test_keys_that_are_numbers_are_as_good_as_texts() -> None:
    store = Store("unused")
    numbers, texts = {2: "b", 10: "a"}, {"2": "b", "10": "a"}
    assert store.key("a", version="1", parameters=numbers) == store.key(
        "a", version="1", parameters=texts
    )


def test_a_recipe_that_is_not_that_of_the_key_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    key = store.key("count", version="1", parameters={})
    with (
        pytest.raises(WorkflowError, match="not the key of this recipe of step count"),
        store.writing(key, step="count", version="2", parameters={}),
    ):
        pass


def test_a_store_that_may_only_be_read_is_read(full_disk: Path) -> None:
    store = Store(full_disk)
    artifact = _make(store)
    store.pin(artifact.key, "kept")
    loose = _make(store, version="0")
    subprocess.run(["mount", "-o", "remount,ro", str(full_disk)], check=True)
    with store.in_use():
        assert store.get(artifact.key) == store.find("kept") == artifact
        store.touch(artifact.key)
        store.verify(artifact)
    assert {each.key for each in store.list()} == {artifact.key, loose.key}
    other = store.key("count", version="2", parameters={})
    with pytest.raises(WorkflowError, match="Read-only"), store.claim(other):
        pass
    with (
        pytest.raises(WorkflowError, match="Read-only"),
        store.writing(other, step="count", version="2", parameters={}),
    ):
        pass
    with pytest.raises(WorkflowError, match="Read-only"):
        store.gc(older=-1)
    store.verify(artifact)


def test_a_file_that_is_asked_for_wrongly_is_named(tmp_path: Path) -> None:
    artifact = _make(Store(tmp_path))
    with pytest.raises(WorkflowError, match=r"no file 'count\.txt'; .*deep/count\.txt"):
        artifact.digest_of("count.txt")


def test_a_missing_file_is_found_by_verify_and_made_again_when_taken_away(tmp_path: Path) -> None:
    store = Store(tmp_path)
    artifact = _make(store)
    (artifact.path / "deep" / "count.txt").unlink()
    with pytest.raises(WorkflowError, match="is missing; delete"):
        store.verify(artifact)
    store.remove(artifact.key)
    store.verify(_make(store))
