"""The step that puts benchmarks side by side."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ossicle.errors import EvaluationError
from ossicle.evaluation.benchmark import SCHEMA
from ossicle.evaluation.intervals import wilson
from ossicle.steps.hearing import BENCHMARK
from ossicle.workflow.files import read_json
from ossicle.workflow.kinds import Rows
from ossicle.workflow.manifest import step

__all__ = ["tabulate_benchmarks"]


@step(name="table")
def tabulate_benchmarks(benchmarks: Sequence[Path], *, names: Sequence[str] = ()) -> Rows:
    """Put benchmarks into a table, one row each.

    Parameters
    ----------
    benchmarks : sequence of Path
        What ``ossicle bench`` or its step wrote: the files, or the folders that hold one as
        ``benchmark.json``.
    names : sequence of str
        What each is called; that of its bundle by default.

    Returns
    -------
    list of dict
        ``name, accuracy, low, high`` (95 % interval), ``n`` (clips), ``bytes, parameters, macs,
        latency_ms`` (median of one window), ``memory_bytes``.

    Raises
    ------
    EvaluationError
        If one is no benchmark, or there are not as many names.
    """
    if names and len(names) != len(benchmarks):
        raise EvaluationError(f"{len(names)} names for {len(benchmarks)} benchmarks; give as many")
    found = [_read(path) for path in benchmarks]
    called = names or [each["model"]["name"] for each in found]
    return [{"name": name, **_row(each)} for name, each in zip(called, found, strict=True)]


def _read(path: Path) -> dict[str, Any]:
    found = read_json(path / BENCHMARK if path.is_dir() else path)
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise EvaluationError(f"{path} is no benchmark; give what ossicle bench --out wrote")
    return found


def _row(found: Mapping[str, Any]) -> dict[str, Any]:
    accuracy, data = found["accuracy"], found["data"]
    low, high = (None, None)
    if accuracy is not None:
        low, high = (round(x, 4) for x in wilson(round(accuracy * data["n"]), data["n"]))
        accuracy = round(accuracy, 4)
    return {
        "accuracy": accuracy,
        "low": low,
        "high": high,
        "n": data["n"] if data else None,
        "bytes": found["model"]["bytes"],
        "parameters": found["model"]["params"],
        "macs": found["macs"],
        "latency_ms": found["latency_ms"]["p50"],
        "memory_bytes": found["memory_bytes"],
    }
