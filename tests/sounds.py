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


def table_of_tones(root: Path, *, swapped_fold: int | None = None) -> Path:
    """Forty clips of ten rooms, both labels in each, as a table with folds and an official split.

    ``swapped_fold`` gives the clips of one fold each other's label.
    """
    folders_of_tones(root, n_clips=20)
    lines = ["path,label,pitch,group,fold,split"]
    for pitch in ("high", "low"):
        for take in range(20):
            room, fold = take % 10, take % 10 % 5 + 1
            swapped = fold == swapped_fold
            label = {"high": "low", "low": "high"}[pitch] if swapped else pitch
            split = {1: "test", 2: "validation"}.get(fold, "train")
            lines.append(f"{pitch}/{pitch}_{take}.wav,{label},{pitch},room{room},{fold},{split}")
    table = root / "clips.csv"
    table.write_text("\n".join(lines) + "\n")
    return table
