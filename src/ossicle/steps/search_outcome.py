"""What a search gives: the classifier chosen, judged once, with its tables, plots and page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ossicle.datasets import Dataset
from ossicle.selection import SearchResult
from ossicle.selection.described import described
from ossicle.selection.table import Row, storable
from ossicle.steps.search_report import write_search_report

__all__ = ["FILES", "MEASURED", "conclude"]

FILES = {
    "classifier": "best.ossicle",
    "table": "table.csv",
    "front_rows": "front.csv",
    "front": "front.png",
    "report": "report.html",
}
MEASURED = ("table", "front", "report")
"""Files that tell times, which are never the same twice, or are drawn."""


@dataclass(frozen=True)
class _Judged:
    """A search, the row chosen from it, and the reports on what was held out."""

    result: SearchResult
    chosen: Row
    tests: Mapping[str, Any]
    paper: Mapping[str, Any]


def conclude(
    result: SearchResult,
    held_out: Dataset | None,
    *,
    out: Path,
    nested: Mapping[str, Any] | None = None,
    limits: Mapping[str, Any] | None = None,
    paper_protocol: bool = False,
    features: Path | None = None,
    command: str = "",
) -> dict[str, Any]:
    """Choose from a search, judge the choice once, and write it all down.

    Parameters
    ----------
    result : SearchResult
    held_out : Dataset, optional
        Clips that took no part.
    out : Path
    nested : mapping of fold to report, optional
        Where the procedure was judged instead, each fold in turn.
    limits : mapping, optional
    paper_protocol : bool
    features : Path, optional
        Feature store with the clips held out.
    command : str
        What made the report, to be printed in it.

    Returns
    -------
    dict
        See `search_dataset`.
    """
    chosen = result.choose(**(limits or {}))
    classifier = result.classifier(chosen["id"])
    question = result.material.question
    tests, paper = dict(nested or {}), {}
    if held_out is not None:
        heard = described(classifier, held_out, features)
        tests = {"test": question.evaluate(heard, held_out, command=command or None)}
    if held_out is not None and paper_protocol:
        paper = result.evaluate(held_out, paper_protocol=True, features=features)
    # Nested figures speak of the procedure: the classifier that is kept was trained on everything.
    name = "nested_test" if nested else "test"
    figures = {name: storable(question.summary(tests))} if tests else {}
    written = {what: out / file for what, file in FILES.items()}
    replace(classifier, metrics={**classifier.metrics, **figures}).save(written["classifier"])
    judged = _Judged(result, chosen, tests, paper)
    _write(judged, written, command)
    return _outcome(judged, written)


def _write(judged: _Judged, written: Mapping[str, Path], command: str) -> None:
    judged.result.to_csv(written["table"])
    judged.result.write_front(written["front_rows"])
    judged.result.plot(written["front"], chosen=judged.chosen["id"])
    write_search_report(
        written["report"],
        judged.result,
        chosen=judged.chosen,
        tests=judged.tests,
        paper=judged.paper,
        command=command,
    )


def _outcome(judged: _Judged, written: Mapping[str, Path]) -> dict[str, Any]:
    names = judged.result.material.question.qualities
    return {
        "rows": [storable(row) for row in judged.result.rows],
        "front": [row["id"] for row in judged.result.front()],
        "chosen": storable(judged.chosen),
        "test": _summary(judged),
        "paper": {name: _qualities(report, names) for name, report in judged.paper.items()},
        "skipped": [list(pair) for pair in _skipped(judged.result, judged.tests)],
        "written": {what: str(path) for what, path in written.items()},
    }


def _summary(judged: _Judged) -> dict[str, Any]:
    question = judged.result.material.question
    return storable(question.summary(judged.tests)) if judged.tests else {"clips": 0}


def _qualities(report: Any, names: Sequence[str]) -> dict[str, Any]:
    return storable({name: getattr(report, name) for name in names})


def _skipped(result: SearchResult, tests: Mapping[str, Any]) -> dict[tuple[str, str], None]:
    """Every file that was left out of the search or of a test, once, with the reason."""
    of_tests = [pair for report in tests.values() for pair in report.skipped]
    known = set(result.material.dataset.skipped)  # files that are no clips
    return dict.fromkeys(pair for pair in [*result.skipped, *of_tests] if pair not in known)
