"""Golden vectors: a made-up sound with the features, scores and events it must give everywhere.

The sound comes from whole-number arithmetic alone, so it is the same on every machine and never
anybody's recording: a sweep over all frequencies, silence of a window's length, the sweep in
noise. A runtime that reproduces the rest within the tolerances reads the bundle as it was meant.
"""

import io
import wave
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ossicle.classifier.description import json_bytes, read_json_bytes
from ossicle.classifier.stream import Stream
from ossicle.classifier.trained import Trained
from ossicle.errors import BundleError
from ossicle.features import WindowCutter
from ossicle.types import Event, Prediction, Samples

__all__ = ["GOLDEN", "VerifyReport", "compare_golden", "golden_sound", "make_golden"]

SOUND, FEATURES, SCORES, EVENTS = GOLDEN = (
    "golden/sound.wav",
    "golden/features.f32",
    "golden/scores.f32",
    "golden/events.json",
)
"""Member names. Features: (n_windows, ...) as the network takes them. Scores: (n_windows, labels of
all tasks one after the other), calibrated, zero where quiet. Both float32, little endian."""

FEATURE_TOLERANCE = 1e-3
SCORE_TOLERANCE = 1e-3
TIME_TOLERANCE = 1e-6

LONGEST = 6.0
WHOLE_CLIP = 2.0
"""Seconds of the golden sound, at most three windows; of a classifier without windows."""


@dataclass(frozen=True)
class VerifyReport:
    """How far a classifier is from its golden vectors.

    Parameters
    ----------
    n_windows : int
    features : float
        Worst difference, relative where a value is above 1; allowed: 0.001.
    scores : float
        Worst difference; allowed: 0.001.
    events : bool
        Whether the same labels are heard at the same times.

    >>> VerifyReport(n_windows=7, features=0.0, scores=0.0, events=True).ok
    True
    """

    n_windows: int
    features: float
    scores: float
    events: bool

    @property
    def ok(self) -> bool:
        """Whether everything is within its tolerance."""
        return self.features <= FEATURE_TOLERANCE and self.scores <= SCORE_TOLERANCE and self.events

    def __str__(self) -> str:
        return (
            f"{'reproduced' if self.ok else 'NOT reproduced'}: {self.n_windows} windows, "
            f"features within {self.features:.2g} (allowed {FEATURE_TOLERANCE:g}), "
            f"scores within {self.scores:.2g} (allowed {SCORE_TOLERANCE:g}), "
            f"events {'equal' if self.events else 'different'}"
        )


def make_golden(trained: Trained) -> dict[str, bytes]:
    """The golden members of a classifier's bundle."""
    n_samples = _n_samples(trained)
    pcm = golden_sound(n_samples, silence=_silence(trained, n_samples))
    features, prediction = _answer(trained, _floats(pcm))
    return {
        SOUND: _wav(pcm, trained.front_end.sample_rate),
        FEATURES: features.astype("<f4").tobytes(),
        SCORES: _joined(prediction).astype("<f4").tobytes(),
        EVENTS: json_bytes(_facts(prediction)),
    }


def compare_golden(trained: Trained, members: Mapping[str, bytes]) -> VerifyReport:
    """Answer the golden sound of a bundle again and compare.

    Raises
    ------
    BundleError
        If the golden members do not fit each other.
    """
    pcm = _pcm(members[SOUND], trained.front_end.sample_rate)
    features, prediction = _answer(trained, _floats(pcm))
    wanted = _matrix(members[FEATURES], features.shape, FEATURES)
    scores = _joined(prediction)
    return VerifyReport(
        n_windows=len(prediction.windows),
        features=_worst((features - wanted) / np.maximum(1.0, np.abs(wanted))),
        scores=_worst(scores - _matrix(members[SCORES], scores.shape, SCORES)),
        events=_same(_facts(prediction), members[EVENTS]),
    )


def golden_sound(n_samples: int, *, silence: slice) -> NDArray[np.int16]:
    """A triangular sweep, silence, the sweep again in noise; the same on every machine.

    >>> golden_sound(8, silence=slice(2, 4)).tolist()
    [-16384, -14336, 0, 0, 14105, 791, -8199, 11709]
    """
    n = np.arange(n_samples, dtype=np.int64)
    # The phase counts 2^16 a period; its step reaches half a period at the last sample.
    phase = n * n * 2**14 // max(1, n_samples) % 2**16
    sweep = 2**14 - np.abs(phase - 2**15)  # triangle of amplitude 2^14
    noise = (n * n * 1_103_515_245 + n * 12_345) % 2**31 // 2**18 - 2**12
    sound = sweep + np.where(n >= silence.stop, noise, 0)
    sound[silence] = 0
    return np.asarray(sound, dtype=np.int16)


