"""Front ends: equal to librosa 0.11, independent of their surroundings, strict about settings."""

import json
import subprocess
import sys

import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ossicle.errors import FeatureError
from ossicle.features import FRONT_ENDS, MFCC, LogMel, front_end
from ossicle.features.deltas import append_deltas
from ossicle.features.mel import band_groups, mel_matrix
from ossicle.features.spectrum import taper

RATE = 16_000


def sound(n_samples: int, seed: int = 0) -> np.ndarray:
    """A sweep in noise whose level rises and falls over 40 dB."""
    rng = np.random.default_rng(seed)
    times = np.arange(n_samples) / RATE
    sweep = np.sin(2 * np.pi * (300 + 800 * times) * times)
    envelope = 10 ** (np.cos(5 * times) - 1)
    return ((0.3 * sweep + 0.05 * rng.standard_normal(n_samples)) * envelope).astype(np.float32)


def librosa_mel(samples: np.ndarray, settings: dict, **more: object) -> np.ndarray:
    return librosa.feature.melspectrogram(
        y=samples,
        sr=RATE,
        n_fft=settings.get("n_fft", 512),
        hop_length=settings.get("hop_length", 160),
        center=settings.get("center", False),
        n_mels=settings.get("n_mels", 64),
        fmin=settings.get("fmin", 0.0),
        fmax=settings.get("fmax"),
        htk=settings.get("mel_scale", "slaney") == "htk",
        norm=settings.get("norm", "slaney"),
        power=settings.get("power", 2.0),
        window=settings.get("taper", "hann"),
        **more,
    )


SETTINGS = [
    {},
    {"center": True},
    {"n_fft": 1024, "hop_length": 512, "n_mels": 64, "center": True},
    {"n_fft": 2048, "hop_length": 300, "n_mels": 128, "fmin": 20.0, "fmax": 7600.0},
    {"n_fft": 400, "hop_length": 160, "n_mels": 24},
    {"mel_scale": "htk", "norm": None, "n_mels": 40},
    {"mel_scale": "htk", "n_mels": 40, "center": True},
    {"norm": None, "n_mels": 40, "taper": "hamming"},
    {"taper": "ones", "n_mels": 30},
]


@pytest.mark.parametrize("top_db", [None, 80.0, 20.0])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_log_mel_in_decibels_equals_librosa(settings: dict, top_db: float | None) -> None:
    samples = sound(3 * RATE + 123)
    expected = librosa.power_to_db(librosa_mel(samples, settings), top_db=top_db).T
    features = LogMel(**settings, top_db=top_db)(samples)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_natural_log_mel_equals_librosa(settings: dict) -> None:
    samples = sound(2 * RATE)
    expected = np.log(np.maximum(librosa_mel(samples, settings), 1e-10)).T
    np.testing.assert_allclose(LogMel(**settings, log="ln")(samples), expected, rtol=0, atol=1e-4)


def test_magnitude_mel_equals_librosa() -> None:
    samples = sound(RATE)
    expected = librosa.amplitude_to_db(librosa_mel(samples, {"power": 1.0}), amin=1e-10, top_db=60)
    features = LogMel(power=1.0, top_db=60.0)(samples)
    np.testing.assert_allclose(features, expected.T, rtol=0, atol=1e-4)


def test_top_db_means_decibels_for_natural_logarithms_too() -> None:
    samples = sound(RATE)
    decibels, nepers = LogMel(top_db=30.0)(samples), LogMel(top_db=30.0, log="ln")(samples)
    np.testing.assert_allclose(nepers * (10 / np.log(10)), decibels, rtol=0, atol=1e-4)


@pytest.mark.parametrize("lifter", [0, 22])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_mfcc_equals_librosa(settings: dict, lifter: int) -> None:
    samples = sound(2 * RATE)
    levels = librosa.power_to_db(librosa_mel(samples, settings), top_db=80.0)
    expected = librosa.feature.mfcc(S=levels, n_mfcc=20, lifter=lifter).T
    features = MFCC(**settings, top_db=80.0, lifter=lifter)(samples)
    np.testing.assert_allclose(features, expected, rtol=0, atol=1e-4 * (1 + lifter / 2))


