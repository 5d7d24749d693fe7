"""Examples: what a network learns from is what the classifier hears, in memory or from disk."""

import multiprocessing
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from example_sets import LOG_MEL, examples_of, features_of, two_sets
from hypothesis import given
from hypothesis import strategies as st
from sounds import RATE, tone_in_noise

from ossicle.audio import level, read_audio, write_audio
from ossicle.datasets import read_dataset
from ossicle.datasets.combined import combine
from ossicle.errors import FeatureError, TrainingError
from ossicle.features import (
    MFCC,
    FeatureStore,
    LogMel,
    Scaler,
    ShortTerm,
    Waveform,
    WindowCutter,
)
from ossicle.training.augmentation import Augmentation
from ossicle.training.examples import Examples, fit_scaler
from ossicle.training.sounds import median_seconds

FRONT_ENDS = [
    LOG_MEL,
    LogMel(sample_rate=RATE, n_fft=256, hop_length=100, n_mels=8, center=True, top_db=60.0),
    MFCC(sample_rate=RATE, n_fft=256, hop_length=80, n_mels=20, n_mfcc=10, window_scaling="mean"),
    ShortTerm(sample_rate=RATE, n_fft=400, hop_length=80, deltas=True),
    Waveform(sample_rate=RATE),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("examples")
    two_sets(root)
    return root


@pytest.fixture(scope="module")
def combined(home: Path):
    return combine([read_dataset(home / name) for name in ("birds", "frogs")])


@pytest.fixture(scope="module")
def examples(home: Path, combined) -> Examples:
    return examples_of(combined, home / "store")


def heard_by_a_classifier(front_end, clip, *, window, window_hop):
    """The features of all windows of a clip, as a stream would cut them."""
    samples, _ = read_audio(clip.path, sample_rate=front_end.sample_rate)
    cutter = WindowCutter(front_end, window=window, window_hop=window_hop)
    pieces = [piece for block in np.array_split(samples, 7) for piece in cutter.push(block)]
    return [front_end.finish(piece.frames) for piece in pieces + cutter.finish()]


@pytest.mark.parametrize("window_hop", [None, 0.1, 0.0437])
@pytest.mark.parametrize("front_end", FRONT_ENDS, ids=lambda each: each.name)
def test_fixed_windows_are_what_a_classifier_hears_to_the_bit(
    combined, home, front_end, window_hop
):
    examples = examples_of(combined, home / "store", front_end=front_end, window_hop=window_hop)
    for place, clip in enumerate(combined.clips):
        heard = heard_by_a_classifier(front_end, clip, window=0.3, window_hop=window_hop)
        rows = examples.of_clips([place])
        assert examples.rows[rows, 1].tolist() == list(range(len(heard)))
        for row, features in zip(rows, heard, strict=True):
            assert examples.fixed(row).tobytes() == features.tobytes()
            assert features.shape == (examples.n_frames, examples.n_bands)


def test_memory_and_disk_give_the_same_bytes(combined, home, examples):
    on_disk = examples_of(combined, home / "store", in_memory=False)
    augmentation = Augmentation(shift=0.1, gain=3.0)
    assert on_disk.rows.tolist() == examples.rows.tolist()
    for row in range(len(examples)):
        assert on_disk.fixed(row).tobytes() == examples.fixed(row).tobytes()
        one, other = (
            each.varied(row, rng=np.random.default_rng(row), augmentation=augmentation)
            for each in (on_disk, examples)
        )
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize(
    ("start", "in_memory"), [("fork", True), ("fork", False), ("spawn", False)]
)
def test_other_processes_see_the_same_windows(combined, home, examples, start, in_memory):
    if start not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {start} here")
    mine = examples_of(combined, home / "store", in_memory=in_memory)
    assert mine.fixed(0).any()  # the file is open before the processes start
    with multiprocessing.get_context(start).Pool(1 + (start == "fork")) as pool:
        theirs = pool.map(partial(Examples.fixed, mine), range(len(mine)), chunksize=3)
    assert np.stack(theirs).tobytes() == features_of(examples).tobytes()


def test_a_clip_has_about_as_many_windows_apart_as_it_is_windows_long(combined, examples):
    apart = examples.apart(np.arange(len(examples)))
    counts = np.bincount(examples.rows[apart, 0])
    seconds = examples.sounds.n_samples / RATE
    assert (np.abs(counts - np.maximum(1, seconds / 0.3)) <= 1).all()
    assert set(examples.rows[apart, 0]) == set(range(len(combined)))
    assert sorted(examples.apart(apart[::-1]).tolist()) == sorted(
        examples.apart(np.sort(apart)).tolist()
    )


@given(seed=st.integers(0, 200), row=st.integers(0, 30))
def test_a_varied_window_is_a_part_of_its_clip_near_its_place(combined, home, seed, row):
    front_end = Waveform(sample_rate=RATE)
    examples = examples_of(combined, home / "store", front_end=front_end)
    row %= len(examples)
    clip, number = examples.rows[row]
    samples, _ = read_audio(combined.clips[clip].path)
    window = examples.varied(row, rng=np.random.default_rng(seed))[:, 0]
    assert len(window) == examples.length
    if len(samples) < len(window):
        first = int(np.flatnonzero(window)[0])
        found = window[first : first + len(samples)]
        assert level(window) < level(samples)
        assert found.tobytes() == samples.tobytes() or samples[0] == 0.0
        return
    starts = range(len(samples) - len(window) + 1)
    near = [start for start in starts if (samples[start : start + len(window)] == window).all()]
    assert len(near) == 1
    assert abs(near[0] - number * examples.hop) <= examples.length // 2


def test_random_crops_reach_every_part_of_a_clip(combined, home):
    examples = examples_of(combined, home / "store", front_end=Waveform(sample_rate=RATE))
    clip = int(np.argmax(examples.sounds.n_samples))
    samples = examples.sounds.read(clip, 0, int(examples.sounds.n_samples[clip]))
    seen = np.zeros(len(samples), bool)
    heads = np.lib.stride_tricks.sliding_window_view(samples, 3)
    for row in examples.apart(examples.of_clips([clip])):
        for seed in range(60):
            window = examples.varied(row, rng=np.random.default_rng(seed))[:, 0]
            first = int(np.argmax((heads == window[:3]).all(axis=1)))
            seen[first : first + len(window)] = True
    assert seen.mean() > 0.98


def test_targets_and_masks_are_those_of_the_clips(combined, examples):
    for place, task in enumerate(combined.tasks):
        assert (examples.targets[task.name] == combined.targets(task.name)).all()
        assert (examples.mask[task.name] == combined.mask[:, place]).all()
    assert examples.answered(0) == [combined.tasks[0].name]


# --- clips that cannot be used ------------------------------------------------------------------


def test_quiet_and_damaged_clips_are_left_out_and_named(tmp_path):
    for label in ("high", "low"):
        for take in range(2):
            sound = tone_in_noise(400.0, seed=take, duration=0.5)
            write_audio(tmp_path / "data" / label / f"{take}.wav", sound, RATE)
    write_audio(tmp_path / "data" / "low" / "hush.wav", np.full(RATE, 1e-5, np.float32), RATE)
    (tmp_path / "data" / "low" / "torn.wav").write_bytes(b"RIFF no sound")
    half = np.concatenate([np.zeros(RATE, np.float32), tone_in_noise(400.0, seed=9)])
    write_audio(tmp_path / "data" / "low" / "half.wav", half, RATE)
    combined = combine([read_dataset(tmp_path / "data")])
    examples = examples_of(combined, tmp_path / "store", window=0.5)
    told = {Path(path).name: why for path, why in examples.skipped}
    assert "quiet throughout" in told["hush.wav"]
    names = [combined.clips[clip].path.name for clip, _ in examples.rows]
    assert "hush.wav" not in names
    numbers = [int(n) for clip, n in examples.rows if combined.clips[clip].path.name == "half.wav"]
    assert numbers == [3, 4]


def test_nothing_to_learn_from_is_an_error_with_the_reason(tmp_path):
    for label in ("a", "b"):
        write_audio(tmp_path / "data" / label / "hush.wav", np.zeros(RATE, np.float32), RATE)
    combined = combine([read_dataset(tmp_path / "data")])
    with pytest.raises(TrainingError, match=r"none of 2 clips can be used: .*quiet throughout"):
        examples_of(combined, tmp_path / "store")


def test_a_recording_that_is_gone_is_left_out_and_named(tmp_path):
    combined = two_sets(tmp_path, n_clips=2)
    gone = combined.clips[0].path
    gone.unlink()
    examples = examples_of(combined, tmp_path / "store")
    ((path, why),) = examples.skipped
    assert (path, 0 in examples.rows[:, 0]) == (str(gone), False)
    assert "No such file" in why


def test_a_window_without_length_is_refused(combined, home):
    with pytest.raises(FeatureError, match="window"):
        examples_of(combined, home / "store", window=0.0)


def test_the_median_length_is_the_length_of_a_clip(combined, home, tmp_path):
    store = FeatureStore(home / "store")
    median = median_seconds(combined.clips, store=store, sample_rate=RATE)
    assert median == DURATION_IN_THE_MIDDLE
    assert median in {length / RATE for length in _lengths(combined)}


DURATION_IN_THE_MIDDLE = 0.3


def _lengths(combined):
    return [len(read_audio(clip.path)[0]) for clip in combined.clips]


# --- scaling ------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["band", "cell"])
@pytest.mark.parametrize("front_end", FRONT_ENDS, ids=lambda each: each.name)
def test_a_scaler_is_that_of_a_fresh_fit_on_its_fold_alone_to_the_bit(
    combined, home, front_end, how
):
    examples = examples_of(combined, home / "store", front_end=front_end, in_memory=False)
    n_bands = examples.n_bands if how == "band" else None
    for part in combined.parts(2, validation=0.0, seed=1):  # each fold after the others
        rows = examples.of_clips(part_indices(combined, part.train))
        scaler = fit_scaler(examples, rows, how)
        stacked = np.stack([examples.fixed(row).reshape(-1) for row in rows])
        fresh = Scaler.fit(stacked, n_bands=n_bands)
        assert scaler is not None
        assert scaler.mean.tobytes() == fresh.mean.tobytes()
        assert scaler.scale.tobytes() == fresh.scale.tobytes()


def part_indices(combined, part):
    places = {clip.id: place for place, clip in enumerate(combined.clips)}
    return [places[clip.id] for clip in part.clips]


@given(cuts=st.lists(st.integers(0, 900), max_size=6), width=st.integers(1, 4))
def test_however_rows_are_dealt_into_blocks_the_scaler_is_the_same(cuts, width):
    from ossicle.features import scaling

    rng = np.random.default_rng(width)
    matrix = (rng.normal(size=(900, width)) * 1e3 + 7.0).astype(np.float32)
    whole, scaling_piece = scaling.PIECE, 256
    try:
        scaling.PIECE = scaling_piece  # so that few rows make many pieces
        blocks = np.split(matrix, sorted(cuts))
        dealt = Scaler.fit_blocks(lambda: [block for block in blocks if len(block)])
        fitted = Scaler.fit(matrix)
    finally:
        scaling.PIECE = whole
    assert dealt.mean.tobytes() == fitted.mean.tobytes()
    assert dealt.scale.tobytes() == fitted.scale.tobytes()


def test_a_scaling_that_does_not_exist_is_named(examples):
    assert fit_scaler(examples, [0], None) is None
    with pytest.raises(TrainingError, match="did you mean 'band'"):
        fit_scaler(examples, [0], "bands")
    with pytest.raises(TrainingError, match="no training windows"):
        fit_scaler(examples, [], "band")


# --- memory -------------------------------------------------------------------------------------

PEAK = """
import resource, sys
from pathlib import Path
import numpy as np
from example_sets import LOG_MEL
from ossicle.datasets import read_dataset
from ossicle.datasets.combined import combine
from ossicle.training.augmentation import Augmentation
from ossicle.training.examples import Examples, fit_scaler
from ossicle.training.loading import loaded
from ossicle.training.sampling import sampler

root = Path(sys.argv[1])
combined = combine([read_dataset(root / "data")])
examples = Examples(combined, LOG_MEL, window=1.0, store=root / "store", in_memory=False)
scaler = fit_scaler(examples, np.arange(len(examples)), "band")
batches = sampler("mixed", source=np.zeros(len(examples)), batch_size=32, seed=0).batches(0)
augmentation = Augmentation(shift=0.1)
for batch in loaded(examples, batches, scaler=scaler, augmentation=augmentation):
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_kilobytes(root: Path, n_clips: int) -> int:
    """Largest resident memory of a process that learns from so many clips of a second."""
    rng = np.random.default_rng(0)
    for number in range(n_clips):
        sound = rng.normal(0.0, 0.1, RATE).astype(np.float32)
        write_audio(root / "data" / "ab"[number % 2] / f"{number}.wav", sound, RATE)
    run = [sys.executable, "-c", PEAK, str(root)]
    path = {"PYTHONPATH": ":".join(sys.path)}
    subprocess.run(run, check=True, capture_output=True, env=os.environ | path)  # decodes
    done = subprocess.run(run, check=True, capture_output=True, text=True, env=os.environ | path)
    return int(done.stdout)


@pytest.mark.slow
def test_ten_times_the_data_need_no_more_memory_from_disk(tmp_path):
    few = peak_kilobytes(tmp_path / "few", 300)
    many = peak_kilobytes(tmp_path / "many", 3_000)
    assert many < 1.05 * few, f"{few} kB for 300 clips, {many} kB for 3,000"
