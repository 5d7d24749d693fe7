"""Steps that describe data sets: what each clip sounds like, kept in a feature store."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from ossicle.errors import FeatureError
from ossicle.features import FeatureStore
from ossicle.features import front_end as build
from ossicle.features.store import LIBRARIES
from ossicle.selection.grid import DEFAULT_GRID, DEFAULT_GRIDS, Grid, expand
from ossicle.steps.opening import StageProgress, open_dataset
from ossicle.steps.sources import DataSet
from ossicle.workflow.manifest import step

__all__ = ["FEATURES", "describe_grid", "extract_features", "worthwhile"]

FEATURES = "features"

CLIPS_A_PROCESS = 500
"""So many are described in the time that it takes to start a process."""


@step(name="features", libraries=LIBRARIES, cpu=64)
def extract_features(
    path: DataSet,
    *,
    out: Path,
    front_end: Mapping[str, Any] | str,
    window: Annotated[float | None, "s"] = None,
    window_hop: Annotated[float | None, "s"] = None,
    where: Mapping[str, str] | None = None,
    n_jobs: int = 1,
    progress: StageProgress | None = None,
) -> dict[str, Any]:
    """Describe every clip into a feature store.

    Parameters
    ----------
    path : Path
        Data set.
    out : Path
        The feature store; what is finished in it is not done again.
    front_end : mapping or str
        Its name, or its description.
    window : float, optional
        Seconds of a window; by default, or 0, each clip is one window.
    window_hop : float, optional
        Seconds from one window to the next; half the window by default, or 0.
    where : mapping of column to value, optional
        Which clips are taken.
    n_jobs : int
        Processes.

    Returns
    -------
    dict
        ``n_clips, n_windows, n_frames, n_bands, front_end, skipped``.
    """
    dataset = open_dataset(path, where=where)
    front = build(front_end)
    table = FeatureStore(out).extract(
        dataset.clips,
        front,
        window=window or None,
        window_hop=window_hop or None,
        n_jobs=n_jobs,
        progress=progress and partial(progress, "features"),
    )
    return {
        "n_clips": len(dataset) - len(table.skipped),
        "n_windows": len(table),
        "n_frames": int(table.offsets[-1]),
        "n_bands": front.n_bands,
        "front_end": front.describe(),
        "skipped": [(str(clip.path), why) for clip, why in table.skipped],
    }


@step(
    name="describe",
    libraries=LIBRARIES,
    outputs={FEATURES: FEATURES},
    cpu=4,  # so that the branches of a workflow go on beside each other
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
        Of the search; its front ends alone are of account.
    window : float, optional
        Seconds of a window; by default, or 0, each clip is one window.
    window_hop : float, optional
        Seconds from one window to the next; half the window by default, or 0.
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
    FeatureError
        If a recording that is there could not be read this time.
    """
    dataset = open_dataset(path, task=task)
    default = DEFAULT_GRIDS.get(dataset.task().kind, DEFAULT_GRID)
    configurations = expand(default if grid is None else grid, default=default)
    fronts = dict.fromkeys(each.front_end for each in configurations)
    tables = []
    for place, front in enumerate(fronts):
        table = FeatureStore(out / FEATURES).extract(
            dataset.clips,
            front,
            window=window or None,
            window_hop=window_hop or None,
            n_jobs=worthwhile(n_jobs, len(dataset)),
        )
        if table.n_unavailable:
            raise FeatureError(f"{table.n_unavailable} recordings could not be read; run again")
        tables.append(table)
        if progress is not None:
            progress("front ends", place + 1, len(fronts))
    return {
        "n_clips": len(dataset) - len(tables[0].skipped),
        "n_windows": [len(table) for table in tables],
        "front_ends": [front.summary for front in fronts],
        "skipped": [[clip.id, why] for clip, why in tables[0].skipped],
    }


def worthwhile(n_jobs: int, n_clips: int) -> int:
    """As many of the processes granted as there is work for.

    >>> worthwhile(8, 100), worthwhile(8, 2000)
    (1, 4)
    """
    return max(1, min(n_jobs, n_clips // CLIPS_A_PROCESS))
