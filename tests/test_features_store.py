"""The feature store: the same bytes however they were made, and nothing made twice."""

import os
import pickle
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ossicle.audio import read_audio, write_audio
from ossicle.errors import FeatureError
from ossicle.features import FeatureStore, FeatureTable, LogMel, integrate
from ossicle.features import store as store_module
from ossicle.types import Clip, Recording

RATE = 16_000
FRONT_END = LogMel(n_mels=20)


def noise(n_samples: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal(n_samples)).astype(np.float32)


def clips_in(folder: Path, n: int = 10, seconds: float = 0.5) -> list[Clip]:
    """Clips of slightly different lengths, all of different content."""
    clips = []
    for index in range(n):
        path = folder / f"{index:03}.wav"
        write_audio(path, noise(int(seconds * RATE) + 160 * index, index), RATE)
        clips.append(Clip(Recording(path), labels={"label": "noise"}, metadata={"n": str(index)}))
    return clips


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    return clips_in(tmp_path)


def small_parts(monkeypatch: pytest.MonkeyPatch, *, clips: int = 3, join: int = 64) -> None:
    monkeypatch.setattr(store_module, "PART_CLIPS", clips)
    monkeypatch.setattr(store_module, "JOIN", join)


def parts_of(root: Path) -> dict[str, int]:
    """Name of each part file and when it was written."""
    return {path.name: path.stat().st_mtime_ns for path in root.rglob("part-*.h5")}


def bytes_of(table: FeatureTable) -> tuple[bytes, ...]:
    rows = [table.row(index) for index in range(len(table))]
    arrays = [table.matrix("meanvar"), table.clip_index, table.starts, table.offsets, *rows]
    return tuple(array.tobytes() for array in arrays)


# ---- windows ----


def test_four_seconds_in_half_overlapping_seconds_are_seven_windows(tmp_path: Path) -> None:
    write_audio(tmp_path / "four.wav", noise(4 * RATE), RATE)
    clip = Clip(Recording(tmp_path / "four.wav"))
    table = FeatureStore(tmp_path / "store").extract([clip], FRONT_END, window=1.0, window_hop=0.5)
    assert table.starts.tolist() == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    assert table.clip_index.tolist() == [0] * 7
    samples, _ = read_audio(clip.path)
    for index, start in enumerate(table.starts):
        first = round(start * RATE)
        np.testing.assert_array_equal(table.row(index), FRONT_END(samples[first : first + RATE]))


def test_a_clip_shorter_than_a_window_is_padded_to_one(clips: list[Clip], tmp_path: Path) -> None:
    table = FeatureStore(tmp_path / "store").extract(clips[:1], FRONT_END, window=1.0)
    samples, _ = read_audio(clips[0].path)
    assert len(table) == 1
    np.testing.assert_array_equal(
        table.row(0), FRONT_END(np.pad(samples, (0, RATE - len(samples))))
    )


def test_without_a_window_each_whole_clip_is_one_row(clips: list[Clip], tmp_path: Path) -> None:
    table = FeatureStore(tmp_path / "store").extract(clips, FRONT_END)
    assert len(table) == len(clips)
    for index, clip in enumerate(clips):
        np.testing.assert_array_equal(table.row(index), FRONT_END(read_audio(clip.path)[0]))


def test_excerpts_and_other_rates_are_read_as_audio_reads_them(tmp_path: Path) -> None:
    write_audio(tmp_path / "long.wav", noise(2 * 44_100), 44_100)
    clip = Clip(Recording(tmp_path / "long.wav"), start=0.5, end=1.25)
    table = FeatureStore(tmp_path / "store").extract([clip], FRONT_END)
    samples, _ = read_audio(clip.path, sample_rate=RATE, start=0.5, end=1.25)
    np.testing.assert_array_equal(table.row(0), FRONT_END(samples))


# ---- the same bytes, once ----


