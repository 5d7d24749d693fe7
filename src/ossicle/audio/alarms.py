"""Standard alarm signals, synthesised.

References: ISO 8201 (temporal three), NFPA 72 (520 Hz square wave; temporal four for carbon
monoxide), NEN 2575 (slow whoop), BS 5839 (two tones), DIN 14610 (hi-lo siren). The standards
allow 10 % in time and tone; a seed draws from within.
"""

from collections.abc import Callable

import numpy as np

from ossicle.audio.oscillators import (
    Wave,
    chosen,
    gate,
    in_room,
    sample_count,
    square_weights,
    struck,
    to_peak,
    tone,
)
from ossicle.types import Samples

__all__ = ["ALARMS", "alarm"]

_THREE = [(0.0, 0.5), (1.0, 1.5), (2.0, 2.5)]  # then 1.5 s of pause
_FOUR = [(0.0, 0.1), (0.2, 0.3), (0.4, 0.5), (0.6, 0.7)]  # then 5 s of pause
_BELL = {0.56: 0.5, 0.92: 0.7, 1.19: 1.0, 1.71: 0.6, 2.0: 0.5, 2.74: 0.4, 3.76: 0.25, 4.07: 0.2}


def temporal_three(
    clock: Wave, *, pitch: float, sample_rate: int, rng: np.random.Generator
) -> Wave:
    """Smoke alarm of a piezo sounder: three pulses of 0.5 s at 3.1 kHz every 4 s."""
    weights = {1: 1.0, 2: rng.uniform(0.02, 0.2), 3: rng.uniform(0.01, 0.1)}
    frequency = np.full_like(clock, 3_100.0 * pitch)
    sound = tone(frequency, weights, sample_rate=sample_rate, phase=rng.uniform())
    return sound * gate(clock, _THREE, 4.0)


def temporal_three_520(
    clock: Wave, *, pitch: float, sample_rate: int, rng: np.random.Generator
) -> Wave:
    """Smoke alarm for sleeping rooms: the same pattern with a 520 Hz square wave."""
    frequency = np.full_like(clock, 520.0 * pitch)
    weights = square_weights(520.0 * pitch, sample_rate)
    sound = tone(frequency, weights, sample_rate=sample_rate, phase=rng.uniform())
    return sound * gate(clock, _THREE, 4.0)


def temporal_four(clock: Wave, *, pitch: float, sample_rate: int, rng: np.random.Generator) -> Wave:
    """Carbon monoxide alarm: four pulses of 0.1 s at 3.1 kHz every 5.7 s."""
    weights = {1: 1.0, 2: rng.uniform(0.02, 0.2), 3: rng.uniform(0.01, 0.1)}
    frequency = np.full_like(clock, 3_100.0 * pitch)
    sound = tone(frequency, weights, sample_rate=sample_rate, phase=rng.uniform())
    return sound * gate(clock, _FOUR, 5.7)


def two_tone(clock: Wave, *, pitch: float, sample_rate: int, rng: np.random.Generator) -> Wave:
    """Fire sounder: 800 and 970 Hz in turn, 0.25 s each."""
    frequency = pitch * np.where(clock % 0.5 < 0.25, 800.0, 970.0)
    weights = square_weights(970.0 * pitch, sample_rate)
    return tone(frequency, weights, sample_rate=sample_rate, phase=rng.uniform())


def slow_whoop(clock: Wave, *, pitch: float, sample_rate: int, rng: np.random.Generator) -> Wave:
    """Evacuation signal: rising from 500 to 1200 Hz in 3.5 s, then 0.5 s of pause."""
    frequency = pitch * (500.0 + 200.0 * np.minimum(clock % 4.0, 3.5))
    weights = {1: 1.0, 2: rng.uniform(0.1, 0.5), 3: rng.uniform(0.1, 0.4), 5: rng.uniform(0.0, 0.2)}
    sound = tone(frequency, weights, sample_rate=sample_rate, phase=rng.uniform())
    return sound * gate(clock, [(0.0, 3.5)], 4.0)


def bell(clock: Wave, *, pitch: float, sample_rate: int, rng: np.random.Generator) -> Wave:
    """Fire bell: a gong struck 12 times a second, its partials in no harmonic ratio."""
    from scipy import signal

    frequencies = 1_200.0 * pitch * np.fromiter(_BELL, float) * rng.uniform(0.98, 1.02, len(_BELL))
    decays = rng.uniform(0.3, 1.2, len(_BELL))
    gong = struck(
        frequencies, decays, _BELL.values(), duration=1.2, sample_rate=sample_rate, rng=rng
    )
    strikes = np.diff(np.floor(12.0 * clock), prepend=-1.0) > 0.0
    hammer = strikes * rng.uniform(0.7, 1.0, clock.size)
    return np.asarray(signal.fftconvolve(hammer, gong)[: clock.size])


def hi_lo(clock: Wave, *, pitch: float, sample_rate: int, rng: np.random.Generator) -> Wave:
    """Siren: 440 and 585 Hz in turn, 0.75 s each, with the overtones of a horn."""
    frequency = pitch * np.where(clock % 1.5 < 0.75, 440.0, 585.0)
    weights = {order: rng.uniform(0.5, 1.0) / order for order in range(1, 9)}
    return tone(frequency, {**weights, 1: 1.0}, sample_rate=sample_rate, phase=rng.uniform())


ALARMS: dict[str, Callable[..., Wave]] = {
    "temporal_three": temporal_three,
    "temporal_three_520": temporal_three_520,
    "temporal_four": temporal_four,
    "two_tone": two_tone,
    "slow_whoop": slow_whoop,
    "bell": bell,
    "hi_lo": hi_lo,
}
"""Alarm signals by name: functions of a clock in seconds."""


def alarm(
    kind: str,
    duration: float,
    *,
    sample_rate: int = 16_000,
    seed: int | np.random.Generator = 0,
    pitch: float | None = None,
    tempo: float | None = None,
    start: float | None = None,
    level: float | None = None,
    decay: float | None = None,
) -> Samples:
    """A standard alarm signal. What is not given is drawn from the seed.

    Parameters
    ----------
    kind : str
        A key of ``ALARMS``.
    duration : float
        Seconds.
    sample_rate : int
        Hz, at least 8000.
    seed : int or Generator
        Same seed, same samples.
    pitch, tempo : float, optional
        Factors on the standard's frequencies and on its pace; drawn within 4 %.
    start : float, optional
        Seconds into the pattern at which the sound begins; drawn so that something sounds.
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
        If there is no such alarm, or it cannot have this duration or sample rate.

    >>> alarm("temporal_three", 4.0, start=0.0, level=-6.0).shape
    (64000,)
    """
    wave_of = chosen(ALARMS, kind)
    n_samples = sample_count(duration, sample_rate)
    rng = np.random.default_rng(seed)
    drawn = rng.uniform([0.96, 0.96, 0.0, -20.0, 0.15], [1.04, 1.04, 6.0, -3.0, 0.8])
    given = (pitch, tempo, start, level, decay)
    pitch, tempo, start, level, decay = (
        float(d if g is None else g) for g, d in zip(given, drawn, strict=True)
    )
    clock = tempo * np.arange(n_samples) / sample_rate
    dry = wave_of(start + clock, pitch=pitch, sample_rate=sample_rate, rng=rng)
    if given[2] is None and not dry.any():  # the drawn start fell into a long pause
        dry = wave_of(clock, pitch=pitch, sample_rate=sample_rate, rng=rng)
    return to_peak(in_room(dry, decay, sample_rate=sample_rate, rng=rng), level)
