"""The table of a search: one row a configuration, quality with its spread, and cost."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ossicle.evaluation.judging import positive_label
from ossicle.evaluation.metrics import rates
from ossicle.features import FrontEnd, front_end, integrate
from ossicle.models import model
from ossicle.selection.grid import Configuration
from ossicle.selection.leave_k_out import Fold, Job, jobs_of, run_jobs
from ossicle.selection.material import Material, StageProgress
from ossicle.types import Task

__all__ = ["QUALITIES", "Row", "Table", "make_table", "timed", "without_shared"]

Row = dict[str, Any]
Table = tuple[list[Row], tuple[tuple[str, str], ...]]
"""The rows, and the clips that could not be read with the reason."""

QUALITIES = ("fpr", "tpr", "accuracy")
TIMED_RUNS = 5


def make_table(
    configurations: Sequence[Configuration],
    folds: Sequence[Fold],
    material: Material,
    progress: StageProgress | None = None,
) -> tuple[dict[str, Any], list[float]]:
    """Judge every configuration.

    Returns
    -------
    dict
        ``rows`` and ``skipped``: the same bytes for the same recordings, grid and seed.
    list of float
        Milliseconds a window of each configuration, as measured this time.
    """
    pairs = dict.fromkeys((c.front_end, c.integration) for c in configurations)
    described = {pair: material.rows(*pair, progress=progress) for pair in pairs}
    jobs = list(jobs_of(configurations, folds, material))
    results = run_jobs(jobs, material.store, n_jobs=material.n_jobs, progress=progress)
    front_ms = {
        pair: _front_end_ms(*pair, mean_frames=rows.mean_frames) for pair, rows in described.items()
    }
    rows, latencies = [], []
    for place, configuration in enumerate(configurations):
        mine = _results_of(place, jobs, results)
        rows.append(_row(configuration, mine, material.task))
        network_ms = next(result["network_ms"] for result in mine if "network_ms" in result)
        latencies.append(network_ms + front_ms[configuration.front_end, configuration.integration])
    skipped = dict.fromkeys(pair for found in described.values() for pair in found.skipped)
    return {"rows": rows, "skipped": list(skipped)}, latencies


def timed(table: Mapping[str, Any], latencies: Sequence[float]) -> Table:
    """Put the measured times into the rows."""
    pairs = zip(table["rows"], latencies, strict=True)
    rows = [{**row, "latency_ms": round(latency, 4)} for row, latency in pairs]
    return rows, tuple((path, why) for path, why in table["skipped"])


def without_shared(rows: Sequence[Row], column: str) -> tuple[list[Row], str]:
    """Take the settings that all rows share out of a column, and give them once.

    >>> without_shared([{"model": "svm C=1 tol=0"}, {"model": "svm C=2 tol=0"}], "model")
    ([{'model': 'svm C=1'}, {'model': 'svm C=2'}], 'tol=0')
    """
    words = [row[column].split(" ") for row in rows]
    shared = [w for w in words[0][1:] if len(rows) > 1 and all(w in line for line in words)]
    kept = [" ".join(w for w in line if w not in shared) for line in words]
    return [{**row, column: text} for row, text in zip(rows, kept, strict=True)], " ".join(shared)


def _results_of(
    place: int, jobs: Sequence[Job], results: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """What every job found for one configuration."""
    pairs = [(job, found) for job, found in zip(jobs, results, strict=True) if place in job.places]
    return [
        {name: values[job.places.index(place)] for name, values in found.items()}
        for job, found in pairs
    ]


def _row(configuration: Configuration, results: Sequence[Mapping[str, Any]], task: Task) -> Row:
    """Figures of all left-out rows together, and their standard deviation over the folds."""
    confusions = [np.array(found["confusions"]) for found in results if "confusions" in found]
    pooled = figures(np.sum(confusions, axis=0), task)
    each = [figures(confusion, task) for confusion in confusions]
    spread = {f"{name}_std": _spread([one[name] for one in each]) for name in QUALITIES}
    described = configuration.describe()
    return {
        "id": configuration.id,
        "front_end": _words(described["front_end"], front_end),
        "integration": configuration.integration,
        "model": _words(described["model"], model),
        **pooled,
        **spread,
        "bytes": next(found["bytes"] for found in results if "bytes" in found),
    }


def figures(confusion: NDArray[np.int64], task: Task) -> dict[str, float]:
    """False and true positive rate (macro one against the rest beyond two labels), accuracy."""
    label = positive_label(task)
    found = rates(confusion, positive=None if label is None else task.index(label))
    accuracy = float(np.trace(confusion) / confusion.sum())
    # Rounded far below what a clip is worth, so that equal counts are equal figures.
    exact = {"fpr": found.fpr, "tpr": found.tpr, "accuracy": accuracy}
    return {name: round(value, 12) for name, value in exact.items()}


def _spread(values: Sequence[float]) -> float:
    """Standard deviation of what was measured; 0 for one value."""
    measured = np.array(values)[~np.isnan(values)]
    return round(float(measured.std()), 12) if len(measured) else 0.0


def _words(description: Mapping[str, Any], build: Any) -> str:
    """Name and the parameters that differ from the defaults: ``svm C=10``."""
    usual = build(description["name"]).describe()
    special = [f"{key}={value}" for key, value in description.items() if usual[key] != value]
    return " ".join([description["name"], *special])


def _front_end_ms(front: FrontEnd, integration: str, *, mean_frames: float) -> float:
    """Median time to describe one window of the average length."""
    samples = np.random.default_rng(0).normal(
        scale=0.1, size=front.n_samples(max(1, round(mean_frames)))
    )
    times = []
    for _ in range(TIMED_RUNS):
        start = time.perf_counter()
        integrate(front(samples.astype(np.float32)), integration)
        times.append(time.perf_counter() - start)
    return float(np.median(times) * 1000.0)