def test_mfcc_equals_librosa_called_as_most_people_call_it() -> None:
    samples = sound(22_050)
    expected = librosa.feature.mfcc(y=samples, sr=22_050, n_mfcc=40).T
    ours = MFCC(
        sample_rate=22_050,
        n_fft=2048,
        hop_length=512,
        n_mels=128,
        n_mfcc=40,
        center=True,
        top_db=80.0,
    )
    assert expected.shape == (44, 40)
    np.testing.assert_allclose(ours(samples), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("n_frames", [1, 2, 5, 8, 9, 10, 40])
def test_deltas_equal_librosa(n_frames: int) -> None:
    frames = np.random.default_rng(n_frames).standard_normal((n_frames, 6)).astype(np.float32)
    mode = "interp" if n_frames >= 9 else "nearest"
    ours = append_deltas(frames, 2)
    for order in (1, 2):
        expected = librosa.feature.delta(frames.T, order=order, mode=mode).T
        part = ours[:, 6 * order : 6 * (order + 1)]
        np.testing.assert_allclose(part, expected, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(ours[:, :6], frames)


@pytest.mark.parametrize("norm", ["slaney", None])
@pytest.mark.parametrize("htk", [False, True])
@pytest.mark.parametrize(
    ("sample_rate", "n_fft", "n_mels"), [(16_000, 512, 40), (44_100, 2047, 80)]
)
def test_mel_matrix_equals_librosa(
    sample_rate: int, n_fft: int, n_mels: int, htk: bool, norm: str | None
) -> None:
    expected = librosa.filters.mel(
        sr=sample_rate, n_fft=n_fft, n_mels=n_mels, fmin=50.0, htk=htk, norm=norm
    )
    ours = mel_matrix(
        sample_rate=sample_rate,
        n_fft=n_fft,
        n_mels=n_mels,
        fmin=50.0,
        mel_scale="htk" if htk else "slaney",
        norm=norm,
    )
    np.testing.assert_allclose(ours.T, expected, rtol=0, atol=1e-6 * expected.max())


def test_band_groups_leave_nothing_out() -> None:
    matrix = mel_matrix(sample_rate=RATE, n_fft=512, n_mels=61)
    rebuilt = np.zeros_like(matrix)
    for bins, bands, weights in band_groups(matrix):
        rebuilt[bins, bands] = weights
    np.testing.assert_array_equal(rebuilt, matrix)


@pytest.mark.parametrize("kind", ["hann", "hamming"])
def test_tapers_are_scipys_periodic_ones(kind: str) -> None:
    from scipy.signal import get_window

    np.testing.assert_allclose(taper(kind, 400), get_window(kind, 400), atol=1e-7)


# ---- a frame depends on its own samples alone ----


KIND = LogMel(n_mels=40)
LONG = (sound(RATE * 10), KIND.frames(sound(RATE * 10)))


@given(first=st.integers(0, 700), n_frames=st.integers(1, 300))
def test_a_frame_is_the_same_to_the_last_bit_wherever_its_window_starts(
    first: int, n_frames: int
) -> None:
    samples, frames = LONG
    start, n_frames = first * KIND.hop_length, min(n_frames, len(frames) - first)
    part = KIND.frames(samples[start : start + KIND.n_samples(n_frames)])
    np.testing.assert_array_equal(part, frames[first : first + n_frames])


@given(n_samples=st.integers(1, 5_000), center=st.booleans())
def test_frames_are_as_many_as_foretold(n_samples: int, center: bool) -> None:
    kind = LogMel(n_fft=400, n_mels=20, center=center)
    assert kind.frames(sound(n_samples)).shape == (kind.n_frames(n_samples), 20)


@given(n_frames=st.integers(1, 500), center=st.booleans())
def test_n_samples_is_the_least_that_fills_the_frames(n_frames: int, center: bool) -> None:
    kind = LogMel(center=center)
    n_samples = kind.n_samples(n_frames)
    assert kind.n_frames(n_samples) == n_frames
    assert n_frames == 1 or kind.n_frames(n_samples - 1) == n_frames - 1


def test_finish_leaves_shared_frames_as_they_were() -> None:
    kind = MFCC(top_db=10.0, deltas=2)
    frames = kind.frames(sound(RATE))
    before = frames.copy()
    np.testing.assert_array_equal(kind.finish(frames), kind(sound(RATE)))
    np.testing.assert_array_equal(frames, before)


# ---- unusual sounds ----

EVERY = [LogMel(), LogMel(deltas=2, top_db=80.0), MFCC(deltas=1), MFCC(center=True, log="ln")]


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.name)
@pytest.mark.parametrize("n_samples", [1, 2, 100, 511, 512, 513, 16_000])
@pytest.mark.parametrize("value", [0.0, 0.5, -1.0])
def test_silence_and_constants_of_any_length_have_finite_features(
    kind: LogMel, n_samples: int, value: float
) -> None:
    features = kind(np.full(n_samples, value, np.float32))
    assert features.shape == (kind.n_frames(n_samples), kind.n_bands)
    assert np.isfinite(features).all()


def test_silence_lies_on_the_floor() -> None:
    np.testing.assert_allclose(LogMel()(np.zeros(RATE)), -100.0, atol=1e-4)
    np.testing.assert_allclose(LogMel(log="ln")(np.zeros(RATE)), np.log(1e-10), atol=1e-4)


def test_a_sound_shorter_than_a_frame_is_padded_with_zeros() -> None:
    short = sound(300)
    np.testing.assert_array_equal(LogMel()(short), LogMel()(np.pad(short, (0, 212))))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_what_is_no_sample_is_refused_with_its_place(bad: float) -> None:
    samples = sound(RATE)
    samples[777] = bad
    with pytest.raises(FeatureError, match="sample 777 of 16000"):
        LogMel()(samples)


def test_whole_numbers_are_scaled_by_their_range() -> None:
    samples = sound(RATE)
    expected = LogMel()(np.round(samples * 32768) / 32768)
    np.testing.assert_array_equal(LogMel()(np.round(samples * 32768).astype(np.int16)), expected)
    assert LogMel()(np.full(RATE, 128, np.uint8)).max() == pytest.approx(-100, abs=1e-4)


def test_float64_lists_and_strided_samples_are_taken() -> None:
    samples = sound(RATE)
    expected = LogMel()(samples)
    np.testing.assert_array_equal(LogMel()(samples.astype(np.float64)), expected)
    np.testing.assert_array_equal(LogMel()(samples.tolist()), expected)
    np.testing.assert_array_equal(LogMel()(np.repeat(samples, 2)[::2]), expected)


@pytest.mark.parametrize(("shape", "axis"), [((2, 16_000), 0), ((16_000, 2), 1)])
def test_several_channels_are_refused_with_a_way_out(shape: tuple[int, int], axis: int) -> None:
    with pytest.raises(FeatureError, match=rf"one channel.*samples.mean\(axis={axis}\)"):
        LogMel()(np.zeros(shape, np.float32))


@pytest.mark.parametrize("bad", [np.zeros(8, complex), np.zeros(8, bool), np.array(["a"])])
def test_other_types_are_refused(bad: np.ndarray) -> None:
    with pytest.raises(FeatureError, match="allowed: float or integer PCM"):
        LogMel()(bad)


def test_no_samples_are_refused() -> None:
    with pytest.raises(FeatureError, match="length 0"):
        LogMel()(np.zeros(0, np.float32))


# ---- settings ----


@pytest.mark.parametrize(
    "kind",
    [*EVERY, LogMel(fmax=4_000.0, norm=None, mel_scale="htk", taper="hamming", power=1.0)],
    ids=lambda kind: kind.name,
)
def test_a_description_survives_json_and_makes_the_same_front_end(kind: LogMel) -> None:
    again = front_end(json.loads(json.dumps(kind.describe())))
    assert again == kind
    assert hash(again) == hash(kind)
    np.testing.assert_array_equal(again(sound(4_000)), kind(sound(4_000)))


def test_numbers_of_other_types_make_the_same_description() -> None:
    ours = LogMel(n_mels=np.int64(40), fmin=20, fmax=np.float32(4_000))
    assert json.dumps(ours.describe()) == json.dumps(
        LogMel(n_mels=40, fmin=20.0, fmax=4e3).describe()
    )


def test_names_and_front_ends_are_descriptions_too() -> None:
    assert {name: type(front_end(name)) for name in FRONT_ENDS} == FRONT_ENDS
    assert front_end(MFCC(n_mfcc=5)) == MFCC(n_mfcc=5)


@pytest.mark.parametrize(
    ("description", "says"),
    [
        ("logmel", "did you mean 'log_mel'"),
        ({"n_mels": 40}, "does not describe a front end"),
        (7, "does not describe a front end"),
        ({"name": "log_mel", "nmels": 40}, "no setting 'nmels'; did you mean 'n_mels'"),
        ({"name": "log_mel", "version": 99}, "version 99"),
        ({"name": "log_mel", "n_mels": "40"}, "n_mels='40' is not a whole number"),
        ({"name": "log_mel", "n_mels": 40.5}, "not a whole number"),
        ({"name": "log_mel", "n_mels": True}, "not a whole number"),
        ({"name": "log_mel", "n_mels": 0}, "at least 1"),
        ({"name": "log_mel", "n_fft": 1}, "from 2"),
        ({"name": "log_mel", "hop_length": 0}, "hop_length=0 is out of range; allowed: at least 1"),
        ({"name": "log_mel", "sample_rate": -1}, "sample_rate=-1"),
        (
            {"name": "log_mel", "fmax": 9_000},
            "above half of sample_rate=16000; allowed: up to 8000",
        ),
        ({"name": "log_mel", "fmin": 500, "fmax": 400}, "fmin=500 Hz is not below fmax=400"),
        ({"name": "log_mel", "fmin": float("nan")}, "not a finite number"),
        ({"name": "log_mel", "mel_scale": "bark"}, "allowed: htk, slaney"),
        ({"name": "log_mel", "norm": "l2"}, "norm='l2' is unknown"),
        ({"name": "log_mel", "power": 3}, "power=3; allowed: 1"),
        ({"name": "log_mel", "log": "log10"}, "allowed: db, ln"),
        ({"name": "log_mel", "floor": 0}, "more than 0"),
        ({"name": "log_mel", "top_db": -3}, "more than 0"),
        ({"name": "log_mel", "deltas": 3}, "from 0 to 2"),
        ({"name": "log_mel", "taper": "kaiser"}, "allowed: hamming, hann, ones"),
        ({"name": "log_mel", "center": 1}, "allowed: True, False"),
        ({"name": "mfcc", "n_mfcc": 65}, "n_mfcc=65 coefficients cannot come from n_mels=64"),
        ({"name": "mfcc", "lifter": -1}, "at least 0"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(description: object, says: str) -> None:
    with pytest.raises(FeatureError, match=says):
        front_end(description)  # type: ignore[arg-type]


@pytest.mark.parametrize("mel_scale", ["slaney", "htk"])
@pytest.mark.parametrize("n_mels", [20, 40, 64, 90, 128, 200])
def test_bands_are_refused_exactly_where_librosa_warns_of_empty_ones(
    n_mels: int, mel_scale: str
) -> None:
    import warnings

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        librosa.filters.mel(sr=RATE, n_fft=512, n_mels=n_mels, htk=mel_scale == "htk")
    if caught:
        with pytest.raises(FeatureError, match=rf"n_mels={n_mels} bands do not fit"):
            LogMel(n_mels=n_mels, mel_scale=mel_scale)
    else:
        LogMel(n_mels=n_mels, mel_scale=mel_scale)


def test_front_ends_load_neither_scipy_signal_nor_h5py() -> None:
    code = (
        "import sys, numpy, ossicle; ossicle.MFCC(deltas=2)(numpy.zeros(16000));"
        "assert not {'scipy.signal', 'h5py', 'sklearn', 'librosa'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
