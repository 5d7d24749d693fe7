"""Steps on data sets: check, split, write in other layouts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ossicle.datasets import FAULTS, Dataset, find_faults, licence_name, write_dataset
from ossicle.datasets.dataset import SPLITS
from ossicle.errors import DatasetError, nearest
from ossicle.steps.kept import TABLE, keep_dataset
from ossicle.steps.opening import StageProgress, open_dataset
from ossicle.steps.sources import DataSet
from ossicle.workflow.manifest import step

__all__ = [
    "SPLITS",
    "check_dataset",
    "export_dataset",
    "split_dataset",
]


@step(name="check", libraries=("numpy", "scipy", "soundfile"))
def check_dataset(
    path: DataSet,
    *,
    layout: str | None = None,
    task: str | None = None,
    where: Mapping[str, str] | None = None,
    allowed: Sequence[str] = (),
    progress: StageProgress | None = None,
) -> dict[str, Any]:
    """Hear every clip of a data set and name what spoils learning or judging.

    Parameters
    ----------
    path : Path
        Data set.
    layout : str, optional
        How its files lie, as ``folders`` or ``csv``; found out by default.
    task : str, optional
        Column of a table that is the label, if not ``label``; ``bpm:regression`` for numbers.
    where : mapping of column to value, optional
        Take only the clips with these values.
    allowed : sequence of str
        Kinds of faults to pass over.

    Returns
    -------
    dict
        ``name, n_clips, ok, faults`` (kind, name and reason of each).

    Raises
    ------
    DatasetError
        If a kind is unknown.
    """
    for kind in allowed:
        if kind not in FAULTS:
            raise DatasetError(f"no kind of fault {kind!r}; {nearest(kind, FAULTS)}")
    dataset = open_dataset(path, layout=layout, task=task, where=where)
    faults = find_faults(dataset, progress=progress and partial(progress, "hearing"))
    found = [fault.to_dict() for fault in faults if fault.kind not in allowed]
    return {"name": dataset.name, "n_clips": len(dataset), "ok": not found, "faults": found}


def export_dataset(
    path: Path,
    *,
    out: Path,
    to: str,
    layout: str | None = None,
    task: str | None = None,
    where: Mapping[str, str] | None = None,
    licences: Sequence[str] = (),
    window: float | None = None,
    window_hop: float | None = None,
    copy: bool = True,
) -> dict[str, Any]:
    """Write a data set in another layout; see `ossicle.datasets.write_dataset`.

    Parameters
    ----------
    path : Path
        Data set.
    out : Path
        Folder to fill; a file for a tensor and, if it ends in ``.csv``, for a CSV.
    to : str
        The layout.
    layout : str, optional
        How its files lie, as ``folders`` or ``csv``; found out by default.
    task : str, optional
        Column of a table that is the label, if not ``label``; ``bpm:regression`` for numbers.
    where : mapping of column to value, optional
        Take only the clips with these values.
    licences : sequence of str
        Take only the clips with one of these licences; all by default.
    window, window_hop : float, optional
        Write windows of that many seconds, labelled by the events in them, instead of the clips:
        see `ossicle.datasets.Dataset.windows`.
    copy : bool
        Copy the sounds; without, only labels are written, to be put beside the sounds.

    Returns
    -------
    dict
        ``n_clips, out, licences`` (clips of each), ``lost`` (labels that no window bears).
    """
    read = open_dataset(path, layout=layout, task=task, where=where, licences=licences)
    dataset = read if window is None else read.windows(window, window_hop)
    write_dataset(dataset, out, layout=to, copy=copy)
    names = Counter(licence_name(clip.recording.licence) or "not stated" for clip in dataset)
    return {
        "n_clips": len(dataset),
        "out": str(out),
        "licences": dict(sorted(names.items())),
        "lost": sorted(_borne(read) - _borne(dataset)),
    }


def _borne(dataset: Dataset) -> set[str]:
    return {label for clip in dataset for label in clip.labels.values()}


def split_dataset(
    path: Path,
    *,
    out: Path,
    fractions: Sequence[float] = (0.7, 0.15, 0.15),
    official: bool = False,
    copy: bool = False,
    seed: int = 0,
) -> dict[str, int]:
    """Deal clips to train, validation and test, groups and labels considered.

    Writes ``clips.csv``, whose column ``split`` says the part of each clip, and the parts as
    ``train.csv``, ``validation.csv`` and ``test.csv``.

    Parameters
    ----------
    path : Path
        Data set.
    out : Path
        Folder to fill.
    fractions : sequence of float
        Of train, validation and test, with sum 1.
    official : bool
        Keep the parts that the data set came with, if it did; what trains gives some groups to the
        validation where that has none.
    copy : bool
        Copy the sounds too, so that the folder stands for itself.
    seed : int

    Returns
    -------
    dict of name to number of clips
    """
    written = {name: out / f"{name}.csv" for name in SPLITS}
    made = {each.resolve() for each in (out, out / TABLE, *written.values())}
    if path.resolve() in made:
        raise DatasetError(f"{path} could be written over; choose another folder than {out}")
    parts = _parts(open_dataset(path), fractions, official=official, seed=seed)
    whole = _whole(parts)
    if copy:
        whole = keep_dataset(whole, out, source=path)
    for name in SPLITS:
        whole.subset([clip.split == name for clip in whole]).to_csv(written[name])
    whole.to_csv(out / TABLE)
    return {name: len(part) for name, part in parts.items()}


def _parts(
    dataset: Dataset, fractions: Sequence[float], *, official: bool, seed: int
) -> dict[str, Dataset]:
    if not (official and dataset.has_split):
        return dict(zip(SPLITS, dataset.split(fractions, seed=seed), strict=True))
    train, validation, test = dataset.official_split()
    if not len(validation):
        share = fractions[1] / (fractions[0] + fractions[1])
        train, validation = train.split((1.0 - share, share), seed=seed)
    return dict(zip(SPLITS, (train, validation, test), strict=True))


def _whole(parts: Mapping[str, Dataset]) -> Dataset:
    """All parts after one another, each clip with the name of its part."""
    train, validation, test = (
        replace(part, clips=tuple(replace(clip, split=name) for clip in part))
        for name, part in parts.items()
    )
    return train + validation + test