def _answer(trained: Trained, sound: Samples) -> tuple[NDArray[np.float32], Prediction]:
    """Features of every window, quiet ones too, and the prediction."""
    cutter = WindowCutter(trained.front_end, window=trained.window, window_hop=trained.window_hop)
    pieces = [*cutter.push(sound), *cutter.finish()]
    features = np.stack([trained.features(piece.frames) for piece in pieces])
    stream = Stream(trained, sample_rate=trained.front_end.sample_rate, name=SOUND)
    stream.push(sound)
    stream.finish()
    return features, stream.prediction()


def _n_samples(trained: Trained) -> int:
    """Length of the golden sound: two windows at least, three if that is not long."""
    front_end = trained.front_end
    if trained.window is not None and trained.window_hop is not None:
        duration = max(trained.window + trained.window_hop, min(3 * trained.window, LONGEST))
        return round(duration * front_end.sample_rate)
    if trained.clip_frames is not None:
        return front_end.n_samples(trained.clip_frames)
    return round(WHOLE_CLIP * front_end.sample_rate)


def _silence(trained: Trained, n_samples: int) -> slice:
    """The second window, if there are three."""
    n_window = round((trained.window or 0.0) * trained.front_end.sample_rate)
    n_silent = n_window if n_samples >= 3 * n_window else 0
    return slice(n_window, n_window + n_silent)


def _floats(pcm: NDArray[np.int16]) -> Samples:
    return pcm.astype(np.float32) / np.float32(2**15)


def _joined(prediction: Prediction) -> NDArray[np.float32]:
    return np.concatenate([prediction.scores[task.name] for task in prediction.tasks], axis=1)


def _facts(prediction: Prediction) -> dict[str, Any]:
    return {
        "events": [asdict(event) for event in prediction.events],
        "labels": dict(prediction.labels),
        "n_windows": len(prediction.windows),
        "quiet": prediction.quiet.tolist(),
    }


def _same(found: Mapping[str, Any], data: bytes) -> bool:
    """Whether what was found is what is written, event times and scores within tolerance."""
    wanted = read_json_bytes(data, EVENTS)
    try:
        events = [Event(**event) for event in wanted.pop("events")]
        mine = [Event(**event) for event in found["events"]]
        rest = {key: value for key, value in found.items() if key != "events"}
        close = len(mine) == len(events) and all(map(_close, mine, events))
    except (TypeError, KeyError) as error:
        raise BundleError(f"{EVENTS} cannot be read: {error}") from error
    return bool(close and wanted == rest)


def _close(one: Event, other: Event) -> bool:
    return (
        (one.label, one.task) == (other.label, other.task)
        and abs(one.start - other.start) <= TIME_TOLERANCE
        and abs(one.end - other.end) <= TIME_TOLERANCE
        and abs(one.score - other.score) <= SCORE_TOLERANCE
    )


def _worst(difference: NDArray[Any]) -> float:
    worst = float(np.abs(difference).max(initial=0.0))
    return worst if np.isfinite(worst) else float("inf")


def _matrix(data: bytes, shape: tuple[int, ...], name: str) -> NDArray[np.float32]:
    if len(data) != 4 * int(np.prod(shape)):
        raise BundleError(f"{name} has {len(data)} bytes; its shape should be {shape}")
    return np.frombuffer(data, dtype="<f4").reshape(shape).astype(np.float32)


def _wav(pcm: NDArray[np.int16], sample_rate: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(sample_rate)
        writer.writeframes(pcm.astype("<i2").tobytes())
    return file.getvalue()


def _pcm(data: bytes, sample_rate: int) -> NDArray[np.int16]:
    """Samples of a WAV file that `_wav` wrote: its header is 44 bytes."""
    pcm = np.frombuffer(data[44 : len(data) // 2 * 2], dtype="<i2").astype(np.int16)
    if not len(pcm) or _wav(pcm, sample_rate) != data:
        raise BundleError(f"{SOUND} is not a plain WAV file of one channel at {sample_rate} Hz")
    return pcm