def test_processes_and_order_of_parts_do_not_change_a_byte(
    clips: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"window": 0.2, "window_hop": 0.1}
    expected = bytes_of(FeatureStore(tmp_path / "one").extract(clips, FRONT_END, **settings))
    small_parts(monkeypatch)
    two = FeatureStore(tmp_path / "two").extract(clips, FRONT_END, n_jobs=2, **settings)
    assert bytes_of(two) == expected
    backwards = FeatureStore(tmp_path / "backwards")
    for clip in reversed(clips):
        backwards.extract([clip], FRONT_END, **settings)
    assert bytes_of(backwards.extract(clips, FRONT_END, **settings)) == expected


def test_joined_parts_hold_the_same(
    clips: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = bytes_of(FeatureStore(tmp_path / "one").extract(clips, FRONT_END, window=0.2))
    small_parts(monkeypatch, clips=1, join=4)
    store = FeatureStore(tmp_path / "joined")
    before = store.extract(clips[:3], FRONT_END, window=0.2)
    rows_before = bytes_of(before)
    table = store.extract(clips, FRONT_END, window=0.2)
    assert bytes_of(table) == expected
    assert len(parts_of(tmp_path / "joined")) == 4  # 4 + 4 + 1 + 1 clips
    assert bytes_of(before) == rows_before  # a table outlives the files it was made from
    assert bytes_of(store.extract(clips, FRONT_END, window=0.2)) == expected


def test_parts_left_beside_the_one_they_were_joined_into_are_removed(
    clips: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FeatureStore(tmp_path / "store")
    small_parts(monkeypatch, clips=2)
    store.extract(clips[:6], FRONT_END)
    folder = next(path.parent for path in (tmp_path / "store").rglob("part-*.h5"))
    small = [store_module.Part(path) for path in sorted(folder.glob("part-*.h5"))]
    joined = store_module.join_parts(small, folder)
    store.extract(clips[:6], FRONT_END)
    assert list(parts_of(tmp_path / "store")) == [joined.name]


def test_nothing_is_computed_twice(clips: list[Clip], tmp_path: Path) -> None:
    store = FeatureStore(tmp_path / "store")
    store.extract(clips, FRONT_END)
    before = parts_of(tmp_path)
    moved = [Clip(Recording(clip.path.rename(clip.path.with_suffix(".bin")))) for clip in clips]
    table = store.extract([*moved, moved[3]], FRONT_END)
    assert parts_of(tmp_path) == before
    np.testing.assert_array_equal(table.row(3), table.row(len(clips)))


@pytest.mark.parametrize(
    "change",
    [
        {"front_end": LogMel(n_mels=21)},
        {"window": 0.25},
        {"window": 0.25, "window_hop": 0.05},
    ],
    ids=str,
)
def test_another_description_is_computed_anew(
    clips: list[Clip], tmp_path: Path, change: dict
) -> None:
    store = FeatureStore(tmp_path / "store")
    first = bytes_of(store.extract(clips, FRONT_END))
    table = store.extract(clips, **{"front_end": FRONT_END, **change})
    assert bytes_of(table) != first
    assert len(parts_of(tmp_path)) == 2
    assert bytes_of(store.extract(clips, FRONT_END)) == first


def test_an_edited_file_is_computed_anew_and_alone(clips: list[Clip], tmp_path: Path) -> None:
    store = FeatureStore(tmp_path / "store")
    store.extract(clips, FRONT_END)
    write_audio(clips[4].path, noise(5_000, 99), RATE)
    steps: list[tuple[int, int]] = []
    table = store.extract(clips, FRONT_END, progress=lambda *step: steps.append(step))
    assert steps == [(9, 10), (10, 10)]
    np.testing.assert_array_equal(table.row(4), FRONT_END(read_audio(clips[4].path)[0]))


def test_matrix_rows_are_the_rows_integrated(clips: list[Clip], tmp_path: Path) -> None:
    table = FeatureStore(tmp_path / "store").extract(clips, FRONT_END, window=0.3)
    for how in ("mean", "meanvar", "stack"):
        expected = [integrate(table.row(index), how) for index in range(len(table))]
        np.testing.assert_array_equal(table.matrix(how), expected)
    again = pickle.loads(pickle.dumps(table))  # to another process, by the paths of its parts
    np.testing.assert_array_equal(again.matrix("mean"), table.matrix("mean"))


def test_clips_of_different_lengths_cannot_be_stacked(clips: list[Clip], tmp_path: Path) -> None:
    with pytest.raises(FeatureError, match="cut windows of one length"):
        FeatureStore(tmp_path / "store").extract(clips, FRONT_END).matrix("stack")


def test_no_clips_make_an_empty_table(tmp_path: Path) -> None:
    table = FeatureStore(tmp_path / "store").extract([], FRONT_END)
    assert len(table) == 0
    assert table.matrix("mean").shape == (0, 0)


# ---- faults ----


def test_unreadable_clips_are_reported_and_stop_nothing(clips: list[Clip], tmp_path: Path) -> None:
    clips[1].path.write_bytes(b"no sound at all")
    clips[2].path.unlink()
    whole = clips[3].path.read_bytes()
    clips[3].path.write_bytes(whole[: len(whole) // 2])
    clips[4] = Clip(clips[4].recording, start=99.0)
    store = FeatureStore(tmp_path / "store")
    table = store.extract(clips, FRONT_END, window=0.2)
    reasons = {clip.path.name: why for clip, why in table.skipped}
    assert set(reasons) >= {"001.wav", "002.wav", "004.wav"}
    assert all(reasons.values())
    assert "No such file" in reasons["002.wav"]
    assert set(table.clip_index) == set(range(10)) - {
        index for index, clip in enumerate(clips) if clip.path.name in reasons
    }
    before = parts_of(tmp_path)
    again = store.extract(clips, FRONT_END, window=0.2)
    assert {clip.path.name: why for clip, why in again.skipped} == reasons
    assert parts_of(tmp_path) == before


def test_a_clip_that_fails_half_way_leaves_no_windows(
    clips: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ossicle.features import parts

    expected = FeatureStore(tmp_path / "good").extract(clips, FRONT_END, window=0.1)
    expected_rows = [expected.row(i) for i in range(len(expected)) if expected.clip_index[i] != 5]
    read = parts.read_blocks

    def failing(path: Path, **settings: object):
        yield from read(path, **settings)
        if path == clips[5].path:
            raise FeatureError("the end is missing")

    monkeypatch.setattr(parts, "read_blocks", failing)
    monkeypatch.setattr(parts, "SLICE", 100)  # written in small steps, some before the failure
    table = FeatureStore(tmp_path / "store").extract(clips, FRONT_END, window=0.1)
    assert table.skipped == [(clips[5], "the end is missing")]
    rows = [table.row(index) for index in range(len(table))]
    for row, expected_row in zip(rows, expected_rows, strict=True):
        np.testing.assert_array_equal(row, expected_row)


@pytest.mark.parametrize("how", ["cut", "empty", "garbage", "flip"])
def test_a_damaged_part_is_dropped_and_made_again(
    clips: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    small_parts(monkeypatch)
    store = FeatureStore(tmp_path / "store")
    expected = bytes_of(store.extract(clips, FRONT_END))
    before = parts_of(tmp_path)
    victim = sorted((tmp_path / "store").rglob("part-*.h5"))[1]
    content = bytearray(victim.read_bytes())
    damaged = {
        "cut": content[: len(content) // 2],
        "empty": b"",
        "garbage": bytes(len(content)),
        "flip": content[:],
    }[how]
    if how == "flip":
        place = content.find(np.float32(store.extract(clips, FRONT_END).row(0)[0, 0]).tobytes())
        damaged[place if place > 0 else len(content) // 2] ^= 1
    victim.unlink()
    victim.write_bytes(damaged)
    assert bytes_of(store.extract(clips, FRONT_END)) == expected
    after = parts_of(tmp_path)
    assert {name for name in before if after[name] == before[name]} == set(before) - {victim.name}


def test_any_changed_byte_is_noticed_or_harmless(clips: list[Clip], tmp_path: Path) -> None:
    store = FeatureStore(tmp_path / "store")
    expected = bytes_of(store.extract(clips[:3], FRONT_END))
    (victim,) = (tmp_path / "store").rglob("part-*.h5")
    content = victim.read_bytes()
    rng = random.Random(0)
    for _ in range(60):
        damaged = bytearray(content)
        damaged[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        victim.unlink()
        victim.write_bytes(damaged)
        assert bytes_of(store.extract(clips[:3], FRONT_END)) == expected


def test_a_part_damaged_after_it_was_opened_is_reported(clips: list[Clip], tmp_path: Path) -> None:
    from ossicle.features.parts import DamagedPartError, Part

    FeatureStore(tmp_path / "store").extract(clips, FRONT_END)
    (path,) = (tmp_path / "store").rglob("part-*.h5")
    part = Part(path)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\x5a" * 64)
    with pytest.raises(DamagedPartError, match="extract the features again"):
        part.verify()


KILLED = """
import os, signal, sys
from pathlib import Path
from ossicle.features import FeatureStore, LogMel, parts, store
from ossicle.types import Clip, Recording

store.PART_CLIPS = 2
clips = [Clip(Recording(path)) for path in sorted(Path(sys.argv[1]).glob("*.wav"))]
read, calls = parts.read_blocks, []

def read_until_killed(path, **settings):
    calls.append(path)
    if len(calls) == 6:  # in the middle of the third part
        os.kill(os.getpid(), signal.SIGKILL)
    return read(path, **settings)

parts.read_blocks = read_until_killed
FeatureStore(sys.argv[2]).extract(clips, LogMel(n_mels=20))
"""


def test_a_run_killed_in_the_middle_is_resumed_and_ends_the_same(
    clips: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_parts(monkeypatch, clips=2)
    expected = bytes_of(FeatureStore(tmp_path / "whole").extract(clips, FRONT_END))
    root = tmp_path / "killed"
    killed = subprocess.run([sys.executable, "-c", KILLED, tmp_path, root], check=False)
    assert killed.returncode == -signal.SIGKILL
    before = parts_of(root)
    assert len(before) == 2
    steps: list[tuple[int, int]] = []
    table = FeatureStore(root).extract(clips, FRONT_END, progress=lambda *step: steps.append(step))
    assert steps == [(4, 10), (6, 10), (8, 10), (10, 10)]
    assert bytes_of(table) == expected
    assert before.items() <= parts_of(root).items()


def test_what_a_killed_process_left_long_ago_is_removed(clips: list[Clip], tmp_path: Path) -> None:
    store = FeatureStore(tmp_path / "store")
    store.extract(clips[:1], FRONT_END)
    folder = next(path.parent for path in (tmp_path / "store").rglob("part-*.h5"))
    old, new = folder / ".old.h5", folder / ".new.h5"
    for path in (old, new):
        path.write_bytes(b"unfinished")
    os.utime(old, (time.time() - 1e6, time.time() - 1e6))
    store.extract(clips[:1], FRONT_END)
    assert (old.exists(), new.exists()) == (False, True)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_data_set(tmp_path: Path) -> None:
    code = """
import resource, sys
from pathlib import Path
from ossicle.features import FeatureStore, LogMel
from ossicle.types import Clip, Recording
clip = Recording(Path(sys.argv[1]))
clips = [Clip(clip, start=index * 1e-3, end=10 + index * 1e-3) for index in range(int(sys.argv[3]))]
table = FeatureStore(sys.argv[2]).extract(clips, LogMel(), window=1.0)
table.matrix()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    write_audio(tmp_path / "long.wav", noise(15 * RATE), RATE)
    peaks = {}
    for n in (100, 1_000):
        command = [sys.executable, "-c", code, tmp_path / "long.wav", tmp_path / str(n), str(n)]
        peaks[n] = int(subprocess.run(command, check=True, capture_output=True).stdout)
    # 900 more clips are 430 MB of features; 40 MB is allowed for tables and the allocator.
    assert peaks[1_000] - peaks[100] < 40_000
