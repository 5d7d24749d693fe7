"""Examples varied at random each time they are met: as sound, as picture, and mixed in pairs.

What is done to a window depends on the seed, the epoch and the window alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ossicle.audio import SILENCE, augment, check_amount, level, mix
from ossicle.errors import AudioError, TrainingError, nearest
from ossicle.training.backgrounds import Background
from ossicle.types import Samples

__all__ = ["Augmentation", "mixed_pairs"]

Features = NDArray[np.float32]

ORDER = ("speed", "pitch", "stretch", "shift", "gain", "room", "colour", "noise")
"""Variations of the sound in the order in which they are made."""

BOTH_WAYS = ("shift", "gain", "pitch")
"""Variations for which one number n means from -n to n."""


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """What is done to examples while training; what is not given is not done.

    The amount of each variation is drawn evenly from its range (least, most).

    Parameters
    ----------
    speed, pitch, stretch, shift, gain, noise, colour, room : (float, float), optional
        Of the sound, in this order: factor, semitones, factor on the length, seconds, dB, dB of
        signal-to-noise ratio, dB of each octave up or down, seconds of reverberation time. One
        number n stands for (-n, n) in
        ``shift``, ``gain`` and ``pitch``. ``speed`` costs a small part of ``pitch`` or
        ``stretch``.
    background : mapping or Background, optional
        Recordings laid under a share of the windows: ``path`` of a folder (or a Dataset), ``snr``
        as (least, most) in dB, ``share`` from 0 to 1.
    time_masks, time_mask : int
        How many stretches of frames are hidden, each of 0 to ``time_mask`` frames.
    band_masks, band_mask : int
        How many groups of bands are hidden, each of 0 to ``band_mask`` bands.
    mixup : float
        Two windows of a batch are mixed with a share drawn from Beta(mixup, mixup), and so are
        their targets; 0: none are.
    tasks : sequence of str, optional
        Only clips that answer one of these tasks are changed; None: all.

    Raises
    ------
    TrainingError
        If a setting is not allowed.

    Source: SpecAugment, Park et al. (2019); mixup, Zhang et al. (2018).

    >>> Augmentation(shift=0.1, noise=(10.0, 30.0)).shift
    (-0.1, 0.1)
    """

    speed: tuple[float, float] | None = None
    pitch: tuple[float, float] | None = None
    stretch: tuple[float, float] | None = None
    shift: tuple[float, float] | None = None
    gain: tuple[float, float] | None = None
    noise: tuple[float, float] | None = None
    colour: tuple[float, float] | None = None
    room: tuple[float, float] | None = None
    background: Background | None = None
    time_masks: int = 0
    time_mask: int = 0
    band_masks: int = 0
    band_mask: int = 0
    mixup: float = 0.0
    tasks: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for kind in ORDER:
            self._set(kind, _range(kind, getattr(self, kind)))
        for name in ("time_masks", "time_mask", "band_masks", "band_mask"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise TrainingError(
                    f"augmentation {name}={value!r}; whole numbers from 0 are allowed"
                )
        if not _is_number(self.mixup) or not 0.0 <= self.mixup <= 100.0:
            raise TrainingError(f"augmentation mixup={self.mixup!r}; 0 to 100 are allowed")
        self._set("background", _background(self.background))
        self._set("tasks", _names(self.tasks))

    def _set(self, name: str, clean: object) -> None:
        """Replace a setting by its clean value while the augmentation is being made."""
        object.__setattr__(self, name, clean)

    @classmethod
    def from_settings(cls, settings: "Mapping[str, Any] | Augmentation | None") -> "Augmentation":
        """An augmentation from the settings of a recipe; None: one that does nothing.

        Raises
        ------
        TrainingError
            If a setting is unknown or not allowed.

        >>> Augmentation.from_settings({"time_masks": 2, "time_mask": 25}).time_mask
        25
        """
        if isinstance(settings, Augmentation):
            return settings
        given = dict(settings or {})
        known = [setting.name for setting in fields(cls)]
        for key in given:
            if key not in known:
                raise TrainingError(f"no augmentation {key!r}; {nearest(str(key), known)}")
        return cls(**given)

    def is_for(self, tasks: Iterable[str]) -> bool:
        """Whether clips that answer these tasks are changed."""
        return self.tasks is None or not set(self.tasks).isdisjoint(tasks)

    @property
    def hides(self) -> bool:
        """Whether parts of the features are hidden."""
        return bool(self.time_masks * self.time_mask + self.band_masks * self.band_mask)

    def waveform(self, samples: Samples, *, sample_rate: int, rng: np.random.Generator) -> Samples:
        """A sound varied; shorter or longer where its speed was changed."""
        how = {kind: amounts for kind in ORDER if (amounts := getattr(self, kind)) is not None}
        return augment(samples, sample_rate=sample_rate, how=how, rng=rng) if how else samples

    def over_background(
        self, samples: Samples, *, sample_rate: int, rng: np.random.Generator
    ) -> Samples:
        """A sound over a random part of a random background, or as it is."""
        if self.background is None or rng.random() >= self.background.share:
            return samples
        under = self.background.part(len(samples), sample_rate=sample_rate, rng=rng)
        snr = float(rng.uniform(*self.background.snr))
        if min(level(samples), level(under)) <= SILENCE:
            return samples
        return mix(samples, under, snr=snr)

    def hidden(self, features: Features, *, fill: float, rng: np.random.Generator) -> Features:
        """Features with stretches of frames and groups of bands filled with one value.

        >>> mask = Augmentation(band_masks=1, band_mask=3)
        >>> hidden = mask.hidden(np.ones((4, 9)), fill=0.0, rng=np.random.default_rng(1))
        >>> hidden[0].tolist()
        [1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0]
        """
        hidden = features.copy()
        for rows, count, widest in (
            (hidden, self.time_masks, self.time_mask),
            (hidden.T, self.band_masks, self.band_mask),
        ):
            for _ in range(count):
                width = int(rng.integers(min(widest, len(rows)) + 1))
                first = int(rng.integers(len(rows) - width + 1))
                rows[first : first + width] = fill
        return hidden


def mixed_pairs(
    groups: NDArray[np.int64], alpha: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Partner and own share of each row of a batch; partners are of one group.

    Parameters
    ----------
    groups : int array, shape (n,)
        Rows of one group may be mixed with each other; those of group -1 are left as they are.
    alpha : float
        Of the Beta distribution that shares are drawn from.
    rng : Generator

    Returns
    -------
    (int64 array, float32 array), each of shape (n,)

    >>> partner, share = mixed_pairs(np.array([0, 0, 1]), 0.4, np.random.default_rng(0))
    >>> partner.tolist()
    [1, 0, 2]
    """
    partner = np.arange(len(groups))
    share = rng.beta(alpha, alpha, len(groups)).astype(np.float32)
    share = np.maximum(share, 1.0 - share)
    for group in np.unique(groups[groups >= 0]):
        rows = rng.permutation(np.flatnonzero(groups == group))
        partner[rows] = np.roll(rows, 1)
    return partner, share


