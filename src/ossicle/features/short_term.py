"""The 34 short-term features of pyAudioAnalysis, mended, and the originals where they are needed.

Source: Giannakopoulos, "pyAudioAnalysis", PLoS ONE 10(12), 2015. What is mended of version 0.3.14:

- frames are tapered (Hann): a tone no longer leaks into every band;
- a bin has its own frequency, not the next one's, the highest is there and 0 Hz is not looked at;
- the mel filters lie where they are said to, not an octave lower;
- below 13.7 kHz there are as many filters as fit, where the original stops below 6.9 kHz;
- notes add up all their bins, where the original keeps the last one; they sum to 1;
- bins below the lowest note (27.5 Hz) have none, where the original counts them as high ones;
- frames may be short, where the original finds no room for the notes and stops;
- no peak normalisation: the level survives, and a loud end does not change a quiet beginning;
- entropies are of ten equal parts and their sum, so that a rest does not lower them;
- a sound shorter than a frame is padded with zeros, where the original stops.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import FeatureError
from ossicle.features.base import FrontEnd
from ossicle.features.checks import number, one_of, whole
from ossicle.features.descriptors import FLUX, N_PARTS, Bank, describe_frames
from ossicle.features.mel import MEL_SCALES, band_groups, mel_matrix
from ossicle.features.mfcc import dct_matrix
from ossicle.features.pyaudioanalysis import old_bank, old_short_term
from ossicle.features.spectrum import TAPERS, read_only, spectrum_multiply_adds, taper
from ossicle.features.texture import octave_bins
from ossicle.types import Floats, Samples

__all__ = ["ShortTerm", "short_term_bank"]

_FIRST_MEL, _LAST_MEL = 2, 43  # edges of Slaney's forty bands: 133 Hz to 6855 Hz
_N_MFCC = 13
_LOWEST_NOTE = 27.5  # hertz, A0
_SILENCE = 1e-30


@dataclass(frozen=True, kw_only=True)
class ShortTerm(FrontEnd):
    """The 34 short-term features: what a frame sounds like in single numbers.

    In order: rate of zero crossings, energy, entropy of energy, spectral centroid, spread, entropy,
    flux and roll-off, 13 mel-frequency cepstral coefficients, 12 chroma from A, their deviation.

    Parameters
    ----------
    sample_rate, n_fft, hop_length, center, window_scaling
        As in :class:`FrontEnd`; frames of 50 ms every 25 ms at 16 kHz.
    texture : bool
        Add spectral flatness and the contrast of peaks and valleys below 200 Hz and in each octave
        above, in decibels: 8 columns at 16 kHz.
    deltas : bool
        Append the difference of each number from the frame before: 68 columns without texture.
    taper : {"hann", "hamming", "ones"}
        Periodic window on each frame, for the spectra.
    floor : float
        Added to each mel band before its decadic logarithm.
    compat : {None, "pyaudioanalysis"}
        The numbers of pyAudioAnalysis 0.3.14 with all its defects; it normalises the whole window,
        so windows share no frames, and fixes ``taper`` ("ones") and ``floor`` (2**-52).

    Raises
    ------
    FeatureError
        If a setting is out of its range, or frames are too short for the mel bands.

    >>> front_end = ShortTerm(deltas=True)
    >>> front_end(np.zeros(16_000)).shape
    (39, 68)
    >>> front_end.band_names[:3], front_end.band_names[-1]
    (('zcr', 'energy', 'energy_entropy'), 'delta chroma_std')
    """

    n_fft: int = 800
    hop_length: int = 400
    texture: bool = False
    deltas: bool = False
    taper: str = "hann"
    floor: float = 1e-10
    compat: str | None = None

    name: ClassVar[str] = "short_term"
    lookback: ClassVar[int] = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.compat is not None:
            one_of("compat", self.compat, ["pyaudioanalysis"])
            self._set(taper="ones", floor=2.0**-52)
        self._set(
            sample_rate=whole("sample_rate", self.sample_rate, low=1000),
            n_fft=whole("n_fft", self.n_fft, low=2 * N_PARTS, high=1 << 20),
            taper=one_of("taper", self.taper, TAPERS),
            floor=number("floor", self.floor, above=0.0),
        )
        for switch in ("texture", "deltas"):
            if not isinstance(getattr(self, switch), bool):
                raise FeatureError(f"{switch}={getattr(self, switch)!r}; allowed: True, False")
        if self.compat and (self.center or self.texture):
            raise FeatureError(
                f"center={self.center} and texture={self.texture} with compat; pyAudioAnalysis has "
                "neither: take False for both"
            )
        self._bank()

    def _bank(self) -> Bank:
        if self.compat:
            return old_bank(sample_rate=self.sample_rate, n_fft=self.n_fft)
        return short_term_bank(
            sample_rate=self.sample_rate,
            n_fft=self.n_fft,
            kind=self.taper,
            floor=self.floor,
            texture=self.texture,
        )

    @property
    def n_bands(self) -> int:
        """Columns of the features: 34 (those of texture added), with deltas twice as many."""
        return len(self._bank().names) * (1 + self.deltas)

    @property
    def band_names(self) -> tuple[str, ...]:
        """What each column is called, as in pyAudioAnalysis."""
        names = self._bank().names
        return names + tuple(f"delta {name}" for name in names) * self.deltas

    @property
    def shares_frames(self) -> bool:
        """Whether overlapping windows have frames in common: not if each is normalised."""
        return not (self.center or self.compat)

    def _frames(self, samples: Samples) -> NDArray[np.float32]:
        settings = {"n_fft": self.n_fft, "hop_length": self.hop_length}
        if self.compat:
            described: Floats = old_short_term(samples, sample_rate=self.sample_rate, **settings)
        else:
            described = describe_frames(samples, self._bank(), hop_length=self.hop_length)
        return np.asarray(described, np.float32)

    def _finish(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Let the window begin without flux, append differences: ``(n_frames, n_bands)``."""
        features = frames.copy()
        features[0, FLUX] = 0.0
        if not self.deltas:
            return features
        return np.hstack([features, np.diff(features, axis=0, prepend=features[:1])])

    def _multiply_adds(self, n_frames: int) -> int:
        bank = self._bank()
        products = sum(
            int(np.count_nonzero(group.weights))
            for group in (*bank.mel, *bank.cepstrum, *bank.chroma)
        )
        samples, bins = self.n_fft, len(bank.frequencies)
        sums = 2 * samples + (14 if self.texture else 12) * bins + 4 * N_PARTS + 3 * len(bank.names)
        deltas = len(bank.names) * self.deltas
        return n_frames * (spectrum_multiply_adds(self.n_fft) + products + sums + deltas)


