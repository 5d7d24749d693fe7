"""Steps with a finished classifier: judge it, let it answer, let it listen."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from ossicle.audio import info, read_blocks, read_pcm
from ossicle.classifier import Classifier, load, verify
from ossicle.datasets import SOUND_ENDINGS, Dataset, named_task
from ossicle.errors import AudioError, DatasetError, FeatureError, ModelError
from ossicle.evaluation import Benchmark, MultilabelReport, RegressionReport, Report, benchmark
from ossicle.evaluation.regression import evaluate_task
from ossicle.extras import require
from ossicle.features.store import LIBRARIES
from ossicle.steps.opening import StageProgress, open_dataset
from ossicle.steps.sources import DataSet, Named, named_digest
from ossicle.types import Event, Prediction, Samples
from ossicle.workflow.files import write_json
from ossicle.workflow.manifest import Digest, step

__all__ = [
    "Heard",
    "benchmark_bundle",
    "evaluate_bundle",
    "listen_to",
    "predict_files",
    "prediction_record",
    "verify_bundle",
]

REPORT, BENCHMARK = "report.html", "benchmark.json"


@dataclass(frozen=True)
class Heard:
    """Answers for many files; those that could not be heard, and what of a folder is no sound."""

    predictions: list[Prediction]
    skipped: list[tuple[Path, str]]
    passed_over: list[tuple[Path, str]]

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON; files without the folders they lie in."""
        return {
            "predictions": [prediction_record(each) for each in self.predictions],
            "skipped": [[path.name, why] for path, why in self.skipped],
            "passed_over": [[path.name, why] for path, why in self.passed_over],
        }


@step(
    name="evaluate",
    libraries=LIBRARIES,
    outputs={"report": REPORT},
    measured=("report",),
)
def evaluate_bundle(
    bundle: Path,
    path: DataSet,
    *,
    out: Path | None = None,
    layout: str | None = None,
    task: str | None = None,
    where: Mapping[str, str] | None = None,
    command: str = "",
    progress: StageProgress | None = None,
) -> Report | RegressionReport | MultilabelReport:
    """Judge a classifier on a data set.

    Parameters
    ----------
    bundle : Path
        The classifier, a ``.ossicle`` file.
    path : Path
        Labelled clips that took no part in making it.
    out : Path, optional
        HTML page to write, or the folder that gets ``report.html``.
    layout : str, optional
        How its files lie, as ``folders`` or ``csv``; found out by default.
    task : str, optional
        Column of a table that is the label, if not ``label``; ``bpm:regression`` for numbers.
    where : mapping of column to value, optional
        Take only the clips with these values.
    command : str
        What made the page, to be printed in it.
    """
    classifier = load(bundle)
    if out is not None and out.is_dir():
        out /= REPORT
    return evaluate_task(
        classifier,
        _opened(classifier, path, layout=layout, task=task, where=where),
        task=named_task(task)[0] if task else None,
        out=out,
        command=command or None,
        progress=progress and partial(progress, "evaluate"),
    )


@step(
    name="bench",
    libraries=LIBRARIES,
    outputs={"benchmark": BENCHMARK},
    measured=("benchmark", "result.json"),
)
def benchmark_bundle(
    bundle: Named,
    path: DataSet | None = None,
    *,
    out: Path | None = None,
    layout: str | None = None,
    task: str | None = None,
    where: Mapping[str, str] | None = None,
    runs: int = 200,
    warmup: int = 20,
    progress: StageProgress | None = None,
) -> Benchmark:
    """Measure a classifier on this machine, and on a data set where one is named.

    Parameters
    ----------
    bundle : Path
        The classifier, a ``.ossicle`` file.
    path : Path, optional
        Labelled clips, for its accuracy.
    out : Path, optional
        Folder that gets ``benchmark.json``.
    layout : str, optional
        How its files lie, as ``folders`` or ``csv``; found out by default.
    task : str, optional
        Column of a table that is the label, if not ``label``; ``bpm:regression`` for numbers.
    where : mapping of column to value, optional
        Take only the clips with these values.
    runs : int
        Windows that are timed.
    warmup : int
        Windows heard before those, which are not timed.
    """
    dataset = None
    if path is not None:
        dataset = _opened(load(bundle), path, layout=layout, task=task, where=where)
    made = benchmark(
        bundle,
        dataset,
        task=named_task(task)[0] if task else None,
        runs=runs,
        warmup=warmup,
        progress=progress and partial(progress, "evaluate"),
    )
    if out is not None:
        write_json(out / BENCHMARK, made.to_dict())
    return made


def _opened(
    classifier: Classifier,
    path: Path,
    *,
    layout: str | None,
    task: str | None,
    where: Mapping[str, str] | None,
) -> Dataset:
    """A data set to judge on; a column that the classifier knows as numbers is read as numbers."""
    asked = named_task(task)[0] if task else None
    known = [each for each in classifier.tasks if asked in (None, each.name)][:1]
    of_numbers = [f"{each.name}:{each.kind}" for each in known if each.kind == "regression"]
    return open_dataset(path, layout=layout, task=next(iter(of_numbers), task), where=where)


