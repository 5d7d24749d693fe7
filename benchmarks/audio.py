"""From a file of 44.1 kHz stereo to 16 kHz mono, and to its log-mel features: against librosa.

    python benchmarks/audio.py [--minutes 10 60] [--rounds 3] [--formats wav flac ogg mp3]

Each reading is a process of its own with one thread: processor seconds (imports not counted) and
the largest memory it ever took. Both resample with soxr HQ. Ours reads in blocks, librosa whole;
they take turns, and medians are compared. The features are compared first.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ossicle.audio import audio_writer, background, read_audio, read_blocks

FROM_RATE, TO_RATE = 44_100, 16_000
SIZE = {"n_fft": 1_024, "hop_length": 512, "n_mels": 64}
BLOCK = 10.0  # seconds


def our_samples(path: Path) -> Iterator[np.ndarray]:
    return read_blocks(path, block=BLOCK, sample_rate=TO_RATE)


def our_features(path: Path) -> Iterator[np.ndarray]:
    """Frames of the whole sound, a block at a time: what a block lacks for a frame waits."""
    from ossicle.features import LogMel

    front, rest = LogMel(sample_rate=TO_RATE, **SIZE), np.zeros(0, np.float32)
    for block in our_samples(path):
        samples = np.concatenate([rest, block])
        frames = front(samples)
        yield frames
        rest = samples[len(frames) * SIZE["hop_length"] :]


def their_samples(path: Path) -> Iterator[np.ndarray]:
    import librosa

    yield librosa.load(path, sr=TO_RATE, mono=True, res_type="soxr_hq")[0]


def their_features(path: Path) -> Iterator[np.ndarray]:
    import librosa

    for samples in their_samples(path):
        energies = librosa.feature.melspectrogram(y=samples, sr=TO_RATE, center=False, **SIZE)
        yield librosa.power_to_db(energies, top_db=None).T


WORK = {
    ("ossicle", "samples"): our_samples,
    ("librosa", "samples"): their_samples,
    ("ossicle", "features"): our_features,
    ("librosa", "features"): their_features,
}


def run_one(who: str, what: str, path: Path, warm_up: Path) -> None:
    """In a process of its own: everything loaded, then one reading."""
    work = WORK[who, what]
    n_rows = sum(map(len, work(warm_up)))
    begin = time.process_time()
    n_rows = sum(map(len, work(path)))
    seconds = time.process_time() - begin
    # Not getrusage: its largest memory is the starting process's, where that was larger.
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    mebibytes = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1_024
    print(json.dumps({"seconds": seconds, "mebibytes": mebibytes, "n_rows": n_rows}))


def measured(who: str, what: str, path: Path, warm_up: Path) -> dict[str, float]:
    threads = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    words = [sys.executable, __file__, "--one", who, what, str(path), str(warm_up)]
    environment = {**os.environ, **dict.fromkeys(threads, "1")}
    done = subprocess.run(words, env=environment, capture_output=True, check=True, text=True)
    return json.loads(done.stdout)


def write_sound(path: Path, seconds: float) -> Path:
    """Music on one side and voices on the other, a minute of each again and again."""
    minute = np.stack(
        [background(kind, 60.0, sample_rate=FROM_RATE) for kind in ("music", "babble")]
    )
    with audio_writer(path, FROM_RATE, 2) as write:
        for place in range(0, round(seconds * FROM_RATE), minute.shape[1]):
            write(minute[:, : round(seconds * FROM_RATE) - place])
    return path


def compare(path: Path) -> None:
    """Both sides give the same samples, and features as alike as two roundings are."""
    (theirs,) = their_samples(path)
    np.testing.assert_allclose(read_audio(path, sample_rate=TO_RATE)[0], theirs, atol=1e-5)
    ours, (theirs,) = np.concatenate(list(our_features(path))), their_features(path)
    assert len(ours) == len(theirs)
    loud = theirs > -60.0
    print(f"{path.name}: features differ by {np.abs(ours - theirs)[loud].max():.1e} dB at most")


def show(path: Path, minutes: float, warm_up: Path, rounds: int) -> None:
    for what in ("samples", "features"):
        runs = [
            {who: measured(who, what, path, warm_up) for who in ("ossicle", "librosa")}
            for _ in range(rounds)
        ]
        middle = {
            (who, figure): statistics.median(run[who][figure] for run in runs)
            for who in ("ossicle", "librosa")
            for figure in ("seconds", "mebibytes", "n_rows")
        }
        ours, theirs = middle["ossicle", "seconds"], middle["librosa", "seconds"]
        print(
            f"{path.suffix[1:]:6} {minutes:7g} {what:9} {ours:9.2f} s {theirs:9.2f} s "
            f"{ours / theirs:6.2f} {middle['ossicle', 'mebibytes']:9.0f} MiB "
            f"{middle['librosa', 'mebibytes']:7.0f} MiB",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, nargs="+", default=[10.0, 60.0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--formats", nargs="+", default=["wav", "flac", "ogg", "mp3"])
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        who, what, path, warm_up = options.one
        return run_one(who, what, Path(path), Path(warm_up))
    with tempfile.TemporaryDirectory() as folder:
        for ending in options.formats:
            warm_up = write_sound(Path(folder) / f"short.{ending}", 20.0)
            compare(warm_up)
            print("format minutes what        ossicle     librosa  ratio       peak of each")
            for minutes in options.minutes:
                path = write_sound(Path(folder) / f"sound.{ending}", 60.0 * minutes)
                show(path, minutes, warm_up, options.rounds)
                path.unlink()
    return None


if __name__ == "__main__":
    main()
