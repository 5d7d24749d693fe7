"""The step from sounds to data tensors: arrays of one shape that say how they were made."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from ossicle.datasets import Dataset
from ossicle.datasets.dataset import SPLITS
from ossicle.datasets.tensor import Tensor, write_tensor
from ossicle.errors import DatasetError
from ossicle.features import FeatureStore, FeatureTable, FrontEnd
from ossicle.features import front_end as build
from ossicle.features.store import LIBRARIES
from ossicle.steps.describing import worthwhile
from ossicle.steps.opening import StageProgress, open_dataset
from ossicle.steps.sources import DataSet
from ossicle.workflow.manifest import step

__all__ = ["KEYWORD_FRONT_END", "describe_parts"]

KEYWORD_FRONT_END: Mapping[str, Any] = {
    "name": "mfcc",
    "sample_rate": 22_050,
    "n_fft": 2048,
    "hop_length": 512,
    "center": True,
    "n_mels": 128,
    "n_mfcc": 40,
    "top_db": 80.0,
}
"""40 coefficients in 44 frames of a second: the defaults of librosa, at its usual rate."""


@step(
    name="tensors",
    libraries=(*LIBRARIES, "h5py"),
    outputs={name: f"{name}.h5" for name in SPLITS},
    resumable=True,
    cpu=64,
)
def describe_parts(
    path: DataSet,
    *,
    out: Path,
    front_end: Mapping[str, Any] = KEYWORD_FRONT_END,
    window: Annotated[float, "s"] = 1.0,
    task: str | None = None,
    n_jobs: int = 1,
    progress: StageProgress | None = None,
) -> dict[str, Any]:
    """Describe the parts of a data set, each as one data tensor that says how it was made.

    Writes ``train.h5``, ``validation.h5`` and ``test.h5``, whose samples have the axes channel
    (one), band and frame. A clip shorter than a window is padded with zeros; a longer one gives
    several samples, half a window apart.

    Parameters
    ----------
    path : Path
        Data set whose clips all have a split, as the step ``split`` gives.
    out : Path
        Folder to fill.
    front_end : mapping
        Its name and settings; 40 MFCC in 44 frames of a second by default.
    window : float
        Seconds of a sample.
    task : str, optional
        Column of the table that is the label, if not ``label``.
    n_jobs : int
        Processes.

    Returns
    -------
    dict
        ``shape`` of a sample, ``n_samples`` of each part, ``front_end``, ``skipped``.

    Raises
    ------
    DatasetError
        If there is no official split, or a part is empty.
    """
    dataset = open_dataset(path, task=task)
    if not dataset.has_split:
        raise DatasetError(f"{dataset.name} has no column split; deal its clips with split first")
    front, parts = build(front_end), dict(zip(SPLITS, dataset.official_split(), strict=True))
    made, skipped = {}, []
    for place, (name, part) in enumerate(parts.items()):
        table = FeatureStore(out / "store").extract(
            part.clips, front, window=window, n_jobs=worthwhile(n_jobs, len(part))
        )
        made[name] = _tensor(part, table, front, window, name)
        write_tensor(out / f"{name}.h5", made[name])
        skipped += [[clip.id, why] for clip, why in table.skipped]
        if progress is not None:
            progress("parts", place + 1, len(parts))
    return {
        "shape": list(made["train"].input.shape[1:]),
        "n_samples": {name: len(tensor.input) for name, tensor in made.items()},
        "front_end": front.describe(),
        "skipped": skipped,
    }


def _tensor(
    part: Dataset, table: FeatureTable, front: FrontEnd, window: float, name: str
) -> Tensor:
    if not len(table):
        raise DatasetError(f"{part.name}: no clip of the part {name} can be read; is it empty?")
    asked, of_row = part.task(), table.clip_index.tolist()
    frames = table.matrix("stack").reshape(len(table), -1, table.n_bands)
    recordings = [part[place].recording for place in of_row]
    return Tensor(
        np.ascontiguousarray(frames.transpose(0, 2, 1)[:, None]),
        part.targets()[of_row],
        tuple(map(partial(_sample_name, part), of_row, table.starts.tolist())),
        asked.labels,
        tuple(recording.licence for recording in recordings),
        tuple(recording.author for recording in recordings),
        tuple(recording.source for recording in recordings),
        front.sample_rate,
        {"front_end": front.describe(), "window": window, "task": asked.name},
    )


def _sample_name(part: Dataset, place: int, start: float) -> str:
    return f"{part[place].id}+{start:g}" if start else part[place].id
