"""The step that learns a network from data tensors, and makes it a classifier that hears."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ossicle.datasets import make_task
from ossicle.datasets.tensor import Tensor, read_tensor
from ossicle.errors import DatasetError
from ossicle.features import FrontEnd
from ossicle.features import front_end as build
from ossicle.models import model
from ossicle.selection.assembly import assemble
from ossicle.selection.grid import FRAMES, Configuration
from ossicle.selection.question import Question
from ossicle.selection.questions import question_of
from ossicle.selection.searching import LIBRARIES
from ossicle.selection.table import storable
from ossicle.steps.cross_validation import REACHED
from ossicle.steps.opening import StageProgress
from ossicle.training.recipe_keys import require_torch
from ossicle.types import Task
from ossicle.workflow.manifest import step

__all__ = ["learn_tensors"]


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
    progress: StageProgress | None = None,
) -> dict[str, Any]:
    """Train a network on a data tensor, and make it a classifier that hears sounds.

    Parameters
    ----------
    train : Path
        What is learnt from: a tensor that the step ``tensors`` made.
    validation : Path
        What the scores are calibrated on, after the last epoch: another one.
    out : Path
        Folder to fill.
    network : str or mapping
        ``ds_cnn``, ``cnn``, ``tc_net``, ``resnet``, ``dnn``; or with settings, as
        ``{name = "ds_cnn", width = 64}``.
    epochs : int
        Times that every sample is seen.
    batch_size : int
        Samples of a step.
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
    learner: Any = model(
        {
            "name": "network",
            "architecture": network,
            "epochs": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "label_smoothing": label_smoothing,
            "mixup": mixup,
            "seed": seed,
        }
    )
    configuration = Configuration(front, FRAMES, learner, "band")
    question: Question[Any] = question_of(task)
    scaler = configuration.fit_scaler(_frames(learnt))
    fitted = learner.fit(
        scaler(_frames(learnt)),
        learnt.output,
        n_labels=question.n_logits,
        progress=progress and partial(progress, "epochs"),
    )
    logits = fitted.logits(scaler(_frames(held_out)))
    figures = storable(question.figures(question.count(held_out.output, logits)))
    assemble(
        configuration,
        question,
        fitted,
        scaler,
        window=window,
        window_hop=None,
        temperature=question.temperature(logits, held_out.output),
        metrics={"validation": figures},
        provenance={"made_by": "learn", "n_clips": len(learnt.input)},
    ).save(out / "best.ossicle")
    return {
        "network": learner.describe()["architecture"],
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
