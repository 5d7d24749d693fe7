"""A report says what was measured, on what, and what was not."""

import json
from pathlib import Path

import numpy as np
import pytest
from evaluation_fakes import ALARM, PETS, FakeClassifier, FakeDataset, alarms, clip
from small_classifiers import RATE, linear, nearest_prototype, noise, tone

from ossicle.audio import write_audio
from ossicle.errors import EvaluationError
from ossicle.evaluation import Report, evaluate, metrics
from ossicle.types import QUIET, Clip, Prediction, Recording, Task


def test_figures_are_those_of_the_highest_scores() -> None:
    report = evaluate(FakeClassifier(ALARM), alarms())
    assert (report.accuracy, report.tpr, report.fpr) == pytest.approx((10 / 12, 5 / 6, 1 / 6))
    assert report.confusion == ((5, 1), (1, 5))
    assert report.positive == "alarm"
    assert report.auc == metrics.auc(report.answers.targets == 1, report.answers.scores[:, 1])
    assert report.accuracy_wilson.low < report.accuracy < report.accuracy_wilson.high
    assert report.accuracy_grouped.known
    assert report.tpr_interval.low < report.tpr < report.tpr_interval.high


def test_unknown_and_quiet_are_errors_only_in_accuracy_as_said() -> None:
    dataset = FakeDataset(
        [clip("other", 0.9, 0.1), clip("alarm", 0.4, 0.45), clip("other", 0.0, 0.0)]
    )
    report = evaluate(FakeClassifier(ALARM), dataset)
    assert report.accuracy == 1.0
    assert report.accuracy_as_said == pytest.approx(1 / 3)
    assert (report.n_unknown, report.n_quiet) == (1, 1)


def test_silence_is_never_a_hit_where_no_label_means_nothing_to_hear() -> None:
    dataset = FakeDataset([clip("dog", 0.0, 0.0, 0.0), clip("cat", 0.1, 0.8, 0.1)])
    report = evaluate(FakeClassifier(PETS), dataset)
    assert report.accuracy == 0.5
    assert report.columns == ("dog", "cat", "hen", QUIET)
    assert report.confusion == ((0, 0, 0, 1), (0, 1, 0, 0), (0, 0, 0, 0))
    assert report.mistakes[0].answer == QUIET


def test_what_cannot_be_judged_is_skipped_with_its_reason() -> None:
    dataset = FakeDataset(
        [
            clip("dog", 0.9, 0.1, 0.0),
            clip("dog", 0.9, name="corrupt"),
            clip("horse", 0.9, 0.1, 0.0),
            Clip(Recording(Path("x_1.wav"))),
            clip("cat", 0.1, float("nan"), 0.2),
        ],
        skipped=(("notes.txt", "not audio"),),
    )
    report = evaluate(FakeClassifier(PETS), dataset)
    reasons = dict(report.skipped)
    assert report.n_clips == 1
    assert len(report.skipped) == 5
    assert "not a sound file" in reasons["corrupt_0.9.wav"]
    assert "'horse' is not one the classifier knows" in reasons["a_0.9_0.1_0.0.wav"]
    assert "no label" in reasons["x_1.wav"]
    assert "not finite" in reasons["a_0.1_nan_0.2.wav"]
    assert reasons["notes.txt"] == "not audio"
    assert "skipped notes.txt: not audio" in report.text()


def test_nothing_to_judge_is_an_error_that_says_why() -> None:
    with pytest.raises(EvaluationError, match="has no clips"):
        evaluate(FakeClassifier(PETS), FakeDataset([]))
    with pytest.raises(EvaluationError, match=r"none of the 1 clips.*'horse' is not one"):
        evaluate(FakeClassifier(PETS), FakeDataset([clip("horse", 1.0, 0.0, 0.0)]))


def test_a_clip_of_another_length_than_stacked_ones_is_skipped_with_the_true_cause(
    tmp_path: Path,
) -> None:
    n_frames = 97  # of a second
    network = linear(np.random.default_rng(0).standard_normal((16 * n_frames, 3)), np.zeros(3))
    classifier = nearest_prototype(
        network=network, integration="stack", scaler=None, window=None, window_hop=None
    )
    clips = []
    for name, seconds in (("one", 1.0), ("half", 0.5), ("vanished", 1.0)):
        write_audio(tmp_path / f"{name}.wav", noise(seconds), RATE)
        clips.append(Clip(Recording(tmp_path / f"{name}.wav"), labels={"label": "other"}))
    (tmp_path / "vanished.wav").unlink()
    report = evaluate(classifier, FakeDataset(clips))
    reasons = {Path(name).name: why for name, why in report.skipped}
    assert set(reasons) == {"half.wav", "vanished.wav"}
    assert "a clip of 47 frames; this classifier takes clips of 97 frames" in reasons["half.wav"]
    assert "no such file" in reasons["vanished.wav"]


def test_unknown_and_unfit_tasks_are_refused() -> None:
    with pytest.raises(EvaluationError, match="no task 'species'; allowed: label"):
        evaluate(FakeClassifier(PETS), alarms(), task="species")
    many = Task("label", "multilabel", ("dog", "cat"))
    with pytest.raises(EvaluationError, match="is multilabel"):
        evaluate(FakeClassifier(many), alarms())


