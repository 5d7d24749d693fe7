"""Answers as text: the same events in every form, and what listens hears what predicts."""

import csv
import io
import json
import math
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from commands import answered, printed, refused, typed
from hypothesis import given
from hypothesis import strategies as st
from small_classifiers import RATE, TASK, full, nearest_prototype, scene, tone

import ossicle
from ossicle.audio import write_audio
from ossicle.cli.annotations import FORMATS, clock
from ossicle.types import Event, Prediction

RAVEN = (
    *("Selection", "View", "Channel", "Begin Time (s)", "End Time (s)"),
    *("Low Freq (Hz)", "High Freq (Hz)", "Begin File", "Annotation", "Score"),
)


@pytest.fixture(scope="module")
def night(tmp_path_factory) -> Path:
    """A folder with sounds of several rates, formats and lengths, one of them in a folder."""
    root = tmp_path_factory.mktemp("night")
    write_audio(root / "a.wav", scene(), RATE)
    write_audio(root / "b.flac", scene(44_100), 44_100)
    write_audio(root / "deep" / "c.wav", tone(700, 0.4), RATE)
    write_audio(root / "silent.wav", np.zeros(2 * RATE, np.float32), RATE)
    return root


def sounds_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def prediction(*events: Event, recording: str = "kitchen.wav") -> Prediction:
    scores = {"label": np.float32([0.7, 0.2, 0.1])}
    answer = {"label": "alarm"}
    windows, quiet = (), np.zeros(0, np.bool_)
    return Prediction(recording, RATE, (TASK,), windows, {}, quiet, scores, answer, events)


# --- the same answers -----------------------------------------------------------------------------


@pytest.mark.parametrize("make", [nearest_prototype, full])
def test_json_is_what_python_answers(night, tmp_path, make):
    make().save(tmp_path / "a.ossicle")
    classifier = ossicle.load(tmp_path / "a.ossicle")
    found = answered("predict", tmp_path / "a.ossicle", night)
    assert [one["recording"] for one in found] == [
        path.relative_to(night).as_posix() for path in sounds_of(night)
    ]
    for one, path in zip(found, sounds_of(night), strict=True):
        expected = classifier(path)
        assert one["sample_rate"] == expected.sample_rate
        assert one["labels"] == expected.labels
        scores = [one["scores"]["label"][label] for label in TASK.labels]
        np.testing.assert_allclose(scores, expected.pooled["label"], atol=1e-6)
        assert [Event(**event) for event in one["events"]] == [
            replace(e, start=round(e.start, 6), end=round(e.end, 6), score=round(e.score, 6))
            for e in expected.events
        ]


def test_all_forms_hold_the_same_events(bundle, night):
    events = [
        (one["recording"], event["label"], event["start"], event["end"], event["score"])
        for one in answered("predict", bundle, night)
        for event in one["events"]
    ]
    assert len(events) >= 6
    table = csv.DictReader(io.StringIO(printed("predict", bundle, night, "--format", "csv")))
    raven = printed("predict", bundle, night, "--format", "raven")
    boxes = csv.DictReader(io.StringIO(raven), delimiter="\t")
    tracks = printed("predict", bundle, night, "--format", "audacity").splitlines()
    shown = printed("predict", bundle, night)
    for (name, label, start, end, score), row, box, line in zip(
        events, table, boxes, tracks, strict=True
    ):
        assert (row["recording"], row["label"], row["task"]) == (name, label, "label")
        assert (box["Begin File"], box["Annotation"]) == (name, label)
        places = [row["start"], row["end"]], [box["Begin Time (s)"], box["End Time (s)"]]
        for place in (*places, line.split("\t")[:2]):
            np.testing.assert_allclose([float(word) for word in place], [start, end], atol=5e-4)
        assert float(row["score"]) == float(box["Score"]) == pytest.approx(score, abs=5e-5)
        assert f"{start:.2f} s to" in shown
        assert label in shown
    assert "silent.wav: quiet" in shown


def test_a_file_named_twice_answers_twice_in_the_order_of_the_words(bundle, night):
    words = [night / "silent.wav", night / "a.wav", night / "silent.wav"]
    found = answered("predict", bundle, *words)
    assert [one["recording"] for one in found] == ["silent.wav", "a.wav", "silent.wav"]


# --- forms ----------------------------------------------------------------------------------------


def test_an_audacity_track_is_times_and_label_between_tabs_without_a_header(bundle, night):
    for line in printed("predict", bundle, night / "a.wav", "--format", "audacity").splitlines():
        start, end, label = line.split("\t")
        assert 0.0 <= float(start) < float(end)
        assert label in ("alarm", "bell")


