"""The parts that synthesised sounds are made of: tones, pulses, noises, strikes, rooms.

Plain functions on float64 arrays; chance comes from the generator handed in.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ossicle.audio.limits import LIMITS, check_amount, check_rate
from ossicle.errors import AudioError
from ossicle.types import Samples

__all__ = [
    "Wave",
    "add_at",
    "chosen",
    "filtered",
    "gate",
    "in_room",
    "noise",
    "random_places",
    "sample_count",
    "square_weights",
    "struck",
    "to_peak",
    "tone",
]

Wave = NDArray[np.float64]
Function = TypeVar("Function", bound=Callable[..., Wave])

_LOWEST_RATE = 8_000  # the 3.1 kHz of smoke alarms must fit under half of it
_EDGE = 0.005  # seconds a pulse takes to rise and fall, so that it does not click


def sample_count(duration: float, sample_rate: int) -> int:
    """Samples of a sound to be made, if it can be.

    >>> sample_count(0.5, 16_000)
    8000
    """
    rate = check_rate(sample_rate)
    if rate < _LOWEST_RATE:
        raise AudioError(
            f"sample_rate of {rate} Hz; at least {_LOWEST_RATE} Hz is needed to hold the tones"
        )
    if not 1.0 <= duration * rate < 2**62:
        raise AudioError(f"duration of {duration} s; at least one sample at {rate} Hz is needed")
    n_samples = round(duration * rate)
    check_amount(n_samples, n_channels=2, sample_rate=rate, limits=LIMITS, name="synthesis")
    return n_samples


def chosen(registry: Mapping[str, Function], kind: str) -> Function:
    """The entry of a registry of sounds.

    >>> chosen({"beep": np.zeros}, "beep")(2)
    array([0., 0.])
    """
    if kind not in registry:
        raise AudioError(f"no sound called {kind!r}; {', '.join(registry)} are known")
    return registry[kind]


def tone(
    frequency: Wave, weights: Mapping[int, float], *, sample_rate: int, phase: float = 0.0
) -> Wave:
    """A tone with overtones, its frequency given for each sample; nothing folds back (no alias).

    Parameters
    ----------
    frequency : float array, shape (n_samples,)
        Hz.
    weights : mapping of multiple to amplitude
    sample_rate : int
    phase : float
        Turns at the start.

    >>> tone(np.full(4, 2_000.0), {1: 1.0}, sample_rate=8_000).round(6) + 0.0
    array([ 0.,  1.,  0., -1.])
    """
    turns = phase + (np.cumsum(frequency) - frequency) / sample_rate
    total = np.zeros_like(turns)
    for order, weight in weights.items():
        room = np.clip((0.5 - order * frequency / sample_rate) / 0.03, 0.0, 1.0)
        total += weight * room * np.sin(2.0 * np.pi * order * turns)
    return total


def square_weights(frequency: float, sample_rate: int) -> dict[int, float]:
    """Odd overtones of a square wave as far as the sample rate reaches.

    >>> square_weights(1_000.0, 8_000)
    {1: 1.0, 3: 0.333...}
    """
    return {order: 1.0 / order for order in range(1, int(sample_rate / 2 / frequency) + 1, 2)}


def gate(clock: Wave, pulses: Sequence[tuple[float, float]], cycle: float) -> Wave:
    """Envelope of a repeated pattern: 1 in the pulses, 0 between, with soft edges inside them.

    Parameters
    ----------
    clock : float array
        Seconds.
    pulses : sequence of (begin, end)
        Seconds into the cycle.
    cycle : float
        Seconds.

    >>> gate(np.array([0.05, 0.15, 1.05]), [(0.0, 0.1)], 1.0)
    array([1., 0., 1.])
    """
    place = clock % cycle
    inside = [np.minimum(place - begin, end - place) for begin, end in pulses]
    rise = np.clip(np.max(inside, axis=0) / _EDGE, 0.0, 1.0)
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * rise))


def noise(n_samples: int, *, slope: float, rng: np.random.Generator) -> Wave:
    """Gaussian noise of unit power whose spectrum falls by ``slope`` dB an octave (pink: 3).

    >>> samples = noise(1_000, slope=3.0, rng=np.random.default_rng(0))
    >>> f"{np.mean(samples**2):.3f}"
    '1.000'
    """
    from scipy import fft

    size = fft.next_fast_len(max(n_samples, 2), real=True)
    spectrum = rng.standard_normal((2, size // 2 + 1)).T.copy().view(np.complex128)[:, 0]
    steps = np.arange(1, spectrum.size + 1)
    shaped = fft.irfft(spectrum * steps ** (-slope / 6.02), size)[:n_samples]
    return np.asarray(shaped / (np.sqrt(np.mean(shaped**2)) + 1e-30))


def filtered(samples: Wave, low: float, high: float, *, sample_rate: int) -> Wave:
    """The band between two frequencies (second-order Butterworth); 0 leaves a side open."""
    from scipy import signal

    top = 0.49 * sample_rate
    edges = [edge for edge in (low, high) if 0.0 < edge < top]
    kind = {(True, True): "bandpass", (True, False): "highpass", (False, True): "lowpass"}
    name = kind.get((low in edges, high in edges))
    if name is None:
        return samples
    sections = signal.butter(
        2, edges if len(edges) == 2 else edges[0], name, False, "sos", sample_rate
    )
    return np.asarray(signal.sosfilt(sections, samples))


def struck(
    frequencies: Iterable[float],
    decays: Iterable[float],
    weights: Iterable[float],
    *,
    duration: float,
    sample_rate: int,
    rng: np.random.Generator,
) -> Wave:
    """Something struck once: partials of any ratio, each dying away (60 dB in its decay)."""
    seconds = np.arange(max(1, round(duration * sample_rate))) / sample_rate
    total = np.zeros_like(seconds)
    for frequency, decay, weight in zip(frequencies, decays, weights, strict=True):
        phase = rng.uniform(0.0, 2.0 * np.pi)
        if frequency < 0.48 * sample_rate:
            ring = np.sin(2.0 * np.pi * frequency * seconds + phase)
            total += weight * ring * np.exp(-6.91 / decay * seconds)
    total *= np.minimum(1.0, seconds / 0.001)  # a strike takes a millisecond
    return total


def random_places(
    n_samples: int, rate: float, *, sample_rate: int, rng: np.random.Generator
) -> list[int]:
    """Places in a sound, ``rate`` a second on average, independent of each other."""
    count = rng.poisson(rate * n_samples / sample_rate)
    return [int(place) for place in rng.integers(0, n_samples, count)]


def add_at(total: Wave, place: int, grain: Wave) -> None:
    """Add a short sound at a place, in place; what falls outside is left out."""
    first, last = max(place, 0), min(place + grain.size, total.size)
    if first < last:
        total[first:last] += grain[first - place : last - place]


def in_room(dry: Wave, decay: float, *, sample_rate: int, rng: np.random.Generator) -> Wave:
    """The sound with the reverberation of a room (60 dB in ``decay`` seconds; 0: none)."""
    from scipy import signal

    if decay <= 0.0:
        return dry
    seconds = np.arange(1, round(decay * sample_rate) + 1) / sample_rate
    response = rng.standard_normal(seconds.size) * np.exp(-6.91 / decay * seconds)
    response *= rng.uniform(0.2, 0.7) / np.sqrt(np.sum(response**2))
    wet: Wave = signal.fftconvolve(dry, response)[: dry.size]
    return dry + wet


def to_peak(samples: Wave, level: float) -> Samples:
    """Samples whose largest absolute value is ``level`` dBFS, at most full scale."""
    largest = float(np.max(np.abs(samples), initial=1e-12))
    factor: float = 10.0 ** (min(level, 0.0) / 20.0) / largest
    return (samples * factor).astype(np.float32)
