"""GSIN → LKOCV → PSEL: every configuration of a grid judged on what it was not trained on."""

import shutil
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ossicle.classifier.description import check_storable
from ossicle.datasets import Dataset
from ossicle.datasets.splits import leave_k_out
from ossicle.errors import BundleError, SearchError
from ossicle.models.model import Targets
from ossicle.selection.grid import DEFAULT_GRID, Configuration, Grid, expand
from ossicle.selection.leave_k_out import LIBRARIES, Fold, times_path
from ossicle.selection.material import Material, StageProgress
from ossicle.selection.result import SearchResult
from ossicle.selection.table import Table, make_table, timed
from ossicle.types import Task
from ossicle.workflow.code import code_digest
from ossicle.workflow.files import digest, read_json, write_json

__all__ = ["search"]

MIN_FOLDS = 2

SEARCHED = ("audio", "features", "models", "classifier", "evaluation", "selection")
"""What decides a table, beside the recordings and the grid."""


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
    progress: StageProgress | None = None,
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
    if seed < 0:
        raise SearchError(f"seed is {seed}; allowed are 0 and above")
    configurations = expand(DEFAULT_GRID if grid is None else grid)
    chosen = _checked_task(dataset, task)
    try:
        check_storable(chosen, window, window_hop)
    except BundleError as error:
        raise SearchError(f"{dataset.name}: no classifier can hold this: {error}") from error
    folds = _folds(dataset, chosen, leave_out, seed)
    root = Path(tempfile.mkdtemp(prefix="ossicle-") if out is None else out)
    material = Material(
        dataset=dataset,
        task=chosen,
        window=window,
        window_hop=window_hop,
        fingerprint=dataset.fingerprint(),
        root=root,
        features=Path(features) if features else root / "features",
        n_jobs=n_jobs,
    )
    if out is None:
        weakref.finalize(material, shutil.rmtree, root, ignore_errors=True)
    rows, skipped = _finished_table(configurations, folds, material, progress)
    return SearchResult(
        rows=rows,
        skipped=skipped,
        configurations=tuple(configurations),
        material=material,
        folds=folds,
        seed=seed,
    )


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
    absent = [task.labels[k] for k in range(len(task.labels)) if k not in present]
    if absent:
        raise SearchError(
            f"{dataset.name}: no clip here bears {', '.join(absent)}; drop the label, or put "
            "recordings of it into the training part"
        )
    return task


def _folds(
    dataset: Dataset, task: Task, leave_out: float | int | None, seed: int
) -> tuple[Fold, ...]:
    """Official folds if there are any and nothing else is asked, else leave-k-out."""
    if leave_out is None and dataset.has_folds:
        folds = [(train, test) for _, train, test in dataset.fold_indices()]
    else:
        folds = leave_k_out(dataset.groups, 0.1 if leave_out is None else leave_out, seed=seed)
    if len(folds) < MIN_FOLDS:
        raise SearchError(
            f"{dataset.name}: {len(folds)} fold(s) of {len(dataset)} clips; at least {MIN_FOLDS} "
            "are needed. Leave out less, or give clips of different recordings different groups"
        )
    targets = dataset.targets(task.name)
    for train, _ in folds:
        _refuse_one_label(dataset, task, targets[train])
    return tuple(folds)


def _refuse_one_label(dataset: Dataset, task: Task, targets: Targets) -> None:
    """Every training part needs two labels to tell apart."""
    present = np.unique(targets)
    if len(present) < 2:
        gone = ", ".join(task.labels[k] for k in range(len(task.labels)) if k not in present[:1])
        raise SearchError(
            f"{dataset.name}: a fold leaves only one label to train on; all clips of {gone} are "
            "of one group or fold. Add other recordings of it, or leave out less"
        )


def _finished_table(
    configurations: Sequence[Configuration],
    folds: Sequence[Fold],
    material: Material,
    progress: StageProgress | None,
) -> Table:
    """The table, from the store or made now; measured times lie beside the store."""
    store = material.store
    parameters = {
        "configurations": [configuration.describe() for configuration in configurations],
        "folds": digest(*(part.tobytes() for fold in folds for part in fold)),
        "task": material.task.name,
        "window": [material.window, material.window_hop],
    }
    inputs = [material.fingerprint]
    version = code_digest(*SEARCHED, libraries=LIBRARIES)
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
