"""One mix: sounds drawn, cut and laid over a background, with a record of what was done.

Everything about a mix follows from the recipe's seed and the mix's number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ossicle.audio import active_level, gain, level, peak, read_audio
from ossicle.datasets.sources import ROLES, Source
from ossicle.errors import AudioError, DatasetError
from ossicle.types import Samples

__all__ = ["Layer", "Mix", "Recipe", "make_mix"]

ATTEMPTS = 25
"""Draws for one mix before the sources are held to be unusable."""

LEAST_PART = 0.5
"""Of the mix that a laid sound lasts at least, where it is long enough; alarms are repeated."""

PAUSE = 10.0
"""A cut this many dB below its sound's level holds a pause rather than the sound."""

QUIET = -70.0
"""dBFS below which a background is too near to what 16 bits resolve."""

LONGEST = 60.0
"""Seconds of a long source that are decoded to cut from."""

RAMP = 0.01
"""Seconds of fading at both ends of a cut: a click would give it away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Settings of a mixed data set; see `mix_dataset`."""

    snr: tuple[float, float]
    seed: int
    n: int
    duration: float
    sample_rate: int
    fractions: tuple[float, ...]
    labels: str

    @property
    def n_samples(self) -> int:
        """Of one mix."""
        return round(self.duration * self.sample_rate)


@dataclass(frozen=True, slots=True)
class Layer:
    """A source as it is in a mix: what was taken, where it lies, how loud it became.

    ``start`` is in seconds into the recording, ``offset`` and ``duration`` in the mix, ``gain``
    in dB. ``repeated`` sources begin anew where they end. Only what is laid over has an SNR.
    """

    source: Source
    start: float
    offset: float
    duration: float
    repeated: bool
    gain: float = 0.0
    snr: float | None = None
    reached: float | None = None


@dataclass(frozen=True, slots=True)
class Mix:
    """Samples and the layers they are made of, the background first."""

    samples: Samples
    layers: tuple[Layer, ...]


def make_mix(number: int, pools: Mapping[str, Sequence[Source]], recipe: Recipe) -> Mix:
    """The mix of a number, from the sources of its part.

    Raises
    ------
    DatasetError
        If no draw gives sounds that can be laid over each other.
    """
    reasons: list[str] = []
    for attempt in range(ATTEMPTS):
        chosen = [
            _drawn(role, number, attempt, pools[role], recipe) for role in _roles(number, pools)
        ]
        try:
            return _mix(chosen, recipe, np.random.default_rng([recipe.seed, number, attempt]))
        except AudioError as error:
            reasons.append(str(error))
    raise DatasetError(
        f"mix {number}: none of {ATTEMPTS} draws could be mixed; the last one: {reasons[-1]}; "
        "are the sources silent?"
    )


def _roles(number: int, pools: Mapping[str, Sequence[Source]]) -> list[str]:
    """Every other mix has an alarm; every other pair of mixes one significant sound in both."""
    has_significant = "significant" in pools and number % 4 >= 2
    return ["background", *["significant"] * has_significant, *["alarm"] * (number % 2 == 0)]


def _drawn(role: str, number: int, attempt: int, pool: Sequence[Source], recipe: Recipe) -> Source:
    """The next source of a shuffled pool, which is shuffled anew when all had their turn."""
    turn = number // {"alarm": 2, "significant": 4, "background": 1}[role]
    around, place = divmod(turn, len(pool))
    key = [recipe.seed, ROLES.index(role), around, attempt]
    order = np.random.default_rng(key).permutation(len(pool))
    return pool[int(order[place])]


def _mix(chosen: Sequence[Source], recipe: Recipe, rng: np.random.Generator) -> Mix:
    mixed, layer = _background(chosen[0], recipe, rng)
    layers = [layer]
    for source in chosen[1:]:
        mixed, layer = _laid(source, mixed, recipe, rng)
        layers.append(layer)
    softer = -max(0.0, peak(mixed))
    return Mix(
        gain(mixed, softer), tuple(replace(layer, gain=layer.gain + softer) for layer in layers)
    )


def _background(source: Source, recipe: Recipe, rng: np.random.Generator) -> tuple[Samples, Layer]:
    """A stretch as long as the mix, repeated where the source is shorter."""
    duration = min(recipe.duration, source.duration)
    start = source.start + int(rng.uniform() * 1000 * (source.duration - duration)) / 1000
    samples = _read(source, start, start + duration, recipe)
    repeated = duration < recipe.duration
    samples = np.resize(samples, recipe.n_samples)
    if level(samples) < QUIET:
        raise AudioError(
            f"{source.clip.path}: background at {level(samples):.0f} dBFS from {start:g} s"
        )
    return samples, Layer(source, start, 0.0, recipe.duration, repeated)


def _laid(
    source: Source, bed: Samples, recipe: Recipe, rng: np.random.Generator
) -> tuple[Samples, Layer]:
    """A cut of the source over what is there, at a drawn place and signal-to-noise ratio."""
    cut, start, repeated = _cut(source, recipe, rng)
    first = int(rng.integers(0, bed.size - cut.size, endpoint=True))
    under = bed[first : first + cut.size]
    snr, noise = float(rng.uniform(*recipe.snr)), level(under)
    if noise < QUIET:
        raise AudioError(f"{source.clip.path}: {noise:.0f} dBFS of background under it")
    decibels = noise + snr - active_level(cut)
    louder, mixed = gain(cut, decibels), bed.copy()
    mixed[first : first + cut.size] += louder
    rate = recipe.sample_rate
    return mixed, Layer(
        source, start, first / rate, cut.size / rate, repeated, decibels, snr,
        active_level(louder) - noise,
    )  # fmt: skip


def _cut(source: Source, recipe: Recipe, rng: np.random.Generator) -> tuple[Samples, float, bool]:
    """A piece that sounds, its start in the recording, and whether it is repeated."""
    stretch = min(source.duration, LONGEST)
    begin = source.start + float(rng.uniform(0.0, source.duration - stretch))
    whole = _read(source, begin, begin + stretch, recipe)
    n_mix = recipe.n_samples
    wanted = int(rng.integers(int(np.ceil(LEAST_PART * n_mix)), n_mix, endpoint=True))
    repeated = source.role == "alarm" and whole.size < wanted
    if repeated:
        whole = np.resize(whole, wanted)
    size = min(wanted, whole.size)
    first = int(rng.integers(0, whole.size - size, endpoint=True))
    cut = whole[first : first + size]
    if level(cut) < max(level(whole) - PAUSE, -120.0):
        raise AudioError(
            f"{source.clip.path}: silent from {begin + first / recipe.sample_rate:g} s"
        )
    return _faded(cut, recipe.sample_rate), begin + first / recipe.sample_rate, repeated


def _read(source: Source, start: float, end: float, recipe: Recipe) -> Samples:
    return read_audio(
        source.clip.path, sample_rate=recipe.sample_rate, start=start, end=min(end, source.end)
    )[0]


def _faded(samples: Samples, sample_rate: int) -> Samples:
    length = min(round(RAMP * sample_rate), samples.size // 2)
    ramp = (np.arange(1, length + 1) / (length + 1)).astype(np.float32)
    faded = samples.copy()
    faded[:length] *= ramp
    faded[faded.size - length :] *= ramp[::-1]
    return faded