def test_one_clip_of_one_label_gives_nan_rather_than_zero() -> None:
    report = evaluate(FakeClassifier(PETS), FakeDataset([clip("dog", 0.9, 0.1, 0.0)]))
    assert report.accuracy == 1.0
    assert np.isnan(report.auc)
    assert np.isnan(report.per_class[1].recall)
    assert not report.accuracy_grouped.known
    assert "not measured" in report.text()
    assert "no spread between groups" in report.text()


def test_excerpts_are_read_within_their_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def read(path: Path, *, start: float, end: float | None) -> tuple[np.ndarray, int]:
        asked.append((start, end))
        return np.zeros(160, np.float32), 16_000

    class Both(FakeClassifier):
        def __call__(self, sound: object, sample_rate: int | None = None) -> Prediction:
            assert sample_rate == 16_000
            return super().__call__(Path("dog/a_0.9_0.1_0.0.wav"))

    monkeypatch.setattr("ossicle.evaluation.answers.read_audio", read)
    excerpt = Clip(Recording(Path("day.wav")), start=2.0, end=3.0, labels={"label": "dog"})
    rest = Clip(Recording(Path("day.wav")), start=3.0, labels={"label": "dog"})
    assert evaluate(Both(PETS), FakeDataset([excerpt, rest])).accuracy == 1.0
    assert asked == [(2.0, 3.0), (3.0, None)]


def test_progress_counts_every_clip_skipped_or_not() -> None:
    seen: list[tuple[int, int]] = []
    dataset = FakeDataset([clip("dog", 0.9, name="corrupt"), clip("dog", 0.9, 0.1, 0.0)])
    evaluate(FakeClassifier(PETS), dataset, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


def test_json_is_strict_and_complete() -> None:
    report = evaluate(FakeClassifier(PETS), FakeDataset([clip("dog", 0.9, 0.1, 0.0)]))
    read = json.loads(report.to_json(), parse_constant=lambda word: pytest.fail(word))
    assert read["auc"] is None
    assert read["accuracy"] == 1.0
    assert read["accuracy_grouped"] == [None, None]
    assert read["per_class"][0]["label"] == "dog"
    assert read["data"] == {
        "name": "kitchen", "fingerprint": "f00d", "licences": {"not stated": 1}, "n_synthetic": 0,
        "n_trained_on": 0,
    }  # fmt: skip
    assert read["provenance"]["search"]["n_configurations"] == 12
    assert "answers" not in read


def test_same_answers_same_report() -> None:
    first, second = (evaluate(FakeClassifier(ALARM), alarms()) for _ in range(2))
    assert first.to_json() == second.to_json()


@pytest.mark.parametrize(
    ("name", "licence", "said"),
    [
        ("synthetic alarms", "CC0", "all synthetic"),
        ("home", "CC0", ""),
        ("x", "synthesised", "all"),
    ],
)
def test_synthetic_clips_are_called_synthetic(name: str, licence: str, said: str) -> None:
    dataset = FakeDataset([clip("dog", 0.9, 0.1, 0.0, licence=licence)], name=name)
    text = evaluate(FakeClassifier(PETS), dataset).text()
    assert ("synthetic" in text.splitlines()[0].replace(name, "")) == bool(said)
    assert said in text


def test_worst_mistakes_come_first() -> None:
    report = evaluate(FakeClassifier(ALARM), alarms())
    assert [m.margin for m in report.mistakes] == pytest.approx([0.4, 0.2])
    assert report.mistakes[0].file == "other/a_0.3_0.7.wav"
    assert (report.mistakes[0].truth, report.mistakes[0].answer) == ("other", "alarm")


def test_hostile_names_reach_neither_terminal_nor_notebook() -> None:
    label = "<script>\x1b[2J\u202e"
    task = Task("label", "multiclass", (label, "cat"))
    report: Report = evaluate(FakeClassifier(task), FakeDataset(
        [Clip(Recording(Path("a_0.1_0.9.wav")), labels={"label": label})], name=label
    ))  # fmt: skip
    assert not set("\x1b\u202e") & set(report.text())
    assert "<script>" not in report._repr_html_()
    assert "\x1b" not in report._repr_html_()


def test_a_real_classifier_is_judged_on_real_files_and_excerpts(tmp_path: Path) -> None:
    pieces = {"alarm": tone(3_000, 2.0), "bell": tone(700, 2.0), "other": noise(2.0)}
    for label, samples in pieces.items():
        write_audio(tmp_path / f"{label}.wav", samples, RATE)
    write_audio(tmp_path / "all.flac", np.concatenate(list(pieces.values())), RATE)
    (tmp_path / "corrupt.wav").write_bytes(b"RIFF but not a sound")
    day = Recording(tmp_path / "all.flac")
    clips = [Clip(Recording(tmp_path / f"{x}.wav"), labels={"label": x}) for x in pieces]
    clips += [
        Clip(day, start=2.0 * i, end=2.0 * i + 2.0, labels={"label": x}, group="day")
        for i, x in enumerate(pieces)
    ]
    clips += [
        Clip(Recording(tmp_path / x), labels={"label": "bell"}) for x in ("corrupt.wav", "gone.wav")
    ]
    report = evaluate(nearest_prototype(), FakeDataset(clips), out=tmp_path / "r.html")
    assert (report.accuracy, report.n_clips, report.n_groups) == (1.0, 6, 4)
    assert [name for name, _ in report.skipped] == ["corrupt.wav", "gone.wav"]
