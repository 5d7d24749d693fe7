"""Files are whole or absent, whatever happens; digests name contents."""

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ossicle.errors import WorkflowError
from ossicle.workflow.code import code_digest
from ossicle.workflow.files import (
    canonical_json,
    digest,
    file_digest,
    file_digests,
    read_json,
    replacing,
    write_json,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)  # fmt: skip


def test_a_failed_writer_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "result.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text("half of the n")
        raise ZeroDivisionError
    assert [file.name for file in tmp_path.iterdir()] == ["result.txt"]
    assert path.read_text() == "old"


def test_a_writer_that_writes_nothing_is_an_error_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "result.txt"
    path.write_text("old")
    with pytest.raises(WorkflowError, match=r"cannot write .*result\.txt"), replacing(path):
        pass
    assert path.read_text() == "old"


def test_missing_folders_are_made_and_the_ending_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "sound.wav"
    with replacing(path) as temporary:
        assert temporary.parent == path.parent
        assert temporary.suffix == ".wav"
        temporary.write_bytes(b"RIFF")
    assert path.read_bytes() == b"RIFF"


def test_a_name_as_long_as_the_system_allows_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 251 + ".txt")
    with replacing(path) as temporary:
        temporary.write_text("x")
    assert path.read_text() == "x"


def test_a_folder_or_device_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "folder", Path("/dev/null")):
        with (
            pytest.raises(WorkflowError, match="not a regular file"),
            replacing(path) as temporary,
        ):
            temporary.write_text("x")


def test_a_parent_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(WorkflowError, match="cannot write"), replacing(tmp_path / "file" / "x"):
        pass


WRITE_LARGE = """
import sys
from pathlib import Path
from ossicle.errors import WorkflowError
from ossicle.workflow.files import replacing
try:
    with replacing(Path(sys.argv[1])) as temporary:
        temporary.write_bytes(bytes(8_000_000))
except WorkflowError as error:
    print(error)
"""


def test_a_full_disk_leaves_the_old_file(full_disk: Path) -> None:
    path = full_disk / "result.bin"
    path.write_bytes(b"old")
    with (
        pytest.raises(WorkflowError, match=r"result\.bin.*No space left on device"),
        replacing(path) as temporary,
    ):
        temporary.write_bytes(bytes(8_000_000))
    assert [file.name for file in full_disk.iterdir()] == ["result.bin"]
    assert path.read_bytes() == b"old"


def test_a_file_size_limit_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "result.bin"
    path.write_bytes(b"old")

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    command = [sys.executable, "-c", WRITE_LARGE, str(path)]
    done = subprocess.run(command, preexec_fn=limit, capture_output=True, text=True, check=True)
    assert "result.bin" in done.stdout
    assert "File too large" in done.stdout
    assert [file.name for file in tmp_path.iterdir()] == ["result.bin"]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("call", ["fsync", "replace", "mkdir", "open"])
def test_whichever_call_the_system_refuses_there_is_one_whole_file(
    tmp_path: Path, refuse: Callable[[str, int], list[str]], call: str, nth: int
) -> None:
    path = tmp_path / "result.json"
    write_json(path, "old")
    calls = refuse(call, nth)
    message = ""
    try:
        write_json(path, "new")
    except WorkflowError as error:
        message = str(error)
    refused_before_the_name_was_given = nth == 1 and len(calls) >= 1
    assert bool(message) == refused_before_the_name_was_given
    assert not message or "result.json: [Errno 28] No space left" in message
    assert read_json(path) == ("old" if message else "new")
    assert [file.name for file in tmp_path.iterdir()] == ["result.json"]


REWRITE_FOR_EVER = """
import sys
from pathlib import Path
from ossicle.workflow.files import replacing
print("ready", flush=True)
n = 0
while True:
    n += 1
    with replacing(Path(sys.argv[1])) as temporary:
        temporary.write_bytes(bytes([n % 256]) * 300_000)
"""


def test_a_killed_writer_never_leaves_half_a_file(tmp_path: Path) -> None:
    path, rng = tmp_path / "result.bin", random.Random(0)
    path.write_bytes(b"\0" * 300_000)
    for _ in range(12):
        command = [sys.executable, "-c", REWRITE_FOR_EVER, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(rng.uniform(0, 0.03))
            writer.kill()
        content = path.read_bytes()
        assert len(content) == 300_000
        assert len(set(content)) == 1
        assert {file.name for file in tmp_path.glob("[!.]*")} == {"result.bin"}


@given(JSON)
def test_canonical_json_is_json_and_says_one_thing_one_way(value: object) -> None:
    import json

    text = canonical_json(value)
    assert canonical_json(json.loads(text)) == text


def test_canonical_json_forgets_the_order_of_keys_and_the_kind_of_number() -> None:
    assert canonical_json({"b": 1, "a": [2]}) == canonical_json({"a": (2,), "b": 1})
    values = {"C": np.float64(0.1), "n": np.int64(3), "list": np.arange(2)}
    assert canonical_json(values) == '{"C":0.1,"list":[0,1],"n":3}'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}, Path("x")])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(WorkflowError, match="cannot be written as JSON"):
        canonical_json({"value": value})


