"""Benchmark: how well a classifier does, how large it is and what it costs to run here, as JSON."""

import hashlib
import json
import math
import os
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ossicle import __version__
from ossicle.errors import EvaluationError, MissingExtraError, ModelError
from ossicle.evaluation.answers import Answers, Progress
from ossicle.evaluation.label_sets import LabelSets, MultilabelReport
from ossicle.evaluation.regression import FIGURES, RegressionReport, Values, evaluate_task
from ossicle.evaluation.report import Report
from ossicle.extras import require
from ossicle.inference.cost import multiply_adds, n_parameters

if TYPE_CHECKING:
    from ossicle.classifier import Classifier
    from ossicle.classifier.probe import Cost
    from ossicle.datasets import Dataset

__all__ = ["SCHEMA", "Benchmark", "benchmark"]

SCHEMA = "ossicle benchmark 1"
LIBRARIES = ("numpy", "scipy", "onnxruntime")
TOP = 3


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What was measured; ``None`` where it was not or could not be.

    Parameters
    ----------
    model : mapping
        ``name, sha256, bytes`` of the bundle; ``network_bytes, params, sparsity`` (share of the
        parameters that are zero) and ``bits`` (of one parameter) of its network.
    data : mapping, optional
        ``name, sha256, n, classes, skipped`` of what was judged; ``sha256`` is that of the
        sorted lines "sha256 of the file, start, end, label" of its clips.
    accuracy, top3 : float, optional
        ``top3``: the true label is among the three best, where there are more than three. Where any
        number of labels is right: the share of the clips answered with exactly theirs.
    per_class : mapping, optional
        ``n, precision, recall, f1`` of each label.
    confusion : list of list of int, optional
        One row a label, one column an answer.
    errors : mapping, optional
        Of a regression, which has no labels: ``mae, rmse, r2, bias, median_absolute_error``.
    latency_ms : mapping
        ``mean, p50, p90, p99, runs, warmup`` of one window from samples to scores, on one thread;
        ``features`` and ``network``: the same figures of each half; ``real_time_factor``: seconds
        of computing a second of sound that is heard as a stream.
    memory_bytes : int, optional
        Most memory of a fresh process that opened the bundle and heard a sound.
    macs : int, optional
        Multiply-adds of one window, of front end and network.
    platform : mapping
        ``cpu, os, threads, versions``; ``library_bytes``: how much of the memory was Python and
        its libraries before the bundle was opened.
    created : str
        When, ISO 8601.
    """

    model: Mapping[str, Any]
    data: Mapping[str, Any] | None
    accuracy: float | None
    top3: float | None
    per_class: Mapping[str, Mapping[str, float | int | None]] | None
    confusion: list[list[int]] | None
    errors: Mapping[str, float | None] | None
    latency_ms: Mapping[str, Any]
    memory_bytes: int | None
    macs: int | None
    platform: Mapping[str, Any]
    created: str

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON, under the name of its schema."""
        return {"schema": SCHEMA, **asdict(self)}

    def to_json(self, *, indent: int | None = 2) -> str:
        """Strict JSON (no NaN)."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def text(self) -> str:
        """For the terminal."""
        rows = [*_model_rows(self), *_cost_rows(self), *_quality_rows(self), *_place_rows(self)]
        return "\n".join(f"{name:<12}{said}" for name, said in rows)


def benchmark(
    classifier: "Classifier | str | Path",
    dataset: "Dataset | None" = None,
    *,
    task: str | None = None,
    runs: int = 200,
    warmup: int = 20,
    progress: Progress | None = None,
) -> Benchmark:
    """Measure a classifier on this machine, and on a data set if there is one.

    Time and memory are those of a process of its own on one thread. The time of a window is that
    of a window alone; windows of a stream share frames, so that ``real_time_factor`` is less than
    the time of a window over its hop.

    Parameters
    ----------
    classifier : Classifier, or path of a bundle
    dataset : Dataset, optional
        Labelled clips for accuracy and confusion, or for the errors of a regression.
    task : str, optional
        The classifier's first by default.
    runs, warmup : int
        Windows that are timed, and windows before them that are not.
    progress : callable, optional
        Called with the number of clips judged and the number of all.

    Returns
    -------
    Benchmark

    Raises
    ------
    EvaluationError
        If ``runs`` or ``warmup`` is out of range, or no clip of the data set can be judged.

    Examples
    --------
    ::

        ossicle.benchmark("alarm.ossicle", ossicle.read_dataset("recordings/")).to_dict()
    """
    from ossicle.classifier import load
    from ossicle.classifier.probe import measure_cost

    if runs < 1 or warmup < 0:
        raise EvaluationError(f"runs={runs}, warmup={warmup}; allowed: 1 and 0, or more")
    trained = load(classifier) if isinstance(classifier, str | Path) else classifier
    report = None
    if dataset is not None:
        report = evaluate_task(trained, dataset, task=task, progress=progress)
    with _on_disk(classifier) as bundle:
        cost = measure_cost(bundle, runs=runs, warmup=warmup)
        model = _file(bundle)
    return Benchmark(
        model={**model, **_weights(trained.network)},
        **_quality(report),
        latency_ms=_latency(cost, warmup=warmup),
        memory_bytes=cost.memory_bytes,
        macs=_counted(lambda: _multiply_adds(trained)),
        platform=_platform(cost),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


@contextmanager
def _on_disk(classifier: "Classifier | str | Path") -> Iterator[Path]:
    """The bundle's file; of a classifier in memory, one that is gone afterwards."""
    if isinstance(classifier, str | Path):
        yield Path(classifier)
        return
    with TemporaryDirectory() as folder:
        path = Path(folder) / "classifier.ossicle"
        classifier.save(path)
        yield path


