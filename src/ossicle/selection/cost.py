"""What a configuration costs: its training, its bundle, and each window it hears."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ossicle.classifier import Classifier
from ossicle.classifier.bundle import seal
from ossicle.features import FrontEnd, integrate
from ossicle.inference.cost import multiply_adds
from ossicle.models import Fitted, Model
from ossicle.selection.assembly import assemble
from ossicle.selection.grid import FRAMES
from ossicle.selection.job import Job

__all__ = ["TIMES", "describing_ms", "measure"]

TIMES = ("train_ms", "network_ms")
"""What is never measured the same twice."""

NETWORK_RUNS = 30
DESCRIBING_RUNS = 5


def measure(job: Job) -> dict[str, Any]:
    """Size, arithmetic and time of what would ship, trained on all rows; one list a cost."""
    scaler, matrix, _ = job.scaled()
    truth = job.truth[job.train]
    found: dict[str, Any] = {"bytes": [], "multiply_adds": [], "train_ms": [], "network_ms": []}
    for configuration in job.configurations:
        fitted, seconds = _timed_fit(job, configuration.model, matrix, truth)
        classifier = assemble(
            configuration,
            job.question,
            fitted,
            scaler,
            window=job.window,
            window_hop=job.window_hop,
        )
        found["bytes"].append(len(seal(classifier)))
        found["multiply_adds"].append(multiply_adds(classifier.network))
        found["train_ms"].append(1000.0 * seconds)
        found["network_ms"].append(_network_ms(classifier, matrix[0]))
    return found


def describing_ms(front: FrontEnd, integration: str, *, mean_frames: float) -> float:
    """Median time to describe one window of the average length."""
    samples = np.random.default_rng(0).normal(
        scale=0.1, size=front.n_samples(max(1, round(mean_frames)))
    )
    sound = samples.astype(np.float32)
    if integration == FRAMES:
        return _median_ms(lambda: front(sound), DESCRIBING_RUNS)
    return _median_ms(lambda: integrate(front(sound), integration), DESCRIBING_RUNS)


def _timed_fit(job: Job, model: Model, matrix: Any, truth: Any) -> tuple[Fitted, float]:
    start = time.perf_counter()
    fitted = job.question.fit(model, matrix, truth)
    return fitted, time.perf_counter() - start


def _network_ms(classifier: Classifier, row: Any) -> float:
    return _median_ms(lambda: classifier.prepared(row), NETWORK_RUNS)


def _median_ms(action: Callable[[], Any], n_runs: int) -> float:
    times = []
    for _ in range(n_runs):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return float(np.median(times) * 1000.0)
