"""Thirty-four numbers per frame: crossings, energy, entropies, moments, flux, cepstrum, chroma.

The formulas of pyAudioAnalysis (Giannakopoulos, PLoS ONE 10(12), 2015), row by row for many frames
at once, in the precision of the taper. What the numbers mean depends on the arrays they are made
with (:class:`Bank`): tapered or not, which bins, which filters.
"""

import math
from typing import NamedTuple

import numpy as np

from ossicle.features.mel import BandGroup, project
from ossicle.features.spectrum import cut, power_blocks
from ossicle.features.texture import texture, texture_names
from ossicle.types import Floats

__all__ = ["FLUX", "NAMES", "N_PARTS", "Bank", "describe_frames"]

N_PARTS = 10
"""Parts of a frame, and of a spectrum, over which its energy is spread or not."""

ROLLOFF = 0.9
"""Share of the energy that lies below the roll-off."""

EPSILON = 2.0**-52

NAMES = (
    "zcr",
    "energy",
    "energy_entropy",
    "spectral_centroid",
    "spectral_spread",
    "spectral_entropy",
    "spectral_flux",
    "spectral_rolloff",
    *(f"mfcc_{order}" for order in range(1, 14)),
    *(f"chroma_{note}" for note in range(1, 13)),
    "chroma_std",
)
"""The columns, as pyAudioAnalysis calls them; chroma begins with the note A."""

FLUX = NAMES.index("spectral_flux")


