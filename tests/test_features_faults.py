"""Faults of the moment: reported this time, forgotten the next."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ossicle.audio import read_audio, write_audio
from ossicle.errors import AudioError, UnavailableError, WorkflowError
from ossicle.features import FeatureStore, LogMel, parts
from ossicle.types import Clip, Recording

RATE = 16_000
FRONT_END = LogMel(n_mels=8)


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    for index in range(4):
        noise = 0.1 * np.random.default_rng(index).standard_normal(RATE)
        write_audio(tmp_path / f"{index}.wav", noise, RATE)
    return [Clip(Recording(tmp_path / f"{index}.wav")) for index in range(4)]


FEW_DESCRIPTORS = """
import json, os, resource, sys
from pathlib import Path
from ossicle.errors import OssicleError
from ossicle.features import FeatureStore, LogMel
from ossicle.types import Clip, Recording

folder, root = map(Path, sys.argv[1:])
clips = [Clip(Recording(path)) for path in sorted(folder.glob("*.wav"))]
FeatureStore(root / "warm").extract(clips[:1], LogMel(n_mels=8))  # everything is imported
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
seen = []
for n_left in range(6):
    taken = []
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        pass
    for descriptor in taken[:n_left]:
        os.close(descriptor)
    try:
        table = FeatureStore(root / str(n_left)).extract(clips, LogMel(n_mels=8))
        seen += [why for _, why in table.skipped]
    except OssicleError as error:
        seen.append(str(error))
    for descriptor in taken[n_left:]:
        os.close(descriptor)
print(json.dumps(seen))
"""


def test_too_many_open_files_are_forgotten_by_the_next_run(
    clips: list[Clip], tmp_path: Path
) -> None:
    command = [sys.executable, "-c", FEW_DESCRIPTORS, tmp_path, tmp_path / "stores"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    reasons = json.loads(done.stdout)
    assert any("Too many open files" in reason for reason in reasons)
    assert any(reason.startswith("cannot be opened") for reason in reasons)  # after its digest
    expected = FeatureStore(tmp_path / "good").extract(clips, FRONT_END).matrix("mean")
    for n_left in range(6):
        table = FeatureStore(tmp_path / "stores" / str(n_left)).extract(clips, FRONT_END)
        assert table.skipped == []
        np.testing.assert_array_equal(table.matrix("mean"), expected)


@pytest.mark.parametrize("fault", [UnavailableError("gone"), MemoryError()], ids=repr)
def test_a_clip_that_could_not_be_read_this_time_is_read_the_next(
    clips: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    read, store = parts.read_blocks, FeatureStore(tmp_path / "store")

    def failing(path: Path, **settings: Any) -> Iterator[Any]:
        yield from read(path, **settings)
        if path in (clips[1].path, clips[2].path):
            raise fault

    with monkeypatch.context() as patched:
        patched.setattr(parts, "read_blocks", failing)
        table = store.extract(clips, FRONT_END)
    assert [clip for clip, _ in table.skipped] == clips[1:3]
    assert table.clip_index.tolist() == [0, 3]
    assert table.n_unavailable == 2
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("part-*.h5")}
    again = store.extract(clips, FRONT_END)
    assert (again.skipped, again.n_unavailable) == ([], 0)
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    for index, clip in enumerate(clips):
        np.testing.assert_array_equal(again.row(index), FRONT_END(read_audio(clip.path)[0]))


def test_where_nothing_could_be_read_no_part_is_left(
    clips: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(path: Path, **settings: Any) -> Iterator[Any]:
        raise UnavailableError(f"{path}: gone")

    monkeypatch.setattr(parts, "read_blocks", failing)
    table = FeatureStore(tmp_path / "store").extract(clips, FRONT_END)
    assert [why for _, why in table.skipped] == ["gone"] * 4
    assert [path.name for path in (tmp_path / "store").rglob("*.*")] == ["recipe.json"]


def test_a_part_of_damaged_clips_alone_is_remembered(clips: list[Clip], tmp_path: Path) -> None:
    for clip in clips:
        clip.path.write_bytes(clip.path.read_bytes()[:1_000] + clip.path.name.encode())
    store = FeatureStore(tmp_path / "store")
    first = store.extract(clips, FRONT_END, window=0.5)
    steps: list[tuple[int, int]] = []
    again = store.extract(clips, FRONT_END, window=0.5, progress=lambda *step: steps.append(step))
    assert steps == [(4, 4)]
    assert first.skipped == again.skipped
    assert len(again.skipped) == 4
    assert (len(again), again.n_unavailable) == (0, 0)


def test_a_file_that_vanishes_after_its_digest_is_found_when_it_is_back(
    clips: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, store, away = parts.read_blocks, FeatureStore(tmp_path / "store"), tmp_path / "away"

    def vanishing(path: Path, **settings: Any) -> Iterator[Any]:
        if path == clips[1].path:
            path.rename(away)
        return read(path, **settings)

    with monkeypatch.context() as patched:
        patched.setattr(parts, "read_blocks", vanishing)
        ((lost, why),) = store.extract(clips, FRONT_END).skipped
    assert lost == clips[1]
    assert "no such file" in why
    away.rename(clips[1].path)
    assert store.extract(clips, FRONT_END).skipped == []


def test_a_dead_link_stops_nothing_and_is_named(clips: list[Clip], tmp_path: Path) -> None:
    clips[2].path.unlink()
    clips[2].path.symlink_to(tmp_path / "nowhere.wav")
    table = FeatureStore(tmp_path / "store").extract(clips, FRONT_END)
    assert table.clip_index.tolist() == [0, 1, 3]
    ((clip, why),) = table.skipped
    assert clip == clips[2]
    assert "No such file" in why


def test_what_the_system_refuses_is_told_from_what_a_file_holds(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no such file"):
        read_audio(tmp_path / "nowhere.wav")
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(AudioError, match="looks like text") as caught:
        read_audio(tmp_path / "text.wav")
    assert not isinstance(caught.value, UnavailableError)


def test_other_libraries_make_other_features(
    clips: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ossicle.workflow.code import code_digest

    store = FeatureStore(tmp_path / "store")
    store.extract(clips, FRONT_END)
    code_digest.cache_clear()
    with monkeypatch.context() as patched:
        patched.setattr("importlib.metadata.version", lambda name: "99.0")
        steps: list[tuple[int, int]] = []
        store.extract(clips, FRONT_END, progress=lambda *step: steps.append(step))
    code_digest.cache_clear()
    assert steps == [(0, 4), (4, 4)]


@pytest.mark.parametrize("kilobytes", [4, 12, 40, 100])
def test_a_disk_that_is_full_is_said_so_and_keeps_nothing_half(clips, full_disk, kilobytes):
    room = shutil.disk_usage(full_disk).free
    (full_disk / "filler").write_bytes(bytes(room - 1024 * (kilobytes + 4)))
    front_end = LogMel(n_mels=64, hop_length=40)
    with pytest.raises(WorkflowError, match=r"^cannot write .*: \[Errno 28\] No space left on dev"):
        FeatureStore(full_disk / "store").extract(clips, front_end)
    assert not list(full_disk.rglob("*.h5"))
    (full_disk / "filler").unlink()
    assert len(FeatureStore(full_disk / "store").extract(clips, front_end)) == len(clips)
