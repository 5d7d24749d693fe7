"""A search as three steps: every front end's features, leave-k-out over the grid, selection."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from ossicle.errors import SearchError
from ossicle.features import FeatureStore
from ossicle.features.store import LIBRARIES as HEARING
from ossicle.selection import StageProgress, search
from ossicle.selection.grid import Grid
from ossicle.selection.searching import LIBRARIES, configurations_of
from ossicle.steps.data import open_dataset
from ossicle.steps.search_outcome import FILES, MEASURED, conclude
from ossicle.steps.searching import REACHED
from ossicle.steps.sources import DataSet
from ossicle.workflow.files import read_json, write_json
from ossicle.workflow.step import step

__all__ = ["cross_validate", "describe_grid", "select_classifier"]

SEARCH, FEATURES, ASKED = "search", "features", "asked.json"


@step(
    name="describe",
    libraries=HEARING,
    entries=REACHED,
    outputs={FEATURES: FEATURES},
    cpu=64,
)
def describe_grid(
    path: DataSet,
    *,
    out: Path,
    grid: Grid | None = None,
    window: Annotated[float | None, "s"] = None,
    window_hop: Annotated[float | None, "s"] = None,
    task: str | None = None,
    n_jobs: int = 1,
    progress: StageProgress | None = None,
) -> dict[str, Any]:
    """Describe every clip by each front end of a grid, into one feature store.

    Parameters
    ----------
    path : Path
        Data set.
    out : Path
        Folder to fill.
    grid : dict of lists, or list of such dicts
        As for `ossicle.search`; its front ends alone are of account.
    window, window_hop : float, optional
        Seconds; by default each clip is one window.
    task : str, optional
        Column of the table that is the label, if not ``label``.
    n_jobs : int
        Processes.

    Returns
    -------
    dict
        ``n_clips, n_windows, front_ends`` (in words), ``skipped``.

    Raises
    ------
    SearchError
        If a recording that is there could not be read this time.
    """
    dataset = open_dataset(path, task=task)
    fronts = dict.fromkeys(each.front_end for each in configurations_of(dataset, grid, task=task))
    tables = []
    for place, front in enumerate(fronts):
        table = FeatureStore(out / FEATURES).extract(
            dataset.clips, front, window=window, window_hop=window_hop, n_jobs=n_jobs
        )
        if table.n_unavailable:
            raise SearchError(f"{table.n_unavailable} recordings could not be read; run again")
        tables.append(table)
        if progress is not None:
            progress("front ends", place + 1, len(fronts))
    return {
        "n_clips": len(dataset) - len(tables[0].skipped),
        "n_windows": [len(table) for table in tables],
        "front_ends": [front.summary for front in fronts],
        "skipped": [[clip.id, why] for clip, why in tables[0].skipped],
    }


@step(
    name="cross-validate",
    libraries=LIBRARIES,
    entries=REACHED,
    outputs={"front": "front.csv", "table": "table.csv", "asked": ASKED, SEARCH: SEARCH},
    measured=("table", f"{SEARCH}/**"),
    cpu=64,
)
def cross_validate(
    path: DataSet,
    features: Path | None = None,
    *,
    out: Path,
    grid: Grid | None = None,
    leave_out: float | int | None = None,
    window: Annotated[float | None, "s"] = None,
    window_hop: Annotated[float | None, "s"] = None,
    task: str | None = None,
    draw: int | None = None,
    halving: int | None = None,
    seed: int = 0,
    n_jobs: int = 1,
    progress: StageProgress | None = None,
) -> dict[str, Any]:
    """Judge every configuration of a grid by grouped leave-k-out: the middle of a search.

    Parameters
    ----------
    path : Path
        Data set of what may be learnt from; nothing of the test is in it.
    features : Path, optional
        What `describe_grid` made of it.
    out : Path
        Folder to fill.
    grid, leave_out, window, window_hop, task, draw, halving, seed
        As for `ossicle.search`.
    n_jobs : int
        Processes.

    Returns
    -------
    dict
        ``n_configurations, n_folds, front`` (ids).
    """
    asked: dict[str, Any] = {
        "grid": grid,
        "leave_out": leave_out,
        "window": window,
        "window_hop": window_hop,
        "task": task,
        "draw": draw,
        "halving": halving,
        "seed": seed,
    }
    store = _linked(features, out)
    result = search(
        open_dataset(path, task=task),
        out=out / SEARCH,
        features=store,
        n_jobs=n_jobs,
        progress=progress,
        **asked,
    )
    result.to_csv(out / "table.csv")
    result.write_front(out / "front.csv")
    write_json(out / ASKED, asked)
    return {
        "n_configurations": len(result.rows) + len(result.dropped),
        "n_folds": len(result.folds),
        "front": [row["id"] for row in result.front()],
    }


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
        What `cross_validate` made of it.
    test : Path, optional
        Data set that took no part.
    out : Path
        Folder to fill.
    features, test_features : Path, optional
        What `describe_grid` made of either data set; they are heard without.
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
    _link(judged / SEARCH, out / SEARCH)
    dataset = open_dataset(path, task=asked["task"])
    stores = {name: _linked(each, out / name) for name, each in _given(features, test_features)}
    result = search(
        dataset, out=out / SEARCH, features=stores.get("train"), progress=progress, **asked
    )
    outcome = conclude(
        result,
        None if test is None else open_dataset(test, task=asked["task"]),
        out=out,
        limits=limits,
        paper_protocol=paper_protocol and test is not None,
        features=stores.get("test"),
        command=command,
    )
    for name in ("test", "paper"):
        write_json(out / f"{name}.json", outcome[name])
    return outcome


def _given(train: Path | None, test: Path | None) -> list[tuple[str, Path]]:
    return [(name, each) for name, each in (("train", train), ("test", test)) if each is not None]


def _linked(features: Path | None, out: Path) -> Path | None:
    """A feature store that is filled like another one, and can be written without harm to it."""
    if features is None:
        return None
    _link(features / FEATURES, out / FEATURES)
    return out / FEATURES


def _link(source: Path, target: Path) -> None:
    """The files of a folder under other names, copied where the disk cannot link them."""
    for file in (each for each in source.rglob("*") if each.is_file()):
        place = target / file.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(file, place)
        except OSError:
            shutil.copyfile(file, place)
