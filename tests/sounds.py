"""Small data sets made on the fly: tones that a classifier can tell apart, mostly."""

from pathlib import Path

import numpy as np

from ossicle.audio import write_audio

RATE = 8_000
PITCHES = {"high": 1_900.0, "low": 400.0, "middle": 900.0}


def tone_in_noise(pitch: float, *, seed: int, duration: float = 0.5, snr: float = 3.0):
    """A tone with a random pitch near ``pitch`` in noise so loud that some are mistaken."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(duration * RATE)) / RATE
    tone = np.sin(2 * np.pi * pitch * rng.uniform(0.6, 1.6) * time)
    noise = rng.normal(size=len(time)) * 10 ** (-snr / 20)
    return (0.1 * (tone + noise)).astype(np.float32)


def folders_of_tones(root: Path, *, n_clips: int = 10, labels=("high", "low")) -> Path:
    """One folder a label with ``n_clips`` short files each."""
    for number, label in enumerate(labels):
        for take in range(n_clips):
            samples = tone_in_noise(PITCHES[label], seed=100 * number + take)
            write_audio(root / label / f"{label}_{take}.wav", samples, RATE)
    return root
