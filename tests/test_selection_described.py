"""A classifier that knows what clips sound like answers as one that hears them."""

import numpy as np
import pytest
from small_sets import clip, dataset
from sounds import RATE

import ossicle
from ossicle.audio import write_audio
from ossicle.datasets import read_dataset
from ossicle.evaluation import evaluate
from ossicle.features import FeatureStore
from ossicle.selection.described import described

FRONT_END = {"name": "log_mel", "sample_rate": RATE, "n_fft": 256, "hop_length": 128, "n_mels": 20}
GRID = {"front_end": [FRONT_END], "integration": ["mean"], "model": ["logreg"]}


def trained(tones, **settings):
    return ossicle.search(read_dataset(tones), grid=GRID, leave_out=0.2, **settings).best()


@pytest.mark.parametrize(
    "settings", [{}, {"window": 0.256}, {"window": 0.256, "window_hop": 0.1}], ids=str
)
def test_what_is_answered_from_features_is_what_is_heard(tones, table, tmp_path, settings):
    classifier, test = trained(tones, **settings), read_dataset(table)
    knowing = described(classifier, test, tmp_path / "store")
    for each in test:
        heard, known = classifier(each.path), knowing(each.path)
        np.testing.assert_array_equal(known.pooled["label"], heard.pooled["label"])
        np.testing.assert_array_equal(known.scores["label"], heard.scores["label"])
        assert known.labels == heard.labels
        assert [window.start for window in known.windows] == [w.start for w in heard.windows]
    assert evaluate(knowing, test).to_dict() == evaluate(classifier, test).to_dict()


def test_no_sound_is_described_twice(tones, table, tmp_path, monkeypatch):
    classifier, test = trained(tones), read_dataset(table)
    FeatureStore(tmp_path / "store").extract(test.clips, classifier.front_end)
    knowing = described(classifier, test, tmp_path / "store")
    monkeypatch.setattr(type(classifier.front_end), "frames", None)
    assert evaluate(knowing, test).n_clips == 40


def test_silence_is_quiet_and_excerpts_are_heard(tones, tmp_path):
    classifier = trained(tones)
    write_audio(tmp_path / "silence.wav", np.zeros(RATE, np.float32), RATE)
    sound = next(iter(read_dataset(tones))).path
    clips = [clip(str(path), label="low") for path in (tmp_path / "silence.wav", sound)]
    test = dataset("few", *clips)
    knowing = described(classifier, test, tmp_path / "store")
    assert knowing(tmp_path / "silence.wav").label == "quiet"
    samples, rate = ossicle.read_audio(sound, start=0.1, end=0.4)
    part = knowing(samples, rate)
    np.testing.assert_array_equal(part.pooled["label"], classifier(samples, rate).pooled["label"])


def test_without_a_store_the_classifier_is_given_back(tones):
    classifier = trained(tones)
    assert described(classifier, read_dataset(tones), None) is classifier
