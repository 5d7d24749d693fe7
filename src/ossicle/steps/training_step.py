"""The training of a recipe as a step: data sets are its inputs, all else its parameters."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from ossicle.errors import TrainingError
from ossicle.features.store import LIBRARIES as HEARING
from ossicle.steps.kept import TABLE, called, is_kept, read_kept
from ossicle.steps.opening import StageProgress
from ossicle.steps.sources import DataSet, dataset_digest
from ossicle.steps.train_outcome import FILES
from ossicle.steps.training import LIBRARIES, train_dataset
from ossicle.workflow.manifest import Digest, step

__all__ = ["train_networks"]


@step(
    name="train",
    libraries=(*HEARING, *LIBRARIES, "onnxscript"),
    entries=("ossicle.training",),
    outputs=FILES,
    measured=("curves", "report", "result.json"),
    resumable=True,
    cpu=64,
)
def train_networks(
    data: Annotated[Sequence[Path], Digest(dataset_digest)],
    *,
    out: Path,
    recipe: Mapping[str, Any] | None = None,
    background: DataSet | None = None,
    n_jobs: int = 1,
    command: str = "",
    progress: StageProgress | None = None,
) -> dict[str, Any]:
    """Train a network on data sets as a recipe says, and judge it on what was held out.

    Parameters
    ----------
    data : sequence of Path
        Data sets.
    out : Path
        Folder to fill; what a run that was killed left in it goes on.
    recipe : mapping, optional
        The tables of a recipe (``model``, ``front_end``, ``training``, ``test``, ...); one table a
        data set under ``data``, without its path, where more is to be said of them.
    background : Path, optional
        Sounds that are laid under what is learnt from; how is said by ``augmentation.background``.
    n_jobs : int
        Networks trained at a time.
    command : str
        What made the page, to be printed in it.

    Returns
    -------
    dict
        As of `train_dataset`.

    Raises
    ------
    TrainingError
        If the recipe is none, or speaks of another number of data sets.
    """
    words = dict(recipe or {})
    tables = words.get("data", [{}] * len(data))
    if len(tables) != len(data):
        raise TrainingError(
            f"the recipe speaks of {len(tables)} data sets and {len(data)} are given; give as many"
        )
    words["data"] = [{**_source(path), **table} for path, table in zip(data, tables, strict=True)]
    if background is not None:
        augmentation = words.get("augmentation", {})
        laid = {**augmentation.get("background", {}), "path": str(background)}
        words["augmentation"] = {**augmentation, "background": laid}
    return train_dataset(words, out=out, n_jobs=n_jobs, command=command, progress=progress)


def _source(path: Path) -> dict[str, Any]:
    """A data set as a recipe names it."""
    if not is_kept(path):
        return {"path": str(path)}
    tasks = [f"{task.name}:{task.kind}" for task in read_kept(path).tasks]
    return {"path": str(path / TABLE), "name": called(path), "tasks": tasks}
