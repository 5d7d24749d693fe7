"""The search step: a data set in, a judged classifier with table, plots and report out."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ossicle.datasets import Dataset
from ossicle.errors import SearchError
from ossicle.evaluation import Report
from ossicle.evaluation.intervals import wilson
from ossicle.selection import SearchResult, nested_search, search
from ossicle.selection.material import Progress
from ossicle.selection.searching import official_folds
from ossicle.selection.table import Row
from ossicle.steps.data import open_dataset
from ossicle.steps.search_report import write_search_report
from ossicle.workflow.files import write_json

__all__ = ["Outcome", "search_dataset"]

HELD_OUT = 0.2


@dataclass(frozen=True, eq=False)
class Outcome:
    """What the search step made.

    Parameters
    ----------
    rows : list of dict
        The table of the last search.
    front : list of str
        Ids on its front.
    chosen : dict
        The row of the classifier.
    tests : dict of str to Report
        Figures on what was held out; one entry a fold for nested protocols.
    written : dict of str to Path
        Files made.
    skipped : tuple of (path, reason)
    """

    rows: list[Row]
    front: list[str]
    chosen: Row
    tests: dict[str, Report]
    written: dict[str, Path]
    skipped: tuple[tuple[str, str], ...]

    @property
    def correct(self) -> tuple[int, int]:
        """Clips answered rightly and clips asked, over all tests."""
        counts = [np.asarray(report.confusion) for report in self.tests.values()]
        n_labels = [len(report.labels) for report in self.tests.values()]
        right = sum(int(np.trace(c[:, :n])) for c, n in zip(counts, n_labels, strict=True))
        return right, sum(int(c.sum()) for c in counts)

    def to_dict(self) -> dict[str, Any]:
        """The outcome as JSON."""
        right, asked = self.correct
        accuracies = {name: report.accuracy for name, report in self.tests.items()}
        overall: dict[str, Any] = {"clips": asked, "accuracies": accuracies}
        if asked:
            overall["accuracy"] = right / asked
            overall["interval"] = list(wilson(right, asked))
            overall["mean_of_tests"] = float(np.mean(list(accuracies.values())))
            overall["worst"] = min(accuracies, key=accuracies.__getitem__)
        return {
            "rows": self.rows,
            "front": self.front,
            "chosen": self.chosen,
            "test": overall,
            "written": {name: str(path) for name, path in self.written.items()},
            "skipped": [list(pair) for pair in self.skipped],
        }


def search_dataset(
    path: Path,
    *,
    out: Path,
    test: str = "auto",
    task: str | None = None,
    where: Mapping[str, str] | None = None,
    limits: Mapping[str, float] | None = None,
    paper_protocol: bool = False,
    seed: int = 0,
    command: str = "",
    progress: Progress | None = None,
    **options: Any,
) -> Outcome:
    """Choose and train a classifier on a data set and judge it on what was held out.

    Writes ``best.ossicle``, ``table.csv``, ``front.png``, ``report.html`` and ``outcome.json``
    into ``out``.

    Parameters
    ----------
    path : Path
        Data set.
    out : Path
        Folder of the run; what is finished in it is not done again.
    test : str
        ``split``: the official test split; ``holdout``: a fifth of the groups; ``folds``: each
        official fold in turn, everything chosen without it; ``groups``: each group in turn;
        ``none``; ``auto``: split if there is one, else holdout.
    limits : mapping, optional
        Limits of the choice, as ``max_fpr``.
    paper_protocol : bool
        Judge the whole front on the test part and select again there.
    command : str
        What made the report, to be printed in it.
    **options
        Of `ossicle.search`.
    """
    dataset = open_dataset(path, where=where)
    shared = {**options, "task": task, "seed": seed, "progress": progress}
    nested = _outer(dataset, test)
    development, held_out = (dataset, None) if nested else _parts(dataset, test, seed)
    result = search(development, out=out, **shared)
    chosen = result.choose(**(limits or {}))
    tests = {fold.name: fold.report for fold in nested_search(nested, out=out, **shared)}
    if held_out is not None:
        tests = result.evaluate(held_out, paper_protocol=paper_protocol, **(limits or {}))
    outcome = Outcome(
        rows=result.rows,
        front=[row["id"] for row in result.front()],
        chosen=chosen,
        tests=tests,
        written=_files(out),
        skipped=result.skipped,
    )
    _write(result, outcome, command)
    return outcome


def _outer(dataset: Dataset, test: str) -> dict[str, tuple[Dataset, Dataset]]:
    """Training and test part of each outer fold; none for a single test part."""
    if test == "groups":
        return {name: (train, part) for name, train, part in dataset.leave_one_group_out()}
    if test != "folds":
        return {}
    if not dataset.has_folds:
        raise SearchError(f"{dataset.name} has no column fold; test on holdout or groups instead")
    names = sorted({clip.fold for clip in dataset.clips if clip.fold is not None})
    pairs = zip(names, official_folds(dataset), strict=True)
    return {
        f"fold-{n}": (dataset.subset(train), dataset.subset(part)) for n, (train, part) in pairs
    }


def _parts(dataset: Dataset, test: str, seed: int) -> tuple[Dataset, Dataset | None]:
    """Development and test part."""
    if test == "none":
        return dataset, None
    if test == "split" or (test == "auto" and dataset.has_split):
        if not dataset.has_split:
            raise SearchError(f"{dataset.name} has no column split; test on holdout instead")
        train, validation, held_out = dataset.official_split()
        return train + validation, held_out
    development, held_out = dataset.split((1.0 - HELD_OUT, HELD_OUT), seed=seed)
    return development, held_out


def _files(out: Path) -> dict[str, Path]:
    names = {
        "classifier": "best.ossicle",
        "table": "table.csv",
        "front": "front.png",
        "report": "report.html",
        "outcome": "outcome.json",
    }
    return {what: out / name for what, name in names.items()}


def _write(result: SearchResult, outcome: Outcome, command: str) -> None:
    classifier = result.classifier(outcome.chosen["id"])
    classifier.save(outcome.written["classifier"])
    result.to_csv(outcome.written["table"])
    result.plot(outcome.written["front"])
    write_search_report(
        outcome.written["report"],
        result,
        chosen=outcome.chosen,
        tests=outcome.tests,
        command=command,
    )
    write_json(outcome.written["outcome"], outcome.to_dict())
