"""A long recording with known events: what a classifier is tried on before it listens."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ossicle.audio import mix
from ossicle.errors import AudioError
from ossicle.types import Event, Samples

__all__ = ["Scene", "make_scene"]

EDGE = 2.0
"""Seconds without an event at both ends."""


@dataclass(frozen=True, eq=False)
class Scene:
    """Samples, shape ``(n_samples,)``, and the events in them, by time."""

    samples: Samples
    sample_rate: int
    events: tuple[Event, ...]


def make_scene(
    background: Samples,
    sounds: Sequence[tuple[str, Samples]],
    *,
    sample_rate: int,
    duration: float = 120.0,
    snr: tuple[float, float] = (0.0, 15.0),
    seed: int = 0,
) -> Scene:
    """Lay labelled sounds over a background, one after the other, with random pauses.

    Parameters
    ----------
    background : float32 array, shape (n_samples,)
        Repeated to the length of the scene.
    sounds : sequence of (label, samples)
        In the order in which they are heard.
    sample_rate : int
        Hz.
    duration : float
        Seconds.
    snr : (float, float)
        Range of each sound's level over the background, dB.
    seed : int

    Returns
    -------
    Scene

    Raises
    ------
    AudioError
        If the sounds are longer than the scene.

    >>> tone = np.sin(np.arange(16_000, dtype=np.float32))
    >>> noise = np.random.default_rng(0).normal(scale=0.01, size=16_000).astype(np.float32)
    >>> scene = make_scene(noise, [("alarm", tone)] * 2, sample_rate=16_000, duration=10.0)
    >>> [event.duration for event in scene.events], len(scene.samples)
    ([1.0, 1.0], 160000)
    """
    rng = np.random.default_rng(seed)
    n_samples = round(duration * sample_rate)
    samples = np.resize(background, n_samples).astype(np.float32)
    lengths = [len(sound) / sample_rate for _, sound in sounds]
    free = duration - 2 * EDGE - sum(lengths)
    if free < 0:
        raise AudioError(
            f"{sum(lengths):.1f} s of sounds do not fit into a scene of {duration:g} s with "
            f"{EDGE:g} s free at both ends"
        )
    pauses = np.sort(rng.uniform(0.0, free, size=len(sounds)))
    starts = EDGE + pauses + np.concatenate([[0.0], np.cumsum(lengths)])[: len(sounds)]
    events = []
    for (label, sound), start, length in zip(sounds, starts.tolist(), lengths, strict=True):
        level = float(rng.uniform(*snr))
        samples = mix(sound, samples, snr=level, offset=start, sample_rate=sample_rate)
        events.append(Event(label, start, start + length, 1.0))
    return Scene(samples, sample_rate, tuple(events))
