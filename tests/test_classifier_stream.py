import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import soundfile
from onnx import helper
from small_classifiers import RATE, TASK, linear, nearest_prototype, noise, save, scene, tone

from ossicle.audio import resample, write_audio
from ossicle.classifier import Decision
from ossicle.errors import AudioError, FeatureError, ModelError
from ossicle.features import LogMel, Scaler, WindowCutter, integrate
from ossicle.types import Task

DECISION = Decision(min_duration=0.6, merge_gap=0.5)


def same(one, other):
    """Whether two predictions are equal to the last bit."""
    return (
        one.windows == other.windows
        and one.events == other.events
        and one.labels == other.labels
        and np.array_equal(one.quiet, other.quiet)
        and all(np.array_equal(one.scores[name], other.scores[name]) for name in one.scores)
        and all(np.array_equal(one.pooled[name], other.pooled[name]) for name in one.pooled)
    )


def random_blocks(samples, rng):
    """A random number of cuts, or cuts one sample apart somewhere."""
    n_cuts = int(rng.choice([0, 1, 3, 20, 200]))
    cuts = np.sort(rng.integers(0, len(samples) + 1, n_cuts))
    if rng.random() < 0.3:
        cuts = np.union1d(cuts, rng.integers(0, len(samples)) + np.arange(50))
    return np.split(samples, cuts[cuts <= len(samples)])


@pytest.fixture(scope="module")
def classifier():
    return nearest_prototype(decision=DECISION)


@pytest.mark.parametrize(
    ("rate", "n_blockings"), [(RATE, 80), (8_000, 40), (44_100, 40), (48_000, 40)]
)
def test_any_blocks_give_exactly_the_offline_answer(classifier, rate, n_blockings):
    sound = scene(rate)
    offline = classifier(sound, rate)
    assert {event.label for event in offline.events} == {"alarm", "bell"}
    rng = np.random.default_rng(rate)
    stream = classifier.stream(rate)
    for _ in range(n_blockings):
        stream.reset()
        events = [event for block in random_blocks(sound, rng) for event in stream.push(block)]
        events += stream.finish()
        assert same(stream.prediction(), offline)
        assert tuple(sorted(events, key=lambda event: event.start)) == offline.events


def test_a_file_gives_what_its_samples_give(classifier, tmp_path):
    sound = np.round(scene(44_100) * 2**15) / np.float32(2**15)
    path = tmp_path / "scene.wav"
    write_audio(path, sound, 44_100, subtype="PCM_16")
    prediction = classifier(path)
    assert prediction.recording == "scene.wav"
    assert prediction.sample_rate == 44_100
    assert same(prediction, classifier(sound.astype(np.float32), 44_100))


def test_resampling_first_gives_the_same_answer(classifier):
    sound = scene(48_000)
    assert same(classifier(sound, 48_000), classifier(resample(sound, 48_000, RATE), RATE))


def test_integers_of_full_scale_are_heard_as_floats(classifier):
    integers = np.round(scene() * 2**15).astype(np.int16)
    assert same(classifier(integers, RATE), classifier(integers / np.float32(2**15), RATE))


def test_the_scene_is_heard_where_it_is(classifier):
    prediction = classifier(scene(), RATE)
    heard = [(event.label, event.start, event.end) for event in prediction.events]
    written = [("alarm", 1.3, 3.3), ("bell", 5.0, 6.5), ("alarm", 6.5, 8.0)]
    assert [label for label, *_ in heard] == [label for label, *_ in written]
    np.testing.assert_allclose([t for _, *t in heard], [t for _, *t in written], atol=0.5)


def test_four_seconds_give_seven_windows(classifier):
    prediction = classifier(tone(3_000, 4.0), RATE)
    assert [window.start for window in prediction.windows] == [0, 0.5, 1, 1.5, 2, 2.5, 3]
    assert prediction.windows[-1].end == 4.0
    assert prediction.scores["label"].shape == (7, 3)
    assert prediction.label == "alarm"
    assert [(e.start, e.end) for e in prediction.events] == [(0.0, 4.0)]


@pytest.mark.parametrize(("n_missing", "expected"), [(0, 7), (1, 6)])
def test_only_full_windows_count(classifier, n_missing, expected):
    sound = tone(3_000, 4.0)[: 4 * RATE - n_missing]
    assert len(classifier(sound, RATE).windows) == expected


def test_a_short_sound_is_padded_to_one_window(classifier):
    short = tone(3_000, 0.4)
    prediction = classifier(short, RATE)
    assert [(window.start, window.end) for window in prediction.windows] == [(0.0, 0.4)]
    padded = np.pad(short, (0, RATE - len(short)))
    np.testing.assert_array_equal(
        prediction.scores["label"], classifier(padded, RATE).scores["label"]
    )


@pytest.mark.parametrize("hop", [0.5, 0.25, 1.0, 0.333, 0.01])
@pytest.mark.parametrize("deltas", [0, 2])
def test_shared_frames_are_those_of_each_window_alone(hop, deltas):
    front_end = LogMel(sample_rate=RATE, n_mels=16, deltas=deltas, top_db=60.0)
    sound = scene()[: 2 * RATE]
    pieces = WindowCutter(front_end, window=1.0, window_hop=hop).push(sound)
    for number, piece in enumerate(pieces):
        start = number * round(hop * RATE)
        alone = front_end(sound[start : start + RATE])
        np.testing.assert_array_equal(front_end.finish(piece.frames), alone)


