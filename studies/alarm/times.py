"""Part 4: wall seconds of each step over one and two processes, everything made anew."""

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ossicle import Dataset, FeatureStore, search
from ossicle.selection import Configuration, expand
from studies.alarm.keeping import Workplace
from studies.alarm.mixes import DURATION, mixed
from studies.alarm.settings import SMALL

__all__ = ["PROCESSES", "STEPS", "measure_times"]

PROCESSES = (1, 2)

STEPS = ("mixing", "features", "leave-k-out", "whole search")


def measure_times(place: Workplace) -> dict[str, Any]:
    """Seconds of each step, one list a number of processes, one entry a round; they take turns.

    Before each round a small one, not measured, starts the processes and loads the libraries.
    """
    seconds: dict[str, dict[str, list[float]]] = {
        step: {str(n_jobs): [] for n_jobs in PROCESSES} for step in STEPS
    }
    for _ in range(place.settings.n_rounds):
        for n_jobs in PROCESSES:
            _round(replace(place, settings=SMALL), n_jobs)
            taken = _round(place, n_jobs)
            for step, value in zip(STEPS, taken, strict=True):
                seconds[step][str(n_jobs)].append(value)
    return {
        "seconds": seconds,
        "n_mixes": place.settings.n_timed,
        "n_configurations": len(_configurations(place)),
        "n_cores": os.cpu_count(),
    }


def _round(place: Workplace, n_jobs: int) -> list[float]:
    """Each of the steps once, in empty folders."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        features = root / "features"
        mixing, mixes = _timed(lambda: _mix(place, root / "mixes", n_jobs))
        describing, _ = _timed(lambda: _describe(place, mixes, features, n_jobs))
        judging, _ = _timed(lambda: _search(place, mixes, root / "judged", features, n_jobs))
        whole, _ = _timed(lambda: _search(place, mixes, root / "whole", None, n_jobs))
    return [mixing, describing, judging, whole]


def _mix(place: Workplace, out: Path, n_jobs: int) -> Dataset:
    n, seed = place.settings.n_timed, place.settings.seed
    return mixed(place.sounds[0], out, n, is_test=False, seed=seed, n_jobs=n_jobs)


def _describe(place: Workplace, mixes: Dataset, features: Path, n_jobs: int) -> None:
    for front in dict.fromkeys(each.front_end for each in _configurations(place)):
        FeatureStore(features).extract(mixes.clips, front, window=DURATION, n_jobs=n_jobs)


def _search(place: Workplace, mixes: Dataset, out: Path, features: Path | None, n_jobs: int) -> int:
    result = search(
        mixes,
        grid=place.settings.timed_grid,
        leave_out=place.settings.leave_out,
        window=DURATION,
        n_jobs=n_jobs,
        seed=place.settings.seed,
        out=out,
        features=features,
    )
    return len(result.rows)


def _configurations(place: Workplace) -> list[Configuration]:
    return expand(place.settings.timed_grid)


def _timed(action: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = action()
    return time.perf_counter() - start, result
