"""Sounds varied at random: later, longer, higher, louder, noisier, in another room.

Each variation takes one channel and an amount, and gives finite float32 within full scale: what
would clip is made softer as a whole. Silence stays silence. Same seed, same bytes.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ossicle.audio.levels import gain, level
from ossicle.audio.limits import check_channel, check_rate
from ossicle.audio.mixing import unclipped
from ossicle.audio.oscillators import noise
from ossicle.audio.resampling import resample
from ossicle.audio.rooms import reverberate, room_response
from ossicle.errors import AudioError, nearest
from ossicle.types import Floats, Samples

__all__ = ["AUGMENTATIONS", "augment", "check_amount", "vary"]

_LOWEST_OCTAVE = 50.0  # Hz, where the first knot of a random filter lies
_STEEPEST = 6.0  # dB an octave: brown noise
_FRAME = 0.05  # seconds a phase vocoder looks at: three periods of 60 Hz
_OVERLAP = 4

Channel = NDArray[np.float64]


def time_shift(
    samples: Channel, seconds: float, *, sample_rate: int, rng: np.random.Generator
) -> Floats:
    """Later by some seconds (negative: earlier); what leaves at one end enters at the other."""
    return np.roll(samples, round(seconds * sample_rate))


def time_stretch(
    samples: Channel, factor: float, *, sample_rate: int, rng: np.random.Generator
) -> Floats:
    """``factor`` times as long at the same pitch and level.

    Source: the phase vocoder, Flanagan and Golden (1966), Dolson (1986).
    """
    n_samples = round(samples.size * factor)
    if factor == 1.0 or not samples.any():
        return np.resize(samples, n_samples)
    size = _OVERLAP * max(16, round(_FRAME * sample_rate / _OVERLAP))
    padded = np.pad(samples, (size // 2, 2 * size))
    longer = _resynthesised(padded, factor, size)[size // 2 :][:n_samples]
    return gain(longer, level(samples) - level(longer))


def pitch_shift(
    samples: Channel, semitones: float, *, sample_rate: int, rng: np.random.Generator
) -> Floats:
    """Higher by some semitones (lower where negative) at the same length and level."""
    rate_read = round(sample_rate * 2.0 ** (semitones / 12.0))
    factor = rate_read / sample_rate
    longer = time_stretch(samples, factor, sample_rate=sample_rate, rng=rng)
    shifted = resample(longer, rate_read, sample_rate)[: samples.size]
    shifted = np.pad(shifted, (0, samples.size - shifted.size))
    return gain(shifted, level(samples) - level(shifted)) if shifted.any() else shifted


def change_speed(
    samples: Channel, factor: float, *, sample_rate: int, rng: np.random.Generator
) -> Floats:
    """``factor`` times as fast: shorter and higher at once, as a tape that is wound faster.

    Many times cheaper than a stretch or a shift of pitch alone.

    Source: Ko et al. (2015), Audio augmentation for speech recognition.
    """
    return resample(samples, round(sample_rate * factor), sample_rate)


def louder(
    samples: Channel, decibels: float, *, sample_rate: int, rng: np.random.Generator
) -> Floats:
    """Louder by some decibels (softer where negative)."""
    return gain(samples, decibels)


def with_noise(
    samples: Channel, snr: float, *, sample_rate: int, rng: np.random.Generator
) -> Floats:
    """With noise ``snr`` dB below the level of the whole sound, of any colour: white to brown."""
    hiss = noise(samples.size, slope=rng.uniform(0.0, _STEEPEST), rng=rng)
    under = level(samples) - snr - level(hiss)
    return samples + hiss * 10.0 ** (under / 20.0) if samples.any() else samples


def coloured(
    samples: Channel, decibels: float, *, sample_rate: int, rng: np.random.Generator
) -> Floats:
    """As another microphone hears it: each octave up to some decibels louder or softer.

    The gains are drawn evenly and joined by straight lines; the level stays.

    Source: Nam, Kim & Park (2022), "FilterAugment" (its linear type), here on the sound itself.
    """
    from scipy import fft

    if not samples.any():
        return samples
    size = fft.next_fast_len(samples.size, real=True)
    hertz = fft.rfftfreq(size, 1.0 / sample_rate)
    octaves = np.log2(np.maximum(hertz, _LOWEST_OCTAVE) / _LOWEST_OCTAVE)
    knots = np.arange(int(octaves[-1]) + 2)
    gains = np.interp(octaves, knots, rng.uniform(-decibels, decibels, knots.size))
    filtered = fft.irfft(fft.rfft(samples, size) * 10.0 ** (gains / 20.0), size)[: samples.size]
    return gain(filtered, level(samples) - level(filtered))


def in_a_room(
    samples: Channel, rt60: float, *, sample_rate: int, rng: np.random.Generator
) -> Floats:
    """In a furnished room with this reverberation time, 1.5 m away."""
    return reverberate(samples, room_response(sample_rate=sample_rate, rt60=rt60, seed=rng))


AUGMENTATIONS: dict[str, Callable[..., Floats]] = {
    "shift": time_shift,
    "stretch": time_stretch,
    "pitch": pitch_shift,
    "speed": change_speed,
    "gain": louder,
    "noise": with_noise,
    "colour": coloured,
    "room": in_a_room,
}
"""Variations by name: functions of samples and an amount (seconds, factor, semitones, factor, dB of
gain, dB of signal-to-noise ratio, dB up or down, seconds of reverberation time)."""

_ALLOWED = {
    "shift": (-86_400.0, 86_400.0),
    "stretch": (0.25, 4.0),
    "pitch": (-24.0, 24.0),
    "speed": (0.25, 4.0),
    "gain": (-120.0, 120.0),
    "noise": (-60.0, 120.0),
    "colour": (0.0, 60.0),
    "room": (0.05, 20.0),
}


def check_amount(kind: str, amount: float) -> None:
    """Refuse a variation that does not exist, or an amount of it that is not allowed.

    Raises
    ------
    AudioError

    >>> check_amount("gain", 3.0)
    """
    if kind not in AUGMENTATIONS:
        raise AudioError(f"no augmentation {kind!r}; {nearest(kind, AUGMENTATIONS)}")
    least, most = _ALLOWED.get(kind, (-np.inf, np.inf))
    if not least <= amount <= most:
        raise AudioError(f"{kind} of {amount:g}; {least:g} to {most:g} are allowed")


def vary(
    samples: Floats, kind: str, amount: float, *, sample_rate: int, rng: np.random.Generator
) -> Samples:
    """One variation of a sound, by an amount.

    Parameters
    ----------
    samples : float array, shape (n_samples,)
    kind : str
        A key of `AUGMENTATIONS`.
    amount : float
        In the unit of the variation.
    sample_rate : int
        Hz.
    rng : Generator
        Of the noise and the room.

    Returns
    -------
    float32 array
        In [-1, 1]; as long as ``samples``, but for ``"stretch"`` and ``"speed"``.

    Raises
    ------
    AudioError
        If there is no such variation, or the amount or the samples are not allowed.

    >>> vary(np.ones(100), "gain", -20.0, sample_rate=8_000, rng=np.random.default_rng(0))[:2]
    array([0.1, 0.1], dtype=float32)
    """
    check_amount(kind, amount)
    channel = check_channel(samples)
    if not channel.size:
        return np.zeros(0, np.float32)
    varied = AUGMENTATIONS[kind](channel, amount, sample_rate=check_rate(sample_rate), rng=rng)
    return unclipped(np.asarray(varied, dtype=np.float32))


def augment(
    samples: Floats,
    *,
    sample_rate: int,
    how: Mapping[str, tuple[float, float]],
    rng: np.random.Generator,
) -> Samples:
    """A sound varied at random.

    Parameters
    ----------
    samples : float array, shape (n_samples,)
    sample_rate : int
        Hz.
    how : mapping of name to (least, most)
        Variations in the order in which they are made, each with the range its amount is evenly
        drawn from: ``shift`` in seconds, ``stretch`` as a factor on the length, ``pitch`` in
        semitones, ``speed`` as a factor, ``gain`` in dB, ``noise`` in dB of signal-to-noise
        ratio, ``colour`` in dB up or down, ``room`` in seconds of reverberation time.
    rng : Generator
        In the same state, the same bytes.

    Returns
    -------
    float32 array
        In [-1, 1]; as long as ``samples``, but for ``stretch`` and ``speed``.

    Raises
    ------
    AudioError
        If there is no such variation, or a range or the samples are not allowed.

    >>> tone = np.sin(np.arange(8_000) / 5.0)
    >>> how = {"pitch": (-2.0, 2.0), "noise": (10.0, 30.0)}
    >>> augment(tone, sample_rate=8_000, how=how, rng=np.random.default_rng(0)).shape
    (8000,)
    """
    channel: Any = check_channel(samples)
    rate = check_rate(sample_rate)
    for kind, (least, most) in how.items():
        if not least <= most < np.inf:
            raise AudioError(f"{kind} from {least:g} to {most:g}; the lesser comes first")
        amount = float(rng.uniform(least, most))
        check_amount(kind, amount)
        if channel.size:
            channel = AUGMENTATIONS[kind](channel, amount, sample_rate=rate, rng=rng)
    return unclipped(np.asarray(channel, dtype=np.float32))


def _resynthesised(samples: Channel, factor: float, size: int) -> Channel:
    """Frames of a sound laid out ``factor`` times as far apart, their phases carried on."""
    from scipy import fft, signal

    hop = size // _OVERLAP
    taper = signal.get_window("hann", size)
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]
    spectra = fft.rfft(frames * taper)
    places = np.arange(0.0, len(spectra) - 1.0, 1.0 / factor)
    before = places.astype(np.int64)
    share = (places - before)[:, np.newaxis]
    strength, angle = np.abs(spectra), np.angle(spectra)
    strength = (1.0 - share) * strength[before] + share * strength[before + 1]
    phase = np.cumsum(np.vstack([angle[:1], _advance(angle, hop, size)[before[:-1]]]), axis=0)
    pieces = fft.irfft(strength * np.exp(1j * phase), size) * taper
    weight = _laid_out(np.broadcast_to(taper**2, pieces.shape), hop)
    return _laid_out(pieces, hop) / np.maximum(weight, 1e-3)


def _advance(angle: Channel, hop: int, size: int) -> Channel:
    """How far each band's phase turns from one frame to the next, whole turns included."""
    expected = 2.0 * np.pi * hop * np.arange(angle.shape[1]) / size
    more = np.diff(angle, axis=0) - expected
    return np.asarray(expected + more - 2.0 * np.pi * np.round(more / (2.0 * np.pi)))


def _laid_out(pieces: Channel, hop: int) -> Channel:
    """Frames added where they belong, each a hop after the one before."""
    parts = pieces.reshape(len(pieces), -1, hop)
    total = np.zeros((len(pieces) + parts.shape[1] - 1, hop))
    for place in range(parts.shape[1]):
        total[place : place + len(pieces)] += parts[:, place]
    return total.ravel()