def test_centred_frames_are_computed_for_each_window():
    front_end = LogMel(sample_rate=RATE, n_mels=16, center=True)
    sound = scene()[: 2 * RATE]
    pieces = WindowCutter(front_end, window=1.0, window_hop=0.5).push(sound)
    np.testing.assert_array_equal(pieces[1].frames, front_end.frames(sound[8_000:24_000]))


def test_silence_is_quiet_and_never_nan(classifier):
    prediction = classifier(np.zeros(3 * RATE, np.float32), RATE)
    assert prediction.label == "quiet"
    assert prediction.quiet.all()
    assert prediction.events == ()
    assert prediction.scores["label"].tolist() == [[0, 0, 0]] * 5
    assert prediction.pooled["label"].tolist() == [0, 0, 0]


def test_the_gate_is_at_minus_60_dbfs(classifier):
    loud, soft = (np.full(RATE, 10 ** (level / 20), np.float32) for level in (-59.9, -60.1))
    assert classifier(loud, RATE).label != "quiet"
    assert classifier(soft, RATE).label == "quiet"


def test_quiet_windows_do_not_vote(classifier):
    sound = np.concatenate([np.zeros(8 * RATE, np.float32), tone(3_000, 2.0)])
    prediction = classifier(sound, RATE)
    assert prediction.quiet.sum() > 10
    assert prediction.label == "alarm"
    heard = prediction.scores["label"][~prediction.quiet]
    np.testing.assert_allclose(prediction.pooled["label"], heard.mean(axis=0), rtol=1e-6)


def test_equal_scores_are_unknown():
    labels = tuple("abcd")
    task = Task("label", "multiclass", labels)
    network = linear(np.zeros((16, 4)), np.zeros(4))
    classifier = nearest_prototype(tasks=(task,), network=network)
    assert classifier(tone(440, 2.0), RATE).label == "unknown"


@pytest.mark.parametrize("pooling", ["majority", "mean", "max", "logmean"])
def test_scores_are_finite_and_sum_to_one(pooling):
    classifier = nearest_prototype(decision=Decision(pooling=pooling))
    prediction = classifier(scene(), RATE)
    heard = prediction.scores["label"][~prediction.quiet]
    for scores in (heard, prediction.pooled["label"]):
        assert np.isfinite(scores).all()
        assert scores.min() >= 0
        np.testing.assert_allclose(scores.sum(axis=-1), 1, atol=1e-5)


def test_a_temperature_makes_the_scores_less_sure():
    cold, warm = (nearest_prototype(temperature={"label": t})(scene(), RATE) for t in (1.0, 30.0))
    np.testing.assert_array_equal(
        cold.scores["label"].argmax(axis=1), warm.scores["label"].argmax(axis=1)
    )
    assert warm.scores["label"].max() < cold.scores["label"].max()
    assert warm.pooled["label"].sum() == pytest.approx(1)


def test_two_tasks_are_answered_by_one_network():
    single = nearest_prototype()
    weights = np.random.default_rng(0).standard_normal((16, 2))
    nodes = [
        helper.make_node("MatMul", ["features", "w"], ["label"]),
        helper.make_node("MatMul", ["features", "v"], ["loud"]),
    ]
    network = save(
        nodes,
        {"w": np.hstack([weights, weights[:, :1]]), "v": weights},
        {"loud": 2, "label": 3},
        16,
    )
    tags = Task("loud", "multilabel", ("a", "b"))
    both = nearest_prototype(tasks=(TASK, tags), network=network, scaler=single.scaler)
    prediction = both(scene(), RATE)
    assert prediction.scores["label"].shape[1] == 3
    assert prediction.scores["loud"].shape[1] == 2
    assert set(prediction.labels) == {"label", "loud"}


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 32_767.0])
def test_a_bad_block_is_refused_and_changes_nothing(classifier, wrong):
    sound = scene()
    bad = sound[:100].copy()
    bad[50] = wrong
    stream = classifier.stream(RATE)
    for block in np.array_split(sound, 9):
        with pytest.raises(AudioError, match="finite"):
            stream.push(bad)
        stream.push(block)
    stream.finish()
    assert same(stream.prediction(), classifier(sound, RATE))


@pytest.mark.parametrize("block", [np.zeros((2, 100), np.float32), np.zeros(9, np.uint8), ["a"]])
def test_a_block_that_is_no_channel_of_samples_is_refused(classifier, block):
    with pytest.raises(AudioError, match="block of"):
        classifier.stream(RATE).push(block)


@pytest.mark.parametrize("block", [np.zeros((2, 100), np.float32), np.zeros((100, 1))])
def test_an_array_of_channels_is_refused(classifier, block):
    with pytest.raises(AudioError, match="average the channels"):
        classifier(block, RATE)


