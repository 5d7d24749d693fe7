"""The table of a search: one row a configuration, quality with its spread, and cost."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ossicle.models import model
from ossicle.selection.cost import describing_ms
from ossicle.selection.grid import SCALINGS, Configuration
from ossicle.selection.job import Fold, Job, jobs_of
from ossicle.selection.material import Material, StageProgress
from ossicle.selection.question import Question
from ossicle.selection.running import run_jobs

__all__ = [
    "Row",
    "Table",
    "judged_rows",
    "make_table",
    "storable",
    "timed",
    "told_apart",
    "without_shared",
]

Row = dict[str, Any]
Table = tuple[list[Row], tuple[tuple[str, str], ...]]
"""The rows, and the clips that could not be read with the reason."""

_STATED = re.compile(r" (\w+)=")

Results = Sequence[Mapping[str, Any]]


def make_table(
    configurations: Sequence[Configuration],
    folds: Sequence[Fold],
    material: Material,
    progress: StageProgress | None = None,
) -> tuple[dict[str, Any], list[dict[str, float]]]:
    """Judge every configuration, and measure what it costs.

    Returns
    -------
    dict
        ``rows`` and ``skipped``: the same bytes for the same recordings, grid and seed.
    list of dict
        ``train_ms`` and ``latency_ms`` (one window) of each configuration, as measured this time.
    """
    pairs = dict.fromkeys((c.front_end, c.integration) for c in configurations)
    described = {pair: material.rows(*pair, progress=progress) for pair in pairs}
    found = _results(configurations, folds, material, progress, cost=True)
    front_ms = {
        pair: describing_ms(*pair, mean_frames=rows.mean_frames) for pair, rows in described.items()
    }
    rows, times = [], []
    for configuration, results in zip(configurations, found, strict=True):
        pair = configuration.front_end, configuration.integration
        n_frames = max(1, round(described[pair].mean_frames))
        cost = next(result for result in results if "bytes" in result)
        describing = configuration.front_end.multiply_adds(n_frames)
        rows.append(
            {
                **_judged(configuration, results, material.question),
                "bytes": cost["bytes"],
                "multiply_adds": cost["multiply_adds"] + describing,
            }
        )
        latency = cost["network_ms"] + front_ms[pair]
        times.append({"train_ms": cost["train_ms"], "latency_ms": latency})
    skipped = dict.fromkeys(pair for found in described.values() for pair in found.skipped)
    return {"rows": [storable(row) for row in rows], "skipped": list(skipped)}, times


def judged_rows(
    configurations: Sequence[Configuration],
    folds: Sequence[Fold],
    material: Material,
    progress: StageProgress | None = None,
) -> list[Row]:
    """The rows without cost, for a round that only decides which configurations go on."""
    found = _results(configurations, folds, material, progress, cost=False)
    return [
        _judged(configuration, results, material.question)
        for configuration, results in zip(configurations, found, strict=True)
    ]


def timed(table: Mapping[str, Any], times: Sequence[Mapping[str, float]]) -> Table:
    """Put the measured times into the rows."""
    rows = [
        {
            **{name: math.nan if value is None else value for name, value in row.items()},
            **{name: round(value, 4) for name, value in measured.items()},
        }
        for row, measured in zip(table["rows"], times, strict=True)
    ]
    return rows, tuple((path, why) for path, why in table["skipped"])


def storable(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Figures with None where nothing could be measured, since JSON has no word for NaN.

    >>> storable({"model": "gmm", "fpr": 0.1, "tpr": math.nan, "errors": {"attic": math.nan}})
    {'model': 'gmm', 'fpr': 0.1, 'tpr': None, 'errors': {'attic': None}}
    """
    return {name: _storable(value) for name, value in figures.items()}


