"""GSIN → LKOCV → PSEL: every configuration of a grid judged on what it was not trained on."""

import shutil
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ossicle.datasets import Dataset
from ossicle.datasets.splits import leave_k_out
from ossicle.errors import SearchError
from ossicle.selection.grid import DEFAULT_GRID, Configuration, Grid, expand
from ossicle.selection.leave_k_out import Fold, times_path
from ossicle.selection.material import Material, Progress
from ossicle.selection.result import SearchResult
from ossicle.selection.table import Table, make_table, timed
from ossicle.types import Task
from ossicle.workflow.code import code_digest
from ossicle.workflow.files import digest, read_json, write_json

__all__ = ["official_folds", "search"]

MIN_FOLDS = 2


def search(
    dataset: Dataset,
    *,
    grid: Grid | None = None,
    leave_out: float | int | None = None,
    window: float | None = None,
    window_hop: float | None = None,
    task: str | None = None,
    n_jobs: int = 1,
    seed: int = 0,
    out: str | Path | None = None,
    features: str | Path | None = None,
    progress: Progress | None = None,
) -> SearchResult:
    """Judge every configuration of a grid by grouped leave-k-out cross-validation.

    Parameters
    ----------
    dataset : Dataset
        Recordings to choose and train on; keep the test recordings out of it.
    grid : dict of lists, or list of such dicts
        Front ends, integrations, models and their parameters; see `ossicle.selection.grid`.
    leave_out : float or int, optional
        Fraction of the groups, or number of groups, held out at a time; None: the data set's
        official folds if it has them, else a tenth of the groups.
    window, window_hop : float, optional
        Seconds. None: every clip is one window, however long; such a classifier answers for
        whole recordings and cannot listen to a stream. The hop defaults to half the window.
    task : str, optional
        Which of the data set's tasks; the first by default.
    n_jobs : int
        Processes; the table does not depend on it. -1: all cores.
    seed : int
        Of the folds.
    out : path, optional
        Folder in which everything finished is kept: a killed search resumes, a finished one
        returns at once. A temporary folder by default.
    features : path, optional
        Folder of the feature store, by default inside ``out``.
    progress : callable, optional
        Called with a stage's name, how many parts are done and how many there are.

    Returns
    -------
    SearchResult

    Raises
    ------
    SearchError
        If there are too few labels or groups, or the grid holds an unknown key.

    Source: Durand, Ngoko & Cérin, in-situ alarm detection: LKOCV and PSEL.
    """
    configurations = expand(DEFAULT_GRID if grid is None else grid)
    chosen = _checked_task(dataset, task)
    root = Path(tempfile.mkdtemp(prefix="ossicle-") if out is None else out)
    material = Material(
        dataset=dataset,
        task=chosen,
        window=window,
        window_hop=window_hop,
        root=root,
        features=Path(features) if features else root / "features",
        n_jobs=n_jobs,
    )
    folds = _folds(dataset, leave_out, seed)
    rows, skipped = _finished_table(configurations, folds, material, progress)
    result = SearchResult(
        rows=rows,
        skipped=skipped,
        configurations=tuple(configurations),
        material=material,
        folds=folds,
        seed=seed,
    )
    if out is None:
        weakref.finalize(result, shutil.rmtree, root, ignore_errors=True)
    return result


def _checked_task(dataset: Dataset, name: str | None) -> Task:
    task = dataset.task(name)
    if task.kind not in ("binary", "multiclass"):
        raise SearchError(f"task {task.name!r} is {task.kind}; search takes binary and multiclass")
    present = np.unique(dataset.targets(task.name))
    if len(present) < 2:
        heard = ", ".join(task.labels[index] for index in present) or "none"
        raise SearchError(
            f"{dataset.name}: {len(dataset)} clips hold {len(present)} label ({heard}); at least "
            "2 are needed. Are the recordings in one folder per label?"
        )
    return task


def _folds(dataset: Dataset, leave_out: float | int | None, seed: int) -> tuple[Fold, ...]:
    """Official folds if there are any and nothing else is asked, else leave-k-out."""
    if leave_out is None and dataset.has_folds:
        folds = official_folds(dataset)
    else:
        folds = leave_k_out(dataset.groups, 0.1 if leave_out is None else leave_out, seed=seed)
    if len(folds) < MIN_FOLDS:
        raise SearchError(
            f"{dataset.name}: {len(folds)} fold(s) of {len(dataset)} clips; at least {MIN_FOLDS} "
            "are needed. Leave out less, or give clips of different recordings different groups"
        )
    return tuple(folds)


def official_folds(dataset: Dataset) -> list[Fold]:
    """Each official fold as test clips, the others as training clips.

    Raises
    ------
    SearchError
        If a clip has no fold.
    """
    numbers = [clip.fold for clip in dataset.clips]
    without = [clip.id for clip in dataset.clips if clip.fold is None]
    if without:
        raise SearchError(f"{len(without)} clips have no fold, such as {without[0]}; give all one")
    folds = np.array(numbers)
    return [(np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in np.unique(folds)]


def _finished_table(
    configurations: Sequence[Configuration],
    folds: Sequence[Fold],
    material: Material,
    progress: Progress | None,
) -> Table:
    """The table, from the store or made now; measured times lie beside the store."""
    store = material.store
    parameters = {
        "configurations": [configuration.describe() for configuration in configurations],
        "folds": digest(*(part.tobytes() for fold in folds for part in fold)),
        "task": material.task.name,
        "window": [material.window, material.window_hop],
    }
    inputs = [material.dataset.fingerprint()]
    version = code_digest("audio", "features", "models", "evaluation", "selection")
    key = store.key("search", version=version, parameters=parameters, inputs=inputs)
    artifact, times = store.get(key), times_path(store, key)
    if artifact is None or not times.is_file():
        table, latencies = make_table(configurations, folds, material, progress)
        write_json(times, latencies)
        with store.writing(key, step="search", parameters=parameters, inputs=inputs) as folder:
            write_json(folder / "table.json", table)
        artifact = store.get(key)
        assert artifact is not None
    return timed(read_json(artifact.path / "table.json"), read_json(times))