def _range(kind: str, value: object) -> tuple[float, float] | None:
    """Least and most of a variation, or what is wrong with them."""
    if value is None:
        return None
    if _is_number(value) and kind in BOTH_WAYS:
        value = (-abs(value), abs(value))  # type: ignore[arg-type]
    pair = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []
    if len(pair) != 2 or not all(map(_is_number, pair)) or not pair[0] <= pair[1]:
        needed = "[least, most]" + (" or one number" if kind in BOTH_WAYS else "")
        raise TrainingError(f"augmentation {kind}={value!r}; {needed} is needed")
    try:
        for amount in pair:
            check_amount(kind, amount)
    except AudioError as error:
        raise TrainingError(f"augmentation {kind}={value!r}: {error}") from None
    return float(pair[0]), float(pair[1])


def _background(value: object) -> Background | None:
    if value is None or isinstance(value, Background):
        return value
    if not isinstance(value, Mapping):
        raise TrainingError(
            f"augmentation background={value!r}; a mapping with path, snr and share is needed"
        )
    return Background.from_settings(value)


def _names(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise TrainingError(f"augmentation tasks={value!r}; names of tasks are needed, or None")
    return tuple(names)


def _is_number(value: object) -> bool:
    return (
        isinstance(value, (int, float)) and not isinstance(value, bool) and bool(np.isfinite(value))
    )
