"""Recordings that are laid under examples at random."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

import numpy as np

from ossicle.audio import info, read_audio
from ossicle.datasets import Dataset
from ossicle.datasets.files import find
from ossicle.errors import AudioError, TrainingError, nearest
from ossicle.types import Samples

__all__ = ["Background"]


@dataclass(frozen=True, kw_only=True)
class Background:
    """Recordings to lay under a share of the examples.

    Parts of them are read from their files as they are needed; WAV and FLAC are read quickly.

    Parameters
    ----------
    path : path or Dataset
        A folder of recordings, one recording, or clips.
    snr : (float, float)
        Least and most signal-to-noise ratio, in dB.
    share : float
        Of the examples that are laid over a background.

    Raises
    ------
    TrainingError
        If a setting is not allowed, or a recording cannot be read.

    >>> import tempfile
    >>> from ossicle.audio import background, write_audio
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_audio(folder / "rain.wav", background("rain", 3.0), 16_000)
    >>> under = Background(path=folder, snr=(0.0, 10.0))
    >>> under.part(8_000, sample_rate=16_000, rng=np.random.default_rng(0)).shape
    (8000,)
    """

    path: Path | str | Dataset
    snr: tuple[float, float] = (0.0, 20.0)
    share: float = 0.5
    stretches: tuple[tuple[Path, float, float], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not 0.0 <= self.share <= 1.0:
            raise TrainingError(f"background share={self.share}; 0 to 1 are allowed")
        if len(self.snr) != 2 or not -60.0 <= self.snr[0] <= self.snr[1] <= 120.0:
            raise TrainingError(
                f"background snr={self.snr}; [least, most] from -60 to 120 dB are needed"
            )
        object.__setattr__(self, "snr", tuple(map(float, self.snr)))
        object.__setattr__(self, "stretches", _stretches(self.path))

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Backgrounds from the settings of a recipe.

        Raises
        ------
        TrainingError
            If a setting is unknown, missing or not allowed.
        """
        known = [field.name for field in fields(cls) if field.init]
        for key in settings:
            if key not in known:
                raise TrainingError(f"background has no {key!r}; {nearest(str(key), known)}")
        if "path" not in settings:
            raise TrainingError("background needs a path, of a folder of recordings")
        return cls(**settings)

    def part(self, n_samples: int, *, sample_rate: int, rng: np.random.Generator) -> Samples:
        """So many samples from a random place of a random recording, repeated if it is shorter."""
        path, start, end = self.stretches[int(rng.integers(len(self.stretches)))]
        seconds = n_samples / sample_rate
        first = start + float(rng.uniform(0.0, max(0.0, end - start - seconds)))
        samples, _ = read_audio(
            path, sample_rate=sample_rate, start=first, end=min(end, first + seconds)
        )
        return np.resize(samples, n_samples)


def _stretches(path: Path | str | Dataset) -> tuple[tuple[Path, float, float], ...]:
    """File, first and last second of each recording."""
    if isinstance(path, Dataset):
        wanted = [(clip.path, clip.start, clip.end) for clip in path.clips]
    else:
        found = find(Path(path))
        wanted = [(found.root / name, 0.0, None) for name in found.sounds]
    if not wanted:
        raise TrainingError(f"background path={str(path)!r} holds no recordings")
    try:
        return tuple(
            (file, start, info(file).duration if end is None else end)
            for file, start, end in wanted
        )
    except AudioError as error:
        raise TrainingError(f"background {error}") from error
