"""The main job on sounds made here, offline: mix, search, judge, save, detect."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ossicle.audio import (
    ALARMS,
    BACKGROUNDS,
    SIGNIFICANT,
    alarm,
    background,
    read_audio,
    significant,
    write_audio,
)
from ossicle.classifier import Classifier, Decision, load
from ossicle.datasets import SOUND_ENDINGS, Dataset, make_task, mix_dataset
from ossicle.errors import DatasetError
from ossicle.evaluation import Report, evaluate
from ossicle.evaluation.plots import plot_timeline, save_png
from ossicle.selection import StageProgress, search
from ossicle.selection.table import Row
from ossicle.steps.scene import Scene, make_scene
from ossicle.steps.search_report import write_search_report
from ossicle.types import Clip, Event, Prediction, Recording, Samples

__all__ = ["Demo", "demo"]

SAMPLE_RATE = 16_000
WINDOW, WINDOW_HOP = 4.0, 1.0
N_MIXES = 600
SCENE_SECONDS = 120.0
MIN_ROOMS = 4
N_ALARMS, N_OTHERS, N_ROOMS = 4, 3, 2
LONGEST = 14.0
"""Seconds of one sound in the scene."""

SNR = (0.0, 20.0)
"""dB, of the mixes."""

DECISION = Decision(pool_windows=2, min_duration=3.0, merge_gap=2.0)
"""An alarm goes on: what lasts less than three seconds is none."""

_FRAMES = {"n_fft": [1024], "hop_length": [320], "n_mels": [40], "top_db": [80.0]}
GRID = [
    {
        **_FRAMES,
        "front_end": ["log_mel"],
        "integration": ["mean", "meanvar", "mean+std+change"],
        "model": ["logreg", "svm"],
        "C": [0.01, 0.1, 1.0, 10.0],
    },
    {
        **_FRAMES,
        "front_end": ["mfcc"],
        "n_mfcc": [20],
        "integration": ["meanvar", "mean+std+change"],
        "model": ["knn", "svm"],
        "C": [1.0, 10.0, 100.0],
        "n_neighbors": [1, 5],
    },
]

MAKERS = {
    "alarms": (ALARMS, alarm, 6, 8.0),
    "significant": (SIGNIFICANT, significant, 6, 4.0),
    "background": (BACKGROUNDS, background, 3, 20.0),
}
"""Kinds, maker, takes of each kind and seconds of each take."""


@dataclass(frozen=True, eq=False)
class Demo:
    """Everything the demo made.

    Parameters
    ----------
    source : str
        What the sounds are.
    rows, front, chosen
        Of the search.
    report : Report
        On mixes whose sources were in no training mix.
    scene : Scene
    prediction : Prediction
        Of the scene.
    written : mapping of what to path
    """

    source: str
    rows: list[Row]
    front: list[Row]
    chosen: Row
    report: Report
    scene: Scene
    prediction: Prediction
    written: Mapping[str, Path]

    def to_dict(self) -> dict[str, Any]:
        """The demo as JSON."""
        return {
            "source": self.source,
            "rows": self.rows,
            "front": [row["id"] for row in self.front],
            "chosen": self.chosen,
            "test": self.report.to_dict(),
            "truth": [_times(event) for event in self.scene.events],
            "heard": [_times(event) for event in self.prediction.events],
            "written": {what: str(path) for what, path in self.written.items()},
        }


def demo(
    out: Path,
    *,
    data: Path | None = None,
    n_jobs: int = 1,
    seed: int = 0,
    command: str = "ossicle demo",
    progress: StageProgress | None = None,
) -> Demo:
    """From sounds to a detector that listened to a two-minute scene.

    Parameters
    ----------
    out : Path
        Folder of everything that is made; a second run finds what is finished.
    data : Path, optional
        Folder with ``alarms/``, ``background/`` and perhaps ``significant/``; by default they
        are synthesised.
    n_jobs, seed : int
    command : str
        Said in the report.
    progress : callable, optional

    Raises
    ------
    DatasetError
        If ``data`` lacks one of the folders.
    """
    sounds = _synthesised(out / "sounds", seed) if data is None else _given(data)
    mixed = mix_dataset(
        alarms=sounds["alarms"],
        significant=sounds.get("significant"),
        background=sounds["background"],
        out=out / "mixed",
        n=N_MIXES,
        snr=SNR,
        duration=WINDOW,
        sample_rate=SAMPLE_RATE,
        fractions=(0.7, 0.0, 0.3),
        seed=seed,
        progress=progress and partial(progress, "mixing"),
    )
    development, _, test = mixed.official_split()
    result = search(
        development,
        grid=GRID,
        window=WINDOW,
        window_hop=WINDOW_HOP,
        n_jobs=n_jobs,
        seed=seed,
        out=out / "search",
        progress=progress,
    )
    chosen = result.choose()
    written = _written(out)
    replace(result.classifier(chosen["id"]), decision=DECISION).save(written["classifier"])
    classifier = load(written["classifier"])
    report = evaluate(classifier, test, command=command)
    write_search_report(
        written["report"], result, chosen=chosen, tests={"test": report}, command=command
    )
    result.plot(written["front"], chosen=chosen["id"])
    scene = _scene(out / "mixed", seed)
    write_audio(written["scene"], scene.samples, SAMPLE_RATE)
    prediction = classifier(written["scene"])
    _draw(classifier, scene, prediction, written["timeline"])
    source = "synthesised sounds" if data is None else str(data)
    return Demo(source, result.rows, result.front(), chosen, report, scene, prediction, written)


def _written(out: Path) -> dict[str, Path]:
    names = {
        "classifier": "alarm.ossicle",
        "report": "report.html",
        "front": "front.png",
        "scene": "scene.wav",
        "timeline": "timeline.png",
    }
    return {what: out / name for what, name in names.items()}


def _synthesised(folder: Path, seed: int) -> dict[str, Path]:
    """Takes of every kind of alarm, significant sound and background, as one table a role."""
    tables = {role: folder / role / "clips.csv" for role in MAKERS}
    for role, (kinds, make, n_takes, duration) in MAKERS.items():
        clips = []
        for number, kind in enumerate(kinds):
            for take in range(n_takes):
                path = folder / role / f"synthetic_{kind}_{take}.flac"
                rng = np.random.default_rng([seed, number, take])
                samples = make(kind, duration, sample_rate=SAMPLE_RATE, seed=rng)
                write_audio(path, samples, SAMPLE_RATE)
                recording = Recording(path, licence="CC0-1.0", author="synthetic")
                clips.append(Clip(recording, labels={"label": kind}))
        Dataset(tuple(clips), (make_task("label", kinds),)).to_csv(tables[role])
    return tables


def _given(data: Path) -> dict[str, Path]:
    folders = {name: data / name for name in MAKERS if (data / name).is_dir()}
    for name in ("alarms", "background"):
        if name not in folders:
            raise DatasetError(
                f"{data} has no folder {name}/; expected alarms/, background/ and perhaps "
                "significant/ with sound files in them"
            )
    rooms = [f for f in (data / "background").rglob("*") if f.suffix.lower() in SOUND_ENDINGS]
    if "significant" not in folders and len(rooms) < MIN_ROOMS:
        raise DatasetError(
            f"{data / 'background'} has {len(rooms)} sound files; without significant/ at least "
            f"{MIN_ROOMS} are needed, so that training and test hear different rooms"
        )
    return folders


def _scene(mixed: Path, seed: int) -> Scene:
    """Two minutes of sources that are in no training mix."""
    lines = (mixed / "mixes.jsonl").read_text().splitlines()
    sources: dict[str, list[str]] = {"alarm": [], "significant": [], "background": []}
    for line in lines:
        record = json.loads(line)
        if record["split"] == "test":
            for source in record["sources"]:
                sources[source["role"]].append(source["path"])
    rng = np.random.default_rng(seed)
    rooms = sorted(set(sources["background"]))[:N_ROOMS]
    room = np.concatenate([_read(path, SCENE_SECONDS / len(rooms)) for path in rooms])
    sounds = [("alarm", sound) for sound in _drawn(sources["alarm"], N_ALARMS, rng)]
    sounds += [("other", sound) for sound in _drawn(sources["significant"], N_OTHERS, rng)]
    order = rng.permutation(len(sounds))
    return make_scene(
        room,
        [sounds[place] for place in order],
        sample_rate=SAMPLE_RATE,
        duration=SCENE_SECONDS,
        seed=seed,
    )


def _drawn(paths: list[str], n: int, rng: np.random.Generator) -> Iterator[Samples]:
    """Up to ``n`` different sounds."""
    different = sorted(set(paths))
    for place in rng.permutation(len(different))[:n]:
        samples, _ = read_audio(different[place], sample_rate=SAMPLE_RATE)
        yield samples[: round(LONGEST * SAMPLE_RATE)]


def _read(path: str, duration: float) -> Samples:
    """A recording, repeated or cut to a duration."""
    samples, _ = read_audio(path, sample_rate=SAMPLE_RATE)
    return np.resize(samples, round(duration * SAMPLE_RATE))


def _draw(classifier: Classifier, scene: Scene, prediction: Prediction, path: Path) -> None:
    labels = classifier.tasks[0].labels
    thresholds = {label: classifier.decision.threshold_of(label) for label in labels}
    truth = [event for event in scene.events if event.label == "alarm"]
    heard = f"{len(truth)} alarms in two minutes, {len(prediction.events)} events heard"
    figure = plot_timeline(
        scene.samples,
        scene.sample_rate,
        prediction,
        truth=truth,
        thresholds=thresholds,
        title=heard,
    )
    save_png(figure, path)


def _times(event: Event) -> dict[str, Any]:
    return {"label": event.label, "start": event.start, "end": event.end, "score": event.score}
