"""The steps behind the verbs: scenes, what a search may see, and the demo from end to end."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
from commands import foreign, printed
from hypothesis import given
from hypothesis import strategies as st
from sounds import RATE, folders_of_tones, table_of_tones

import ossicle
from ossicle import AudioError, DatasetError, SearchError
from ossicle.audio import ALARMS, BACKGROUNDS, alarm, background, info, level, write_audio
from ossicle.audio.mixing import active_level
from ossicle.datasets import read_dataset
from ossicle.selection import nested_search
from ossicle.steps import extract_features, open_dataset, search_dataset, split_dataset
from ossicle.steps.demo import N_ALARMS, demo
from ossicle.steps.scene import EDGE, make_scene

GRID = {
    "front_end": ["log_mel"],
    "sample_rate": [RATE],
    "n_fft": [256],
    "hop_length": [128],
    "n_mels": [20],
    "integration": ["mean", "meanvar"],
    "model": ["knn"],
    "n_neighbors": [1, 3],
}
NOISE = np.random.default_rng(0).normal(scale=0.01, size=5 * RATE).astype(np.float32)


# --- scenes ---------------------------------------------------------------------------------------

durations = st.lists(st.integers(1, 40).map(lambda tenths: tenths / 10), max_size=8)


def sounds(lengths: list[float]) -> list[tuple[str, np.ndarray]]:
    tones = [np.sin(np.arange(round(length * RATE), dtype=np.float32)) for length in lengths]
    return [(f"sound {number}", tone) for number, tone in enumerate(tones)]


@given(durations, st.integers(0, 2**32))
def test_events_lie_within_the_scene_in_the_order_given_and_never_overlap(lengths, seed):
    total = sum(lengths) + 2 * EDGE + 0.5
    scene = make_scene(NOISE, sounds(lengths), sample_rate=RATE, duration=total, seed=seed)
    assert len(scene.samples) == round(total * RATE)
    assert [event.label for event in scene.events] == [label for label, _ in sounds(lengths)]
    assert [event.duration for event in scene.events] == pytest.approx(lengths)
    limits = [time for event in scene.events for time in (event.start, event.end)]
    steps = np.diff([EDGE, *limits, total - EDGE])
    assert (steps >= -1e-9).all()


@given(st.integers(0, 2**32), st.floats(-10, 8), st.floats(0, 8))  # louder ones would clip
def test_every_event_is_as_loud_over_the_background_as_asked(seed, low, width):
    scene = make_scene(
        NOISE, sounds([1.0] * 3), sample_rate=RATE, duration=12.0, snr=(low, low + width), seed=seed
    )
    under = np.resize(NOISE, len(scene.samples))
    added = scene.samples.astype(np.float64) - under
    for event in scene.events:
        part = slice(round(event.start * RATE), round(event.end * RATE))
        snr = active_level(added[part]) - level(under[part])
        assert low - 0.01 <= snr <= low + width + 0.01
        added[part] = 0.0
    assert level(added) < -120.0  # elsewhere there is the background alone


@given(st.integers(0, 2**32))
def test_the_same_seed_is_the_same_scene_and_another_one_is_another(seed):
    def made(seed):
        return make_scene(NOISE, sounds([1.0, 0.5]), sample_rate=RATE, duration=20.0, seed=seed)

    assert made(seed).samples.tobytes() == made(seed).samples.tobytes()
    assert made(seed).events == made(seed).events
    assert made(seed).events != made(seed + 1).events


def test_a_scene_never_clips():
    loud = (0.5 * np.sign(NOISE)).astype(np.float32)
    scene = make_scene(loud, sounds([1.0] * 3), sample_rate=RATE, duration=12.0, snr=(20.0, 20.0))
    assert np.abs(scene.samples).max() <= 1.0


def test_a_scene_without_sounds_is_its_background():
    scene = make_scene(NOISE, [], sample_rate=RATE, duration=12.0)
    assert scene.events == ()
    np.testing.assert_array_equal(scene.samples, np.resize(NOISE, 12 * RATE))


def test_sounds_that_do_not_fit_are_refused_with_their_length():
    with pytest.raises(AudioError, match=r"6\.5 s of sounds do not fit into a scene of 10 s"):
        make_scene(NOISE, sounds([3.0, 3.5]), sample_rate=RATE, duration=10.0)


# --- what a search may see ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    return table_of_tones(tmp_path_factory.mktemp("table"))


def without_times(row):
    return {key: value for key, value in row.items() if key not in ("latency_ms", "train_ms")}


def nested(path, out, **options):
    dataset = read_dataset(path)
    outer = {f"fold-{number}": (train, test) for number, train, test in dataset.folds()}
    return outer, list(nested_search(outer, out=out, grid=GRID, **options))


@pytest.fixture(scope="module")
def judged(table, tmp_path_factory):
    """The outer folds of the table, and what became of each."""
    return nested(table, tmp_path_factory.mktemp("nested"))


def test_each_fold_is_judged_by_what_was_made_of_the_others(judged):
    outer, folds = judged
    assert [fold.name for fold in folds] == list(outer)
    for fold in folds:
        train, test = outer[fold.name]
        assert fold.report.provenance["dataset_fingerprint"] == train.fingerprint()
        assert fold.report.provenance["n_clips"] == len(train) == 32
        assert fold.report.answers.clips == test.clips
        assert not {clip.path for clip in train} & {clip.path for clip in test}
        assert not {clip.group for clip in train} & {clip.group for clip in test}
    asked = [clip.path for fold in folds for clip in fold.report.answers.clips]
    assert len(asked) == len(set(asked)) == 40


def test_no_label_of_a_test_fold_reaches_what_is_chosen_or_trained(judged, tmp_path):
    """With the labels of fold 2 exchanged, its choice stays and each of its answers turns."""
    honest = judged[1][1]
    swapped = nested(table_of_tones(tmp_path / "b", swapped_fold=2), tmp_path / "b-run")[1][1]
    assert honest.name == swapped.name == "fold-2"
    assert without_times(honest.chosen) == without_times(swapped.chosen)
    np.testing.assert_array_equal(honest.report.answers.scores, swapped.report.answers.scores)
    assert honest.report.accuracy == pytest.approx(1.0 - swapped.report.accuracy)


def test_no_recording_of_a_test_fold_is_described_for_the_search(table, tmp_path):
    """With the test recordings gone from the disk, the search of a fold is the same."""
    _, train, test = next(read_dataset(table).folds())
    result = ossicle.search(train, grid=GRID, out=tmp_path / "all")
    moved = {clip.path: tmp_path / clip.path.name for clip in test}
    for path, elsewhere in moved.items():
        path.rename(elsewhere)
    try:
        again = ossicle.search(train, grid=GRID, out=tmp_path / "without")
    finally:
        for path, elsewhere in moved.items():
            elsewhere.rename(path)
    assert list(map(without_times, again.rows)) == list(map(without_times, result.rows))


def test_a_limit_holds_in_every_fold(judged, table, tmp_path):
    limit = max(fold.chosen["bytes"] for fold in judged[1])
    _, folds = nested(table, tmp_path, limits={"max_bytes": limit})
    assert all(fold.chosen["bytes"] <= limit for fold in folds)


def test_the_step_gives_the_figures_of_the_nested_search(table, judged, tmp_path):
    _, folds = judged
    outcome = search_dataset(table, out=tmp_path / "step", test="folds", grid=GRID)
    expected = {fold.name: fold.report.accuracy for fold in folds}
    assert outcome["test"]["accuracies"] == expected
    assert outcome["test"]["accuracy"] == pytest.approx(np.mean(list(expected.values())))
    assert outcome["test"]["worst"] == min(expected, key=expected.__getitem__)
    classifier = ossicle.load(outcome["written"]["classifier"])
    assert classifier.provenance["n_clips"] == 40  # what is kept is trained on everything


@pytest.mark.parametrize("test", ["split", "holdout"])
def test_a_held_out_part_is_not_trained_on(table, tmp_path, test):
    outcome = search_dataset(table, out=tmp_path, test=test, grid=GRID, leave_out=0.25)
    classifier = ossicle.load(outcome["written"]["classifier"])
    dataset = read_dataset(table)
    train, validation, _ = dataset.official_split()
    development = train + validation if test == "split" else dataset.split((0.8, 0.2))[0]
    assert classifier.provenance["dataset_fingerprint"] == development.fingerprint()
    assert outcome["test"]["clips"] == 40 - len(development) == 8


def test_the_same_words_make_the_same_bundle(table, tmp_path):
    runs = [tmp_path / "a", tmp_path / "b"]
    for run in runs:
        search_dataset(table, out=run, test="none", grid=GRID, leave_out=0.25)
    first, second = ((run / "best.ossicle").read_bytes() for run in runs)
    assert first == second


def test_a_test_that_does_not_exist_is_refused_with_those_that_do(table, tmp_path):
    with pytest.raises(SearchError, match="test is 'fold'; allowed are auto, split, holdout"):
        search_dataset(table, out=tmp_path, test="fold")


def test_a_table_without_a_test_part_says_so(table, tmp_path):
    lines = table.read_text().replace(",test\n", ",train\n")
    (table.parent / "no_test.csv").write_text(lines)
    with pytest.raises(SearchError, match="no clip has the split test; test on holdout or none"):
        search_dataset(table.parent / "no_test.csv", out=tmp_path, test="split", grid=GRID)


# --- data sets ------------------------------------------------------------------------------------


def test_opening_keeps_the_clips_that_match_and_refuses_none(table):
    assert len(open_dataset(table, where={"fold": "1"})) == 8
    assert open_dataset(table, task="pitch").task().name == "pitch"
    with pytest.raises(DatasetError, match="none of 40 clips has fold=9, label=low"):
        open_dataset(table, where={"fold": "9", "label": "low"})


def test_a_split_is_written_as_tables_that_read_back(tmp_path):
    root = folders_of_tones(tmp_path / "tones")
    counts = split_dataset(root, out=tmp_path / "lists", fractions=(0.6, 0.2, 0.2))
    assert counts == {"train": 12, "validation": 4, "test": 4}
    parts = [read_dataset(tmp_path / "lists" / f"{name}.csv") for name in counts]
    assert [len(part) for part in parts] == [12, 4, 4]
    paths = {clip.path.resolve() for part in parts for clip in part}
    assert paths == {path.resolve() for path in root.rglob("*.wav")}


def test_extracting_tells_its_progress_and_the_shape_of_what_it_made(tmp_path):
    root, told = folders_of_tones(tmp_path / "tones"), []
    front_end = {"name": "log_mel", "sample_rate": RATE, "n_fft": 256, "hop_length": 128}
    options = {"out": tmp_path / "features", "front_end": front_end, "window": 0.256}
    summary = extract_features(root, **options, progress=lambda *what: told.append(what))
    assert (summary["n_clips"], summary["n_windows"], summary["n_bands"]) == (20, 40, 64)
    assert summary["n_frames"] == 40 * 15
    assert {stage for stage, _, _ in told} == {"features"}
    assert told[-1][1] == told[-1][2]


# --- the demo -------------------------------------------------------------------------------------

FILES = {"classifier", "report", "front", "scene", "timeline"}


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """The demo with its own sounds, and the seconds that it took."""
    out = tmp_path_factory.mktemp("demo")
    start = time.perf_counter()
    made = demo(out, n_jobs=-1)
    return out, made, time.perf_counter() - start


@pytest.mark.slow
def test_the_demo_finds_alarms_within_three_minutes(shown):
    _, made, seconds = shown
    assert seconds < 180.0
    assert made.report.accuracy > 0.8
    truth = [event for event in made.scene.events if event.label == "alarm"]
    found = [
        e for e in truth if any(overlap(e, h) > 0.5 * e.duration for h in made.prediction.events)
    ]
    assert len(truth) == N_ALARMS
    assert found == truth
    assert {event.label for event in made.prediction.events} == {"alarm"}


def overlap(one, other):
    return min(one.end, other.end) - max(one.start, other.start)


@pytest.mark.slow
def test_the_demo_writes_what_it_says_and_what_it_says_can_be_used(shown):
    out, made, _ = shown
    assert set(made.written) == FILES
    assert all(path.parent == out and path.stat().st_size for path in made.written.values())
    assert foreign(made.written["report"].read_text()) == []
    scene = made.written["scene"]
    assert info(scene).duration == pytest.approx(120.0)
    assert ossicle.verify(made.written["classifier"]).ok
    classifier = ossicle.load(made.written["classifier"])
    assert classifier(scene).events == made.prediction.events
    listened = printed("listen", made.written["classifier"], scene, "--json").splitlines()
    assert [json.loads(line)["start"] for line in listened] == [
        event.start for event in made.prediction.events
    ]


@pytest.mark.slow
def test_no_source_of_the_scene_or_the_test_is_in_a_training_mix(shown):
    out, _, _ = shown
    lines = (out / "mixed" / "mixes.jsonl").read_text().splitlines()
    sources: dict[str, set[str]] = {}
    for record in map(json.loads, lines):
        names = {source["path"] for source in record["sources"]}
        sources.setdefault(record["split"], set()).update(names)
    assert set(sources) == {"train", "test"}
    assert not sources["train"] & sources["test"]


@pytest.mark.slow
def test_a_second_demo_is_the_same_table_the_same_figures_and_the_same_events(shown):
    out, made, seconds = shown
    before = made.written["classifier"].read_bytes()
    start = time.perf_counter()
    again = json.loads(printed("demo", "--out", out, "--json"))
    assert time.perf_counter() - start < seconds
    first = json.loads(json.dumps(made.to_dict()))
    assert again["rows"] == first["rows"]
    assert again["heard"] == first["heard"]
    assert again["truth"] == first["truth"]
    assert again["test"]["accuracy"] == first["test"]["accuracy"]
    assert made.written["classifier"].read_bytes() == before


@pytest.mark.slow
def test_the_demo_takes_sounds_of_yours(tmp_path):
    """A folder with one file a recording, of three alarms, in four rooms, no other sounds."""
    for kind in list(ALARMS)[:3]:
        for take in range(4):
            samples = alarm(kind, 6.0, seed=take)
            write_audio(tmp_path / "mine/alarms" / kind / f"{take}.wav", samples, 16_000)
    for kind in list(BACKGROUNDS)[:4]:
        path = tmp_path / "mine/background" / f"{kind}.wav"
        write_audio(path, background(kind, 30.0), 16_000)
    words = ("demo", "--data", tmp_path / "mine", "--out", tmp_path / "out")
    text = printed(*words)
    assert f"Sounds: {tmp_path / 'mine'}" in text
    assert "alarm" in text.partition("A scene of 2:00 min")[2]
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"alarm.ossicle", "report.html"}
    assert not (tmp_path / "out" / "sounds").exists()


def test_the_demo_names_the_folder_that_is_missing(tmp_path):
    (tmp_path / "alarms").mkdir()
    with pytest.raises(DatasetError, match=r"has no folder background/; expected alarms/, backgr"):
        demo(tmp_path / "out", data=tmp_path)
