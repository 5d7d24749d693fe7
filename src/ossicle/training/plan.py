"""What a training is asked for: data, front end, network and settings, checked to fit together."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ossicle.datasets import Combined, Dataset, combine
from ossicle.errors import TrainingError, nearest
from ossicle.features import FrontEnd
from ossicle.features import front_end as front_end_of
from ossicle.features.store import LIBRARIES as HEARING
from ossicle.models.networks import Architecture, architecture
from ossicle.training.augmentation import Augmentation
from ossicle.training.combining import combined_loss
from ossicle.training.optimizers import OPTIMIZERS
from ossicle.training.sampling import SAMPLERS
from ossicle.training.schedules import SCHEDULES
from ossicle.training.settings import Settings
from ossicle.types import Task
from ossicle.workflow.code import code_digest

__all__ = ["Plan", "make_plan", "require_labels"]

FORMAT, VERSION = "ossicle run", 1

LEARNING = (
    *("audio", "inference", "features", "datasets", "models", "classifier", "evaluation"),
    "training",
)
LIBRARIES = (*HEARING, "onnx", "onnxscript", "safetensors", "torch")
"""What decides a run, beside the recordings and the settings."""

Validation = float | Dataset | Combined | Sequence[Dataset]


@dataclass(frozen=True, eq=False)
class Plan:
    """What a training is asked for."""

    train: Combined
    validation: Combined
    front_end: FrontEnd
    architecture: Architecture
    settings: Settings

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The questions that the network answers, in the order of its outputs."""
        return self.train.tasks

    @property
    def names(self) -> tuple[str, ...]:
        """Of the data sets that are learnt from."""
        return tuple(self.train.names[place] for place in np.unique(self.train.source))

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Everything that decides the result, as JSON."""
        settings = {**self.settings.decisive(), "model": self.architecture.describe()}
        return {
            "format": FORMAT,
            "version": VERSION,
            "tasks": [asdict(task) for task in self.tasks],
            "front_end": self.front_end.describe(),
            "settings": settings,
            "data": {
                "names": list(self.names),
                "n_train": len(self.train),
                "n_validation": len(self.validation),
                "train": self.train.fingerprint(),
                "validation": self.validation.fingerprint(),
            },
            "code": code_digest(*LEARNING, libraries=LIBRARIES),
            "libraries": {name: metadata.version(name) for name in LIBRARIES},
        }


def make_plan(
    datasets: Dataset | Combined | Sequence[Dataset],
    *,
    front_end: str | Mapping[str, Any] | FrontEnd,
    validation: Validation,
    settings: Mapping[str, Any],
) -> Plan:
    """Put data, front end, network and settings together.

    Raises
    ------
    TrainingError
        If a setting is unknown or out of range, or a label has no clip to learn from.
    """
    chosen = Settings.from_settings(settings)
    train, held = _parts(datasets, validation, chosen.seed)
    described = {"name": front_end} if isinstance(front_end, str) else front_end
    plan = Plan(
        train,
        held,
        described if isinstance(described, FrontEnd) else front_end_of(described),
        architecture(chosen.model),
        chosen,
    )
    _check_words(chosen, plan.tasks)
    require_labels(train, np.arange(len(train)))
    return plan


def _check_words(settings: Settings, tasks: Sequence[Task]) -> None:
    """Refuse unknown words before any sound is read."""
    words = {"optimizer": [*OPTIMIZERS], "schedule": [*SCHEDULES], "sampler": [*SAMPLERS]}
    for name, known in words.items():
        word = getattr(settings, name)
        if word not in known:
            raise TrainingError(f"{name} is {word!r}; {nearest(str(word), known)}")
    combined_loss(settings.combine, tasks)
    Augmentation.from_settings(settings.augmentation)


def require_labels(clips: Combined, used: NDArray[np.int64]) -> None:
    """Refuse a task that no clip in use answers or that has no choice, or a label that none has.

    Raises
    ------
    TrainingError
        Which names the task, and the label.
    """
    for place, task in enumerate(clips.tasks):
        answered = used[clips.mask[used, place]]
        if not len(answered):
            raise TrainingError(
                f"none of {len(used)} training clips answers {task.name!r}; leave the task out, or "
                "add clips with its labels"
            )
        if task.kind in ("binary", "multiclass") and len(task.labels) < 2:
            raise TrainingError(
                f"every clip of task {task.name!r} has the label {task.labels[0]!r}, so there is "
                "nothing to tell apart; add recordings of another label"
            )
        counts = clips.targets(task.name)[answered].sum(axis=0)
        missing = [label for label, n in zip(task.labels, counts, strict=True) if n == 0]
        if missing and task.kind != "regression":
            raise TrainingError(
                f"label {missing[0]!r} of task {task.name!r} has no training clip, so a network "
                f"cannot learn it ({len(answered)} clips have other labels); drop the label or add "
                "recordings of it"
            )


def _parts(
    datasets: Dataset | Combined | Sequence[Dataset], validation: Validation, seed: int
) -> tuple[Combined, Combined]:
    """Clips to learn from and clips to judge epochs by."""
    if not isinstance(validation, int | float):
        return _given(datasets, validation)
    if isinstance(validation, bool) or not 0.0 < validation < 1.0:
        raise TrainingError(f"validation is {validation}; allowed is a share between 0 and 1")
    part = combine(datasets).part(validation=validation, seed=seed)
    if not len(part.validation):
        raise TrainingError(
            f"no clip is left to validate on: each of {len(part.train)} is needed for its label; "
            "record more sources, or give a validation set"
        )
    return part.train, part.validation


def _given(
    datasets: Dataset | Combined | Sequence[Dataset],
    validation: Dataset | Combined | Sequence[Dataset],
) -> tuple[Combined, Combined]:
    """Parts that the user has made, with tasks of one name as one."""
    first, second = _each(datasets), _each(validation)
    both = combine([*first, *second])
    is_train = both.source < len(first)
    return both.subset(is_train), both.subset(~is_train)


def _each(datasets: Dataset | Combined | Sequence[Dataset]) -> list[Dataset]:
    if isinstance(datasets, Combined):
        return [datasets.of(place) for place in range(len(datasets.datasets))]
    return [datasets] if isinstance(datasets, Dataset) else list(datasets)