@step(name="predict", libraries=LIBRARIES)
def predict_files(bundle: Path, sounds: Annotated[Sequence[Path], Digest(named_digest)]) -> Heard:
    """Answer for each file, and for each sound file of a folder; a bad file stops nothing.

    Parameters
    ----------
    bundle : Path
        The classifier, a ``.ossicle`` file.
    sounds : sequence of Path
        Files, or folders of them.
    """
    classifier = load(bundle)
    predictions, skipped = [], []
    found, passed_over = _files(sounds)
    for sound, name in found:
        try:
            predictions.append(replace(classifier(sound), recording=name))
        except (AudioError, FeatureError, ModelError) as error:
            skipped.append((sound, str(error)))
    if not found:
        others = f"; {len(passed_over)} other files" if passed_over else ""
        raise DatasetError(f"no sound file in {', '.join(map(str, sounds))}{others}")
    return Heard(predictions, skipped, passed_over)


@step(name="verify", libraries=LIBRARIES)
def verify_bundle(bundle: Path) -> dict[str, Any]:
    """Compare what a classifier answers here with the golden answers in its bundle.

    Parameters
    ----------
    bundle : Path
        The classifier, a ``.ossicle`` file.

    Returns
    -------
    dict
        The fields of `VerifyReport`, and ``ok``.
    """
    report = verify(bundle)
    return {**asdict(report), "ok": report.ok}


def prediction_record(prediction: Prediction) -> dict[str, Any]:
    """A prediction as JSON, numbers with six digits."""
    return {
        "recording": prediction.recording,
        "sample_rate": prediction.sample_rate,
        "labels": dict(prediction.labels),
        "scores": {
            task.name: dict(zip(task.labels, _rounded(prediction.pooled[task.name]), strict=True))
            for task in prediction.tasks
        },
        "events": [_told(event) for event in prediction.events],
    }


def _told(event: Event) -> dict[str, Any]:
    return {
        "task": event.task,
        "label": event.label,
        "start": round(event.start, 6),
        "end": round(event.end, 6),
        "score": round(event.score, 6),
    }


def _rounded(scores: Iterable[float]) -> list[float]:
    return [round(float(score), 6) for score in scores]


def _files(sounds: Sequence[Path]) -> tuple[list[tuple[Path, str]], list[tuple[Path, str]]]:
    """Each sound with its name, within its folder where a folder was given; what is no sound."""
    found: list[tuple[Path, str]] = []
    passed_over: list[tuple[Path, str]] = []
    for path in sounds:
        if not path.is_dir():
            found.append((path, path.name))
            continue
        for file in sorted(each for each in path.rglob("*") if not each.is_dir()):
            if why := _no_sound(file):
                passed_over.append((file, why))
            else:
                found.append((file, file.relative_to(path).as_posix()))
    return found, passed_over


def _no_sound(file: Path) -> str:
    """Why a file of a folder is not heard; empty if it is."""
    if not file.exists():
        return "a link that leads nowhere"
    if not file.is_file():
        return "a device or pipe, not a file"
    return "" if file.suffix.lower() in SOUND_ENDINGS else "not a sound file"


def listen_to(
    bundle: Path, source: str, *, sample_rate: int = 16_000, block: float = 0.1
) -> Iterator[Event]:
    """Events of a file, of standard input (``"-"``) or of the microphone, as they end.

    Raises
    ------
    MissingExtraError
        If the microphone is asked for and sounddevice is not installed.
    ModelError
        If the classifier answers nothing but numbers, which make no events.
    """
    classifier = load(bundle)
    if all(task.kind == "regression" for task in classifier.tasks):
        names = ", ".join(task.name for task in classifier.tasks)
        raise ModelError(f"{bundle} answers numbers ({names}), which make no events; use predict")
    rate, blocks = _blocks(source, sample_rate, block)
    stream = classifier.stream(rate)
    try:
        for samples in blocks:
            yield from stream.push(samples)
    except KeyboardInterrupt:
        yield from stream.finish()
        raise
    yield from stream.finish()


def _blocks(source: str, sample_rate: int, block: float) -> tuple[int, Iterator[Samples]]:
    if source == "-":
        if sys.stdin is None:
            raise AudioError("standard input is closed; pipe raw samples into it or name a file")
        return sample_rate, read_pcm(sys.stdin.buffer, sample_rate=sample_rate, block=block)
    if source == "microphone":
        return sample_rate, _microphone(sample_rate, block)
    return info(source).sample_rate, read_blocks(source, block=block)


def _microphone(sample_rate: int, block: float) -> Iterator[Samples]:
    """Blocks of the default input device, until interrupted."""
    sounddevice = require("sounddevice", extra="microphone")
    n_samples = max(1, round(block * sample_rate))
    try:
        with sounddevice.InputStream(sample_rate, n_samples, channels=1, dtype="float32") as device:
            while True:
                samples, _ = device.read(n_samples)
                yield samples[:, 0].copy()
    except sounddevice.PortAudioError as error:
        raise AudioError(f"the microphone cannot be read at {sample_rate} Hz: {error}") from error
