"""The step that takes recordings in: a folder that stands for itself, sounds and labels copied."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from ossicle.datasets import Dataset, single_part
from ossicle.errors import DatasetError
from ossicle.steps.kept import KEPT, keep_dataset
from ossicle.steps.opening import open_dataset
from ossicle.steps.sources import DataSet
from ossicle.workflow.manifest import step

__all__ = ["import_dataset"]

PARTS = ("all", "train", "test")


@step(
    name="import",
    libraries=("numpy",),
    outputs=KEPT,
)
def import_dataset(
    path: DataSet,
    *,
    out: Path,
    part: Literal["all", "train", "test"] = "all",
    test: str = "auto",
    layout: str | None = None,
    task: str | None = None,
    where: Mapping[str, str] | None = None,
    licences: Sequence[str] = (),
    seed: int = 0,
) -> dict[str, Any]:
    """Copy a data set, or what is learnt from or tested on, into a folder that stands for itself.

    Its labels, groups, folds and licences lie in ``clips.csv``, its sounds beside it, byte for
    byte: what reads it afterwards needs nothing of where it came from.

    Parameters
    ----------
    path : Path
        Data set.
    out : Path
        Folder to fill.
    part : {"all", "train", "test"}
        Everything; what a search with this ``test`` learns from; or what it judges on.
    test : str
        What is held out: ``split``, ``holdout``, ``auto`` or ``COLUMN=VALUE``, as in a search.
    layout : str, optional
        How its files lie, as ``folders`` or ``csv``; found out by default.
    task : str, optional
        Column of a table that is the label, if not ``label``; ``bpm:regression`` for numbers.
    where : mapping of column to value, optional
        Take only the clips with these values.
    licences : sequence of str
        Take only the clips with one of these licences; all by default.
    seed : int
        Of what is drawn for ``holdout``.

    Returns
    -------
    dict
        ``name, n_clips, n_groups, labels`` (clips of each label of the first task), ``skipped``.

    Raises
    ------
    DatasetError
        If nothing can be read, or the part is empty.

    >>> import tempfile
    >>> from ossicle.audio import alarm, write_audio
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("bell", "hi_lo"):
    ...     write_audio(folder / f"in/{name}/1.wav", alarm(name, 0.5), 16_000)
    >>> import_dataset(folder / "in", out=folder / "out")["labels"]
    {'bell': 1, 'hi_lo': 1}
    >>> open_dataset(folder / "out").fingerprint() == open_dataset(folder / "in").fingerprint()
    True
    """
    dataset = open_dataset(path, layout=layout, task=task, where=where, licences=licences)
    kept = _part(dataset, part, test=test, seed=seed)
    keep_dataset(kept, out, source=path)
    labels = Counter(kept.labels().tolist()) if kept.tasks else Counter()
    return {
        "name": kept.name,
        "n_clips": len(kept),
        "n_groups": len(set(kept.groups.tolist())),
        "labels": dict(sorted(labels.items())),
        "skipped": [list(pair) for pair in dataset.skipped],
    }


def _part(dataset: Dataset, part: str, *, test: str, seed: int) -> Dataset:
    if part not in PARTS:
        raise DatasetError(f"part is {part!r}; allowed are {', '.join(PARTS)}")
    if part == "all":
        return dataset
    learnt, held_out = single_part(dataset, test, seed=seed)
    kept = learnt if part == "train" else held_out
    if kept is None:
        raise DatasetError(f"{dataset.name}: test={test!r} holds nothing out, so no part is {part}")
    return replace(kept, name=dataset.name)
