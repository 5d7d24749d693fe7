"""What hearing costs here, measured in a process of its own, as one that only hears would pay it.

A process that has done other things measures those too: its memory never shrinks, its libraries
have started their threads. ``python -m ossicle.classifier.probe BUNDLE RUNS WARMUP`` loads, hears
one sound, measures and prints what it found.
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from ossicle.classifier.classifier import Classifier, load
from ossicle.errors import ModelError
from ossicle.features import window_lengths
from ossicle.types import Samples

__all__ = ["Cost", "measure_cost", "one_window"]

ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
WHOLE_CLIP = 2.0
"""Seconds heard of a classifier without windows that takes clips of any length."""
SOUND = 10.0
"""Seconds heard to know how much faster than the sound the classifier is."""
LOUD = 0.1
HEARINGS = 5


@dataclass(frozen=True, slots=True)
class Cost:
    """What was measured.

    Parameters
    ----------
    features_ms, network_ms : list of float
        Of each run: samples of one window → what the network takes → scores.
    real_time_factor : float
        Seconds of computing a second of sound, heard as a stream, frames shared by windows.
    memory_bytes, library_bytes : int or None
        Most memory that was in use after one sound was heard, and before the bundle was opened;
        None where the system does not tell.
    """

    features_ms: list[float]
    network_ms: list[float]
    real_time_factor: float
    memory_bytes: int | None
    library_bytes: int | None


def measure_cost(bundle: Path, *, runs: int = 200, warmup: int = 20) -> Cost:
    """Start a process that hears with a bundle on one thread, and take its measures.

    Parameters
    ----------
    bundle : Path
    runs, warmup : int
        Windows that are timed, and windows before them that are not.

    Raises
    ------
    ModelError
        If the process fails.
    """
    words = [sys.executable, "-m", "ossicle.classifier.probe", str(bundle), str(runs), str(warmup)]
    environment = {**os.environ, **dict.fromkeys(ONE_THREAD, "1")}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise ModelError(f"the process that measures {bundle} failed: {said[-1]}")
    return Cost(**json.loads(done.stdout))


def one_window(classifier: Classifier) -> int:
    """Samples that the classifier hears at once.

    >>> from ossicle.features import LogMel
    >>> from ossicle.types import Task
    >>> one_window(Classifier(tasks=(Task("label", "binary", ("a", "b")),), network=b"",
    ...     front_end=LogMel(sample_rate=8_000), window=0.5))
    4000
    """
    front_end = classifier.front_end
    lengths = window_lengths(front_end, classifier.window, classifier.window_hop)
    if lengths is not None:
        return lengths[0]
    if classifier.clip_frames is not None:
        return front_end.n_samples(classifier.clip_frames)
    return round(WHOLE_CLIP * front_end.sample_rate)


def _cost(bundle: Path, *, runs: int, warmup: int) -> Cost:
    """Measure in this process."""
    libraries = _most_memory()
    classifier = load(bundle)
    window = _noise(one_window(classifier))
    factor = _real_time_factor(classifier, window)
    memory = _most_memory()
    pairs = [_timed(classifier, window) for _ in range(warmup + runs)][warmup:]
    return Cost(
        features_ms=[features for features, _ in pairs],
        network_ms=[network for _, network in pairs],
        real_time_factor=factor,
        memory_bytes=memory,
        library_bytes=libraries,
    )


def _noise(n_samples: int) -> Samples:
    rng = np.random.default_rng(0)
    return (LOUD * rng.standard_normal(n_samples)).clip(-1, 1).astype(np.float32)


def _timed(classifier: Classifier, window: Samples) -> tuple[float, float]:
    """Milliseconds from samples to features, and from features to scores."""
    start = perf_counter()
    features = classifier.features(classifier.front_end.frames(window))
    middle = perf_counter()
    classifier.scores(features)
    end = perf_counter()
    return 1e3 * (middle - start), 1e3 * (end - middle)


def _real_time_factor(classifier: Classifier, window: Samples) -> float:
    rate = classifier.front_end.sample_rate
    longer = classifier.window is not None and len(window) < SOUND * rate
    sound = _noise(round(SOUND * rate)) if longer else window
    times = []
    for _ in range(HEARINGS):
        start = perf_counter()
        classifier(sound, rate)
        times.append(perf_counter() - start)
    return median(times) * rate / len(sound)


def _most_memory() -> int | None:
    """Peak memory of this process in bytes.

    Linux is asked for this program's own peak: what ``getrusage`` tells begins with the peak of
    the process that started it.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return int(lines["VmHWM"].split()[0]) * 1024
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    path, n_runs, n_warmup = sys.argv[1:]
    print(json.dumps(asdict(_cost(Path(path), runs=int(n_runs), warmup=int(n_warmup)))))
