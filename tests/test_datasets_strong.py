"""Strong labels: events of a recording, and the windows that are learnt from."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ossicle.audio import write_audio
from ossicle.datasets import Dataset, make_task, read_dataset, window_labels
from ossicle.errors import DatasetError
from ossicle.types import Clip, Event, Recording

RATE = 8_000


@pytest.fixture
def aviary(tmp_path: Path) -> Dataset:
    """Two recordings of 4 s with events, a third of 0.3 s with none."""
    for name, seconds in (("a", 4.0), ("b", 4.0), ("c", 0.3)):
        noise = np.random.default_rng(ord(name)).normal(0.0, 0.1, round(seconds * RATE))
        write_audio(tmp_path / f"audio/{name}.wav", noise, RATE)
    rows = ["filename,onset,offset,label", "a.wav,2.0,2.1,chirp", "a.wav,0.5,1.5,trill"]
    rows += ["b.wav,1.0,3.5,trill", "c.wav,,,"]
    (tmp_path / "events.csv").write_text("\n".join(rows))
    return read_dataset(tmp_path)


def test_the_events_of_a_recording_are_in_the_order_of_their_times(aviary):
    assert aviary.events("a.wav") == (
        Event("trill", 0.5, 1.5, 1.0),
        Event("chirp", 2.0, 2.1, 1.0),
    )
    assert aviary.events(aviary[0].path) == aviary.events("a.wav")
    assert aviary.events("c.wav") == ()
    with pytest.raises(DatasetError, match=r"names no recording; did you mean 'a\.wav'"):
        aviary.events("aa.wav")


def test_windows_are_labelled_by_the_events_in_them(aviary):
    windows = aviary.windows(1.0)
    assert [(c.path.name, c.start, c.end, c.labels["label"]) for c in windows] == [
        ("a.wav", 0.0, 1.0, "trill"),
        ("a.wav", 1.0, 2.0, "trill"),
        ("a.wav", 2.0, 3.0, "chirp"),
        ("a.wav", 3.0, 4.0, "background"),
        ("b.wav", 0.0, 1.0, "background"),
        ("b.wav", 1.0, 2.0, "trill"),
        ("b.wav", 2.0, 3.0, "trill"),
        ("b.wav", 3.0, 4.0, "trill"),
        ("c.wav", 0.0, 0.3, "background"),
    ]
    assert windows.task().background == ("background",)


def test_windows_that_an_event_only_just_touches_are_left_out(aviary):
    kept = aviary.windows(1.0, min_overlap=0.6)
    assert [c.start for c in kept if c.path.name == "a.wav"] == [2.0, 3.0]
    assert len(aviary.windows(1.0, background=None)) == 6
    assert aviary.windows(1.0, background="still").task().background == ("still",)


def test_no_recording_is_in_two_folds_of_its_windows(aviary):
    windows = aviary.windows(0.5, 0.25)
    for _, train, test in windows.folds(3):
        assert not {c.path for c in train} & {c.path for c in test}


def test_a_recording_in_two_splits_is_not_cut_into_windows(aviary):
    parts = ("train", "test")
    clips = tuple(
        Clip(aviary[0].recording, k / 10, (k + 1) / 10, {"label": "x"}, split=parts[k])
        for k in (0, 1)
    )
    with pytest.raises(DatasetError, match=r"a\.wav is in split 'test' and 'train'"):
        Dataset(clips, (make_task("label", "x"),)).windows(1.0)


@pytest.mark.parametrize("odd", [0.0, -1.0, 1e-9, float("nan"), float("inf")])
def test_windows_without_a_length_are_refused(aviary, odd):
    for settings in ((odd, 1.0), (1.0, odd)):
        with pytest.raises(DatasetError, match=r"seconds from 0\.001"):
            aviary.windows(*settings)


def slow_labels(events, duration, length, hop, share):
    """Every window against every event, in steps."""
    found, number = [], 0
    while number == 0 or number * hop + length <= duration + 1e-6:
        start, covered, touched = number * hop, {}, False
        for event in events:
            shared = min(start + length, event.end) - max(start, event.start)
            touched |= shared > 1e-6
            if shared >= max(share * min(length, event.duration) - 1e-6, 1e-6):
                covered[event.label] = covered.get(event.label, 0.0) + shared
        best = max(covered.values(), default=0.0)
        found.append(
            {k for k, v in covered.items() if v > best - 1e-9} or {None if touched else ""}
        )
        number += 1
    return found


@given(
    limits=st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 80), st.integers(1, 40)), max_size=6
    ),
    duration=st.integers(0, 100),
    length=st.integers(1, 30),
    hop=st.integers(1, 40),
    share=st.sampled_from([0.0, 0.3, 0.5, 1.0]),
)
def test_window_labels_are_those_of_the_slow_way(limits, duration, length, hop, share):
    events = [Event(label, s / 10, (s + n) / 10, 1.0) for label, s, n in limits]
    times = {"duration": duration / 10, "length": length / 10, "hop": hop / 10}
    fast = window_labels(events, **times, min_overlap=share)
    slow = slow_labels(events, *times.values(), share)
    assert len(fast) == len(slow)
    assert all(label in allowed for label, allowed in zip(fast, slow, strict=True))


def test_a_clip_to_the_end_is_an_event_to_the_end(tmp_path):
    write_audio(tmp_path / "1.wav", np.zeros(RATE), RATE)
    whole = Dataset(
        (Clip(Recording(tmp_path / "1.wav"), labels={"label": "x"}),), (make_task("label", "x"),)
    )
    assert whole.events("1.wav")[0].end == 1.0


# --- numbers and several labels -------------------------------------------------------------------


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    rows = ["path,bpm,tags"]
    for number in range(10):
        (tmp_path / f"{number}.wav").touch()
        rows.append(f"{number}.wav,{60 + 12.5 * number},{'slow;soft' if number < 5 else 'fast'}")
    path = tmp_path / "songs.csv"
    path.write_text("\n".join(rows))
    return path


def test_a_column_of_numbers_is_a_regression(songs):
    dataset = read_dataset(songs, tasks=["bpm"], kinds={"bpm": "regression"})
    assert dataset == read_dataset(songs, tasks=["bpm:regression"])
    task = dataset.task("bpm")
    assert (task.kind, task.labels) == ("regression", ("bpm",))
    assert dataset.values("bpm").tolist() == [60 + 12.5 * k for k in range(10)]
    assert dataset.values().dtype == np.float64
    assert [p.task() for p in dataset.split((0.5, 0.5))] == [task, task]
    low, high = (part.values() for part in dataset.split((0.5, 0.5)))
    assert abs(low.mean() - high.mean()) < 40
    with pytest.raises(DatasetError, match=r"regression task; use values\(\)"):
        dataset.targets()


def test_the_check_counts_numbers_by_their_range_and_each_of_several_labels(songs):
    report = read_dataset(songs, tasks=["bpm:regression", "tags:multilabel"]).check()
    assert report.labels == {
        "bpm": {"60 to 172.5": 10},
        "tags": {"fast": 5, "slow": 5, "soft": 5},
    }
    assert report.warnings == ()


def test_a_word_among_the_numbers_is_named_with_its_line(songs):
    songs.write_text(songs.read_text().replace("72.5", "fast"))
    with pytest.raises(DatasetError, match=r"songs.csv, line 3, column 'bpm': 'fast' is no number"):
        read_dataset(songs, tasks=["bpm:regression"])


@pytest.mark.parametrize("value", ["nan", "inf", "1e999"])
def test_a_number_that_is_not_finite_is_refused(songs, value):
    songs.write_text(songs.read_text().replace("72.5", value))
    with pytest.raises(DatasetError, match="finite numbers"):
        read_dataset(songs, kinds={"bpm": "regression"}, tasks=["bpm"])


def test_a_clip_may_have_several_labels(songs):
    dataset = read_dataset(songs, tasks=["tags"], kinds={"tags": "multilabel"})
    assert (dataset.task().kind, dataset.task().labels) == ("multilabel", ("fast", "slow", "soft"))
    assert dataset.indicators().sum(axis=0).tolist() == [5, 5, 5]
    dataset.to_csv(songs.with_name("again.csv"))
    again = read_dataset(songs.with_name("again.csv"), tasks=["tags:multilabel"])
    assert again.tasks == dataset.tasks
    assert again.labels().tolist() == dataset.labels().tolist()


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ({"bpn": "regression"}, "kinds names the task 'bpn'; did you mean 'bpm'"),
        ({"bpm": "regresion"}, "kind 'regresion' of task 'bpm'; did you mean 'regression'"),
    ],
)
def test_a_mistyped_kind_is_named(songs, kinds, message):
    with pytest.raises(DatasetError, match=message):
        read_dataset(songs, tasks=["bpm"], kinds=kinds)


def test_one_label_alone_is_still_a_task(tmp_path):
    (tmp_path / "normal").mkdir()
    (tmp_path / "normal/1.wav").touch()
    dataset = read_dataset(tmp_path)
    assert (dataset.task().labels, dataset.targets().tolist()) == (("normal",), [0])
