"""Sounds of a home, synthesised: what an alarm must be told from.

They are like the thing, not the thing: enough for tests, demonstrations and mixing, and called
synthetic wherever they are shown.
"""

from collections.abc import Callable

import numpy as np

from ossicle.audio.oscillators import (
    Wave,
    add_at,
    chosen,
    filtered,
    noise,
    random_places,
    sample_count,
    struck,
    to_peak,
    tone,
)
from ossicle.types import Samples

__all__ = ["BACKGROUNDS", "background"]

_FORMANTS = np.array(  # Hz, of five vowels
    [[730, 1090, 2440], [270, 2290, 3010], [300, 870, 2240], [530, 1840, 2480], [570, 840, 2410]]
)
_MAJOR = np.array([0, 2, 4, 5, 7, 9, 11, 12])  # semitones


def hum(n_samples: int, *, sample_rate: int, rng: np.random.Generator) -> Wave:
    """Mains hum of 50 or 60 Hz with its overtones over a little noise."""
    mains = np.full(n_samples, rng.choice([50.0, 60.0]))
    weights = {order: rng.uniform(0.2, 1.0) / order for order in range(1, 16)}
    hiss = noise(n_samples, slope=3.0, rng=rng)
    return tone(mains, weights, sample_rate=sample_rate) + rng.uniform(0.01, 0.1) * hiss


def fan(n_samples: int, *, sample_rate: int, rng: np.random.Generator) -> Wave:
    """Moving air, modulated by blades, with the motor's tone."""
    blades = np.full(n_samples, rng.uniform(15.0, 60.0))
    air = filtered(
        noise(n_samples, slope=rng.uniform(3.0, 5.0), rng=rng),
        40.0,
        3_000.0,
        sample_rate=sample_rate,
    )
    beat = 1.0 + rng.uniform(0.05, 0.3) * tone(blades, {1: 1.0}, sample_rate=sample_rate)
    motor = tone(4.0 * blades, {1: 1.0, 2: 0.5, 3: 0.2}, sample_rate=sample_rate)
    return air * beat + rng.uniform(0.0, 0.3) * float(air.std()) * motor


def rain(n_samples: int, *, sample_rate: int, rng: np.random.Generator) -> Wave:
    """A steady hiss and single drops."""
    total = filtered(
        noise(n_samples, slope=1.0, rng=rng),
        rng.uniform(300.0, 1_200.0),
        0.0,
        sample_rate=sample_rate,
    )
    for place in random_places(
        n_samples, rng.uniform(10.0, 40.0), sample_rate=sample_rate, rng=rng
    ):
        frequency = rng.uniform(800.0, 5_000.0, 2)
        drop = struck(
            frequency, (0.02, 0.03), (1.0, 0.6), duration=0.03, sample_rate=sample_rate, rng=rng
        )
        add_at(total, place, rng.exponential(1.0) * drop)
    return total


def tap(n_samples: int, *, sample_rate: int, rng: np.random.Generator) -> Wave:
    """Running water: bright noise that wavers, and bubbles that rise in pitch."""
    slow = filtered(noise(n_samples, slope=0.0, rng=rng), 0.0, 6.0, sample_rate=sample_rate)
    waver = 1.0 + 0.2 * float(np.sqrt(sample_rate / 12.0)) * slow
    total = waver * filtered(
        noise(n_samples, slope=1.5, rng=rng),
        rng.uniform(300.0, 800.0),
        7_000.0,
        sample_rate=sample_rate,
    )
    for place in random_places(
        n_samples, rng.uniform(10.0, 30.0), sample_rate=sample_rate, rng=rng
    ):
        seconds = np.arange(round(0.05 * sample_rate)) / sample_rate
        rising = rng.uniform(400.0, 1_500.0) * (1.0 + 6.0 * seconds)
        bubble = tone(rising, {1: 1.0}, sample_rate=sample_rate) * np.exp(-seconds / 0.012)
        add_at(total, place, rng.uniform(0.3, 1.5) * bubble)
    return total


def dishes(n_samples: int, *, sample_rate: int, rng: np.random.Generator) -> Wave:
    """Plates and cutlery struck now and then."""
    total = 0.005 * noise(n_samples, slope=3.0, rng=rng)
    for place in random_places(n_samples, rng.uniform(1.5, 5.0), sample_rate=sample_rate, rng=rng):
        partials = rng.uniform(1_200.0, 2_500.0) * np.array([1.0, 1.54, 2.19, 2.71, 3.4])
        clink = struck(
            partials * rng.uniform(0.97, 1.03, 5),
            rng.uniform(0.05, 0.35, 5),
            rng.uniform(0.2, 1.0, 5),
            duration=0.4,
            sample_rate=sample_rate,
            rng=rng,
        )
        add_at(total, place, rng.uniform(0.1, 1.0) * clink)
    return total


