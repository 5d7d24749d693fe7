"""How many clips of each label stay: a draw at random."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ossicle.datasets.tasks import join_labels, labels_of
from ossicle.errors import DatasetError, nearest
from ossicle.types import Clip, Task

__all__ = ["draw", "label_limits", "without_labels"]


def label_limits(most: int | Mapping[str, int], task: Task) -> Mapping[str, int]:
    """The most clips of each label that has a limit, from one number or one for each.

    Raises
    ------
    DatasetError
        If a label is not of the task, or a number is no whole number from 0.

    >>> label_limits(2, Task("label", "binary", ("cow", "hen")))
    {'cow': 2, 'hen': 2}
    """
    limits = dict(most) if isinstance(most, Mapping) else dict.fromkeys(task.labels, most)
    if task.kind == "regression":
        raise DatasetError(f"the task {task.name!r} asks for numbers; at_most counts labels")
    for label, n in limits.items():
        if label not in task.labels:
            raise DatasetError(
                f"the task {task.name!r} has no label {label!r}; {nearest(label, task.labels)}"
            )
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 0:
            raise DatasetError(f"at most {n!r} clips of {label!r}; a whole number from 0 is needed")
    return limits


def draw(
    texts: Sequence[str], task: Task, limits: Mapping[str, int], *, seed: int
) -> NDArray[np.int64]:
    """Positions of the clips that stay, rising; ``texts`` are what they say of the task.

    A clip with several labels stays while none of them is at its limit, in the order drawn.

    >>> task = Task("label", "multilabel", ("dog", "rain"))
    >>> draw(["rain", "dog", "", "rain"], task, {"dog": 1, "rain": 1}, seed=0).tolist()
    [0, 1, 2]
    """
    rng = np.random.default_rng(seed)
    if task.kind == "multilabel":
        return _draw_in_turn([labels_of(text, task) for text in texts], limits, rng)
    labels = np.array(texts, dtype=np.str_)
    drawn = [
        rng.permutation(np.flatnonzero(labels == label))[: limits.get(label)]
        for label in np.unique(labels).tolist()
    ]
    return np.sort(np.concatenate(drawn)) if drawn else np.zeros(0, np.int64)


def without_labels(
    clips: tuple[Clip, ...], task: Task, labels: Collection[str]
) -> tuple[Clip, ...]:
    """The clips without some labels, and without the clips that had no other."""
    if not labels:
        return clips
    return tuple(filter(None, (_without(clip, task, labels) for clip in clips)))


def _draw_in_turn(
    labels: Sequence[Sequence[str]], limits: Mapping[str, int], rng: np.random.Generator
) -> NDArray[np.int64]:
    taken: Counter[str] = Counter()
    stays = np.zeros(len(labels), np.bool_)
    for place in rng.permutation(len(labels)).tolist():
        if all(taken[label] < limits.get(label, len(labels)) for label in labels[place]):
            taken.update(labels[place])
            stays[place] = True
    return np.flatnonzero(stays)


def _without(clip: Clip, task: Task, labels: Collection[str]) -> Clip | None:
    heard = labels_of(clip.labels.get(task.name, ""), task)
    rest = [label for label in heard if label not in labels]
    if len(rest) == len(heard):
        return clip
    if not rest:
        return None
    return replace(clip, labels=MappingProxyType({**clip.labels, task.name: join_labels(rest)}))