@lru_cache(maxsize=32)
def short_term_bank(
    *,
    sample_rate: int,
    n_fft: int,
    kind: str = "hann",
    floor: float = 1e-10,
    texture: bool = False,
) -> Bank:
    """What :func:`describe_frames` needs, mended, in single precision.

    Magnitudes are those of a sine's amplitude, whatever the taper.

    >>> [group.bands.stop for group in short_term_bank(sample_rate=4_096, n_fft=205).mel]
    [8, 16, 22]
    """
    weights = taper(kind, n_fft)
    bins = np.arange(1, n_fft // 2 + 1)
    frequencies, hertz = read_only(2.0 * bins / n_fft), bins * (sample_rate / n_fft)
    mel = _mel(sample_rate, n_fft)
    return Bank(
        taper=weights,
        scale=2.0 / float(weights.sum(dtype=np.float64)),
        bins=slice(1, None),
        frequencies=frequencies,
        rolloffs=frequencies,
        mel=band_groups(mel),
        cepstrum=band_groups(read_only(dct_matrix(mel.shape[1], _N_MFCC))),
        chroma=band_groups(_notes(hertz)),
        floor=floor,
        silence=_SILENCE,
        keep_rest=False,
        only_notes=True,
        octaves=octave_bins(hertz) if texture else (),
    )


def _mel(sample_rate: int, n_fft: int) -> NDArray[np.float32]:
    """Slaney's bands, one mel apart, as many of the forty as fit; at least one per coefficient."""
    to_mels, to_hertz = MEL_SCALES["slaney"]
    last = min(_LAST_MEL, int(to_mels(np.array(sample_rate / 2))))
    n_mels = max(_N_MFCC, last - _FIRST_MEL - 1)
    fits = n_mels == last - _FIRST_MEL - 1
    matrix = mel_matrix(
        sample_rate=sample_rate,
        n_fft=n_fft,
        n_mels=n_mels,
        fmin=float(to_hertz(np.array(float(_FIRST_MEL)))),
        fmax=float(to_hertz(np.array(float(last)))) if fits else sample_rate / 2,
    )
    return matrix[1:]


def _notes(hertz: Floats) -> NDArray[np.float32]:
    """Which of the twelve notes, from A, each bin sounds; none below the lowest."""
    notes = np.round(12 * np.log2(hertz / _LOWEST_NOTE)).astype(int)
    return read_only((notes[:, None] >= 0) & (notes[:, None] % 12 == np.arange(12)))