def test_an_array_needs_a_rate_and_a_file_has_one(classifier):
    with pytest.raises(AudioError, match="sample_rate="):
        classifier(scene())
    with pytest.raises(AudioError, match="its own"):
        classifier("scene.wav", RATE)


def test_a_file_with_nan_is_named(classifier, tmp_path):
    soundfile.write(tmp_path / "bad.wav", np.full(RATE, np.nan), RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"bad\.wav"):
        classifier(tmp_path / "bad.wav")


def test_no_samples_are_refused(classifier):
    with pytest.raises(AudioError, match="no samples"):
        classifier(np.zeros(0, np.float32), RATE)


def test_a_stream_that_heard_nothing_is_quiet(classifier):
    stream = classifier.stream(RATE)
    assert stream.push(np.zeros(0, np.float32)) == []
    assert stream.finish() == []
    assert stream.prediction().label == "quiet"


def test_an_ended_stream_waits_for_reset(classifier):
    stream = classifier.stream(RATE)
    stream.push(scene())
    stream.finish()
    assert stream.finish() == []
    with pytest.raises(AudioError, match="reset"):
        stream.push(scene())
    stream.reset()
    stream.push(scene())
    stream.finish()
    assert same(stream.prediction(), classifier(scene(), RATE))


def test_ongoing_events_are_shown_before_they_end(classifier):
    stream = classifier.stream(RATE)
    assert stream.push(tone(3_000, 2.0)) == []
    assert [event.label for event in stream.ongoing] == ["alarm"]


def test_whole_clips_are_answered_and_cannot_be_streamed():
    classifier = nearest_prototype(window=None, window_hop=None)
    for sound in (tone(3_000, 0.2), tone(3_000, 2.7)):
        prediction = classifier(sound, RATE)
        assert len(prediction.windows) == 1
        assert prediction.windows[0].end == len(sound) / RATE
        assert prediction.label == "alarm"
    vector = classifier.scaler(integrate(classifier.front_end(tone(3_000, 2.7)), "mean"))
    np.testing.assert_allclose(prediction.scores["label"][0], classifier.scores(vector)["label"])
    with pytest.raises(ModelError, match="window="):
        classifier.stream(RATE)


def test_a_clip_too_long_to_be_one_window_is_refused(monkeypatch):
    monkeypatch.setattr("ossicle.features.windows.LONGEST_CLIP", 3.0)
    classifier = nearest_prototype(window=None, window_hop=None)
    with pytest.raises(AudioError, match="window="):
        classifier(scene(), RATE)


def test_history_bounds_what_a_stream_remembers(classifier):
    stream = classifier.stream(RATE, history=2.0)
    for _ in range(5):
        stream.push(scene())
    prediction = stream.prediction()
    assert len(prediction.windows) == 4
    assert prediction.windows[-1].end > 39
    assert all(event.end > 37 for event in prediction.events)


def test_a_long_file_is_heard_in_constant_memory(tmp_path):
    classifier = nearest_prototype(window_hop=1.0)
    classifier(scene(), RATE)

    def peak(seconds):
        path = tmp_path / f"{seconds}.wav"
        write_audio(path, np.tile(noise(10.0), seconds // 10), RATE)
        tracemalloc.start()
        classifier(path)
        memory = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return memory

    assert peak(240) < peak(20) + 1_000_000  # the longer sound itself has 14 MB more


def test_loading_and_predicting_needs_no_training_library(tmp_path):
    path = tmp_path / "small.ossicle"
    nearest_prototype().save(path)
    write_audio(tmp_path / "scene.wav", scene(), RATE)
    code = f"""
import sys, ossicle
print(ossicle.load({str(path)!r})({str(tmp_path / "scene.wav")!r}).events[0].label)
print([name for name in ("sklearn", "h5py", "onnx", "matplotlib", "torch") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["alarm", "[]"]


def test_settings_that_do_not_fit_are_named():
    with pytest.raises(FeatureError, match="window_hop=2 s leaves gaps"):
        nearest_prototype(window_hop=2.0)
    with pytest.raises(ModelError, match="window is -1"):
        nearest_prototype(window=-1.0)
    with pytest.raises(ModelError, match="activation of 'label' is 'relu'"):
        nearest_prototype(activation={"label": "relu"})
    with pytest.raises(ModelError, match="temperature names"):
        nearest_prototype(temperature={"nobody": 1.0})
    with pytest.raises(ModelError, match="tasks are"):
        nearest_prototype(tasks=())
    with pytest.raises(ModelError, match="another front end"):
        nearest_prototype(front_end=LogMel(n_mels=16), integration="meanvar", scaler=None)(
            scene(), RATE
        )
    with pytest.raises(ModelError, match="outside 0 to 1"):
        nearest_prototype(activation={"label": "identity"})(scene(), RATE)


def test_a_network_that_answers_nan_is_an_error():
    broken = linear(np.full((16, 3), np.nan), np.zeros(3))
    scaler = Scaler(np.zeros(16), np.ones(16))
    with pytest.raises(ModelError, match="not finite"):
        nearest_prototype(network=broken, scaler=scaler)(scene(), RATE)
