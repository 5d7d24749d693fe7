"""One key is made by one maker at a time, and who goes on finds what another left."""

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ossicle.errors import WorkflowError
from ossicle.workflow import Store

# --- one key, one maker ---------------------------------------------------------------------------


def test_of_threads_that_want_one_key_only_one_computes(tmp_path: Path) -> None:
    store, computed, waited = Store(tmp_path), [], []
    recipe: Any = {"step": "count", "version": "1", "parameters": {}}
    key = store.key(**recipe)
    barrier = threading.Barrier(6)

    def want(n: int) -> None:
        barrier.wait()
        with store.claim(key, on_wait=lambda: waited.append(n)):
            if store.get(key) is None:
                computed.append(n)
                time.sleep(0.05)
                with store.writing(key, **recipe) as folder:
                    (folder / "n").write_text(str(n))

    threads = [threading.Thread(target=want, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(computed) == 1
    assert len(waited) == len(set(waited)) == 5
    assert list((tmp_path / ".unfinished").iterdir()) == []


COMPUTE_ONCE = """
import sys, time
from ossicle.workflow import Store
store = Store(sys.argv[1])
recipe = {"step": "count", "version": "1", "parameters": {}}
key = store.key(**recipe)
print("ready", flush=True)
sys.stdin.readline()
with store.claim(key, on_wait=lambda: print("waits", flush=True)):
    if store.get(key) is None:
        print("computes", flush=True)
        time.sleep(float(sys.argv[2]))
        with store.writing(key, **recipe) as folder:
            (folder / "n").write_text("3")
print("done", flush=True)
"""


def _contender(store: Path, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", COMPUTE_ONCE, str(store), str(seconds)]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, **pipes)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_of_two_processes_that_want_one_key_only_one_computes(tmp_path: Path) -> None:
    both = [_contender(tmp_path, 0.2) for _ in range(2)]
    for each in both:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    said = [each.communicate()[0].split() for each in both]
    assert sorted(said) == [["computes", "done"], ["waits", "done"]]
    assert list((tmp_path / ".unfinished").iterdir()) == []


def test_the_claim_of_a_killed_process_is_free(tmp_path: Path) -> None:
    store, waited = Store(tmp_path), []
    key = store.key("count", version="1", parameters={})
    with _contender(tmp_path, 60) as first:
        assert first.stdin is not None
        assert first.stdout is not None
        first.stdin.write("\n")
        first.stdin.flush()
        assert first.stdout.readline() == "computes\n"
        threading.Timer(0.1, first.send_signal, [signal.SIGKILL]).start()
        with store.claim(key, on_wait=lambda: waited.append(key)):
            assert store.get(key) is None
    assert waited == [key]
    assert list((tmp_path / ".unfinished").iterdir()) == []


def test_claims_of_other_keys_do_not_wait(tmp_path: Path) -> None:
    store = Store(tmp_path)
    one, two = (store.key("count", version=v, parameters={}) for v in "12")
    with store.claim(one), store.claim(two, on_wait=pytest.fail):
        pass


def test_a_claim_is_free_when_its_block_fails(tmp_path: Path) -> None:
    store = Store(tmp_path)
    key = store.key("count", version="1", parameters={})
    with pytest.raises(ZeroDivisionError), store.claim(key):
        raise ZeroDivisionError
    with store.claim(key, on_wait=pytest.fail):
        pass


def test_a_forked_process_neither_keeps_nor_ends_a_claim(tmp_path: Path) -> None:
    code = """
import os, sys
from ossicle.workflow import Store
store = Store(sys.argv[1])
key = store.key("count", version="1", parameters={})
with store.claim(key):
    if os.fork() == 0:
        sys.exit()
    os.wait()
    assert (store._unfinished / f"{key}.claim").exists()
    if os.fork() == 0:
        import time; time.sleep(60); os._exit(0)
with store.claim(key, on_wait=lambda: print("waits")):
    print("done", flush=True)
os.killpg(0, 9)
"""
    command = [sys.executable, "-W", "ignore", "-c", code, str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, start_new_session=True)
    assert run.stdout == "done\n", run.stderr


# --- going on where another ended -----------------------------------------------------------------

TRAIN: Any = {"step": "train", "version": {"code": "1"}, "parameters": {"epochs": 3}}


def test_an_unfinished_folder_is_handed_to_the_next_attempt(tmp_path: Path) -> None:
    store = Store(tmp_path)
    key = store.key(**TRAIN)
    with pytest.raises(ZeroDivisionError), store.writing(key, **TRAIN, resume=True) as folder:
        (folder / "epoch").write_text("2")
        raise ZeroDivisionError
    assert store.get(key) is None
    with store.writing(key, **TRAIN, resume=True, keep=["best"]) as folder:
        assert (folder / "epoch").read_text() == "2"
        (folder / "best").write_text("weights")
    artifact = store.get(key)
    assert artifact is not None
    assert list(artifact.manifest["files"]) == ["best"]
    assert list((tmp_path / ".unfinished").iterdir()) == []


def test_without_resuming_nothing_is_handed_on(tmp_path: Path) -> None:
    store = Store(tmp_path)
    key = store.key(**TRAIN)
    with pytest.raises(ZeroDivisionError), store.writing(key, **TRAIN) as folder:
        (folder / "epoch").write_text("2")
        raise ZeroDivisionError
    with store.writing(key, **TRAIN, resume=True) as folder:
        assert list(folder.iterdir()) == []


GO_ON = """
import os, sys
from ossicle.workflow import Store
store = Store(sys.argv[1])
recipe = {"step": "train", "version": {"code": "1"}, "parameters": {"epochs": 3}}
key = store.key(**recipe)
with store.claim(key):
    if store.get(key) is None:
        with store.writing(key, **recipe, resume=True, keep=["weights"]) as folder:
            done = len(list(folder.glob("epoch*")))
            print("starts with", done, flush=True)
            for epoch in range(done, 150):
                part = folder / f"part{epoch}"
                part.write_bytes(b"x" * 1000)
                part.rename(folder / f"epoch{epoch}")
                print(epoch, flush=True)
            (folder / "weights").write_text("learnt")
print("done", flush=True)
"""


def test_a_killed_training_goes_on_until_it_is_done(tmp_path: Path) -> None:
    store, rng, starts = Store(tmp_path), random.Random(1), []
    key = store.key(**TRAIN)
    for _ in range(40):
        command = [sys.executable, "-c", GO_ON, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            first = process.stdout.readline().split()
            starts.append(int(first[-1]) if first[0] == "starts" else 150)
            for _ in range(rng.randrange(60)):
                process.stdout.readline()
            process.kill()
        artifact = store.get(key)
        if artifact is not None:
            break
    assert artifact is not None
    store.verify(artifact)
    assert list(artifact.manifest["files"]) == ["weights"]
    assert starts == sorted(starts)
    assert len(starts) > 2


@pytest.mark.parametrize("nth", range(1, 9))
@pytest.mark.parametrize("call", ["fsync", "rename", "mkdir", "open"])
def test_whichever_call_is_refused_an_unfinished_folder_survives(
    tmp_path: Path, refuse: Callable[[str, int], list[str]], call: str, nth: int
) -> None:
    store = Store(tmp_path)
    key = store.key(**TRAIN)
    with pytest.raises(ZeroDivisionError), store.writing(key, **TRAIN, resume=True) as folder:
        (folder / "epoch").write_text("2")
        raise ZeroDivisionError
    refuse(call, nth)
    try:
        with store.writing(key, **TRAIN, resume=True, keep=["best", "plots"]) as folder:
            (folder / "best").write_text("weights")
    except WorkflowError:
        assert store.get(key) is None
        with store.writing(key, **TRAIN, resume=True, keep=["best"]) as folder:
            assert (folder / "epoch").read_text() == "2"
            (folder / "best").write_text("weights")
    artifact = store.get(key)
    assert artifact is not None
    store.verify(artifact)
    left = [path.name for path in (tmp_path / ".unfinished").iterdir()]
    assert left == [key] * (call == "open" and len(left))  # refused while it was being removed
