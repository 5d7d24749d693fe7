"""One mix: sounds drawn, cut and laid over a background, with a record of what was done.

Everything about a mix follows from the recipe's seed and the mix's number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ossicle.audio import active_level, gain, level, peak, read_audio
from ossicle.datasets.acoustics import Room, draw_room, heard_in, sounding, weighted
from ossicle.datasets.drawing import Turn, draw_ratio, draw_source, events_of
from ossicle.datasets.recipes import Recipe
from ossicle.datasets.sources import Source
from ossicle.errors import AudioError, DatasetError
from ossicle.types import Samples

__all__ = ["Layer", "Mix", "make_mix"]

ATTEMPTS = 25
"""Draws for one mix before the sources are held to be unusable."""

LEAST_PART = 0.5
"""Of its span that a laid sound lasts at least, where it is long enough; alarms are repeated."""

PAUSE = 10.0
"""A cut this many dB below its sound's level holds a pause rather than the sound."""

QUIET = -70.0
"""dBFS below which a background is too near to what 16 bits resolve."""

LONGEST = 60.0
"""Seconds of a long source that are decoded to cut from."""

RAMP = 0.01
"""Seconds of fading at both ends of a cut: a click would give it away."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Layer:
    """A source as it is in a mix: what was taken, where it lies, how loud it became.

    ``start`` is in seconds into the recording, ``offset`` and ``duration`` in the mix, ``gain``
    in dB. ``repeated`` sources begin anew where they end. Only what is laid over has an SNR: as
    it was asked for and ``reached`` against all that lay there before it, and as it is
    ``measured`` against all else in the finished mix; it is ``heard`` from a second of the mix to
    another, the silence at the ends of the cut and the reverberation left out.
    """

    source: Source
    start: float
    offset: float
    duration: float
    repeated: bool
    gain: float = 0.0
    snr: float | None = None
    reached: float | None = None
    measured: float | None = None
    heard: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Mix:
    """Samples, the layers they are made of, the background first, and the room, if any."""

    samples: Samples
    layers: tuple[Layer, ...]
    room: Room | None = None


@dataclass(frozen=True, slots=True)
class _Event:
    """A layer with its sound: from ``span[0]`` on, the reverberation after ``span[1]``."""

    layer: Layer
    span: Span
    sound: Samples


def make_mix(turn: Turn, pools: Mapping[str, Sequence[Source]], recipe: Recipe) -> Mix:
    """The mix of a number, from the sources of its part.

    Raises
    ------
    DatasetError
        If no draw gives sounds that can be laid over each other.
    """
    places = events_of(turn.number, pools, recipe)
    ratios = [draw_ratio(role, place, turn, recipe) for role, place in places]
    reasons: list[str] = []
    for attempt in range(ATTEMPTS):
        chosen = [
            draw_source(role, place, attempt, pools[role], recipe)
            for role, place in [("background", turn.number), *places]
        ]
        rng = np.random.default_rng([recipe.seed, turn.number, attempt])
        try:
            room = draw_room(turn.number, attempt, pools.get("room", ()), recipe)
            return _mix(chosen, ratios, room, recipe, rng)
        except AudioError as error:
            reasons.append(str(error))
    raise DatasetError(
        f"mix {turn.number}: none of {ATTEMPTS} draws could be mixed; the last one: "
        f"{reasons[-1]}; are the sources silent?"
    )


def _mix(
    chosen: Sequence[Source],
    ratios: Sequence[float | None],
    room: Room | None,
    recipe: Recipe,
    rng: np.random.Generator,
) -> Mix:
    mixed, background = _background(chosen[0], recipe, rng)
    events: list[_Event] = []
    spans = _spans(chosen[1:], recipe, rng)
    for source, span, snr in zip(chosen[1:], spans, ratios, strict=True):
        event = _laid(source, mixed, span, snr, room, recipe, rng)
        mixed = _added(mixed, event, 1.0)
        events.append(event)
    softer = -max(0.0, peak(mixed))
    layers = [background, *(_measured(event, mixed, recipe) for event in events)]
    return Mix(
        gain(mixed, softer),
        tuple(replace(layer, gain=layer.gain + softer) for layer in layers),
        room,
    )


def _spans(chosen: Sequence[Source], recipe: Recipe, rng: np.random.Generator) -> list[Span]:
    """Where each event may lie: anywhere, or one after the other in a drawn order.

    The place of the alarm stays empty where there is none, so that no sound's length tells of one.
    """
    n_places = len(chosen) + all(source.role != "alarm" for source in chosen)
    if recipe.overlap or n_places == 1:
        return [(0, recipe.n_samples)] * len(chosen)
    edges = [recipe.n_samples * place // n_places for place in range(n_places + 1)]
    order = rng.permutation(n_places).tolist()[: len(chosen)]
    return [(edges[place], edges[place + 1]) for place in order]


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
    layer = Layer(source, start, 0.0, recipe.duration, repeated)
    if recipe.level is None:
        return samples, layer
    decibels = recipe.level - level(weighted(samples, recipe))
    return gain(samples, decibels), replace(layer, gain=decibels)


def _laid(
    source: Source,
    bed: Samples,
    span: Span,
    snr: float | None,
    room: Room | None,
    recipe: Recipe,
    rng: np.random.Generator,
) -> _Event:
    """A cut of the source over what is there, at a drawn place and signal-to-noise ratio."""
    cut, start, repeated = _cut(source, span[1] - span[0], recipe, rng)
    first = int(rng.integers(span[0], span[1] - cut.size, endpoint=True))
    last = first + cut.size
    asked = float(rng.uniform(recipe.snr[0], recipe.snr[1])) if snr is None else snr
    if level(bed[first:last]) < QUIET:
        quiet = level(bed[first:last])
        raise AudioError(f"{source.clip.path}: {quiet:.0f} dBFS of background under it")
    noise = level(weighted(bed, recipe)[first:last])
    sound = cut if room is None else heard_in(room, cut, bed.size - first)
    decibels = noise + asked - _loudness(sound, cut.size, recipe)
    louder = gain(sound, decibels)
    rate = recipe.sample_rate
    begins, ends = sounding(cut)
    layer = Layer(
        source,
        start,
        first / rate,
        cut.size / rate,
        repeated,
        decibels,
        asked,
        _loudness(louder, cut.size, recipe) - noise,
        heard=((first + begins) / rate, (first + ends) / rate),
    )
    return _Event(layer, (first, last), louder)


def _loudness(sound: Samples, size: int, recipe: Recipe) -> float:
    """Level of an event where it sounds, without the reverberation after it."""
    return active_level(weighted(sound, recipe)[:size])


def _measured(event: _Event, mixed: Samples, recipe: Recipe) -> Layer:
    """The layer with its level against all else that is heard where it lies."""
    first, last = event.span
    others = level(weighted(_added(mixed, event, -1.0), recipe)[first:last])
    return replace(event.layer, measured=_loudness(event.sound, last - first, recipe) - others)


def _added(mixed: Samples, event: _Event, sign: float) -> Samples:
    added, first = mixed.copy(), event.span[0]
    added[first : first + event.sound.size] += np.float32(sign) * event.sound
    return added


def _cut(
    source: Source, space: int, recipe: Recipe, rng: np.random.Generator
) -> tuple[Samples, float, bool]:
    """A piece that sounds, its start in the recording, and whether it is repeated."""
    stretch = min(source.duration, LONGEST)
    begin = source.start + float(rng.uniform(0.0, source.duration - stretch))
    whole = _read(source, begin, begin + stretch, recipe)
    wanted = int(rng.integers(int(np.ceil(LEAST_PART * space)), space, endpoint=True))
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