def test_a_raven_table_numbers_boxes_over_all_frequencies(bundle, night):
    text = printed("predict", bundle, night, "--format", "raven")
    header, *lines = [line.split("\t") for line in text.splitlines()]
    assert tuple(header) == RAVEN
    assert [line[0] for line in lines] == [str(n + 1) for n in range(len(lines))]
    assert {tuple(line[1:3]) for line in lines} == {("Spectrogram 1", "1")}
    assert {(line[7], line[5], line[6]) for line in lines} == {
        ("a.wav", "0", "8000"),
        ("b.flac", "0", "22050"),
        ("deep/c.wav", "0", "8000"),
    }


HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "a\nb", "a\x1b[2Jb", "\udcff"]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_cell_of_a_spreadsheet_begins_as_a_formula(name):
    event = Event(name, 0.0, 1.0, 0.9, task=name)
    text = FORMATS["csv"]([prediction(event, recording=name)])
    header, row = csv.reader(io.StringIO(text))
    assert header == ["recording", "start", "end", "label", "score", "task"]
    assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]


@given(st.text(alphabet=st.characters(), min_size=1), st.text(alphabet=st.characters(), min_size=1))
def test_no_name_breaks_a_line_or_cannot_be_written(recording, label):
    found = [prediction(Event(label, 0.0, 1.0, 0.9), recording=recording)] * 2
    texts = {form: FORMATS[form](found) for form in ("csv", "audacity", "raven")}
    assert {form: len(text.splitlines()) for form, text in texts.items()} == {
        "csv": 3,
        "audacity": 2,
        "raven": 3,
    }
    assert all(len(line.split("\t")) == 3 for line in texts["audacity"].splitlines())
    assert all(len(line.split("\t")) == len(RAVEN) for line in texts["raven"].splitlines())
    for text in texts.values():
        text.encode("utf-8")
    assert [one["recording"] for one in json.loads(FORMATS["json"](found))] == [recording] * 2


@pytest.mark.parametrize("name", ["new\nline.wav", "\x1b[2Jclear.wav", "\udcff.wav"])
def test_a_file_with_any_name_can_be_heard_and_its_answer_kept(bundle, tmp_path, name):
    write_audio(tmp_path / "sounds" / "plain.wav", tone(700, 1.0), RATE)
    (tmp_path / "sounds" / "plain.wav").rename(tmp_path / "sounds" / name)
    for form in FORMATS:
        out = tmp_path / f"answer.{form}"
        words = ("predict", bundle, tmp_path / "sounds", "--format", form)
        assert printed(*words, "--out", out) == ""
        assert out.read_text(encoding="utf-8") == printed(*words)
        assert "\x1b" not in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("csv", "recording,start,end,label,score,task"),
        ("audacity", ""),
        ("raven", "\t".join(RAVEN)),
    ],
)
def test_no_events_are_a_header_or_nothing_at_all(bundle, night, tmp_path, form, text):
    words = ("predict", bundle, night / "silent.wav", "--format", form)
    expected = f"{text}\n" if text else ""
    assert printed(*words) == expected
    printed(*words, "--out", tmp_path / "answer.txt")
    assert (tmp_path / "answer.txt").read_text() == expected


@given(st.floats(0, 1e5))
def test_a_clock_has_less_than_sixty_seconds(seconds):
    minutes, rest = clock(seconds).split(":")
    assert float(rest) < 60.0
    assert math.isclose(60 * int(minutes) + float(rest), seconds, abs_tol=0.0501)


# --- files that cannot be heard -------------------------------------------------------------------


def test_a_corrupt_file_among_good_ones_is_named_and_stops_nothing(bundle, night, tmp_path):
    bad = tmp_path / "bad.wav"
    bad.write_bytes((night / "a.wav").read_bytes()[:30])
    out = tmp_path / "answer.json"
    words = ("predict", bundle, night / "a.wav", bad, tmp_path / "gone.wav", night / "deep")
    run = typed(*words, "--json")
    assert run.exit_code == 0
    assert [one["recording"] for one in json.loads(run.stdout)] == ["a.wav", "c.wav"]
    skipped = [line for line in run.stderr.splitlines() if line.startswith("skipped ")]
    assert [line.split(": ")[0] for line in skipped] == [
        f"skipped {bad}",
        f"skipped {tmp_path / 'gone.wav'}",
    ]
    run = typed(*words, "--json", "--out", out)
    assert (run.exit_code, run.stdout) == (0, "")
    assert f"2 recordings in {out}" in run.stderr
    assert len(json.loads(out.read_text())) == 2


