"""What a store keeps and lets go: pins stay, the least used goes first, nothing goes by half."""

import contextlib
import os
import random
import shutil
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
from ossicle.workflow.keeping import DAY, Kept, superfluous


def make(store: Store, n: int = 0, *, size: int = 10, days: float = 0.0) -> Artifact:
    """An artifact that was last used so many days ago."""
    recipe: Any = {"step": "count", "version": "1", "parameters": {"n": n}}
    key = store.key(**recipe)
    with store.writing(key, **recipe) as folder:
        (folder / "data").write_bytes(b"x" * size)
    artifact = store.get(key)
    assert artifact is not None
    used = time.time() - days * DAY
    os.utime(artifact.path / "times.json", (used, used))
    return artifact


def keys(artifacts: Any) -> list[str]:
    return [each.key for each in artifacts]


# --- found ----------------------------------------------------------------------------------------


def test_the_last_used_comes_first(tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = [make(store, n, days=n) for n in range(3)]
    assert keys(store.list()) == keys(made)
    store.touch(made[2].key)
    assert keys(store.list()) == [made[2].key, made[0].key, made[1].key]


def test_damaged_ones_are_not_listed_and_do_not_hide_others(tmp_path: Path) -> None:
    store = Store(tmp_path)
    good, bad = make(store, 1), make(store, 2)
    (bad.path / "manifest.json").write_text('{"key": "other"}')
    (tmp_path / "notes").mkdir()
    (tmp_path / ("f" * 32)).write_text("a file")
    assert keys(store.list()) == [good.key]


def test_an_artifact_is_found_by_the_start_of_its_key_or_a_pin(tmp_path: Path) -> None:
    store = Store(tmp_path)
    artifact = make(store)
    store.pin(artifact.key[:4], "first")
    for word in (artifact.key, artifact.key[:4], artifact.key[:9], "first"):
        assert store.find(word) == artifact


@pytest.mark.parametrize("word", ["", "abc", "*", "../x", "no-such", "0000", "F" * 8])
def test_what_is_not_found_is_said_with_what_is_pinned(tmp_path: Path, word: str) -> None:
    store = Store(tmp_path)
    with pytest.raises(WorkflowError, match="nothing is pinned"):
        store.find(word)
    store.pin(make(store).key, "such")
    with pytest.raises(WorkflowError, match=r"did you mean|allowed: such"):
        store.find(word)


def test_several_that_start_alike_are_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = make(store)
    other = tmp_path / (first.key[:6] + ("0" if first.key[6] != "0" else "1") * 26)
    shutil.copytree(first.path, other)
    manifest = (first.path / "manifest.json").read_text()
    (other / "manifest.json").write_text(manifest.replace(first.key, other.name))
    with pytest.raises(WorkflowError, match=f"several keys: .*{first.key[:10]}"):
        store.find(first.key[:6])
    assert store.find(first.key[:7]) == first


# --- pins -----------------------------------------------------------------------------------------


def test_a_pin_is_a_name_until_it_is_taken_away(tmp_path: Path) -> None:
    store = Store(tmp_path)
    one, two = make(store, 1), make(store, 2)
    store.pin(one.key, "best")
    store.pin(one.key, "best")
    store.pin(one.key, "also.best-1")
    assert store.pins() == {"also.best-1": one.key, "best": one.key}
    with pytest.raises(WorkflowError, match=f"'best' is pinned to {one.key[:12]} already"):
        store.pin(two.key, "best")
    store.unpin("best")
    store.pin(two.key, "best")
    assert store.find("best") == two


@pytest.mark.parametrize(
    "name", ["", "a/b", "../x", ".hidden", "a b", "cafe", "0123456789", "x" * 101, "a\n"]
)
def test_a_name_that_is_none_or_looks_like_a_key_is_refused(tmp_path: Path, name: str) -> None:
    store = Store(tmp_path)
    artifact = make(store)
    with pytest.raises(WorkflowError, match="cannot be a pin's name"):
        store.pin(artifact.key, name)
    assert store.pins() == {}


def test_a_pin_that_is_not_there_is_not_taken_away(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.pin(make(store).key, "best")
    with pytest.raises(WorkflowError, match="did you mean 'best'"):
        store.unpin("bets")
    with pytest.raises(WorkflowError, match=r"nothing is pinned as '\.\./x'"):
        store.unpin("../x")


def test_what_is_pinned_is_not_removed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    artifact = make(store)
    store.pin(artifact.key, "best")
    with pytest.raises(WorkflowError, match="pinned as 'best'"):
        store.remove(artifact.key)
    store.unpin("best")
    store.remove(artifact.key)
    assert store.get(artifact.key) is None
    with pytest.raises(WorkflowError, match="cannot remove"):
        store.remove(artifact.key)


# --- flags ----------------------------------------------------------------------------------------


def test_other_bytes_of_one_recipe_are_flagged_and_the_first_stay(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = make(store, size=10)
    assert make(store, size=10) == first
    assert store.flags() == {}
    assert make(store, size=11) == first
    flag = store.flags()[first.key]
    assert flag["kept"] == first.content != flag["other"]
    assert flag["files"] == ["data"]
    store.remove(first.key)
    assert store.flags() == {}


def test_other_times_are_no_reason_for_a_flag(tmp_path: Path) -> None:
    store = Store(tmp_path)
    recipe: Any = {"step": "train", "version": "1", "parameters": {}}
    key = store.key(**recipe)
    for seconds in (1, 2):
        with store.writing(key, **recipe, measured=["ms"]) as folder:
            (folder / "ms").write_text(str(seconds))
    assert store.flags() == {}


# --- what goes ------------------------------------------------------------------------------------

KEPT = st.builds(
    Kept,
    key=st.text("0123456789abcdef", min_size=6, max_size=6),
    used=st.floats(0, 100 * DAY),
    n_bytes=st.integers(0, 100),
    is_pinned=st.booleans(),
)


@given(
    kept=st.lists(KEPT, unique_by=lambda each: each.key),
    older=st.none() | st.floats(0, 100),
    max_bytes=st.none() | st.integers(0, 1_000),
)
def test_what_goes_is_old_or_too_much_and_never_pinned(
    kept: list[Kept], older: float | None, max_bytes: int | None
) -> None:
    now = 100 * DAY
    going = superfluous(kept, now=now, older=older, max_bytes=max_bytes)
    stays = [each for each in kept if each not in going]
    loose = [each for each in stays if not each.is_pinned]
    assert not any(each.is_pinned for each in going)
    assert [each.used for each in going] == sorted(each.used for each in going)
    if older is None and max_bytes is None:
        assert going == []
    if older is not None:
        assert all(each.used >= now - older * DAY for each in loose)
    if max_bytes is not None:
        assert not loose or sum(each.n_bytes for each in stays) <= max_bytes
        if older is None and going:  # one less would have been too few
            assert sum(each.n_bytes for each in (*stays, going[-1])) > max_bytes
            assert all(each.used <= other.used for each in going for other in loose)


def test_gc_removes_what_was_not_used_for_long(tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = [make(store, n, days=n * 10) for n in range(4)]
    store.pin(made[3].key, "best")
    assert keys(store.gc(older=15, dry_run=True)) == [made[2].key]
    assert len(store.list()) == 4
    assert keys(store.gc(older=15)) == [made[2].key]
    assert keys(store.list()) == [made[n].key for n in (0, 1, 3)]
    assert list((tmp_path / ".unfinished").iterdir()) == []


def test_gc_makes_a_store_no_larger_than_asked(tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = [make(store, n, days=n, size=10_000) for n in range(4)]
    store.touch(made[3].key)
    gone = store.gc(max_bytes=25_000)
    assert keys(gone) == [made[2].key, made[1].key]
    assert sum(each.n_bytes for each in store.list()) <= 25_000
    assert store.gc(max_bytes=25_000) == []


def test_gc_without_a_limit_removes_only_leftovers(tmp_path: Path) -> None:
    store = Store(tmp_path)
    make(store, days=1_000)
    resumable = "a" * 32
    for name, days in (("left.new", 2), ("x.claim", 2), (resumable, 2), ("b" * 32, 40)):
        path = tmp_path / ".unfinished" / name
        path.mkdir() if "claim" not in name else path.touch()
        os.utime(path, (time.time() - days * DAY,) * 2)
    assert store.gc() == []
    assert [path.name for path in (tmp_path / ".unfinished").iterdir()] == [resumable]
    assert len(store.list()) == 1


def test_a_folder_that_is_being_filled_is_no_leftover_however_old(tmp_path: Path) -> None:
    store = Store(tmp_path)
    recipe: Any = {"step": "train", "version": "1", "parameters": {}}
    with store.writing(store.key(**recipe), **recipe) as folder:
        (folder / "data").write_text("x")
        os.utime(folder, (time.time() - 50 * DAY,) * 2)
        make(store)
        assert (folder / "data").exists()


def test_gc_waits_for_no_execution_but_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    artifact = make(store, days=9)
    with store.in_use(), store.in_use():
        with pytest.raises(WorkflowError, match="is in use; wait"):
            store.gc(older=1)
        assert keys(store.gc(older=1, dry_run=True)) == [artifact.key]
    assert store.get(artifact.key) is not None
    assert keys(store.gc(older=1)) == [artifact.key]


IN_USE = """
import sys
from ossicle.workflow import Store
with Store(sys.argv[1]).in_use():
    print("ready", flush=True)
    sys.stdin.readline()
"""


def test_an_execution_that_was_killed_uses_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    make(store, days=9)
    command = [sys.executable, "-c", IN_USE, str(tmp_path)]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(WorkflowError, match="is in use"):
            store.gc(older=1)
        process.kill()
    assert len(store.gc(older=1)) == 1


CLEAR = """
import sys
from ossicle.workflow import Store
print("ready", flush=True)
Store(sys.argv[1]).gc(older=-1)
"""


def test_a_killed_gc_leaves_whole_artifacts(tmp_path: Path) -> None:
    store, rng = Store(tmp_path), random.Random(0)
    for attempt in range(6):
        for n in range(12):
            make(store, attempt * 100 + n)
        command = [sys.executable, "-c", CLEAR, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(rng.uniform(0, 0.01))
            process.kill()
        left = [path for path in tmp_path.iterdir() if not path.name.startswith(".")]
        assert sorted(path.name for path in left) == sorted(keys(store.list()))
        for artifact in store.list():
            store.verify(artifact)


@pytest.mark.parametrize("nth", range(1, 8))
@pytest.mark.parametrize("call", ["open", "rename"])
def test_whichever_call_is_refused_gc_leaves_whole_artifacts(
    tmp_path: Path, refuse: Callable[[str, int], list[str]], call: str, nth: int
) -> None:
    store = Store(tmp_path)
    for n in range(3):
        make(store, n)
    refuse(call, nth)
    with contextlib.suppress(WorkflowError):
        store.gc(older=-1)
    for artifact in store.list():
        store.verify(artifact)


def test_makers_and_gc_at_the_same_time_leave_whole_artifacts(tmp_path: Path) -> None:
    store, failures = Store(tmp_path), []

    def work(act: Callable[[int], object]) -> None:
        try:
            for n in range(25):
                act(n)
        except Exception as error:
            failures.append(error)

    acts: list[Callable[[int], object]] = [
        lambda n: store.gc(max_bytes=3_000),
        lambda n: store.list(),
        lambda n: _made(store, n),
        lambda n: _made(store, 100 + n),
    ]
    threads = [threading.Thread(target=work, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for artifact in store.list():
        store.verify(artifact)


def _made(store: Store, n: int) -> None:
    recipe: Any = {"step": "count", "version": "1", "parameters": {"n": n}}
    with store.writing(store.key(**recipe), **recipe) as folder:
        (folder / "data").write_bytes(b"x" * 100)
