"""What becomes of a folder that was filled: what is kept, what counts, what is on the disk."""

import os
from pathlib import Path
from typing import Any

import pytest

from ossicle.errors import WorkflowError
from ossicle.workflow import Artifact, Store

PARAMETERS = {"n": 3}
TRAIN: Any = {"step": "train", "version": {"code": "1"}, "parameters": {"epochs": 3}}

# --- what is kept ---------------------------------------------------------------------------------


def test_what_is_published_is_exactly_what_is_kept_and_the_log(tmp_path: Path) -> None:
    store = Store(tmp_path)
    key = store.key(**TRAIN)
    with store.writing(key, **TRAIN, keep=["best.*", "plots", "deep/*/x"]) as folder:
        for name in ("best.a", "best.b", "scratch", "plots/1", "plots/in/2", "deep/a/x", "deep/y"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(name)
        (folder / "log.txt").write_text("epoch 1\n")
    artifact = store.get(key)
    assert artifact is not None
    kept = ["best.a", "best.b", "deep/a/x", "plots/1", "plots/in/2"]
    assert list(artifact.manifest["files"]) == kept
    present = {p.relative_to(artifact.path).as_posix() for p in artifact.path.rglob("*.*")}
    assert present == {"best.a", "best.b", "log.txt", "manifest.json", "times.json"}
    store.verify(artifact)


def test_log_and_times_are_no_part_of_the_content_and_measured_files_neither(
    tmp_path: Path,
) -> None:
    contents, manifests = set(), set()
    for n in range(2):
        store = Store(tmp_path / str(n))
        key = store.key(**TRAIN)
        with store.writing(key, **TRAIN, measured=["speed/*"]) as folder:
            (folder / "result").write_text("the same")
            (folder / "log.txt").write_text(f"took {n} s")
            (folder / "speed").mkdir()
            (folder / "speed" / "ms").write_text(str(n))
        artifact = store.get(key)
        assert artifact is not None
        assert artifact.manifest["measured"] == ["speed/ms"]
        contents.add(artifact.content)
        manifests.add(artifact.digest_of("speed/ms"))
        store.verify(artifact)
    assert len(contents) == 1
    assert len(manifests) == 2


def test_a_measured_file_is_verified_nevertheless(tmp_path: Path) -> None:
    store = Store(tmp_path)
    key = store.key(**TRAIN)
    with store.writing(key, **TRAIN, measured=["ms"]) as folder:
        (folder / "ms").write_text("1")
    artifact = store.get(key)
    assert artifact is not None
    (artifact.path / "ms").write_text("2")
    with pytest.raises(WorkflowError, match="ms has changed"):
        store.verify(artifact)


# --- what is on the disk --------------------------------------------------------------------------


def _make(store: Store, *, version: str = "1", text: str = "three") -> Artifact:
    recipe = {"step": "count", "version": version, "parameters": PARAMETERS}
    key = store.key(**recipe)
    with store.writing(key, **recipe) as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "count.txt").write_text(text)
    artifact = store.get(key)
    assert artifact is not None
    return artifact


CUT = {
    "empty": lambda data: b"",
    "half": lambda data: data[: len(data) // 2],
    "without its end": lambda data: data[:-3],
    "zeros": lambda data: bytes(len(data)),
    "missing": None,
}


@pytest.mark.parametrize("cut", CUT)
def test_an_artifact_whose_manifest_never_reached_the_disk_is_made_again(
    tmp_path: Path, cut: str
) -> None:
    """A cut of power between the rename and the moment that the system writes the manifest."""
    store = Store(tmp_path)
    artifact = _make(store)
    manifest = artifact.path / "manifest.json"
    change: Any = CUT[cut]
    manifest.unlink() if change is None else manifest.write_bytes(change(manifest.read_bytes()))
    assert store.get(artifact.key) is None
    assert store.list() == []
    again = _make(store)
    assert again.manifest == artifact.manifest
    store.verify(again)
    assert store.flags() == {}


def test_what_took_long_is_on_the_disk_whole_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[str] = []
    rename, fsync = Path.rename, os.fsync

    def seen_fsync(descriptor: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    def seen_rename(path: Path, target: Path) -> Path:
        flushed.append("rename")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", seen_fsync)
    monkeypatch.setattr(Path, "rename", seen_rename)
    _make(Store(tmp_path / "quick"))
    assert flushed == ["count.txt", "rename"]
    flushed.clear()
    monkeypatch.setattr("ossicle.workflow.sealing._LONG", -1.0)
    _make(Store(tmp_path / "slow"))
    before, after = flushed[: flushed.index("rename")], flushed[flushed.index("rename") :]
    assert {"count.txt", "manifest.json", "deep"} <= set(before)
    assert after == ["rename", "slow"]
