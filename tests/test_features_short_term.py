"""ShortTerm: the formulas one frame at a time, pyAudioAnalysis itself, and what was mended."""

import json
import warnings
from pathlib import Path

import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from short_term_formulas import RATE, mended_reference, old_reference, sound

from ossicle.audio import read_audio
from ossicle.errors import FeatureError
from ossicle.features import ShortTerm, WindowCutter, front_end, integrate
from ossicle.features.descriptors import NAMES
from ossicle.features.pyaudioanalysis import old_short_term

OLD = ShortTerm(compat="pyaudioanalysis")
SIZES = [(16_000, 800, 400), (16_000, 400, 160), (44_100, 2_205, 1_102), (8_000, 401, 200)]


@pytest.mark.parametrize(("rate", "n_fft", "hop"), SIZES)
def test_the_old_numbers_are_those_of_the_formulas(rate: int, n_fft: int, hop: int) -> None:
    samples = sound(5_000)
    ours = old_short_term(samples, sample_rate=rate, n_fft=n_fft, hop_length=hop)
    np.testing.assert_allclose(ours, old_reference(samples, rate, n_fft, hop), rtol=0, atol=1e-9)


@pytest.mark.parametrize(("rate", "n_fft", "hop"), SIZES)
def test_the_old_numbers_are_those_of_pyaudioanalysis(rate: int, n_fft: int, hop: int) -> None:
    original = pytest.importorskip("pyAudioAnalysis.ShortTermFeatures", exc_type=ImportError)
    samples = sound(3 * rate)
    expected, names = original.feature_extraction(samples * 32_768, rate, n_fft, hop)
    ours = old_short_term(samples, sample_rate=rate, n_fft=n_fft, hop_length=hop)
    np.testing.assert_allclose(ours, expected[:34].T, rtol=0, atol=1e-9)
    settings = {"sample_rate": rate, "n_fft": n_fft, "hop_length": hop, "deltas": True}
    kind = ShortTerm(**settings, compat="pyaudioanalysis")
    np.testing.assert_allclose(kind(samples), expected.T, rtol=1e-5, atol=1e-5)
    assert kind.band_names == tuple(names)


@pytest.mark.data
def test_the_old_numbers_of_recordings_are_those_of_pyaudioanalysis(recordings: Path) -> None:
    original = pytest.importorskip("pyAudioAnalysis.ShortTermFeatures", exc_type=ImportError)
    paths = sorted((recordings / "esc50" / "audio").glob("*.ogg"))[::200]
    assert paths
    for path in paths:
        samples, rate = read_audio(path)
        expected, _ = original.feature_extraction(samples * 32_768, rate, 800, 400, deltas=False)
        ours = old_short_term(samples, sample_rate=rate, n_fft=800, hop_length=400)
        np.testing.assert_allclose(ours, expected.T, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("rate", "n_fft"), [(16_000, 197), (6_800, 800)])
def test_what_pyaudioanalysis_cannot_describe_is_refused(rate: int, n_fft: int) -> None:
    original = pytest.importorskip("pyAudioAnalysis.ShortTermFeatures", exc_type=ImportError)
    with pytest.raises((IndexError, ValueError)):
        original.feature_extraction(sound(RATE), rate, n_fft, 100)
    with pytest.raises(FeatureError, match="or compat=None"):
        old_short_term(sound(RATE), sample_rate=rate, n_fft=n_fft, hop_length=100)


