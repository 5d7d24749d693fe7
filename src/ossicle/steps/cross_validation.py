"""The middle of a search as a step: leave-k-out over a grid, from features that are stored."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from ossicle.datasets import named_task
from ossicle.selection.grid import Grid
from ossicle.selection.result import SearchResult
from ossicle.selection.searching import LIBRARIES, search
from ossicle.steps.describing import FEATURES
from ossicle.steps.opening import StageProgress, open_dataset
from ossicle.steps.sources import DataSet
from ossicle.workflow.files import write_json
from ossicle.workflow.manifest import step

__all__ = ["ASKED", "REACHED", "SEARCH", "cross_validate", "linked", "linked_features", "searched"]

SEARCH, ASKED = "search", "asked.json"

REACHED = ("ossicle.training",)
"""What a grid names by words, which no import tells."""


@step(
    name="cross-validate",
    libraries=LIBRARIES,
    entries=REACHED,
    outputs={"front": "front.csv", "table": "table.csv", "asked": ASKED, SEARCH: SEARCH},
    measured=("table", f"{SEARCH}/**"),
    resumable=True,
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
        What the step ``describe`` made of it, by the same grid and windows.
    out : Path
        Folder to fill.
    grid : dict of lists, or list of such dicts
        What is tried: lists under ``front_end``, ``integration``, ``scaling``, ``model`` and
        parameters of those; a small grid that suits the task by default.
    leave_out : float or int, optional
        Share or number of the groups held out at a time; official folds, else a tenth by default.
    window : float, optional
        Seconds of a window; by default, or 0, each clip is one window.
    window_hop : float, optional
        Seconds from one window to the next; half the window by default, or 0.
    task : str, optional
        Column of a table that is the label, if not ``label``; ``bpm:regression`` for numbers.
    draw : int, optional
        Judge only so many configurations, drawn from the grid.
    halving : int, optional
        Judge all on a few groups first, and go on with one in so many on more of them.
    seed : int
        Of the folds and of all that is drawn.
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
        "window": window or None,
        "window_hop": window_hop or None,
        "task": task,
        "draw": draw,
        "halving": halving,
        "seed": seed,
    }
    result = searched(path, asked, out=out, features=features, n_jobs=n_jobs, progress=progress)
    result.to_csv(out / "table.csv")
    result.write_front(out / "front.csv")
    write_json(out / ASKED, asked)
    return {
        "n_configurations": len(result.rows) + len(result.dropped),
        "n_folds": len(result.folds),
        "front": [row["id"] for row in result.front()],
    }


def searched(
    path: Path,
    asked: Mapping[str, Any],
    *,
    out: Path,
    features: Path | None,
    n_jobs: int = 1,
    progress: StageProgress | None = None,
) -> SearchResult:
    """The search that was asked for, with what is kept of it in ``out`` not done again."""
    task = asked["task"]
    return search(
        open_dataset(path, task=task),
        out=out / SEARCH,
        features=linked_features(features, out),
        n_jobs=n_jobs,
        progress=progress,
        **{**asked, "task": named_task(task)[0] if task else None},
    )


def linked_features(features: Path | None, out: Path) -> Path:
    """A feature store filled like another one, if any, to be written without harm to that."""
    if features is not None:
        linked(features / FEATURES, out / FEATURES)
    return out / FEATURES


def linked(source: Path, target: Path) -> None:
    """The files of a folder under other names, copied where the disk cannot link them."""
    for file in (each for each in source.rglob("*") if each.is_file()):
        place = target / file.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        try:
            os.link(file, place)
        except OSError:
            shutil.copyfile(file, place)
