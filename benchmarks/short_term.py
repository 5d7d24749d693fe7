"""Speed of the 34 short-term features against pyAudioAnalysis, and equality with it.

    python benchmarks/short_term.py [--seconds 60] [--runs 7] [--json FILE]

One thread; processor time, not the clock's. Ours and theirs alternate; medians are compared. Where
pyAudioAnalysis is not installed (it needs matplotlib and tqdm too), its place is taken by its
formulas, in numpy, one frame at a time, as it computes them.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np
import scipy.fft
from features import ONE_THREAD, medians

from ossicle.features import LogMel, ShortTerm
from ossicle.features.pyaudioanalysis import old_bank, old_short_term

RATE = 16_000
SIZES = ({"n_fft": 800, "hop_length": 400}, {"n_fft": 400, "hop_length": 160})
EPSILON = 2.0**-52

Frame = np.ndarray


def parts_entropy(values: Frame) -> float:
    length = len(values) // 10
    parts = values[: 10 * length].reshape(10, length).sum(axis=1)
    shares = parts / (values.sum() + EPSILON)
    return float(-np.sum(shares * np.log2(shares + EPSILON)))


def unpacked(groups: tuple, n_rows: int) -> np.ndarray:
    matrix = np.zeros((n_rows, groups[-1].bands.stop))
    for bins, bands, weights in groups:
        matrix[bins, bands] = weights
    return matrix


def frame_by_frame(samples: np.ndarray, *, n_fft: int, hop_length: int) -> np.ndarray:
    """The formulas as pyAudioAnalysis computes them: a loop over frames, in double precision."""
    n_bins = n_fft // 2
    mel = unpacked(old_bank(sample_rate=RATE, n_fft=n_fft).mel, n_bins)
    signal = samples.astype(np.float64)
    signal = signal - signal.mean()
    signal = signal / (np.abs(signal).max() + 1e-10)
    rows, before = [], None
    for first in range(0, len(signal) - n_fft + 1, hop_length):
        frame = signal[first : first + n_fft]
        magnitudes = np.abs(scipy.fft.fft(frame))[:n_bins] / n_bins
        row, shares = one_frame(frame, magnitudes, mel)
        row[6] = 0.0 if before is None else np.sum((shares - before) ** 2)
        rows.append(row)
        before = shares
    return np.array(rows)


def chroma(power: Frame) -> Frame:
    """Notes of the bins, found for each frame anew."""
    n_bins = len(power)
    hertz = np.array([(bin_ + 1) * RATE / (2 * n_bins) for bin_ in range(n_bins)])
    notes = np.round(12 * np.log2(hertz / 27.5)).astype(int)
    counts = np.zeros(n_bins)
    for note in np.unique(notes):
        alike = np.nonzero(notes == note)
        counts[alike] = alike[0].shape
    heard = np.zeros(-(-n_bins // 12) * 12)
    heard[notes % n_bins] = power
    heard[:n_bins] /= counts[notes]
    return np.asarray(heard.reshape(-1, 12).sum(axis=0) / power.sum())


def one_frame(frame: Frame, magnitudes: Frame, mel: np.ndarray) -> tuple[list[float], Frame]:
    power, steps = magnitudes**2, np.arange(1, len(magnitudes) + 1) / len(magnitudes)
    total = magnitudes.sum() + EPSILON
    centroid = np.sum(steps * magnitudes) / total
    bands = np.log10(magnitudes @ mel + EPSILON)
    notes = chroma(power)
    row = [
        np.abs(np.diff(np.sign(frame))).sum() / 2 / (len(frame) - 1),
        np.sum(frame**2) / len(frame),
        parts_entropy(frame**2),
        centroid,
        np.sqrt(np.sum((steps - centroid) ** 2 * magnitudes) / total),
        parts_entropy(power),
        0.0,
        np.argmax(np.cumsum(power) > 0.9 * power.sum()) / len(power),
        *scipy.fft.dct(bands, norm="ortho")[:13],
        *notes,
        notes.std(),
    ]
    return row, magnitudes / np.sum(magnitudes + EPSILON)


def peer() -> tuple[str, object]:
    """Name of the rival, and what it makes of samples and a size: frames × 34."""
    try:
        from pyAudioAnalysis import ShortTermFeatures
    except ImportError:
        return "its formulas", frame_by_frame

    def original(samples: np.ndarray, *, n_fft: int, hop_length: int) -> np.ndarray:
        found = ShortTermFeatures.feature_extraction(
            samples * 32_768, RATE, n_fft, hop_length, deltas=False
        )
        return np.asarray(found[0].T)

    return "pyAudioAnalysis", original


def compare(samples: np.ndarray, size: dict[str, int], runs: int) -> dict[str, object]:
    mended, old = ShortTerm(**size), ShortTerm(**size, compat="pyaudioanalysis")
    name, theirs = peer()
    times = medians(
        runs,
        lambda: mended(samples),
        lambda: old(samples),
        lambda: LogMel(**size, n_mels=40)(samples),
        lambda: theirs(samples, **size),
    )
    exact = old_short_term(samples, sample_rate=RATE, **size)
    return {
        **size,
        "peer": name,
        **dict(zip(("mended_ms", "compat_ms", "log_mel_ms", "peer_ms"), times, strict=True)),
        "ratio": times[3] / times[0],
        "compat_ratio": times[3] / times[1],
        "us_per_frame": 1e3 * times[0] / len(exact),
        "largest_difference": float(np.abs(exact - theirs(samples, **size)).max()),
    }


def main() -> None:
    if not ONE_THREAD.items() <= os.environ.items():  # read when numpy is loaded: start again
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ONE_THREAD})
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--seconds", type=float, default=60.0)
    words.add_argument("--runs", type=int, default=7)
    words.add_argument("--json", type=Path)
    given = words.parse_args()
    rng = np.random.default_rng(0)
    noise = 3_000 * rng.standard_normal(int(given.seconds * RATE))
    samples = (np.round(noise) / 32_768).astype(np.float32)
    results = [compare(samples, size, given.runs) for size in SIZES]
    print(f"{given.seconds:g} s of sound, median processor time of {given.runs} runs, one thread")
    print(
        f"n_fft   hop  mended ms  compat ms  log-mel ms  {results[0]['peer']:>15} ms  ratio  "
        "compat ratio  us/frame  error"
    )
    for row in results:
        print(
            f"{row['n_fft']:5}  {row['hop_length']:4}  {row['mended_ms']:9.2f}  "
            f"{row['compat_ms']:9.2f}  {row['log_mel_ms']:10.2f}  {row['peer_ms']:18.1f}  "
            f"{row['ratio']:5.1f}  {row['compat_ratio']:12.1f}  {row['us_per_frame']:8.2f}  "
            f"{row['largest_difference']:.0e}"
        )
    if given.json:
        given.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
