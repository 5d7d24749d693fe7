"""The search step: a data set in, a judged classifier with table, plots and report out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ossicle.datasets import TESTS, Dataset, named_task, outer_parts, single_part
from ossicle.errors import DatasetError, SearchError
from ossicle.selection import SearchResult, StageProgress, nested_search, search
from ossicle.selection.searching import LIBRARIES, SEARCHED
from ossicle.selection.table import Row, storable
from ossicle.steps.data import open_dataset
from ossicle.steps.search_report import write_search_report
from ossicle.workflow.code import code_digest
from ossicle.workflow.files import canonical_json, digest, file_digest, read_json, write_json

__all__ = ["search_dataset"]

FILES = {
    "classifier": "best.ossicle",
    "table": "table.csv",
    "front": "front.png",
    "report": "report.html",
}
OUTCOME = "outcome.json"


def search_dataset(
    path: Path,
    *,
    out: Path,
    test: str = "auto",
    layout: str | None = None,
    task: str | None = None,
    where: Mapping[str, str] | None = None,
    limits: Mapping[str, Any] | None = None,
    paper_protocol: bool = False,
    n_jobs: int = 1,
    command: str = "",
    progress: StageProgress | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Choose and train a classifier on a data set and judge it on what was held out.

    Writes ``best.ossicle``, ``table.csv``, ``front.png``, ``report.html`` and ``outcome.json``
    into ``out``. Where they are there already, made from the same, nothing is done.

    Parameters
    ----------
    path : Path
        Data set.
    out : Path
        Folder of the run; what is finished in it is not done again.
    test : str
        ``split``: the official test split; ``holdout``: a fifth of the groups; ``folds``: each
        official fold in turn, everything chosen without it; ``groups``: each group in turn;
        ``none``; ``auto``: split if there is one, else holdout. With ``folds`` and ``groups``
        the classifier that is kept is chosen and trained on everything.
    layout, task, where
        As for `open_dataset`.
    limits : mapping, optional
        Limits of the choice, as ``max_fpr``.
    paper_protocol : bool
        Judge the whole front on the test part too and select again there: optimistic figures,
        kept apart from the honest ones.
    n_jobs : int
        Processes.
    command : str
        What made the report, to be printed in it.
    **options
        Of `ossicle.search`: ``grid, leave_out, window, window_hop, draw, halving, seed``.

    Returns
    -------
    dict
        ``rows`` (the table), ``front`` (ids), ``chosen`` (its row), ``test`` (figures), ``paper``
        (figures of the front's survivors), ``skipped``, ``written`` (paths).

    Raises
    ------
    SearchError
        If the data set lacks what ``test`` asks for.
    """
    if test not in TESTS:
        raise SearchError(f"test is {test!r}; allowed are {', '.join(TESTS)}")
    dataset = open_dataset(path, layout=layout, task=task, where=where)
    task = named_task(task)[0] if task else None
    asked = [test, task, dict(limits or {}), paper_protocol, options]
    code = code_digest("datasets", *SEARCHED, "steps", libraries=LIBRARIES)
    key = digest(canonical_json(asked), dataset.fingerprint(), code)
    finished = _finished(out, key)
    if finished is not None:
        return finished
    shared = {**options, "task": task, "n_jobs": n_jobs, "progress": progress}
    outer, parts = _held_out(dataset, test, task, int(options.get("seed", 0)))
    if paper_protocol and (outer or test == "none"):
        raise SearchError(f"the paper's protocol needs one test part; test={test!r} has not one")
    nested = nested_search(outer, out=out, limits=limits, **shared)
    tests = {fold.name: fold.report for fold in nested}
    development, held_out = parts
    result = search(development, out=out, **shared)
    chosen = result.choose(**(limits or {}))
    written = {what: out / name for what, name in FILES.items()}
    classifier = result.classifier(chosen["id"])
    paper: dict[str, Any] = {}
    question = result.material.question
    if held_out is not None:
        tests = {"test": question.evaluate(classifier, held_out, command=command or None)}
        paper = result.evaluate(held_out, paper_protocol=True) if paper_protocol else {}
    # Nested figures speak of the procedure: the classifier that is kept was trained on everything.
    name = "nested_test" if outer else "test"
    figures = {name: storable(question.summary(tests))} if tests else {}
    replace(classifier, metrics={**classifier.metrics, **figures}).save(written["classifier"])
    judged = _Judged(result, chosen, tests, paper)
    _write(judged, written, command)
    outcome = _outcome(judged, written)
    made = {what: file_digest(path) for what, path in written.items()}
    write_json(out / OUTCOME, {"key": key, "files": made, "outcome": outcome})
    return outcome


def _held_out(
    dataset: Dataset, test: str, task: str | None, seed: int
) -> tuple[dict[str, tuple[Dataset, Dataset]], tuple[Dataset, Dataset | None]]:
    """The parts of each outer fold, if any, and the development and test part."""
    try:
        outer = outer_parts(dataset, test)
        parts = (dataset, None) if outer else single_part(dataset, test, task=task, seed=seed)
    except DatasetError as error:
        raise SearchError(str(error)) from error
    return outer, parts


@dataclass(frozen=True)
class _Judged:
    """A search, the row chosen from it, and the reports on what was held out."""

    result: SearchResult
    chosen: Row
    tests: Mapping[str, Any]
    paper: Mapping[str, Any]


def _write(judged: _Judged, written: Mapping[str, Path], command: str) -> None:
    judged.result.to_csv(written["table"])
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


def _finished(out: Path, key: str) -> dict[str, Any] | None:
    """The outcome of a run that is complete and was made from the same."""
    if not (out / OUTCOME).is_file():
        return None
    record = read_json(out / OUTCOME)
    if record.get("key") != key:
        return None
    files = {what: out / name for what, name in FILES.items()}
    same = all(path.is_file() for path in files.values()) and record["files"] == {
        what: file_digest(path) for what, path in files.items()
    }
    outcome: dict[str, Any] | None = record["outcome"] if same else None
    return outcome


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
