"""The formulas of the short-term features, one frame and one bin at a time, old and mended."""

from itertools import pairwise

import librosa
import numpy as np
import scipy.fft

RATE = 16_000
EPS = np.finfo(float).eps


def sound(n_samples: int, seed: int = 0) -> np.ndarray:
    """16-bit sound: a sweep in noise whose level rises over 80 dB, a little off zero."""
    rng = np.random.default_rng(seed)
    times = np.arange(n_samples) / RATE
    sweep = np.sin(2 * np.pi * (300 + 800 * times) * times)
    swelling = (0.3 * sweep + 0.05 * rng.standard_normal(n_samples)) * np.geomspace(
        1e-4, 1, n_samples
    )
    return (np.round(32_768 * swelling + 20) / 32_768).astype(np.float32)


def entropy(values: np.ndarray, rest_counts: bool) -> float:
    length = len(values) // 10
    sums = [np.sum(values[part * length : (part + 1) * length]) for part in range(10)]
    total = np.sum(values) if rest_counts else sum(sums)
    shares = [each / (total + EPS) for each in sums]
    return -sum(share * np.log2(share + EPS) for share in shares)


def spectral(magnitudes: np.ndarray, hertz: np.ndarray, rolloffs: np.ndarray) -> list[float]:
    """Centroid, spread, roll-off; ``hertz`` as a share of half the rate."""
    total = np.sum(magnitudes)
    centroid = np.sum(hertz * magnitudes) / total
    spread = np.sqrt(np.sum((hertz - centroid) ** 2 * magnitudes) / total)
    energy = np.sum(magnitudes**2)
    below = next(k for k in range(len(hertz)) if np.sum(magnitudes[: k + 1] ** 2) > 0.9 * energy)
    return [centroid, spread, rolloffs[below]]


def described(
    samples: np.ndarray, n_fft: int, hop: int, magnitudes_of, hertz, rolloffs, mel, chroma, old
) -> np.ndarray:
    rows, before = [], None
    for first in range(0, len(samples) - n_fft + 1, hop):
        frame = samples[first : first + n_fft]
        signs = [0 if value == 0 else 1 if value > 0 else -1 for value in frame]
        steps = sum(abs(b - a) for a, b in pairwise(signs))
        magnitudes = magnitudes_of(frame)
        shares = magnitudes / np.sum(magnitudes + (EPS if old else 0))
        centroid, spread, rolloff = spectral(magnitudes, hertz, rolloffs)
        bands = np.log10(mel @ magnitudes + (EPS if old else 1e-10))
        notes = chroma(magnitudes**2)
        rows.append(
            [
                steps / (2 * (n_fft - 1)),
                np.mean(frame**2),
                entropy(frame**2, old),
                centroid,
                spread,
                entropy(magnitudes**2, old),
                0 if before is None else np.sum((shares - before) ** 2),
                rolloff,
                *scipy.fft.dct(bands, norm="ortho")[:13],
                *notes,
                np.std(notes),
            ]
        )
        before = shares
    return np.array(rows)


def old_reference(samples: np.ndarray, rate: int, n_fft: int, hop: int) -> np.ndarray:
    """As the feature map has it: no taper, bin k at (k + 1) / K, filters an octave low."""
    n_bins = n_fft // 2
    normal = samples.astype(float) - np.mean(samples.astype(float))
    normal = normal / (np.max(np.abs(normal)) + 1e-10)
    edges = [133.33 + 200 / 3 * k for k in range(13)]
    edges += [edges[-1] * 1.0711703**k for k in range(1, 30)]
    mel = np.zeros((40, n_bins))
    for low, middle, high, row in zip(edges, edges[1:], edges[2:], mel, strict=False):
        for k in range(n_bins):
            place = [int(np.floor(edge * n_bins / rate)) for edge in (low, middle, high)]
            if place[0] < k <= place[1]:
                row[k] = 2 / (high - low) * (k / n_bins * rate - low) / (middle - low)
            elif place[1] < k <= place[2]:
                row[k] = 2 / (high - low) * (high - k / n_bins * rate) / (high - middle)
    note = [round(12 * np.log2((k + 1) * rate / (2 * n_bins) / 27.5)) for k in range(n_bins)]

    def chroma(power: np.ndarray) -> np.ndarray:
        heard = np.zeros(n_bins)
        for k in range(n_bins):
            heard[note[k]] = power[k]
        heard /= [note.count(note[note[k]]) for k in range(n_bins)]
        return np.array([heard[k::12].sum() for k in range(12)]) / power.sum()

    steps = np.arange(n_bins) / n_bins
    return described(
        normal,
        n_fft,
        hop,
        lambda frame: np.abs(np.fft.fft(frame))[:n_bins] / n_bins,
        steps + 1 / n_bins,
        steps,
        mel,
        chroma,
        old=True,
    )


def mended_reference(samples: np.ndarray, rate: int, n_fft: int, hop: int, n_mels: int):
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    bins = np.arange(1, n_fft // 2 + 1)
    mel = librosa.filters.mel(
        sr=rate,
        n_fft=n_fft,
        n_mels=n_mels,
        fmin=librosa.mel_to_hz(2),
        fmax=min(rate / 2, librosa.mel_to_hz(n_mels + 3)),
        dtype=np.float64,
    )
    note = [round(12 * np.log2(k * rate / n_fft / 27.5)) for k in bins]

    def chroma(power: np.ndarray) -> np.ndarray:
        heard = np.zeros(12)
        for k, value in zip(note, power, strict=True):
            if k >= 0:
                heard[k % 12] += value
        return heard / heard.sum()

    return described(
        samples.astype(float),
        n_fft,
        hop,
        lambda frame: np.abs(np.fft.fft(frame * taper))[bins] * 2 / taper.sum(),
        2 * bins / n_fft,
        2 * bins / n_fft,
        mel[:, 1:],
        chroma,
        old=False,
    )
