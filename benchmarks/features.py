"""Speed of the front ends against librosa, and where the time goes.

    python benchmarks/features.py [--seconds 120] [--runs 15] [--json FILE]

One thread; processor time, not the clock's, so that a busy machine does not matter much. Ours and
librosa's runs alternate, so that a slow minute hits both; medians are compared.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
import scipy.fft

from ossicle.features import MFCC, LogMel, integrate_rows
from ossicle.features.spectrum import block_rows, cut, power_blocks, taper

ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
RATE = 16_000
SIZES = (
    {"n_fft": 512, "hop_length": 160, "n_mels": 40},
    {"n_fft": 512, "hop_length": 160, "n_mels": 64},
    {"n_fft": 1024, "hop_length": 512, "n_mels": 64},
    {"n_fft": 2048, "hop_length": 512, "n_mels": 128},
)


def librosa_log_mel(samples: np.ndarray, size: dict[str, int]) -> np.ndarray:
    mel = librosa.feature.melspectrogram(y=samples, sr=RATE, center=False, **size)
    return librosa.power_to_db(mel, top_db=None)


def librosa_mfcc(samples: np.ndarray, size: dict[str, int]) -> np.ndarray:
    return librosa.feature.mfcc(y=samples, sr=RATE, n_mfcc=20, center=False, **size)


def fft_alone(samples: np.ndarray, size: dict[str, int]) -> None:
    """The transforms of all frames and nothing else, in the same blocks."""
    frames, n_rows = cut(samples, size["n_fft"], size["hop_length"]), block_rows(size["n_fft"])
    block = np.ascontiguousarray(frames[:n_rows])
    for first in range(0, len(frames), n_rows):
        scipy.fft.rfft(block[: len(frames) - first], axis=1, workers=1)


def spectra_alone(samples: np.ndarray, size: dict[str, int]) -> None:
    """Framing, taper, transforms and squares, without mel bands and logarithm."""
    for _ in power_blocks(samples, taper("hann", size["n_fft"]), size["hop_length"]):
        pass


def medians(runs: int, *functions: Callable[[], object]) -> list[float]:
    """Median processor time of each function in ms, their runs interleaved."""
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(runs + 1):
        for function, mine in zip(functions, times, strict=True):
            started = time.process_time()
            function()
            mine.append(1e3 * (time.process_time() - started))
    return [statistics.median(mine[1:]) for mine in times]


def compare(samples: np.ndarray, size: dict[str, int], runs: int) -> list[dict[str, object]]:
    mel, mfcc = LogMel(**size), MFCC(**size, top_db=80.0)
    ours, theirs, ours_mfcc, theirs_mfcc, fft, spectra = medians(
        runs,
        lambda: mel(samples),
        lambda: librosa_log_mel(samples, size),
        lambda: mfcc(samples),
        lambda: librosa_mfcc(samples, size),
        lambda: fft_alone(samples, size),
        lambda: spectra_alone(samples, size),
    )
    difference = float(np.abs(mel(samples) - librosa_log_mel(samples, size).T).max())
    difference_mfcc = float(np.abs(mfcc(samples) - librosa_mfcc(samples, size).T).max())
    rows = (
        ("log-mel", ours, theirs, difference),
        ("MFCC", ours_mfcc, theirs_mfcc, difference_mfcc),
    )
    return [
        {
            "front end": name,
            **size,
            "ossicle_ms": round(mine, 2),
            "librosa_ms": round(other, 2),
            "ratio": round(other / mine, 2),
            "times_real_time": round(1e3 * len(samples) / RATE / mine),
            "fft_share": round(fft / mine, 2),
            "spectra_share": round(spectra / mine, 2),
            "largest_difference": apart,
        }
        for name, mine, other, apart in rows
    ]


def integration_ms() -> float:
    """Wall time of meanvar over 2,000 windows of 500 x 64."""
    frames = np.zeros((500, 64), np.float32)
    many = np.tile(frames, (2_000, 1))
    started = time.perf_counter()
    integrate_rows(many, np.arange(0, len(many) + 1, 500), "meanvar")
    return 1e3 * (time.perf_counter() - started)


def main() -> None:
    if not ONE_THREAD.items() <= os.environ.items():  # read when numpy is loaded: start again
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ONE_THREAD})
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--seconds", type=float, default=120.0)
    words.add_argument("--runs", type=int, default=15)
    words.add_argument("--json", type=Path)
    given = words.parse_args()
    rng = np.random.default_rng(0)
    samples = (0.1 * rng.standard_normal(int(given.seconds * RATE))).astype(np.float32)
    results = [row for size in SIZES for row in compare(samples, size, given.runs)]
    print(f"{given.seconds:g} s of sound, median processor time of {given.runs} runs, one thread")
    print(
        "front end  n_fft   hop  mels  ossicle ms  librosa ms  ratio  x real time  FFT share  error"
    )
    for row in results:
        print(
            f"{row['front end']:9}  {row['n_fft']:5}  {row['hop_length']:4}  {row['n_mels']:4}  "
            f"{row['ossicle_ms']:10}  {row['librosa_ms']:10}  {row['ratio']:5}  "
            f"{row['times_real_time']:11}  {row['fft_share']:9.0%}  {row['largest_difference']:.0e}"
        )
    print(f"meanvar of 2000 windows of 500 x 64: {integration_ms():.0f} ms (wall)")
    if given.json:
        given.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
