"""Sounds that catch the ear without being alarms, synthesised: the hard negatives of a home."""

from collections.abc import Callable

import numpy as np

from ossicle.audio.oscillators import (
    Wave,
    add_at,
    chosen,
    filtered,
    gate,
    in_room,
    noise,
    random_places,
    sample_count,
    struck,
    to_peak,
    tone,
)
from ossicle.types import Samples

__all__ = ["SIGNIFICANT", "significant"]


def doorbell(n_samples: int, *, sample_rate: int, rng: np.random.Generator) -> Wave:
    """Ding, dong: two struck bars a third apart."""
    total = np.zeros(n_samples)
    ding = rng.uniform(550.0, 750.0)
    time, gap = rng.uniform(0.0, 0.3), rng.uniform(0.4, 0.7)
    while time < n_samples / sample_rate:
        for number, note in enumerate((ding, ding * 2.0 ** (-4.0 / 12.0))):
            bar = struck(
                note * np.array([1.0, 2.76, 5.4]),
                (1.2, 0.5, 0.2),
                (1.0, 0.3, 0.1),
                duration=1.5,
                sample_rate=sample_rate,
                rng=rng,
            )
            add_at(total, round((time + number * gap) * sample_rate), bar)
        time += rng.uniform(2.5, 4.0)
    return total


def phone(n_samples: int, *, sample_rate: int, rng: np.random.Generator) -> Wave:
    """An electronic ring: a warble between two notes, one second in three."""
    clock = rng.uniform(0.0, 0.8) + np.arange(n_samples) / sample_rate
    low = rng.uniform(700.0, 1_100.0)
    warble = np.where(clock * rng.uniform(15.0, 25.0) % 1.0 < 0.5, low, 1.25 * low)
    ring = tone(warble, {1: 1.0, 2: 0.3, 3: 0.3}, sample_rate=sample_rate)
    return ring * gate(clock, [(0.0, 1.0)], rng.uniform(2.5, 3.5))


def bark(n_samples: int, *, sample_rate: int, rng: np.random.Generator) -> Wave:
    """A dog: short rough bursts falling in pitch, in groups."""
    total = np.zeros(n_samples)
    pitch, time = rng.uniform(250.0, 600.0), rng.uniform(0.0, 0.2)
    while time < n_samples / sample_rate:
        for _ in range(int(rng.integers(1, 4))):
            burst = _bark(pitch * rng.uniform(0.93, 1.07), sample_rate=sample_rate, rng=rng)
            add_at(total, round(time * sample_rate), rng.uniform(0.6, 1.0) * burst)
            time += rng.uniform(0.25, 0.4)
        time += rng.uniform(0.3, 1.2)
    return total


def cry(n_samples: int, *, sample_rate: int, rng: np.random.Generator) -> Wave:
    """A baby: long wails that rise and fall around 450 Hz, with breaths between."""
    total = np.zeros(n_samples)
    pitch, time = rng.uniform(380.0, 520.0), rng.uniform(0.0, 0.2)
    while time < n_samples / sample_rate:
        length = rng.uniform(0.6, 1.3)
        place = np.linspace(0.0, 1.0, round(length * sample_rate))
        contour = (
            pitch
            * (1.0 + 0.2 * np.sin(np.pi * place))
            * (1.0 + 0.02 * np.sin(2.0 * np.pi * 6.0 * length * place))
        )
        weights = dict(enumerate((0.5, 1.0, 0.8, 0.3, 0.3, 0.15), 1))
        wail = tone(contour, weights, sample_rate=sample_rate) * np.sin(np.pi * place) ** 0.4
        add_at(total, round(time * sample_rate), wail * rng.uniform(0.6, 1.0))
        time += length + rng.uniform(0.15, 0.5)
    return total


