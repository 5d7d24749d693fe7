"""GSIN → LKOCV → PSEL: every configuration of a grid judged on what it was not trained on."""

import shutil
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ossicle.datasets import Dataset
from ossicle.errors import ModelError, SearchError
from ossicle.features.store import LIBRARIES as HEARING
from ossicle.selection.admission import admit, folds_of, only_one_class
from ossicle.selection.drawing import draw_configurations
from ossicle.selection.grid import DEFAULT_GRID, DEFAULT_GRIDS, Configuration, Grid, expand
from ossicle.selection.halving import Rung, restrict, rungs
from ossicle.selection.job import LIBRARIES as LEARNING
from ossicle.selection.job import Fold
from ossicle.selection.material import Material, StageProgress
from ossicle.selection.question import Question
from ossicle.selection.result import SearchResult
from ossicle.selection.running import times_path
from ossicle.selection.table import Row, Table, judged_rows, make_table, timed
from ossicle.workflow.code import code_digest
from ossicle.workflow.files import digest, read_json, write_json

__all__ = ["configurations_of", "search"]

SEARCHED = (
    "inference",
    "audio",
    "features",
    "models",
    "classifier",
    "evaluation",
    "training",
    "selection",
)
LIBRARIES = (*HEARING, *LEARNING)
"""What decides a table, beside the recordings and the grid."""


def search(
    dataset: Dataset,
    *,
    grid: Grid | None = None,
    leave_out: float | int | None = None,
    window: float | None = None,
    window_hop: float | None = None,
    task: str | None = None,
    draw: int | None = None,
    halving: int | None = None,
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
        Front ends, integrations, scalings, models and their parameters; see
        `ossicle.selection.grid`. By default a small grid that suits the kind of task.
    leave_out : float or int, optional
        Fraction of the groups, or number of groups, held out at a time; None: the data set's
        official folds if it has them, else a tenth of the groups.
    window, window_hop : float, optional
        Seconds. None: every clip is one window, however long; such a classifier answers for
        whole recordings and cannot listen to a stream. The hop defaults to half the window.
    task : str, optional
        Which of the data set's tasks; the first by default.
    draw : int, optional
        Random search: judge only this many configurations, drawn from the grid, whose values may
        then be ranges as ``{"from": 0.1, "to": 1000, "scale": "log"}``.
    halving : int, optional
        Successive halving: judge all configurations on a few groups first, and in each round go
        on with one in ``halving`` on as many times the groups; the last round is on all. What was
        dropped is in the result's ``dropped``.
    n_jobs : int
        Processes; the table does not depend on it. -1: all cores.
    seed : int
        Of the folds and everything drawn.
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
    configurations = configurations_of(dataset, grid, task=task, draw=draw, seed=seed)
    question = admit(dataset, configurations, task=task, window=window, window_hop=window_hop)
    one_class = only_one_class(configurations)
    folds = folds_of(dataset, question, leave_out=leave_out, seed=seed, one_class=one_class)
    root = Path(tempfile.mkdtemp(prefix="ossicle-") if out is None else out)
    material = Material(
        dataset=dataset,
        question=question,
        window=window,
        window_hop=window_hop,
        fingerprint=dataset.fingerprint(),
        root=root,
        features=Path(features) if features else root / "features",
        n_jobs=n_jobs,
    )
    if out is None:
        weakref.finalize(material, shutil.rmtree, root, ignore_errors=True)
    dropped: list[Row] = []
    for rung in _rounds(len(configurations), halving, dataset):
        narrow = restrict(folds, dataset, question, rung.share, seed=seed)
        judged = _judged_on(rung.share, configurations, narrow, material, progress)
        configurations, lost = _halved(configurations, judged, rung.keep, question)
        dropped += [{**row, "share": rung.share} for row in lost]
    rows, skipped = _finished_table(configurations, folds, material, progress)
    return SearchResult(
        rows=rows,
        skipped=skipped,
        configurations=tuple(configurations),
        material=material,
        folds=folds,
        seed=seed,
        dropped=tuple(dropped),
    )


def configurations_of(
    dataset: Dataset,
    grid: Grid | None,
    *,
    task: str | None = None,
    draw: int | None = None,
    seed: int = 0,
) -> list[Configuration]:
    """What a search of a data set judges; without a grid, what suits the kind of its task."""
    default = DEFAULT_GRIDS.get(dataset.task(task).kind, DEFAULT_GRID)
    asked = default if grid is None else grid
    if draw is None:
        return expand(asked, default=default)
    return draw_configurations(asked, draw, seed=seed, default=default)


def _rounds(n_configurations: int, halving: int | None, dataset: Dataset) -> list[Rung]:
    if halving is None:
        return []
    return rungs(n_configurations, halving, n_groups=int(dataset.groups.max()) + 1)


def _judged_on(
    share: float,
    configurations: Sequence[Configuration],
    folds: Sequence[Fold],
    material: Material,
    progress: StageProgress | None,
) -> list[Row]:
    """The rows of a round of halving, which may have too few recordings for a model."""
    try:
        return judged_rows(configurations, folds, material, progress)
    except ModelError as error:
        raise SearchError(
            f"{error}; that was on {share:.0%} of the recordings: search without halving"
        ) from error


def _halved(
    configurations: Sequence[Configuration], rows: Sequence[Row], keep: int, question: Question[Any]
) -> tuple[list[Configuration], list[Row]]:
    """The best configurations in the order of the grid, and the rows of the others."""
    order = sorted(range(len(rows)), key=lambda place: (*question.preference(rows[place]), place))
    best = set(order[:keep])
    kept = [configurations[place] for place in sorted(best)]
    return kept, [row for place, row in enumerate(rows) if place not in best]


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
    learning = {library for each in configurations for library in type(each.model).libraries}
    recipe: dict[str, Any] = {
        "step": "search",
        "version": code_digest(*SEARCHED, libraries=(*LIBRARIES, *learning)),
        "parameters": parameters,
        "inputs": [material.fingerprint],
    }
    key = store.key(**recipe)
    artifact, times = store.get(key), times_path(store, key)
    if artifact is None or not times.is_file():
        table, measured = make_table(configurations, folds, material, progress)
        write_json(times, measured)
        with store.writing(key, **recipe) as folder:
            write_json(folder / "table.json", table)
        artifact = store.get(key)
        assert artifact is not None
    return timed(read_json(artifact.path / "table.json"), read_json(times))
