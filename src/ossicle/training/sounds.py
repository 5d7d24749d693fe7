"""The samples of clips, held in memory or read from the feature store as they are needed."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import TrainingError
from ossicle.features import FeatureStore, FeatureTable, Waveform
from ossicle.features.store import Progress
from ossicle.types import Clip, Samples

__all__ = ["Held", "Sounds", "Stored", "heard", "held", "median_seconds", "reasons", "stored"]


class Sounds(Protocol):
    """Samples of clips by their place; the same whatever keeps them."""

    @property
    def n_samples(self) -> NDArray[np.int64]:
        """How many each clip has; 0 where it could not be used."""

    def read(self, clip: int, first: int, last: int) -> Samples:
        """The samples ``first:last`` of a clip; fewer where it ends before."""


@dataclass(frozen=True, eq=False)
class Stored:
    """Samples that stay in the store; only those asked for are read.

    Each process opens the files for itself.
    """

    table: FeatureTable
    n_samples: NDArray[np.int64]
    rows: NDArray[np.int64]  # of the table, one a clip; -1: none

    def read(self, clip: int, first: int, last: int) -> Samples:
        """The samples ``first:last`` of a clip; fewer where it ends before."""
        samples: Samples = self.table.piece(int(self.rows[clip]), first, last)[:, 0]
        return samples


@dataclass(frozen=True, eq=False)
class Held:
    """Samples in memory, one clip after the other."""

    samples: Samples = field(repr=False)
    n_samples: NDArray[np.int64]
    offsets: NDArray[np.int64]

    def read(self, clip: int, first: int, last: int) -> Samples:
        """The samples ``first:last`` of a clip; fewer where it ends before."""
        begin, end = int(self.offsets[clip]), int(self.offsets[clip + 1])
        return self.samples[min(begin + first, end) : min(begin + last, end)]


def heard(
    clips: Sequence[Clip],
    *,
    sample_rate: int,
    store: FeatureStore,
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> FeatureTable:
    """The samples of clips, put into the store or found there.

    Raises
    ------
    TrainingError
        If a recording could not be read this time.
    """
    table = store.extract(
        clips, Waveform(sample_rate=sample_rate), n_jobs=n_jobs, progress=progress
    )
    if table.n_unavailable:
        clip, why = table.skipped[0]
        raise TrainingError(
            f"{table.n_unavailable} recordings could not be read this time, such as {clip.path}: "
            f"{why}. Run again: what is finished is kept"
        )
    return table


def stored(table: FeatureTable) -> Stored:
    """The clips of a table, read one at a time."""
    rows = np.full(len(table.clips), -1, np.int64)
    rows[table.clip_index] = np.arange(len(table))
    n_samples = np.zeros(len(table.clips), np.int64)
    n_samples[table.clip_index] = np.diff(table.offsets)
    # Other processes that read are sent no clips.
    return Stored(replace(table, clips=(), skipped=[]), n_samples, rows)


def held(sounds: Stored) -> Held:
    """The same sounds, all read."""
    offsets = np.concatenate([[0], np.cumsum(sounds.n_samples)])
    samples = np.empty(offsets[-1], np.float32)
    for clip in np.flatnonzero(sounds.n_samples):
        n_samples = int(sounds.n_samples[clip])
        samples[offsets[clip] : offsets[clip + 1]] = sounds.read(int(clip), 0, n_samples)
    return Held(samples, sounds.n_samples, offsets)


def median_seconds(clips: Sequence[Clip], *, store: FeatureStore, sample_rate: int) -> float:
    """The length in seconds that half of the usable clips do not pass: a whole clip's, always.

    Raises
    ------
    TrainingError
        If no clip can be used.
    """
    table = heard(clips, sample_rate=sample_rate, store=store)
    if not len(table):
        raise TrainingError(f"none of {len(clips)} clips can be used: {reasons(table)}")
    lengths = np.sort(np.diff(table.offsets))
    return float(lengths[(len(lengths) - 1) // 2] / sample_rate)


def reasons(table: FeatureTable) -> str:
    """Why the first few clips were skipped."""
    return "; ".join(f"{clip.path}: {why}" for clip, why in table.skipped[:3])