def knock(n_samples: int, *, sample_rate: int, rng: np.random.Generator) -> Wave:
    """Knuckles on wood, a few at a time."""
    total = np.zeros(n_samples)
    wood, time = rng.uniform(150.0, 350.0, 4), rng.uniform(0.0, 0.3)
    while time < n_samples / sample_rate:
        for _ in range(int(rng.integers(2, 5))):
            rap = struck(
                wood * np.array([1.0, 1.7, 2.9, 4.1]),
                (0.09, 0.06, 0.05, 0.03),
                (1.0, 0.7, 0.5, 0.3),
                duration=0.12,
                sample_rate=sample_rate,
                rng=rng,
            )
            add_at(total, round(time * sample_rate), rng.uniform(0.6, 1.0) * rap)
            time += rng.uniform(0.15, 0.3)
        time += rng.uniform(1.0, 2.5)
    return total


def glass(n_samples: int, *, sample_rate: int, rng: np.random.Generator) -> Wave:
    """Something breaks: a burst, then shards ringing as they fall."""
    total = np.zeros(n_samples)
    first = round(rng.uniform(0.0, 0.3) * min(n_samples, sample_rate))
    crack = filtered(
        noise(round(0.12 * sample_rate), slope=0.0, rng=rng), 1_500.0, 0.0, sample_rate=sample_rate
    )
    add_at(total, first, crack * np.exp(-np.arange(crack.size) / (0.02 * sample_rate)))
    for place in random_places(sample_rate, 40.0, sample_rate=sample_rate, rng=rng):
        shard = struck(
            rng.uniform(2_500.0, 7_500.0, 3),
            rng.uniform(0.05, 0.3, 3),
            (1.0, 0.6, 0.4),
            duration=0.3,
            sample_rate=sample_rate,
            rng=rng,
        )
        add_at(total, first + place, np.exp(-2.5 * place / sample_rate) * rng.random() * shard)
    return total


SIGNIFICANT: dict[str, Callable[..., Wave]] = {
    "doorbell": doorbell,
    "phone": phone,
    "bark": bark,
    "cry": cry,
    "knock": knock,
    "glass": glass,
}
"""Significant sounds that are no alarms, by name."""


def significant(
    kind: str,
    duration: float,
    *,
    sample_rate: int = 16_000,
    seed: int | np.random.Generator = 0,
    level: float | None = None,
    decay: float | None = None,
) -> Samples:
    """A sound that catches the ear without being an alarm. What is not given is drawn.

    Parameters
    ----------
    kind : str
        A key of ``SIGNIFICANT``.
    duration : float
        Seconds.
    sample_rate : int
        Hz, at least 8000.
    seed : int or Generator
        Same seed, same samples.
    level : float, optional
        Peak in dBFS; drawn from -20 to -3.
    decay : float, optional
        Reverberation time of the room in seconds, 0 for none; drawn from 0.15 to 0.8.

    Returns
    -------
    float32 array, shape (n_samples,)
        In [-1, 1].

    Raises
    ------
    AudioError
        If there is no such sound, or it cannot have this duration or sample rate.

    >>> significant("doorbell", 2.0).shape
    (32000,)
    """
    wave_of = chosen(SIGNIFICANT, kind)
    n_samples = sample_count(duration, sample_rate)
    rng = np.random.default_rng(seed)
    drawn_level, drawn_decay = rng.uniform([-20.0, 0.15], [-3.0, 0.8])
    dry = wave_of(n_samples, sample_rate=sample_rate, rng=rng)
    wet = in_room(dry, drawn_decay if decay is None else decay, sample_rate=sample_rate, rng=rng)
    return to_peak(wet, drawn_level if level is None else level)


def _bark(pitch: float, *, sample_rate: int, rng: np.random.Generator) -> Wave:
    place = np.linspace(0.0, 1.0, round(rng.uniform(0.12, 0.2) * sample_rate))
    falling = pitch * (1.3 - 0.5 * place)
    weights = {order: 1.0 / order**0.7 for order in range(1, 9)}
    rough = filtered(noise(place.size, slope=2.0, rng=rng), 400.0, 3_000.0, sample_rate=sample_rate)
    voice = tone(falling, weights, sample_rate=sample_rate)
    return (voice + 0.8 * rough) * np.sin(np.pi * place**0.6)
