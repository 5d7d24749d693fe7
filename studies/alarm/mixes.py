"""Mixes of both sides: in all places together, and in each place alone."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ossicle import Dataset, mix_dataset
from ossicle.datasets.recipes import Bank
from studies.alarm.settings import SNRS
from studies.alarm.sounds import Sounds

__all__ = ["CYCLE", "DURATION", "LEVEL", "interleaved", "mixed", "mixed_by_place"]

DURATION = 5.0
LEVEL = -40.0
"""dBFS of every background, so that how loud a recording happens to be gives nothing away."""

CYCLE = 4
"""Mixes until pairs without and with another sound have come once."""

TRAIN, TEST = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)


def mixed(sounds: Sounds, out: Path, n: int, *, is_test: bool, seed: int, n_jobs: int) -> Dataset:
    """Mixes in all places, each place equally often."""
    places = [Bank(place, weight=1.0 / len(place)) for place in sounds.places.values()]
    return _mixed(sounds, places, out, n, is_test=is_test, seed=seed, n_jobs=n_jobs)


def mixed_by_place(
    sounds: Sounds, out: Path, n: int, *, is_test: bool, seed: int, n_jobs: int
) -> dict[str, Dataset]:
    """Mixes in each place alone: mix by mix the same sounds at the same times and ratios."""
    return {
        name: _mixed(
            sounds, [Bank(place)], out / name, n, is_test=is_test, seed=seed, n_jobs=n_jobs
        )
        for name, place in sounds.places.items()
    }


def interleaved(n_mixes: int, n_sets: int) -> NDArray[np.int64]:
    """From which of several sets each mix is taken, `CYCLE` mixes in turn, shape ``(n_mixes,)``.

    Turns of one pair would give one of two sets all the pairs with another sound.

    >>> interleaved(14, 3).tolist()
    [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 0, 0]
    """
    return np.arange(n_mixes) // CYCLE % n_sets


def _mixed(
    sounds: Sounds, places: list[Bank], out: Path, n: int, *, is_test: bool, seed: int, n_jobs: int
) -> Dataset:
    return mix_dataset(
        alarms=sounds.alarms,
        significant=sounds.significant,
        background=places,
        out=out,
        snr=SNRS,
        level=LEVEL,
        seed=seed,
        n=n,
        duration=DURATION,
        fractions=TEST if is_test else TRAIN,
        n_jobs=n_jobs,
    )