class Bank(NamedTuple):
    """Everything prepared for one sample rate and length of frame.

    Parameters
    ----------
    taper : float array, shape (n_fft,)
        Its precision is that of everything.
    scale : float
        Of the magnitudes.
    bins : slice
        Which of the ``1 + n_fft // 2`` are looked at: ``n_bins``.
    frequencies : float array, shape (n_bins,)
        Of the bins, 1 being half the sample rate.
    rolloffs : float array, shape (n_bins,)
        Roll-off at each bin.
    mel, cepstrum, chroma : tuple of BandGroup
        Magnitudes to bands, their logarithms to coefficients, powers to notes.
    floor : float
        Added to bands before the logarithm.
    silence : float
        Added to sums of energy, that entropies, flux and roll-off are shares of.
    keep_rest : bool
        Whether what is left when a frame or spectrum is cut in ten counts in the energy that the
        ten are shares of.
    only_notes : bool
        Whether chroma are shares of what has a note, or of all.
    octaves : tuple of slice
        Bins of each octave, where flatness and contrast are wanted too.
    """

    taper: Floats
    scale: float
    bins: slice
    frequencies: Floats
    rolloffs: Floats
    mel: tuple[BandGroup, ...]
    cepstrum: tuple[BandGroup, ...]
    chroma: tuple[BandGroup, ...]
    floor: float
    silence: float
    keep_rest: bool
    only_notes: bool
    octaves: tuple[slice, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What the columns are called."""
        return NAMES + (texture_names(self.octaves) if self.octaves else ())


def describe_frames(samples: Floats, bank: Bank, *, hop_length: int) -> Floats:
    """The 34 numbers of each frame, and flatness and contrasts if the bank has octaves.

    Parameters
    ----------
    samples : float array, shape (n_samples,)
        At least one frame long.
    bank : Bank
    hop_length : int
        Samples between two frames.

    Returns
    -------
    float array, shape (n_frames, len(bank.names))
        Flux is towards the frame before; 0 in the first.

    >>> from ossicle.features.short_term import short_term_bank
    >>> bank = short_term_bank(sample_rate=16_000, n_fft=400)
    >>> describe_frames(np.ones(720, np.float32), bank, hop_length=160).shape
    (3, 34)
    """
    n_fft = len(bank.taper)
    frames = cut(samples, n_fft, hop_length)
    described = np.empty((len(frames), len(bank.names)), bank.taper.dtype)
    previous: Floats | None = None
    for rows, power in power_blocks(samples, bank.taper, hop_length):
        block = frames[rows]
        sound = samples[rows.start * hop_length :][: (len(block) - 1) * hop_length + n_fft]
        spectral, previous = _spectral(power[:, bank.bins], len(block), bank, previous)
        columns = [_crossings(sound, n_fft, hop_length), *_energy(block, bank), *spectral]
        described[rows] = np.column_stack(columns)
    return described


def _spectral(
    power: Floats, n_rows: int, bank: Bank, previous: Floats | None
) -> tuple[list[Floats], Floats]:
    """Columns that describe the first spectra of whole tiles, and the last one normalised."""
    np.multiply(power, bank.scale**2, out=power)
    magnitudes = np.sqrt(power)
    cepstra, chroma = _cepstra(magnitudes, bank)[:n_rows], _chroma(power, bank)[:n_rows]
    power, magnitudes = power[:n_rows], magnitudes[:n_rows]
    total = magnitudes.sum(axis=1)
    flux, last = _flux(magnitudes, total, bank.silence, previous)
    columns = [
        *_moments(magnitudes, total, bank.frequencies),
        _entropy(*_parts(power), bank),
        flux,
        bank.rolloffs[_rolloff(power, bank.silence)],
        cepstra,
        chroma,
    ]
    if bank.octaves:
        columns.append(texture(magnitudes, power, bank.octaves))
    return columns, last


def _crossings(samples: Floats, n_fft: int, hop_length: int) -> Floats:
    """Share of the steps of each frame from one sign to the other; to or from zero, a half."""
    signs = (samples > 0).view(np.int8) - (samples < 0).view(np.int8)
    steps = np.zeros(len(samples), np.int32)
    np.cumsum(np.abs(np.diff(signs)), out=steps[1:])
    counts = steps[n_fft - 1 :: hop_length] - steps[: len(steps) - n_fft + 1 : hop_length]
    return np.asarray(counts / (2.0 * (n_fft - 1)))


def _parts(values: Floats) -> tuple[Floats, Floats]:
    """Sums of ten equal parts of each row, and of the up to nine values left over at its end."""
    length = values.shape[1] // N_PARTS
    inner = values[:, : N_PARTS * length].reshape(len(values), N_PARTS, length)
    return inner.sum(axis=2), values[:, N_PARTS * length :].sum(axis=1)


def _entropy(parts: Floats, rest: Floats, bank: Bank) -> Floats:
    """Bits by which the parts of each row are spread evenly; at most log2 10."""
    total = parts.sum(axis=1) + bank.keep_rest * rest + bank.silence
    shares = parts / total[:, None]
    return np.asarray(-(shares * np.log(shares + EPSILON)).sum(axis=1) / math.log(2.0))


def _energy(frames: Floats, bank: Bank) -> tuple[Floats, Floats]:
    """Mean square of each frame, and the entropy of its course."""
    parts, rest = _parts(frames * frames)
    return (parts.sum(axis=1) + rest) / frames.shape[1], _entropy(parts, rest, bank)


def _moments(magnitudes: Floats, total: Floats, frequencies: Floats) -> tuple[Floats, Floats]:
    """Centroid and spread of each spectrum."""
    sums = np.where(total > 0, total, 1)
    centroid = (magnitudes * frequencies).sum(axis=1) / sums
    distances = frequencies - centroid[:, None]
    np.multiply(distances, distances, out=distances)
    np.multiply(distances, magnitudes, out=distances)
    return centroid, np.sqrt(distances.sum(axis=1) / sums)


def _flux(
    magnitudes: Floats, total: Floats, silence: float, previous: Floats | None
) -> tuple[Floats, Floats]:
    """Squared distance of each normalised spectrum from the one before, and the last spectrum."""
    shares = magnitudes / (total + silence * magnitudes.shape[1])[:, None]
    steps = np.empty_like(shares)
    np.subtract(shares[1:], shares[:-1], out=steps[1:])
    steps[0] = 0 if previous is None else shares[0] - previous
    np.multiply(steps, steps, out=steps)
    return steps.sum(axis=1), shares[-1]


def _rolloff(power: Floats, silence: float) -> Floats:
    """First bin up to which the spectrum holds more than its share of the energy."""
    energy = np.cumsum(power, axis=1)
    return np.asarray(np.argmax(energy + silence > ROLLOFF * energy[:, -1:], axis=1))


def _cepstra(magnitudes: Floats, bank: Bank) -> Floats:
    """Cosine transform of the decadic logarithm of the bands."""
    bands = np.empty((len(magnitudes), bank.mel[-1].bands.stop), magnitudes.dtype)
    project(magnitudes, bank.mel, bands)
    np.add(bands, bank.floor, out=bands)
    np.log(bands, out=bands)
    np.multiply(bands, 1.0 / math.log(10.0), out=bands)
    cepstra = np.empty((len(bands), bank.cepstrum[-1].bands.stop), bands.dtype)
    project(bands, bank.cepstrum, cepstra)
    return cepstra


def _chroma(power: Floats, bank: Bank) -> Floats:
    """Share of each note's power, and the deviation of the twelve."""
    notes = np.empty((len(power), bank.chroma[-1].bands.stop), power.dtype)
    project(power, bank.chroma, notes)
    total = notes.sum(axis=1) if bank.only_notes else power.sum(axis=1)
    shares = notes / np.where(total > 0, total, 1)[:, None]
    return np.column_stack([shares, shares.std(axis=1)])
