"""Small combined data sets and their windows, made on the fly."""

from pathlib import Path

import numpy as np
from sounds import PITCHES, RATE, tone_in_noise

from ossicle.audio import write_audio
from ossicle.datasets import read_dataset
from ossicle.datasets.combined import Combined, combine
from ossicle.features import FrontEnd, LogMel
from ossicle.training.examples import Batch, Examples

LOG_MEL = LogMel(sample_rate=RATE, n_fft=256, hop_length=80, n_mels=12)
DURATIONS = (0.1, 0.3, 0.5, 0.93)


def two_sets(root: Path, *, n_clips: int = 4, durations=DURATIONS) -> Combined:
    """Two data sets of tones with a question each, their clips of several lengths."""
    for name, labels in (("birds", ("high", "middle")), ("frogs", ("low", "middle"))):
        for number, label in enumerate(labels):
            for take in range(n_clips):
                duration = durations[take % len(durations)]
                seed = 1_000 * (name == "frogs") + 100 * number + take
                sound = tone_in_noise(PITCHES[label], seed=seed, duration=duration)
                write_audio(root / name / label / f"{take}.wav", sound, RATE)
    return combine([read_dataset(root / name) for name in ("birds", "frogs")])


def examples_of(
    combined: Combined, store: Path, *, front_end: FrontEnd = LOG_MEL, window=0.3, **settings
) -> Examples:
    return Examples(combined, front_end, window=window, store=store, **settings)


def bytes_of(batch: Batch) -> bytes:
    arrays = [batch.features, *batch.targets.values(), *batch.mask.values()]
    return b"".join(each.numpy().tobytes() for each in (*arrays, batch.source, batch.rows))


def features_of(examples: Examples) -> np.ndarray:
    return np.stack([examples.fixed(row) for row in range(len(examples))])