def test_json_comes_back_as_it_was_written(tmp_path: Path) -> None:
    value = {"z": [1, 2.5, None, "ä"], "a": {"deep": True}}
    write_json(tmp_path / "value.json", value)
    assert read_json(tmp_path / "value.json") == value
    assert list(read_json(tmp_path / "value.json")) == ["z", "a"]


def test_json_that_is_missing_or_cut_off_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkflowError, match=r"cannot read .*gone\.json"):
        read_json(tmp_path / "gone.json")
    for damaged in (b'{"a": 1', b"\xff\xfe", b"[" * 100_000):
        (tmp_path / "cut.json").write_bytes(damaged)
        with pytest.raises(WorkflowError, match=r"cut\.json is not JSON"):
            read_json(tmp_path / "cut.json")


@given(st.lists(st.text()), st.lists(st.text()))
def test_digests_are_equal_only_for_equal_parts(first: list[str], second: list[str]) -> None:
    assert (digest(*first) == digest(*second)) == (first == second)


def test_a_file_is_named_by_its_bytes_alone(tmp_path: Path) -> None:
    for name, content in (("a", b"same"), ("b", b"same"), ("c", b"other")):
        (tmp_path / name).write_bytes(content)
    a, b, c = (file_digest(tmp_path / name) for name in "abc")
    assert a == b != c
    with pytest.raises(WorkflowError, match="cannot read"):
        file_digest(tmp_path / "missing")


def test_digests_of_many_files_follow_every_edit_and_name_what_is_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / name for name in "abc"]
    for path in paths[:2]:
        path.write_bytes(b"same")
        os.utime(path, (0, 0))
    first = file_digests([*paths, paths[0]])
    assert list(first) == paths
    assert first[paths[0]] == first[paths[1]] == file_digest(paths[0])
    assert "cannot read" in str(first[paths[2]])
    paths[1].write_bytes(b"else")
    os.utime(paths[1], (0, 0))
    assert file_digests(paths)[paths[1]] == file_digest(paths[1])
    monkeypatch.setattr("ossicle.workflow.files._SETTLED", -1e9)
    known = file_digests(paths[:2])
    monkeypatch.setattr("ossicle.workflow.files.file_digest", None)
    assert file_digests(paths[:2]) == known


def _digest_of_copy(folder: Path, part: str) -> str:
    code = f"from ossicle.workflow.code import code_digest; print(code_digest({part!r}))"
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-c", code]
    return subprocess.check_output(command, env=environment, cwd=folder, text=True).strip()


def test_editing_any_source_of_a_part_changes_its_digest(tmp_path: Path) -> None:
    import ossicle

    package = Path(ossicle.__file__).parent
    copy = tmp_path / "ossicle"
    for source in ("__init__.py", "errors.py", "extras.py", "types.py", "workflow"):
        target = copy / source
        if (package / source).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(package / source, target, ignore=ignored)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(package / source, target)
    before = _digest_of_copy(tmp_path, "workflow")
    assert before == code_digest("workflow")
    module = _digest_of_copy(tmp_path, "workflow.files")
    with (copy / "workflow" / "executor.py").open("a") as file:
        file.write("# edited\n")
    assert _digest_of_copy(tmp_path, "workflow") != before
    assert _digest_of_copy(tmp_path, "workflow.files") == module


def test_another_version_of_a_library_changes_the_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_digest("types", libraries=("numpy", "scipy"))
    assert before == code_digest("types", libraries=("scipy", "numpy")) != code_digest("types")
    code_digest.cache_clear()
    with monkeypatch.context() as patched:
        patched.setattr("importlib.metadata.version", lambda name: "99.0")
        assert code_digest("types", libraries=("numpy", "scipy")) != before
    code_digest.cache_clear()
    with pytest.raises(WorkflowError, match="no_such_library is not installed"):
        code_digest("types", libraries=("no_such_library",))


def test_a_part_that_does_not_exist_is_refused() -> None:
    with pytest.raises(WorkflowError, match="no part 'cellar'"):
        code_digest("cellar")
