"""What a classifier is trained on is what it hears: windows, features and levels, bit for bit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_classifiers import nearest_prototype

from ossicle.audio import level, read_audio, write_audio
from ossicle.classifier import Classifier, load, verify
from ossicle.classifier import stream as stream_module
from ossicle.errors import FeatureError
from ossicle.features import (
    MFCC,
    FeatureStore,
    FrontEnd,
    LogbankSummary,
    LogMel,
    Piece,
    ShortTerm,
    WindowCutter,
)
from ossicle.types import Clip, Recording

FRONT_ENDS = [
    LogMel(n_mels=16, hop_length=256),
    LogMel(n_mels=16, hop_length=160, deltas=1, top_db=60.0),
    LogMel(n_mels=16, hop_length=160, center=True),
    MFCC(n_mfcc=13, n_mels=32, hop_length=256),
    MFCC(n_mfcc=13, n_mels=32, hop_length=160),
    ShortTerm(hop_length=400, deltas=True),
    ShortTerm(hop_length=160, compat="pyaudioanalysis"),
]


def recording(folder: Path, rate: int, seconds: float) -> Path:
    """Noise that fades away to nothing."""
    n_samples = round(seconds * rate)
    samples = np.random.default_rng(rate).standard_normal(n_samples)
    path = folder / f"{rate}.wav"
    write_audio(path, 0.1 * samples * np.linspace(1.0, 0.0, n_samples) ** 4, rate)
    return path


def heard(classifier: Classifier, path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Piece]:
    """The windows that the classifier itself cuts from a file."""
    pieces: list[Piece] = []

    class Watched(WindowCutter):
        def push(self, samples: Any) -> list[Piece]:
            found = super().push(samples)
            pieces.extend(found)
            return found

        def finish(self) -> list[Piece]:
            found = super().finish()
            pieces.extend(found)
            return found

    monkeypatch.setattr(stream_module, "WindowCutter", Watched)
    classifier(path)
    return pieces


@pytest.mark.parametrize("front_end", FRONT_ENDS, ids=lambda f: f"{f.name}-{f.hop_length}")
@pytest.mark.parametrize("rate", [16_000, 8_000, 44_100])
@pytest.mark.parametrize(
    ("window", "window_hop", "seconds"),
    [(1.0, None, 3.7), (1.0, 0.25, 2.1), (0.3, 0.111, 1.0), (1.0, None, 0.4), (None, None, 1.3)],
)
def test_a_row_of_the_table_is_the_window_that_the_classifier_hears(
    front_end: FrontEnd,
    rate: int,
    window: float | None,
    window_hop: float | None,
    seconds: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = recording(tmp_path, rate, seconds)
    settings: dict[str, Any] = {"window": window, "window_hop": window_hop}
    table = FeatureStore(tmp_path / "store").extract([Clip(Recording(path))], front_end, **settings)
    classifier = nearest_prototype(front_end=front_end, **settings)
    pieces = heard(classifier, path, monkeypatch)
    assert table.starts.tolist() == [piece.window.start for piece in pieces]
    assert table.levels.tolist() == [piece.level for piece in pieces]
    for index, piece in enumerate(pieces):
        np.testing.assert_array_equal(table.row(index), front_end.finish(piece.frames))


def test_levels_are_those_of_the_samples_of_each_window(tmp_path: Path) -> None:
    path = recording(tmp_path, 44_100, 2.3)
    samples, _ = read_audio(path, sample_rate=16_000)
    store, clips = FeatureStore(tmp_path / "store"), [Clip(Recording(path))]
    whole = store.extract(clips, LogMel())
    assert whole.levels.tolist() == [level(samples)]
    table = store.extract(clips, LogMel(), window=0.5)
    firsts = np.round(table.starts * 16_000).astype(int)
    assert table.levels.tolist() == [level(samples[first : first + 8_000]) for first in firsts]
    assert table.levels[0] > -30 > -60 > table.levels[-1]


def test_windows_with_gaps_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    clip = Clip(Recording(tmp_path / "nowhere.wav"))
    with pytest.raises(FeatureError, match="leaves gaps"):
        FeatureStore(tmp_path / "store").extract([clip], LogMel(), window=1.0, window_hop=2.0)
    assert not (tmp_path / "store").exists()


def test_a_bundle_keeps_the_hop_of_whole_frames(tmp_path: Path) -> None:
    front_end = LogMel(n_mels=16, hop_length=256)
    classifier = nearest_prototype(front_end=front_end, window=1.0, window_hop=None)
    assert classifier.window_hop == 31 * 256 / 16_000
    classifier.save(tmp_path / "small.ossicle")
    assert verify(tmp_path / "small.ossicle").ok
    path = recording(tmp_path, 16_000, 3.0)
    loaded = load(tmp_path / "small.ossicle")
    assert loaded.window_hop == classifier.window_hop
    assert loaded(path).windows == classifier(path).windows


@pytest.mark.parametrize(
    "front_end",
    [
        ShortTerm(texture=True, deltas=True),
        ShortTerm(compat="pyaudioanalysis"),
        LogbankSummary(n_mels=16),
        LogMel(n_mels=16, window_scaling="standard"),
    ],
    ids=lambda f: f.name,
)
def test_a_bundle_hears_with_every_front_end(front_end: FrontEnd, tmp_path: Path) -> None:
    classifier = nearest_prototype(front_end=front_end)
    classifier.save(tmp_path / "small.ossicle")
    assert verify(tmp_path / "small.ossicle").ok
    loaded = load(tmp_path / "small.ossicle")
    assert loaded.front_end == front_end
    path = recording(tmp_path, 16_000, 3.0)
    heard_before, heard_after = classifier(path), loaded(path)
    np.testing.assert_array_equal(heard_before.scores["label"], heard_after.scores["label"])
