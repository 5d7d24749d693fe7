"""A result is found again only if everything that made it is as it was."""

import os
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_steps as small
from pipelines import done

from ossicle.errors import WorkflowError
from ossicle.workflow import LocalCluster, Pipeline, Store, step


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@step(name="key value")
def value_of(value: Any) -> str:
    """What arrives."""
    return repr(value)


@pytest.mark.parametrize("value", [(1, 2), np.arange(3), np.float64(0.5), {"a": (1,)}])
@pytest.mark.parametrize("cluster", [None, LocalCluster(1)], ids=["here", "apart"])
def test_a_step_is_given_the_value_that_the_key_counts(
    store: Store, value: Any, cluster: LocalCluster | None
) -> None:
    pipeline = Pipeline()
    pipeline.add(value_of, "value", value=value)
    plain = {"a": [1]} if isinstance(value, dict) else np.asarray(value).tolist()
    assert pipeline.run(store, cluster=cluster).value("value") == repr(plain)


def default_file() -> Path:
    import tempfile

    return Path(tempfile.mkdtemp()) / "in.txt"


DEFAULT = default_file()


@step(name="key default")
def read_default(file: Path = DEFAULT) -> str:
    """The words of a file."""
    return file.read_text()


def test_an_input_that_is_left_at_its_default_counts_by_its_content(store: Store) -> None:
    for words in ("old", "newer"):
        DEFAULT.write_text(words)
        pipeline = Pipeline()
        pipeline.add(read_default, "words")
        assert pipeline.run(store).value("words") == words


@step(name="key lists")
def names_of(files: list[Path] | None = None) -> list[str] | None:
    """Names, or nothing if nothing was given."""
    return None if files is None else [file.name for file in files]


def test_no_files_are_not_the_same_as_nothing_given(store: Store) -> None:
    for arguments, expected in (({}, None), ({"files": []}, [])):
        pipeline = Pipeline()
        pipeline.add(names_of, "names", **arguments)
        artifact = pipeline.run(store)["names"]
        if expected is None:
            assert "result.json" not in artifact.manifest["files"]
        else:
            assert "result.json" in artifact.manifest["files"]


@step(name="key meddling")
def meddle(file: Path) -> str:
    """Read a file, and change it."""
    words = file.read_text()
    file.write_text(f"{words} and more")
    return words


def test_what_was_made_of_a_file_that_changed_meanwhile_is_never_there(
    store: Store, tmp_path: Path
) -> None:
    file = tmp_path / "words.txt"
    file.write_text("words")
    pipeline = Pipeline()
    pipeline.add(meddle, "meddling", file=file)
    for again in ((), ("meddling",)):
        with pytest.raises(WorkflowError, match="meddling: file changed while it was done"):
            pipeline.run(store, again=again)
        assert store.list() == []
        assert store.flags() == {}


@pytest.mark.parametrize("cluster", [None, LocalCluster(1)], ids=["here", "apart"])
def test_what_another_step_made_is_no_file_that_changes_wherever_the_store_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: LocalCluster | None
) -> None:
    monkeypatch.chdir(tmp_path)
    pipeline = Pipeline()
    page = pipeline.add(small.page, "page", counts={"dog": 1}, title="x")
    pipeline.add(small.files_below, "below", folder=page["tables"])
    pipeline.add(small.letters, "letters", pages=[page["page"]])
    results = pipeline.run("kept", cluster=cluster)
    assert results.value("below") == ["counts.json"]


def test_code_that_was_edited_after_it_was_loaded_makes_nothing(
    store: Store, tmp_path: Path
) -> None:
    import importlib

    path = tmp_path / "steps_edited.py"
    text = "from ossicle.workflow import step\n@step\ndef edited() -> int:\n    return {}\n"
    sys.path.insert(0, str(tmp_path))
    try:
        path.write_text(text.format(1))
        os.utime(path, (time.time() - 60,) * 2)
        module = importlib.import_module("steps_edited")
        path.write_text(text.format(2222))
        pipeline = Pipeline()
        pipeline.add(module.edited, "value")
        with pytest.raises(WorkflowError, match=r"steps_edited\.py was edited after it was loaded"):
            pipeline.run(store)
        assert store.list() == []
    finally:
        sys.path.remove(str(tmp_path))


def test_annotations_that_cannot_be_read_hide_no_input() -> None:
    def hidden(file: Path, other: "OnlyForTypes") -> str:  # type: ignore[name-defined]  # noqa: F821
        return ""

    with pytest.raises(WorkflowError, match=r"its annotations cannot be read .*OnlyForTypes"):
        Pipeline().add(step(name="key hidden")(hidden), file="a", other=1)


@pytest.mark.parametrize("hint", [Iterable[Path], Mapping[str, Path], set[Path]])
def test_paths_that_would_not_count_by_content_are_refused(hint: Any) -> None:
    def strange(files: Any) -> str:
        return ""

    strange.__annotations__["files"] = hint
    with pytest.raises(WorkflowError, match="holds paths that would not be counted by content"):
        Pipeline().add(step(name=f"key {hint}")(strange), files=[])


def test_a_result_with_words_of_its_own_names_no_folder_that_is_gone(store: Store) -> None:
    pipeline = Pipeline()
    pipeline.add(small.told, "told")
    assert pipeline.run(store).value("told") == {"file": "a.txt"}


@pytest.mark.parametrize("cluster", [None, LocalCluster(1)], ids=["here", "apart"])
def test_a_step_that_exits_has_failed(store: Store, cluster: LocalCluster | None) -> None:
    pipeline = Pipeline()
    pipeline.add(small.exit_well, "leaving")
    with pytest.raises(WorkflowError, match=r"leaving: it ended with sys\.exit\(0\)"):
        done(pipeline, store, cluster=cluster)


def test_a_failure_in_another_process_tells_where_it_was(store: Store) -> None:
    pipeline = Pipeline()
    pipeline.add(small.nested_failure, "failing")
    with pytest.raises(WorkflowError, match="failing: KeyError") as caught:
        pipeline.run(store, cluster=LocalCluster(1))
    cause = caught.value.__cause__
    assert cause is not None
    assert "in deeper" in "".join(cause.__notes__)
