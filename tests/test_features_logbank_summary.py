"""LogbankSummary: seven statistics of each band, and what front ends cost."""

import json
from pathlib import Path

import numpy as np
import pytest

from ossicle.audio import write_audio
from ossicle.errors import FeatureError
from ossicle.features import (
    FRONT_ENDS,
    MFCC,
    FeatureStore,
    FrontEnd,
    LogbankSummary,
    LogMel,
    ShortTerm,
    front_end,
)
from ossicle.types import Clip, Recording

RATE = 16_000


def sound(n_samples: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.standard_normal(n_samples) * np.linspace(0.01, 0.3, n_samples)).astype(np.float32)


@pytest.mark.parametrize("deltas", [0, 1])
def test_the_row_holds_seven_statistics_of_each_band(deltas: int) -> None:
    settings = {"n_fft": 480, "hop_length": 160, "n_mels": 24, "deltas": deltas}
    bands = LogMel(**settings)(sound(RATE)).astype(float)
    quartiles = np.percentile(bands, [50, 25, 75], axis=0)
    expected = [bands.min(0), bands.max(0), bands.std(0), bands.mean(0), *quartiles]
    kind = LogbankSummary(**settings)
    row = kind(sound(RATE))
    assert row.shape == (1, kind.n_bands) == (1, 7 * 24 * (1 + deltas))
    np.testing.assert_allclose(row[0], np.concatenate(expected), rtol=1e-5, atol=1e-5)
    assert kind.band_names[24 * (1 + deltas)] == "max_1"
    assert len(set(kind.band_names)) == kind.n_bands


def test_each_window_is_one_row_of_a_table(tmp_path: Path) -> None:
    write_audio(tmp_path / "sound.wav", sound(3 * RATE), RATE)
    clips, kind = [Clip(Recording(tmp_path / "sound.wav"))], LogbankSummary(n_mels=24)
    table = FeatureStore(tmp_path / "store").extract(clips, kind, window=1.0)
    assert table.matrix("mean").shape == (5, 7 * 24)
    assert kind.n_rows(kind.n_frames(RATE)) == 1 == len(table.row(0))


def test_one_row_cannot_be_scaled_by_itself() -> None:
    with pytest.raises(FeatureError, match="window_scaling='mean' would make the one row"):
        LogbankSummary(window_scaling="mean")


def test_a_description_makes_the_same_summary() -> None:
    kind = LogbankSummary(n_mels=24, fmax=4_000.0)
    assert front_end(json.loads(json.dumps(kind.describe()))) == kind


# ---- what front ends cost ----


@pytest.mark.parametrize(
    "kind", [front_end(name) for name in FRONT_ENDS if name != "waveform"], ids=lambda k: k.name
)
def test_every_front_end_counts_more_work_for_more_frames(kind: FrontEnd) -> None:
    one, two, four = (kind.multiply_adds(n_frames) for n_frames in (1, 2, 4))
    assert isinstance(one, int)
    assert one > kind.n_fft
    assert four - two == 2 * (two - one) > 0


def test_a_front_end_counts_its_parts() -> None:
    mel = LogMel(n_fft=512, n_mels=40)
    weights = np.count_nonzero(mel._matrix())
    spectrum = 512 + 1.25 * 512 * 9 + 2 * 257
    assert mel.multiply_adds(1) == spectrum + weights + 2 * 40
    assert MFCC(n_mels=40, n_mfcc=13).multiply_adds(1) == mel.multiply_adds(1) + 40 * 13
    assert LogMel(n_mels=40, deltas=2).multiply_adds(1) == mel.multiply_adds(1) + 2 * 9 * 40
    scaled = LogMel(n_mels=40, window_scaling="standard")
    assert scaled.multiply_adds(10) == 10 * (mel.multiply_adds(1) + 4 * 40)
    assert LogbankSummary(n_mels=40).multiply_adds(10) == 10 * (mel.multiply_adds(1) + 3 * 40)
    assert ShortTerm(deltas=True).multiply_adds(10) == ShortTerm().multiply_adds(10) + 10 * 34
