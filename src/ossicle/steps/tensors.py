"""Steps between data tensors: sounds described as arrays of one shape, networks learnt from them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ossicle.datasets import Dataset, make_task
from ossicle.datasets.dataset import SPLITS
from ossicle.datasets.tensor import Tensor, read_tensor, write_tensor
from ossicle.errors import DatasetError
from ossicle.features import FeatureStore, FeatureTable, FrontEnd
from ossicle.features import front_end as build
from ossicle.features.store import LIBRARIES as HEARING
from ossicle.models import model
from ossicle.selection import Configuration, StageProgress
from ossicle.selection.assembly import assemble
from ossicle.selection.grid import FRAMES
from ossicle.selection.question import Question
from ossicle.selection.questions import question_of
from ossicle.selection.searching import LIBRARIES
from ossicle.selection.table import storable
from ossicle.steps.data import open_dataset
from ossicle.steps.searching import REACHED
from ossicle.steps.sources import DataSet
from ossicle.training.recipe_keys import require_torch
from ossicle.types import Task
from ossicle.workflow.step import step

__all__ = ["KEYWORD_FRONT_END", "describe_parts", "learn_tensors"]

KEYWORD_FRONT_END: Mapping[str, Any] = {
    **{"name": "mfcc", "sample_rate": 22_050, "n_fft": 2048, "hop_length": 512, "center": True},
    **{"n_mels": 128, "n_mfcc": 40, "top_db": 80.0},
}
"""40 coefficients in 44 frames of a second: the defaults of librosa, at its usual rate."""


@step(
    name="tensors",
    libraries=(*HEARING, "h5py"),
    entries=REACHED,
    outputs={name: f"{name}.h5" for name in SPLITS},
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
        Data set whose clips all have a split, as after `split_dataset`.
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
        table = FeatureStore(out / "store").extract(part.clips, front, window=window, n_jobs=n_jobs)
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
        tuple(_sample_name(part, place, start) for place, start in zip(of_row, table.starts)),
        asked.labels,
        tuple(recording.licence for recording in recordings),
        tuple(recording.author for recording in recordings),
        tuple(recording.source for recording in recordings),
        front.sample_rate,
        {"front_end": front.describe(), "window": window, "task": asked.name},
    )


def _sample_name(part: Dataset, place: int, start: float) -> str:
    return f"{part[place].id}+{start:g}" if start else part[place].id


@step(
    name="learn",
    libraries=(*LIBRARIES, "torch", "onnxscript", "h5py"),
    entries=REACHED,
    outputs={"classifier": "best.ossicle"},
)
def learn_tensors(
    train: Path,
    validation: Path,
    *,
    out: Path,
    network: str | Mapping[str, Any] = "ds_cnn",
    epochs: int = 10,
    batch_size: int = 64,
    learning_rate: float = 4e-3,
    label_smoothing: float = 0.1,
    mixup: float = 0.0,
    seed: int = 0,
) -> dict[str, Any]:
    """Train a network on a data tensor, and make it a classifier that hears sounds.

    Parameters
    ----------
    train, validation : Path
        What `describe_parts` made: what is learnt from; and what the scores are calibrated on,
        after the last epoch.
    out : Path
        Folder to fill.
    network : str or mapping
        ``ds_cnn``, ``cnn``, ``tc_net``, ``resnet``, ``dnn``; or with settings, as
        ``{name = "ds_cnn", width = 64}``.
    epochs, batch_size : int
        Times that every sample is seen; samples of a step.
    learning_rate : float
        The highest one of AdamW; it falls along a cosine.
    label_smoothing : float
        Share of each target that is spread over all labels.
    mixup : float
        How much samples are mixed with each other; 0: not at all.
    seed : int
        Of the first weights and the order of the samples.

    Returns
    -------
    dict
        ``network, epochs, n_train, n_validation`` and ``validation`` (figures).

    Raises
    ------
    DatasetError
        If a tensor does not say how it was made, or the two were made differently.
    """
    require_torch()
    learnt, held_out = read_tensor(train), read_tensor(validation)
    front, task, window = _made_by(learnt, held_out, train, validation)
    configuration = Configuration(
        front,
        FRAMES,
        model(
            {
                **{"name": "network", "architecture": network, "epochs": epochs, "seed": seed},
                **{"batch_size": batch_size, "learning_rate": learning_rate},
                **{"label_smoothing": label_smoothing, "mixup": mixup},
            }
        ),
        "band",
    )
    question: Question[Any] = question_of(task)
    scaler = configuration.fit_scaler(_frames(learnt))
    fitted = question.fit(configuration.model, scaler(_frames(learnt)), learnt.output)
    logits = fitted.logits(scaler(_frames(held_out)))
    figures = storable(question.figures(question.count(held_out.output, logits)))
    classifier = assemble(
        configuration,
        question,
        fitted,
        scaler,
        window=window,
        window_hop=None,
        temperature=question.temperature(logits, held_out.output),
        metrics={"validation": figures},
        provenance={"made_by": "learn", "n_clips": len(learnt.input)},
    )
    classifier.save(out / "best.ossicle")
    return {
        "network": configuration.model.describe()["architecture"],
        "epochs": epochs,
        "n_train": len(learnt.input),
        "n_validation": len(held_out.input),
        "validation": figures,
    }


def _frames(tensor: Tensor) -> NDArray[np.float32]:
    """Samples as networks take them: frames by bands."""
    return np.ascontiguousarray(tensor.input[:, 0].transpose(0, 2, 1), dtype=np.float32)


def _made_by(
    learnt: Tensor, held_out: Tensor, train: Path, validation: Path
) -> tuple[FrontEnd, Task, float]:
    """How both tensors were made."""
    if not {"front_end", "window", "task"} <= learnt.made_by.keys():
        raise DatasetError(
            f"{train} does not say how its sounds were described; make it with the step tensors"
        )
    if (learnt.made_by, learnt.class_names) != (held_out.made_by, held_out.class_names):
        raise DatasetError(f"{train} and {validation} were made in different ways, or of others")
    made = learnt.made_by
    task = make_task(str(made["task"]), learnt.class_names)
    return build(made["front_end"]), task, float(made["window"])