def test_mid_term_numbers_are_those_of_pyaudioanalysis() -> None:
    original = pytest.importorskip("pyAudioAnalysis.MidTermFeatures", exc_type=ImportError)
    samples = sound(2 * RATE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected, _, _ = original.mid_feature_extraction(
            samples * 32_768, RATE, 2 * RATE, 2 * RATE, 800, 400
        )
    kind = ShortTerm(compat="pyaudioanalysis", deltas=True)
    np.testing.assert_allclose(integrate(kind(samples), "mean+std"), expected[:, 0], 1e-4, 1e-5)


@pytest.mark.parametrize(
    ("rate", "n_fft", "hop", "n_mels"),
    [
        (16_000, 800, 400, 40),
        (16_000, 400, 160, 40),
        (44_100, 2_205, 1_102, 40),
        (8_000, 401, 200, 32),
        (4_096, 205, 100, 22),
        (2_000, 200, 50, 13),
    ],
)
def test_the_mended_numbers_are_those_of_the_formulas(
    rate: int, n_fft: int, hop: int, n_mels: int
) -> None:
    samples = sound(8_000)
    kind = ShortTerm(sample_rate=rate, n_fft=n_fft, hop_length=hop)
    expected = mended_reference(samples, rate, n_fft, hop, n_mels)
    np.testing.assert_allclose(kind(samples), expected, rtol=1e-5, atol=2e-5)


# ---- what anyone may check by hand ----


def column(features: np.ndarray, name: str) -> np.ndarray:
    return features[:, NAMES.index(name)]


@pytest.mark.parametrize("compat", [None, "pyaudioanalysis"])
def test_deltas_make_68_columns_that_begin_with_no_change(compat: str | None) -> None:
    kind = ShortTerm(deltas=True, compat=compat)
    features = kind(sound(RATE))
    assert features.shape == (39, 68)
    assert len(set(kind.band_names)) == 68
    np.testing.assert_array_equal(features[0, 34:], 0)
    np.testing.assert_array_equal(features[1:, 34:], np.diff(features[:, :34], axis=0))


def test_mean_and_deviation_of_68_columns_are_136_values() -> None:
    assert integrate(ShortTerm(deltas=True)(sound(RATE)), "mean+std").shape == (136,)


def test_a_frame_that_changes_sign_with_every_sample_crosses_zero_each_time() -> None:
    features = ShortTerm()(np.tile([1.0, -1.0], RATE))
    np.testing.assert_array_equal(column(features, "zcr"), 1.0)
    np.testing.assert_array_equal(column(features, "energy"), 1.0)


@pytest.mark.parametrize("n_fft", [400, 512, 800, 1023])
def test_steady_energy_has_the_entropy_of_ten_equal_parts(n_fft: int) -> None:
    features = ShortTerm(n_fft=n_fft)(np.tile([0.25, -0.25], RATE))
    np.testing.assert_allclose(column(features, "energy_entropy"), np.log2(10), atol=1e-6)


@pytest.mark.parametrize("compat", [None, "pyaudioanalysis"])
@pytest.mark.parametrize("n_samples", [1, 799, 800, 801, RATE])
@pytest.mark.parametrize("value", [0.0, 1e-6, 0.5, -1.0])
def test_silence_and_constants_have_finite_features(
    n_samples: int, value: float, compat: str | None
) -> None:
    kind = ShortTerm(deltas=True, compat=compat)
    features = kind(np.full(n_samples, value, np.float32))
    assert features.shape == (kind.n_frames(n_samples), 68)
    assert np.isfinite(features).all()


@pytest.mark.parametrize("level", [1e-45, 1e-38, 1e-30, 1e-20, 1e-10, 1e6, 1e12])
def test_the_faintest_and_loudest_sounds_have_finite_features(level: float) -> None:
    samples = sound(RATE).astype(float) * level
    for kind in (ShortTerm(texture=True, deltas=True, window_scaling="standard"), OLD):
        assert np.isfinite(kind(samples)).all()


def test_all_but_energy_and_the_first_coefficient_are_the_same_for_any_level() -> None:
    samples = sound(RATE)
    loud, soft = ShortTerm(floor=1e-30)(samples), ShortTerm(floor=1e-30)(samples / 64)
    level = [NAMES.index("energy"), NAMES.index("mfcc_1")]
    np.testing.assert_allclose(
        np.delete(soft, level, axis=1), np.delete(loud, level, axis=1), atol=2e-5
    )
    np.testing.assert_array_equal(column(soft, "energy"), column(loud, "energy") / 64**2)


@pytest.mark.parametrize("hertz", [220.0, 440.0, 1_000.0, 3_000.0])
def test_a_tone_has_its_own_centroid_rolloff_and_note(hertz: float) -> None:
    tone = np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE)
    features = ShortTerm(n_fft=1_600)(tone)
    np.testing.assert_allclose(column(features, "spectral_centroid"), hertz / 8_000, atol=1e-3)
    np.testing.assert_allclose(column(features, "spectral_rolloff"), hertz / 8_000, atol=3e-3)
    note = round(12 * np.log2(hertz / 440)) % 12
    chroma = features[:, NAMES.index("chroma_1") :][:, :12]
    np.testing.assert_array_equal(chroma.argmax(axis=1), note)
    np.testing.assert_allclose(chroma.sum(axis=1), 1, atol=1e-5)


