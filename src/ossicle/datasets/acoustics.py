"""How events are heard in a mix: the room they sound in, and how loud they are to the ear."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ossicle.audio import read_audio, reverberate, room_response
from ossicle.audio.weighting import weighting_filter
from ossicle.datasets.drawing import draw_source
from ossicle.datasets.recipes import Recipe
from ossicle.datasets.sources import ROLES, Source
from ossicle.types import Samples

__all__ = ["Room", "draw_room", "heard_in", "sounding", "weighted"]

VOLUMES = (20.0, 100.0)
"""Cubic metres of a made-up room: from a bathroom to a large living room."""

DISTANCES = (0.5, 4.0)
"""Metres from a sound to the microphone."""

LONGEST_RESPONSE = 10.0
"""Seconds of a recorded response that are used."""

SILENT = 0.01
"""Of a sound's largest value: what is less at its ends is silence."""


@dataclass(frozen=True, slots=True)
class Room:
    """What a room answers a click, and where that was recorded, or of which room it was made."""

    response: Samples
    source: Source | None = None
    made: Mapping[str, float] | None = None


def draw_room(number: int, attempt: int, pool: Sequence[Source], recipe: Recipe) -> Room | None:
    """The room of a mix: recorded, one of its part; or made up, no other mix's; or none."""
    if pool:
        source = draw_source("room", number, attempt, pool, recipe)
        end = min(source.end, source.start + LONGEST_RESPONSE)
        samples, _ = read_audio(
            source.clip.path, sample_rate=recipe.sample_rate, start=source.start, end=end
        )
        return Room(samples, source)
    if recipe.rt60 is None:
        return None
    rng = np.random.default_rng([recipe.seed, 2 * len(ROLES), number, attempt])
    ranges = {"rt60": recipe.rt60, "volume": VOLUMES, "distance": DISTANCES}
    made = {name: round(float(rng.uniform(*span)), 3) for name, span in ranges.items()}
    return Room(room_response(sample_rate=recipe.sample_rate, **made, seed=rng), made=made)


def heard_in(room: Room, sound: Samples, space: int) -> Samples:
    """The sound in the room, its reverberation going on as long as it lasts or there is space."""
    tail = min(room.response.size, space - sound.size)
    return reverberate(np.pad(sound, (0, tail)), room.response)


def sounding(samples: Samples) -> tuple[int, int]:
    """The first sample within 40 dB of the largest, and the one after the last.

    >>> sounding(np.array([0.0, 0.001, 1.0, 0.0, -0.5, 0.009], np.float32))
    (2, 5)
    """
    loud = np.abs(samples)
    places = np.flatnonzero(loud > SILENT * loud.max())
    return int(places[0]), int(places[-1]) + 1


def weighted(samples: Samples, recipe: Recipe) -> Samples:
    """What the level of a sound is taken of: the sound itself, or as an ear weighs it."""
    if recipe.loudness == "rms":
        return samples
    from scipy import signal

    return np.asarray(signal.sosfilt(_ear(recipe.sample_rate), samples), dtype=np.float32)


@cache
def _ear(sample_rate: int) -> NDArray[np.float64]:
    return weighting_filter("A", sample_rate)