def without_shared(rows: Sequence[Row], column: str) -> tuple[list[Row], str]:
    """Take the settings that all rows share out of a column, and give them once.

    >>> without_shared([{"model": "svm C=1 tol=0"}, {"model": "svm C=2 tol=0"}], "model")
    ([{'model': 'svm C=1'}, {'model': 'svm C=2'}], 'tol=0')
    """
    words = [row[column].split(" ") for row in rows]
    shared = [w for w in words[0][1:] if len(rows) > 1 and all(w in line for line in words)]
    kept = [" ".join(w for w in line if w not in shared) for line in words]
    return [{**row, column: text} for row, text in zip(rows, kept, strict=True)], " ".join(shared)


def told_apart(rows: Sequence[Row], configurations: Sequence[Configuration]) -> list[Row]:
    """Rows whose front end and model also state a default where others state another value."""
    described = [each.describe() for each in configurations]
    told = {
        column: _spelled_out([row[column] for row in rows], [each[column] for each in described])
        for column in ("front_end", "model")
    }
    return [
        {**row, **{column: texts[place] for column, texts in told.items()}}
        for place, row in enumerate(rows)
    ]


def _spelled_out(texts: Sequence[str], described: Sequence[Mapping[str, Any]]) -> list[str]:
    """Each text with every setting that any of its name states.

    >>> _spelled_out(["svm", "svm C=10", "knn"], [{"C": 1.0, "tol": 0}, {"C": 10}, {}])
    ['svm C=1', 'svm C=10', 'knn']
    """
    stated: dict[str, dict[str, None]] = {}
    for text in texts:
        stated.setdefault(text.split(" ")[0], {}).update(dict.fromkeys(_STATED.findall(text)))
    return [
        _completed(text, known, [*stated[text.split(" ")[0]]])
        for text, known in zip(texts, described, strict=True)
    ]


def _completed(text: str, known: Mapping[str, Any], keys: Sequence[str]) -> str:
    """A text with those of the settings that it does not state."""
    missing = [key for key in keys if key in known and key not in _STATED.findall(text)]
    return " ".join([text, *(f"{key}={_plain(known[key])}" for key in missing)])


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _storable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return storable(value)
    return None if isinstance(value, float) and math.isnan(value) else value


def _results(
    configurations: Sequence[Configuration],
    folds: Sequence[Fold],
    material: Material,
    progress: StageProgress | None,
    *,
    cost: bool,
) -> list[list[dict[str, Any]]]:
    """What every job found, by configuration."""
    jobs = list(jobs_of(configurations, folds, material, cost=cost))
    results = run_jobs(jobs, material.store, n_jobs=material.n_jobs, progress=progress)
    return [_results_of(place, jobs, results) for place in range(len(configurations))]


def _results_of(place: int, jobs: Sequence[Job], results: Results) -> list[dict[str, Any]]:
    """What every job found for one configuration."""
    pairs = [(job, found) for job, found in zip(jobs, results, strict=True) if place in job.places]
    return [
        {name: values[job.places.index(place)] for name, values in found.items()}
        for job, found in pairs
    ]


def _judged(configuration: Configuration, results: Results, question: Question[Any]) -> Row:
    """Figures of all left-out rows together, and their standard deviation over the folds."""
    counts = [np.array(found["counts"]) for found in results if "counts" in found]
    each = [question.figures(count) for count in counts]
    spread = {f"{name}_std": _spread([one[name] for one in each]) for name in question.qualities}
    described = configuration.describe()
    scaling = "" if configuration.scaling == SCALINGS[0] else f" by {configuration.scaling}"
    return {
        "id": configuration.id,
        "front_end": configuration.front_end.summary,
        "integration": configuration.integration + scaling,
        "model": _words(described["model"], model),
        **question.figures(np.sum(counts, axis=0)),
        **spread,
    }


def _spread(values: Sequence[float]) -> float:
    """Standard deviation of what was measured; 0 for one value."""
    measured = np.array(values)[~np.isnan(values)]
    return round(float(measured.std()), 12) if len(measured) else 0.0


def _words(description: Mapping[str, Any], build: Any) -> str:
    """Name and the parameters that differ from the defaults: ``svm C=10``."""
    usual = build(description["name"]).describe()
    special = [f"{key}={value}" for key, value in description.items() if usual[key] != value]
    return " ".join([description["name"], *special])