def test_what_is_below_the_lowest_note_is_no_note() -> None:
    times = np.arange(RATE) / RATE
    rumble_and_tone = np.sin(2 * np.pi * 10 * times) + 0.01 * np.sin(2 * np.pi * 440 * times)
    features = ShortTerm(n_fft=3_200)(rumble_and_tone)
    assert column(features, "spectral_centroid").max() < 30 / 8_000
    np.testing.assert_allclose(column(features, "chroma_1"), 1, atol=1e-4)


def test_a_loud_end_leaves_the_beginning_as_it_was() -> None:
    samples = sound(RATE)
    louder = np.concatenate([samples, np.full(RATE, 0.9, np.float32)])
    np.testing.assert_array_equal(ShortTerm()(louder)[:39], ShortTerm()(samples))
    assert not np.allclose(OLD(louder)[:39], OLD(samples), atol=1e-3)


def test_a_second_is_one_window_of_a_second() -> None:
    cutter = WindowCutter(ShortTerm(), window=1.0)
    assert len(cutter.push(sound(RATE)) + cutter.finish()) == 1


# ---- flatness and contrast ----


def spectra(samples: np.ndarray, n_fft: int, hop: int) -> np.ndarray:
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    frames = np.lib.stride_tricks.sliding_window_view(samples, n_fft)[::hop]
    return np.abs(np.fft.rfft(frames * taper))[:, 1:] * 2 / taper.sum()


def test_flatness_is_librosas() -> None:
    kind, samples = ShortTerm(texture=True), sound(RATE)
    magnitudes = spectra(samples, 800, 400)
    expected = librosa.feature.spectral_flatness(S=magnitudes.T, amin=1e-30)[0]
    at = kind.band_names.index("spectral_flatness")
    np.testing.assert_allclose(kind(samples)[:, at], expected, rtol=1e-4)


def test_contrast_lies_between_peaks_and_valleys_of_each_octave() -> None:
    kind, samples = ShortTerm(texture=True), sound(RATE)
    found = kind(samples)[:, kind.band_names.index("contrast_1") :]
    magnitudes, hertz = spectra(samples, 800, 400), 20 * np.arange(1, 401)
    edges = [0, 200, 400, 800, 1_600, 3_200, 6_400, 8_001]
    assert found.shape[1] == len(edges) - 1 == kind.n_bands - 35
    for column_, low, high in zip(found.T, edges, edges[1:], strict=False):
        octave = np.sort(magnitudes[:, (hertz >= low) & (hertz < high)], axis=1)
        n = max(1, round(0.02 * octave.shape[1]))
        decibels = 20 * np.log10(octave[:, -n:].mean(axis=1) / octave[:, :n].mean(axis=1))
        np.testing.assert_allclose(column_, decibels, atol=1e-2)