def test_nothing_but_corrupt_files_is_status_1(bundle, tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    run = typed("predict", bundle, tmp_path)
    assert (run.exit_code, run.stdout) == (1, "")
    assert "skipped" in run.stderr


def test_a_folder_without_sounds_is_status_1(bundle, tmp_path):
    (tmp_path / "notes.txt").write_text("no sound")
    assert f"no sound file in {tmp_path}" in refused(1, "predict", bundle, tmp_path)


def test_an_answer_that_cannot_be_written_is_status_1(bundle, night):
    assert "/proc/nowhere/a.csv" in refused(
        1, "predict", bundle, night / "deep", "--out", "/proc/nowhere/a.csv"
    )


# --- listening ------------------------------------------------------------------------------------


def listened(text: str) -> list[Event]:
    return [Event(**json.loads(line)) for line in text.splitlines()]


@pytest.mark.parametrize("name", ["a.wav", "b.flac", "deep/c.wav", "silent.wav"])
@pytest.mark.parametrize("block", ["0.01", "0.1", "3"])
def test_listening_to_a_file_hears_the_events_of_predict(bundle, night, name, block):
    expected = ossicle.load(bundle)(night / name).events
    text = printed("listen", bundle, night / name, "--block", block, "--json")
    assert listened(text) == list(expected)


def test_listening_to_raw_samples_hears_the_events_of_predict(bundle, night):
    samples, rate = soundfile.read(night / "a.wav", dtype="int16")
    run = subprocess.run(
        [Path(sys.executable).with_name("ossicle"), "listen", bundle, "-", "--json"],
        input=samples.astype("<i2").tobytes(),
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert rate == RATE
    assert run.stderr == b""
    events = listened(run.stdout.decode())
    assert len(events) == 3
    assert events == list(ossicle.load(bundle)(night / "a.wav").events)


def test_an_event_is_told_while_the_sound_goes_on(bundle):
    """The line is there before standard input is closed."""
    command = [Path(sys.executable).with_name("ossicle"), "listen", bundle, "-", "--json"]
    sound = np.round(scene()[: 6 * RATE] * 32_767).astype("<i2").tobytes()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(sound)
        process.stdin.flush()
        first = listened(process.stdout.readline().decode())
        rest = listened(process.communicate()[0].decode())
    assert process.returncode == 0
    assert [event.label for event in first] == ["alarm"]
    assert [event.label for event in rest] == ["bell"]


def test_an_interrupt_ends_listening_in_peace(bundle):
    command = [Path(sys.executable).with_name("ossicle"), "listen", bundle, "-"]
    sound = np.round(scene()[: 6 * RATE] * 32_767).astype("<i2").tobytes()
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, **pipes) as process:
        process.stdin.write(sound)
        process.stdin.flush()
        assert b"alarm" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
        assert process.stderr.read().strip() == b"stopped"


def test_raw_samples_at_another_rate_need_only_the_rate(bundle, night):
    samples, rate = soundfile.read(night / "b.flac", dtype="int16")
    pcm = samples.astype("<i2").tobytes()
    text = printed("listen", bundle, "-", "--sample-rate", rate, "--json", stdin=pcm)
    assert listened(text) == list(ossicle.load(bundle)(night / "b.flac").events)


def test_an_odd_last_byte_and_no_sound_at_all_are_no_error(bundle):
    assert printed("listen", bundle, "-", stdin=b"") == ""
    assert printed("listen", bundle, "-", stdin=b"\0" * 32_001) == ""


def test_events_are_told_in_words(bundle, night):
    first = printed("listen", bundle, night / "a.wav").splitlines()[0]
    assert first.split() == ["0:01.2", "to", "0:03.8", "alarm", "1.00"]


def test_a_stream_that_cannot_be_resampled_is_status_1(bundle):
    assert "Error: " in refused(1, "listen", bundle, "-", "--sample-rate", "10")


def test_a_microphone_needs_its_extra_and_says_so(bundle, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert "pip install 'ossicle[microphone]'" in refused(1, "listen", bundle)


def test_a_classifier_of_whole_clips_says_that_it_cannot_listen(night, tmp_path):
    whole = replace(nearest_prototype(), window=None, window_hop=None)
    whole.save(tmp_path / "whole.ossicle")
    assert "window=None" in refused(1, "listen", tmp_path / "whole.ossicle", night / "a.wav")