def _file(bundle: Path) -> dict[str, Any]:
    data = bundle.read_bytes()
    return {"name": bundle.name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def _counted(count: Callable[[], Any]) -> Any:
    """What was counted in a network; None where it cannot be, or what reads it is missing."""
    try:
        return count()
    except (MissingExtraError, ModelError):
        return None


def _multiply_adds(classifier: "Classifier") -> int:
    from ossicle.classifier.probe import one_window

    front_end = classifier.front_end
    n_frames = front_end.n_frames(one_window(classifier))
    return front_end.multiply_adds(n_frames) + multiply_adds(classifier.network)


def _weights(network: bytes) -> dict[str, Any]:
    params = _counted(lambda: n_parameters(network))
    tensors = _counted(lambda: _tensors(network)) or []
    n = sum(tensor.size for tensor in tensors)
    all_known = n > 0 and n == params  # the numbers of trees are no tensors
    zeros = n - sum(int(np.count_nonzero(tensor)) for tensor in tensors)
    return {
        "network_bytes": len(network),
        "params": params,
        "sparsity": zeros / n if all_known else None,
        "bits": 8 * sum(tensor.nbytes for tensor in tensors) / n if all_known else None,
    }


def _tensors(network: bytes) -> list[NDArray[Any]]:
    """The parameters as arrays, without single numbers, shapes and positions."""
    onnx = require("onnx", extra="search")
    graph = onnx.load_model_from_string(network).graph
    stored = list(graph.initializer)
    stored += [each.t for node in graph.node for each in node.attribute if each.HasField("t")]
    whole = onnx.TensorProto.INT64
    return [
        onnx.numpy_helper.to_array(each) for each in stored if each.dims and each.data_type != whole
    ]


def _latency(cost: "Cost", *, warmup: int) -> dict[str, Any]:
    both = np.add(cost.features_ms, cost.network_ms)
    return {
        **_spread(both),
        "runs": len(both),
        "warmup": warmup,
        "features": _spread(np.array(cost.features_ms)),
        "network": _spread(np.array(cost.network_ms)),
        "real_time_factor": _rounded(cost.real_time_factor),
    }


def _spread(times: Any) -> dict[str, float]:
    p50, p90, p99 = np.percentile(times, [50, 90, 99])
    figures = {"mean": times.mean(), "p50": p50, "p90": p90, "p99": p99}
    return {name: _rounded(value) for name, value in figures.items()}


def _rounded(value: float) -> float:
    """Four digits: what a clock can tell."""
    return float(f"{value:.4g}")


def _quality(report: Report | RegressionReport | MultilabelReport | None) -> dict[str, Any]:
    found = dict.fromkeys(("data", "accuracy", "top3", "per_class", "confusion", "errors"))
    if report is None:
        return found
    data = {
        "name": report.data.name,
        "sha256": _data_digest(report.answers),
        "n": report.n_clips,
        "classes": list(report.labels),
        "skipped": len(report.skipped),
    }
    return {**found, "data": data, **_figures(report)}


def _figures(report: Report | RegressionReport | MultilabelReport) -> dict[str, Any]:
    if isinstance(report, RegressionReport):
        return {"errors": {name: _known(getattr(report, name)) for name in FIGURES}}
    per_class = {
        row.label: {
            "n": row.n_clips,
            "precision": _known(row.precision),
            "recall": _known(row.recall),
            "f1": _known(row.f1),
        }
        for row in report.per_class
    }
    if isinstance(report, MultilabelReport):
        return {"accuracy": report.all_right, "per_class": per_class}
    return {
        "accuracy": report.accuracy,
        "top3": _top(report.answers),
        "per_class": per_class,
        "confusion": [list(row) for row in report.confusion],
    }


def _data_digest(answers: Answers | Values | LabelSets) -> str:
    """The same for the same clips with the same labels, wherever they lie."""
    files = {clip.path: hashlib.sha256(clip.path.read_bytes()) for clip in answers.clips}
    lines = sorted(
        f"{files[clip.path].hexdigest()} {clip.start} {clip.end} {clip.labels[answers.task.name]}\n"
        for clip in answers.clips
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _top(answers: Answers) -> float | None:
    """Share of the clips whose label is among the best three; a quiet clip has none."""
    if len(answers.task.labels) <= TOP:
        return None
    best = np.argsort(-answers.scores, axis=1, kind="stable")[:, :TOP]
    hits = (best == answers.targets[:, None]).any(axis=1) & ~answers.silent
    return float(hits.mean())


def _platform(cost: "Cost") -> dict[str, Any]:
    return {
        "cpu": _cpu(),
        "os": platform.platform(),
        "threads": 1,
        "versions": {
            "ossicle": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in LIBRARIES},
        },
        "library_bytes": cost.library_bytes,
    }


def _cpu() -> str:
    """The processor as its maker calls it, where the system tells."""
    about = Path("/proc/cpuinfo")
    if os.name == "posix" and about.is_file():
        for line in about.read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in ("model name", "Model"):
                return value.strip()
    return platform.processor() or platform.machine()


def _model_rows(made: Benchmark) -> list[tuple[str, str]]:
    model = made.model
    network = [f"{model['network_bytes']:,} bytes"]
    if model["params"] is not None:
        network.append(f"{model['params']:,} parameters")
    if model["bits"] is not None:
        network.append(f"{model['bits']:g} bits each, {100 * model['sparsity']:.0f} % zero")
    return [
        ("bundle", f"{model['name']}, {model['bytes']:,} bytes"),
        ("sha256", model["sha256"]),
        ("network", ", ".join(network)),
    ]


def _cost_rows(made: Benchmark) -> list[tuple[str, str]]:
    times = made.latency_ms
    n = f"{times['runs']} runs after {times['warmup']}"
    rows = [("window", f"{_times(times)}; {n}")]
    rows += [(f"  {half}", _times(times[half])) for half in ("features", "network")]
    rows.append(("stream", f"{times['real_time_factor']:.3g} s of computing a second of sound"))
    if made.macs is not None:
        rows.append(("operations", f"{made.macs:,} multiply-adds a window"))
    if made.memory_bytes is not None:
        before = made.platform["library_bytes"] / 1e6
        said = f"{made.memory_bytes / 1e6:.0f} MB, of which Python and libraries {before:.0f} MB"
        rows.append(("memory", said))
    return rows


def _times(times: Mapping[str, float]) -> str:
    middle, high, highest = (f"{times[name]:.3g}" for name in ("p50", "p90", "p99"))
    return f"{times['mean']:.3g} ms (half below {middle}, 90 % below {high}, 99 % below {highest})"


def _quality_rows(made: Benchmark) -> list[tuple[str, str]]:
    if made.data is None:
        return []
    skipped = f", {made.data['skipped']} skipped" if made.data["skipped"] else ""
    where = f"{made.data['n']} clips of {made.data['name']}{skipped}"
    if made.errors is not None:
        errors = [f"{name} {value:.4g}" for name, value in made.errors.items() if value is not None]
        return [("errors", f"{', '.join(errors)}; {where}")]
    top = "" if made.top3 is None else f", among the best three {made.top3:.3f}"
    return [("accuracy", f"{made.accuracy:.3f}{top}; {where}")]


def _place_rows(made: Benchmark) -> list[tuple[str, str]]:
    versions = ", ".join(f"{name} {number}" for name, number in made.platform["versions"].items())
    return [("machine", f"{made.platform['cpu']}, one thread"), ("with", versions)]