def test_texture_tells_a_tone_from_noise_and_leaves_the_others_as_they_were() -> None:
    kind = ShortTerm(texture=True, deltas=True)
    at = kind.band_names.index("spectral_flatness")
    tone = np.sin(2 * np.pi * 1_000 * np.arange(RATE) / RATE)
    noise = np.random.default_rng(0).standard_normal(RATE)
    assert kind(tone)[:, at].max() < 0.01 < 0.4 < kind(noise)[:, at].min()
    features = kind(sound(RATE))
    assert features.shape == (39, 84)
    np.testing.assert_array_equal(features[:, :34], ShortTerm()(sound(RATE)))
    assert np.isfinite(kind(np.zeros(RATE))).all()


# ---- frames that overlapping windows share ----


KINDS = [
    ShortTerm(n_fft=400, hop_length=160),
    ShortTerm(n_fft=401, hop_length=33, taper="hamming"),
    ShortTerm(n_fft=800, hop_length=400, texture=True),
]
LONG = sound(4 * RATE)
FRAMES = [kind.frames(LONG) for kind in KINDS]


@given(number=st.integers(0, 2), first=st.integers(0, 100), n_frames=st.integers(1, 700))
def test_a_frame_is_the_same_to_the_last_bit_wherever_its_window_starts(
    number: int, first: int, n_frames: int
) -> None:
    kind, frames = KINDS[number], FRAMES[number]
    n_frames = min(n_frames, len(frames) - first)
    start = first * kind.hop_length
    part = kind.frames(LONG[start : start + kind.n_samples(n_frames)])
    np.testing.assert_array_equal(part[1:], frames[first + 1 : first + n_frames])
    np.testing.assert_array_equal(kind.finish(part), kind.finish(frames[first : first + n_frames]))


def test_one_sample_apart_frames_are_the_same_too() -> None:
    kind = ShortTerm(n_fft=80, hop_length=1, sample_rate=8_000)
    frames, alone = kind.frames(LONG[:700]), kind.frames(LONG[77:157])
    np.testing.assert_array_equal(kind.finish(alone), kind.finish(frames[77:78]))


def test_flux_is_none_in_the_first_frame_of_every_window() -> None:
    cutter = WindowCutter(KINDS[0], window=1.0, window_hop=0.2)
    pieces = cutter.push(LONG)
    assert len(pieces) == 16
    for piece in pieces:
        flux = column(KINDS[0].finish(piece.frames), "spectral_flux")
        assert flux[0] == 0 < flux[1:].min()


# ---- settings ----


@pytest.mark.parametrize("kind", [*KINDS, OLD, ShortTerm(deltas=True, center=True)], ids=repr)
def test_a_description_makes_the_same_front_end(kind: ShortTerm) -> None:
    again = front_end(json.loads(json.dumps(kind.describe())))
    assert again == kind
    np.testing.assert_array_equal(again(sound(4_000)), kind(sound(4_000)))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"n_fft": 19}, "n_fft=19 is out of range; allowed: from 20"),
        ({"sample_rate": 500}, "sample_rate=500 is out of range; allowed: at least 1000"),
        ({"n_fft": 64}, "bands do not fit.*longer frame"),
        ({"compat": "opensmile"}, "allowed: pyaudioanalysis"),
        ({"texture": 1}, "texture=1; allowed: True, False"),
        ({"deltas": 2}, "deltas=2; allowed: True, False"),
        ({"compat": "pyaudioanalysis", "center": True}, "neither: take False"),
        ({"compat": "pyaudioanalysis", "texture": True}, "neither: take False"),
        ({"compat": "pyaudioanalysis", "sample_rate": 4_096}, "allowed: more than 6854 Hz"),
        ({"compat": "pyaudioanalysis", "n_fft": 197}, "no chroma for n_fft=197 .* least 198"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(settings: dict, says: str) -> None:
    with pytest.raises(FeatureError, match=says):
        ShortTerm(**settings)
