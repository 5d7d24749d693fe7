"""What every front end is: settings, a description of them, and samples → frames × bands.

A front end works in two halves. ``frames`` describes each frame by its own samples alone, so that
overlapping windows can share frames; ``finish`` does what needs a whole window (deltas, levels
relative to the loudest, scaling). A window's features are ``finish(frames(samples))``.

The cost of a front end is counted in multiply-adds: a product added to a sum is one, and so is a
lone product, sum, quotient, root or logarithm; comparisons are none; weights of zero are skipped;
a real transform of n points is 1.25 n log2 n (FFTW's 2.5 n log2 n operations, two to one).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ossicle.errors import FeatureError
from ossicle.features.checks import one_of, whole
from ossicle.features.scaling import WINDOW_SCALINGS, scale_window
from ossicle.types import Samples

__all__ = ["FrontEnd", "as_samples"]

LATER = frozenset({"window_scaling", "zero_padding", "slopes", "offset"})
"""Settings that descriptions of the first version do not have."""

LOUDEST = 1e12
"""Twelve decades above full scale is no sound, and its powers would leave float32."""


@dataclass(frozen=True, kw_only=True)
class FrontEnd(ABC):
    """Settings that all front ends share.

    Parameters
    ----------
    sample_rate : int
        Hz, that the samples must have.
    n_fft : int
        Samples of one frame.
    hop_length : int
        Samples between the starts of two frames.
    center : bool
        False: frames lie inside the window. True: the window is padded with ``n_fft // 2`` zeros
        on both sides, as librosa does; windows then share no frames.
    window_scaling : {None, "mean", "standard"}
        What is done to each band of a window in the end: nothing; its mean is subtracted; it is
        divided by its spread too.
    """

    sample_rate: int = 16_000
    n_fft: int = 512
    hop_length: int = 160
    center: bool = False
    window_scaling: str | None = None

    name: ClassVar[str]
    version: ClassVar[int] = 1
    lookback: ClassVar[int] = 0
    """Frames before a frame that its numbers depend on."""
    least_n_fft: ClassVar[int] = 2
    """Samples that a frame has at least."""

    def __post_init__(self) -> None:
        self._set(
            sample_rate=whole("sample_rate", self.sample_rate, low=1),
            n_fft=whole("n_fft", self.n_fft, low=self.least_n_fft, high=1 << 20),
            hop_length=whole("hop_length", self.hop_length, low=1),
        )
        if not isinstance(self.center, bool):
            raise FeatureError(f"center={self.center!r} is not a truth value; allowed: True, False")
        if self.window_scaling is not None:
            one_of("window_scaling", self.window_scaling, WINDOW_SCALINGS)

    def _set(self, **clean: Any) -> None:
        """Replace settings by their clean values while the front end is being made."""
        for name, value in clean.items():
            object.__setattr__(self, name, value)

    @property
    @abstractmethod
    def n_bands(self) -> int:
        """Columns of the features."""

    @abstractmethod
    def _frames(self, samples: Samples) -> NDArray[np.float32]:
        """Describe the frames of clean samples that are at least one frame long."""

    @abstractmethod
    def _finish(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features of a window before scaling; may return its argument, never changes it."""

    @abstractmethod
    def _multiply_adds(self, n_frames: int) -> int:
        """Multiply-adds of a window, its scaling not counted."""

    @property
    def band_names(self) -> tuple[str, ...]:
        """What each column is called."""
        return tuple(f"{self.name}_{band}" for band in range(1, self.n_bands + 1))

    @property
    def shares_frames(self) -> bool:
        """Whether overlapping windows have frames in common."""
        return not self.center

    def finish(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features of a window from its frames, which may be returned but are never changed.

        Parameters
        ----------
        frames : float32 array, shape (n_frames, n_base_bands)
            From :meth:`frames`.

        Returns
        -------
        float32 array, shape (n_rows, n_bands)
            ``n_rows`` as given by :meth:`n_rows`.
        """
        return scale_window(self._finish(frames), self.window_scaling)

    def multiply_adds(self, n_frames: int) -> int:
        """Multiply-adds that describe a window of so many frames, as counted by this module."""
        rows = self.n_rows(n_frames)
        scaling = WINDOW_SCALINGS[self.window_scaling] if self.window_scaling else 0
        return self._multiply_adds(n_frames) + scaling * rows * self.n_bands

    def frames(self, samples: ArrayLike) -> NDArray[np.float32]:
        """Describe each frame by its own samples alone.

        The numbers of a frame do not depend, in any bit, on what comes before and after it (but
        for the ``lookback`` frames before it, of front ends that have one).

        Parameters
        ----------
        samples : array, shape (n_samples,)
            Signal in [-1, 1], or whole numbers of full scale (16-bit PCM); shorter than one
            frame: padded with zeros.

        Returns
        -------
        float32 array, shape (n_frames, n_base_bands)

        Raises
        ------
        FeatureError
            If the samples are not one channel of finite numbers.
        """
        clean = as_samples(samples)
        if self.center:
            clean = np.pad(clean, self.n_fft // 2)
        if len(clean) < self.n_fft:
            clean = np.pad(clean, (0, self.n_fft - len(clean)))
        return self._frames(clean)

    def __call__(self, samples: ArrayLike) -> NDArray[np.float32]:
        """Features of one window: float32 array, shape ``(n_rows, n_bands)``."""
        return self.finish(self.frames(samples))

    def n_frames(self, n_samples: int) -> int:
        """How many frames that many samples give."""
        padding = 2 * (self.n_fft // 2) if self.center else 0
        return 1 + max(0, n_samples + padding - self.n_fft) // self.hop_length

    def n_samples(self, n_frames: int) -> int:
        """The least number of samples that fills that many frames."""
        padding = 2 * (self.n_fft // 2) if self.center else 0
        return max(1, self.n_fft + (n_frames - 1) * self.hop_length - padding)

    def n_rows(self, n_frames: int) -> int:
        """Rows of the features of a window of so many frames."""
        return n_frames

    def describe(self) -> dict[str, Any]:
        """Everything needed to make this front end again, ready for JSON."""
        # What came later is left out at its default, so that a description stays what it was.
        settings = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name not in LATER or getattr(self, field.name) != field.default
        }
        return {"name": self.name, "version": self.version, **settings}

    @property
    def settings(self) -> tuple[str, ...]:
        """Names of what can be set."""
        return tuple(field.name for field in fields(self))

    @property
    def summary(self) -> str:
        """Name and the settings that are not the usual: ``mfcc n_mels=40``."""
        values = {field: getattr(self, field.name) for field in fields(self)}
        special = [f"{f.name}={value}" for f, value in values.items() if value != f.default]
        return " ".join([self.name, *special])

    @property
    def networks(self) -> Mapping[str, bytes]:
        """ONNX files that it runs, by their SHA-256, which the description names; usually none."""
        return {}


def as_samples(samples: ArrayLike) -> Samples:
    """One channel of finite float32 numbers, or an error that says what is wrong.

    Whole numbers are scaled by their type's full range: 16-bit PCM becomes [-1, 1).

    >>> as_samples(np.array([0, -32768], np.int16)).tolist()
    [0.0, -1.0]
    """
    array = np.asarray(samples)
    if array.ndim != 1:
        channels = int(np.argmin(array.shape)) if array.ndim else 0
        raise FeatureError(
            f"samples have shape {array.shape}; a front end takes one channel, (n_samples,): "
            f"mix the channels first, samples.mean(axis={channels})"
        )
    if array.size == 0:
        raise FeatureError("there are no samples (length 0); at least one is needed")
    if array.dtype.kind in "iu":
        limits = np.iinfo(array.dtype)
        half = (int(limits.max) - int(limits.min) + 1) / 2
        array = (array - (limits.min + half)) / half
    if array.dtype.kind != "f":
        raise FeatureError(f"samples have type {array.dtype}; allowed: float or integer PCM")
    with np.errstate(over="ignore"):
        clean = np.ascontiguousarray(array, np.float32)
    _refuse_wild(clean)
    return clean


def _refuse_wild(samples: Samples) -> None:
    """Refuse numbers that are not finite, or whose squares would not be."""
    # NaN survives min and max, which make no temporary array as isfinite would.
    if samples.min() >= -LOUDEST and samples.max() <= LOUDEST:
        return
    first = int(np.argmin(np.abs(samples) <= LOUDEST))
    raise FeatureError(
        f"sample {first} of {len(samples)} is {samples[first]:g}; allowed: finite numbers, "
        "full scale being 1: is the file damaged, or was there a division by zero before?"
    )
