"""The end of a search as a step: the front, the classifier chosen from it, and how well it does."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ossicle.selection.searching import LIBRARIES
from ossicle.steps.cross_validation import (
    ASKED,
    REACHED,
    SEARCH,
    linked,
    linked_features,
    searched,
)
from ossicle.steps.opening import StageProgress, open_dataset
from ossicle.steps.search_outcome import FILES, MEASURED, conclude
from ossicle.steps.sources import DataSet
from ossicle.workflow.files import read_json, write_json
from ossicle.workflow.manifest import step

__all__ = ["select_classifier"]


@step(
    name="select",
    libraries=LIBRARIES,
    entries=REACHED,
    outputs={**FILES, "test": "test.json", "paper": "paper.json"},
    measured=(*MEASURED, "result.json"),
)
def select_classifier(
    path: DataSet,
    judged: Path,
    test: DataSet | None = None,
    *,
    out: Path,
    features: Path | None = None,
    test_features: Path | None = None,
    limits: Mapping[str, Any] | None = None,
    paper_protocol: bool = True,
    command: str = "",
    progress: StageProgress | None = None,
) -> dict[str, Any]:
    """Keep the Pareto front, train what is chosen from it on everything, and judge it once.

    Writes what a search writes, ``test.json`` with the figures of the choice on the test part, and
    ``paper.json`` with those of the paper's second selection, which is made there.

    Parameters
    ----------
    path : Path
        The data set that was learnt from.
    judged : Path
        What the step ``cross-validate`` made of it.
    test : Path, optional
        Data set that took no part.
    out : Path
        Folder to fill.
    features : Path, optional
        What the step ``describe`` made of ``path``; its sounds are heard again without.
    test_features : Path, optional
        What the step ``describe`` made of ``test``; its sounds are heard again without.
    limits : mapping, optional
        Limits of the choice, as ``max_fpr``.
    paper_protocol : bool
        Judge the whole front on the test part too and select again there: optimistic figures,
        kept apart from the honest ones.
    command : str
        What made the report, to be printed in it.

    Returns
    -------
    dict
        As of `search_dataset`.
    """
    asked = read_json(judged / ASKED)
    linked(judged / SEARCH, out / SEARCH)
    heard = test_features and linked_features(test_features, out / "held_out")
    outcome = conclude(
        searched(path, asked, out=out, features=features, progress=progress),
        None if test is None else open_dataset(test, task=asked["task"]),
        out=out,
        limits=limits,
        paper_protocol=paper_protocol and test is not None,
        features=heard,
        command=command,
    )
    for name in ("test", "paper"):
        write_json(out / f"{name}.json", outcome[name])
    return outcome