def steps(n_samples: int, *, sample_rate: int, rng: np.random.Generator) -> Wave:
    """Somebody walking: thumps with a scuff, about two a second."""
    total = 0.005 * noise(n_samples, slope=4.0, rng=rng)
    pace = rng.uniform(0.45, 0.65)
    times = np.arange(rng.uniform(0.0, pace), n_samples / sample_rate, pace)
    for time in times + rng.normal(0.0, 0.02, times.size):
        thump = struck(
            rng.uniform(60.0, 180.0, 3),
            (0.12, 0.1, 0.08),
            (1.0, 0.7, 0.5),
            duration=0.15,
            sample_rate=sample_rate,
            rng=rng,
        )
        scuff = filtered(
            noise(thump.size, slope=2.0, rng=rng), 800.0, 4_000.0, sample_rate=sample_rate
        ) * np.hanning(thump.size)
        add_at(total, round(time * sample_rate), rng.uniform(0.6, 1.0) * (thump + 0.3 * scuff))
    return total


def music(n_samples: int, *, sample_rate: int, rng: np.random.Generator) -> Wave:
    """Notes of a major scale over a bass, as a plucked instrument would play them."""
    total = np.zeros(n_samples)
    key = 220.0 * 2.0 ** (rng.integers(12) / 12.0)
    beat = rng.uniform(0.2, 0.4)
    for number in range(int(n_samples / sample_rate / beat) + 1):
        place = round(number * beat * sample_rate)
        note = key * 2.0 ** (rng.choice(_MAJOR) / 12.0 + rng.integers(0, 2))
        add_at(total, place, _plucked(note, sample_rate=sample_rate, rng=rng))
        if number % 4 == 0:
            bass = key / 2.0 * 2.0 ** (rng.choice(_MAJOR[[0, 3, 4]]) / 12.0)
            add_at(total, place, 1.2 * _plucked(bass, sample_rate=sample_rate, rng=rng))
    return total


def babble(n_samples: int, *, sample_rate: int, rng: np.random.Generator) -> Wave:
    """Several talkers at once: buzzes shaped by vowels, four syllables a second each."""
    total = 0.01 * noise(n_samples, slope=3.0, rng=rng)
    for _ in range(int(rng.integers(3, 7))):
        voice = rng.uniform(90.0, 240.0)
        time = rng.uniform(-0.2, 0.3)
        loudness = rng.uniform(0.3, 1.0)
        while time < n_samples / sample_rate:
            length = rng.uniform(0.12, 0.3)
            grain = syllable(voice, length, sample_rate=sample_rate, rng=rng)
            add_at(total, round(time * sample_rate), loudness * grain)
            time += length * rng.uniform(0.8, 1.2) + (rng.random() < 0.15) * rng.uniform(0.2, 0.8)
    return total


def syllable(voice: float, duration: float, *, sample_rate: int, rng: np.random.Generator) -> Wave:
    """A vowel between two consonants: pulses of the voice through three formants."""
    glide = np.linspace(
        rng.uniform(0.9, 1.1), rng.uniform(0.85, 1.1), round(duration * sample_rate)
    )
    turns = np.cumsum(voice * glide) / sample_rate
    formants = rng.choice(_FORMANTS) * rng.uniform(0.9, 1.15)
    orders = np.arange(1, min(40, int(0.45 * sample_rate / voice)))
    nearness = 1.0 / (1.0 + ((orders[:, None] * voice - formants) / 90.0) ** 2)
    weights = (nearness @ np.array([1.0, 0.5, 0.25]) + 0.003) / orders**0.5
    # One period from its overtones, read at the pace of the voice.
    period = np.fft.irfft(np.concatenate([[0.0], -0.5j * weights]), 1_024, norm="forward")
    buzz = np.interp(turns % 1.0, np.arange(1_025) / 1_024, np.append(period, period[0]))
    breath = 0.03 * noise(glide.size, slope=-1.0, rng=rng)
    return np.asarray((buzz + breath) * np.hanning(glide.size))


BACKGROUNDS: dict[str, Callable[..., Wave]] = {
    "hum": hum,
    "fan": fan,
    "rain": rain,
    "tap": tap,
    "dishes": dishes,
    "steps": steps,
    "music": music,
    "babble": babble,
}
"""Home backgrounds by name."""


def background(
    kind: str,
    duration: float,
    *,
    sample_rate: int = 16_000,
    seed: int | np.random.Generator = 0,
    level: float | None = None,
) -> Samples:
    """A sound of a home. What is not given is drawn from the seed.

    Parameters
    ----------
    kind : str
        A key of ``BACKGROUNDS``.
    duration : float
        Seconds.
    sample_rate : int
        Hz, at least 8000.
    seed : int or Generator
        Same seed, same samples.
    level : float, optional
        Peak in dBFS; drawn from -30 to -10.

    Returns
    -------
    float32 array, shape (n_samples,)
        In [-1, 1].

    Raises
    ------
    AudioError
        If there is no such background, or it cannot have this duration or sample rate.

    >>> background("rain", 2.0).shape
    (32000,)
    """
    wave_of = chosen(BACKGROUNDS, kind)
    n_samples = sample_count(duration, sample_rate)
    rng = np.random.default_rng(seed)
    loudness = rng.uniform(-30.0, -10.0) if level is None else level
    return to_peak(wave_of(n_samples, sample_rate=sample_rate, rng=rng), loudness)


def _plucked(frequency: float, *, sample_rate: int, rng: np.random.Generator) -> Wave:
    orders = np.arange(1, 9)
    return struck(
        frequency * orders,
        rng.uniform(0.5, 1.5) / orders**0.7,
        1.0 / orders**1.2,
        duration=0.8,
        sample_rate=sample_rate,
        rng=rng,
    )
