"""Windows of a data set as a network learns from them: cut, described, with what they answer.

A window is cut in two ways. At its fixed place it is, bit for bit, what the trained classifier
hears of the clip: windows start at multiples of the hop, and a clip shorter than a window is
padded with zeros at its end. Varied, it lies near that place at random, a shorter clip anywhere
in its window, and is changed as an :class:`~ossicle.training.augmentation.Augmentation` says.

Windows too quiet for the classifier to listen to are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from ossicle.audio import level
from ossicle.classifier import Decision
from ossicle.datasets.combined import Combined
from ossicle.errors import TrainingError, nearest
from ossicle.features import FeatureStore, FrontEnd, Scaler, WindowCutter, window_lengths
from ossicle.features.store import Progress
from ossicle.training.augmentation import Augmentation
from ossicle.training.sounds import Sounds, heard, held, stored
from ossicle.types import Samples

__all__ = ["SCALINGS", "Batch", "Examples", "fit_scaler"]

QUIET_LEVEL = Decision().quiet
"""dBFS below which a classifier does not listen to a window, so that none is trained on either."""

SCALINGS = ("band", "cell")
"""How features are scaled: each band, or each band of each frame, by its own mean and spread."""

Features = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Batch:
    """Some windows with what they answer.

    Parameters
    ----------
    features : float32 tensor, shape (n, n_frames, n_bands)
    targets : dict of task name to float32 tensor, shape (n, n_columns)
    mask : dict of task name to bool tensor, shape (n,)
        Whether a window answers the task; the targets of others are zeros that mean nothing.
    source : int64 tensor, shape (n,)
        Index of the data set that each is from.
    rows : int64 tensor, shape (n,)
        Which windows they are.
    """

    features: torch.Tensor
    targets: dict[str, torch.Tensor]
    mask: dict[str, torch.Tensor]
    source: torch.Tensor
    rows: torch.Tensor

    def __len__(self) -> int:
        return len(self.rows)


class Examples:
    """The windows of combined data sets.

    Parameters
    ----------
    combined : Combined
    front_end : FrontEnd
    window, window_hop : float
        Seconds; None for the hop: half a window.
    store : FeatureStore or path
        Where the samples of the clips are kept.
    in_memory : bool
        True: all samples are held in memory. False: each window is read from the store when it is
        needed, so that memory does not grow with the data. The windows are the same, bit for bit.
    n_jobs : int
        Processes that decode the clips.
    progress : function, optional
        Called with the number of distinct clips decoded and of all.

    Attributes
    ----------
    rows : int64 array, shape (n_rows, 2)
        Clip and number of each window, in the order of the clips and of the windows in them.
    skipped : tuple of (str, str)
        Clips without windows, and why.

    Raises
    ------
    TrainingError
        If no clip can be used, or a recording could not be read this time.
    FeatureError
        If the windowing is impossible.

    >>> import tempfile
    >>> from ossicle.audio import alarm, write_audio
    >>> from ossicle.datasets import combine, read_dataset
    >>> from ossicle.features import LogMel
    >>> folder = Path(tempfile.mkdtemp())
    >>> for kind in ("bell", "hi_lo"):
    ...     write_audio(folder / "alarms" / kind / "1.wav", alarm(kind, 2.0), 16_000)
    >>> combined = combine(read_dataset(folder / "alarms"))
    >>> examples = Examples(combined, LogMel(n_mels=40), window=1.0, store=folder / "store")
    >>> examples.rows.tolist()
    [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]
    >>> examples.fixed(0).shape
    (97, 40)
    >>> fit_scaler(examples, examples.of_clips([0]), "band").mean.shape
    (3880,)
    """

    def __init__(
        self,
        combined: Combined,
        front_end: FrontEnd,
        *,
        window: float,
        window_hop: float | None = None,
        store: FeatureStore | Path | str,
        in_memory: bool = True,
        n_jobs: int = 1,
        progress: Progress | None = None,
    ) -> None:
        lengths = window_lengths(front_end, window, window_hop)
        assert lengths is not None
        self.combined, self.front_end = combined, front_end
        self.window, self.window_hop = window, window_hop
        self.length, self.hop = lengths
        if not isinstance(store, FeatureStore):
            store = FeatureStore(store)
        table = heard(
            combined.clips,
            sample_rate=front_end.sample_rate,
            store=store,
            n_jobs=n_jobs,
            progress=progress,
        )
        on_disk = stored(table)
        self.sounds: Sounds = held(on_disk) if in_memory else on_disk
        levels = np.full(len(combined), -np.inf)
        levels[table.clip_index] = table.levels
        self.rows = np.array(list(self._loud_windows(levels)), np.int64).reshape(-1, 2)
        self.skipped = tuple((str(clip.path), why) for clip, why in table.skipped)
        self.skipped += self._quiet_clips()
        if not len(self.rows):
            told = "; ".join(f"{path}: {why}" for path, why in self.skipped[:3])
            raise TrainingError(f"none of {len(combined)} clips can be used: {told}")
        self.source = combined.source
        self.mask = {
            task.name: combined.mask[:, place] for place, task in enumerate(combined.tasks)
        }
        self.targets = {task.name: combined.targets(task.name) for task in combined.tasks}

    def __len__(self) -> int:
        return len(self.rows)

    def __getstate__(self) -> dict[str, Any]:
        """What other processes need to make windows: everything but the clips' tables."""
        return {name: value for name, value in vars(self).items() if name != "combined"}

    @property
    def n_frames(self) -> int:
        """Frames of a window."""
        return self.front_end.n_rows(self.front_end.n_frames(self.length))

    @property
    def n_bands(self) -> int:
        """Columns of a window."""
        return self.front_end.n_bands

    def of_clips(self, clips: ArrayLike) -> NDArray[np.int64]:
        """Places of the windows of some clips, which are named by their places in ``combined``."""
        return np.flatnonzero(np.isin(self.rows[:, 0], np.asarray(clips)))

    def apart(self, rows: ArrayLike) -> NDArray[np.int64]:
        """Of some windows, those that hardly overlap: what an epoch of varied windows needs.

        Of a clip of c seconds about c / window are kept, and at least one.
        """
        step = max(1, round(self.length / self.hop))
        ordered = np.asarray(rows, np.int64)
        ordered = ordered[np.argsort(self.rows[ordered, 0], kind="stable")]
        clips = self.rows[ordered, 0]
        number = np.arange(len(clips)) - np.searchsorted(clips, clips)
        kept: NDArray[np.int64] = ordered[number % step == 0]
        return kept

    def fixed(self, row: int) -> Features:
        """A window as the classifier will hear it: float32 array, shape ``(n_frames, n_bands)``."""
        clip, number = (int(value) for value in self.rows[row])
        # A front end that looks back sees the window before, too.
        before = min(number, 1 if self.front_end.lookback else 0)
        first = number * self.hop
        samples = self.sounds.read(clip, first - before * self.hop, first + self.length)
        cutter = WindowCutter(self.front_end, window=self.window, window_hop=self.window_hop)
        pieces = cutter.push(samples) + cutter.finish()
        return self.front_end.finish(pieces[-1].frames)

    def varied(
        self, row: int, *, rng: np.random.Generator, augmentation: Augmentation | None = None
    ) -> Features:
        """A window near its place, changed at random: shape as :meth:`fixed`.

        Parameters
        ----------
        row : int
        rng : Generator
            In the same state, the same bytes.
        augmentation : Augmentation, optional
            What is done to the samples, if the clip answers a task that it is for.
        """
        samples = self._near(row, rng)
        rate = self.front_end.sample_rate
        if augmentation is None or not augmentation.is_for(self.answered(row)):
            return self.front_end(_placed(samples, self.length, rng))
        samples = augmentation.waveform(samples, sample_rate=rate, rng=rng)
        samples = _placed(samples, self.length, rng)
        return self.front_end(augmentation.over_background(samples, sample_rate=rate, rng=rng))

    def answered(self, row: int) -> list[str]:
        """The tasks that a window answers."""
        clip = self.rows[row, 0]
        return [task for task, mask in self.mask.items() if mask[clip]]

    def _near(self, row: int, rng: np.random.Generator) -> Samples:
        """A window's samples, moved by up to half a window within its clip."""
        clip, number = (int(value) for value in self.rows[row])
        room = max(0, int(self.sounds.n_samples[clip]) - self.length)
        moved = number * self.hop + int(rng.integers(-(self.length // 2), self.length // 2 + 1))
        first = min(max(0, moved), room)
        return self.sounds.read(clip, first, first + self.length)

    def _loud_windows(self, levels: NDArray[np.float64]) -> Iterator[tuple[int, int]]:
        """Clip and number of each window that a classifier listens to."""
        for clip, n_samples in enumerate(self.sounds.n_samples.tolist()):
            n_windows = 1 + max(0, n_samples - self.length) // self.hop
            if n_samples <= self.length:
                if levels[clip] >= QUIET_LEVEL:
                    yield clip, 0
                continue
            for number in range(n_windows):
                first = number * self.hop
                if level(self.sounds.read(clip, first, first + self.length)) >= QUIET_LEVEL:
                    yield clip, number

    def _quiet_clips(self) -> tuple[tuple[str, str], ...]:
        quiet = np.setdiff1d(np.flatnonzero(self.sounds.n_samples), self.rows[:, 0])
        reason = f"quiet throughout: no window reaches {QUIET_LEVEL:g} dBFS"
        return tuple((str(self.combined.clips[clip].path), reason) for clip in quiet)


def fit_scaler(examples: Examples, rows: ArrayLike, how: str | None) -> Scaler | None:
    """A scaler of some windows at their fixed places, and of nothing else.

    It equals ``Scaler.fit`` on the matrix of these windows to the last bit, and needs memory for a
    few of them only: the same sums are made in the same order, while the windows pass by twice.

    Parameters
    ----------
    examples : Examples
    rows : int array
        The training part; no other window is looked at.
    how : {"band", "cell", None}
        Each band has one mean and spread; each band of each frame has its own; no scaling.

    Raises
    ------
    TrainingError
        If ``how`` is unknown, or there are no rows.
    """
    if how is None:
        return None
    if how not in SCALINGS:
        raise TrainingError(f"no scaling {how!r}; {nearest(str(how), SCALINGS)}, or none at all")
    wanted = np.asarray(rows, np.int64)
    if not len(wanted):
        raise TrainingError("there are no training windows to scale by; is the part empty?")

    def windows() -> Iterator[Features]:
        return (examples.fixed(int(row)).reshape(1, -1) for row in wanted)

    return Scaler.fit_blocks(windows, n_bands=examples.n_bands if how == "band" else None)


def _placed(samples: Samples, length: int, rng: np.random.Generator) -> Samples:
    """Exactly so many samples: a random part of more, fewer at a random place among zeros."""
    place = int(rng.integers(abs(len(samples) - length) + 1))
    if len(samples) >= length:
        return samples[place : place + length]
    return np.pad(samples, (place, length - len(samples) - place))
