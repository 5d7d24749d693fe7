"""Weights of labels: given, or from how often each occurs in the training part."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import TrainingError
from ossicle.types import Task

__all__ = ["ClassWeights", "equal_say", "label_weights", "positives_say"]

ClassWeights = Literal["balanced"] | Sequence[float] | None
Targets = NDArray[np.float32]
Rule = Callable[[Targets], NDArray[np.float64]]

LARGEST_WEIGHT = 100.0
"""What no weight exceeds, however rare its label."""


def equal_say(targets: Targets) -> NDArray[np.float64]:
    """Weight of each label so that all weigh the same in sum, and a clip 1 on average.

    A label that does not occur has weight 1. Source: scikit-learn, ``class_weight="balanced"``.

    >>> equal_say(np.float32([[1, 0], [1, 0], [1, 0], [0, 1]])).round(3).tolist()
    [0.667, 2.0]
    """
    counts = targets.sum(axis=0, dtype=np.float64)
    present = counts > 0
    return _capped(counts.sum() / max(present.sum(), 1), counts, present)


def positives_say(targets: Targets) -> NDArray[np.float64]:
    """Weight of each label's positives so that they weigh as much as its negatives.

    >>> positives_say(np.float32([[1, 0], [0, 0], [0, 1], [0, 1]])).tolist()
    [3.0, 1.0]
    """
    counts = targets.sum(axis=0, dtype=np.float64)
    return _capped(len(targets) - counts, counts, (counts > 0) & (counts < len(targets)))


def label_weights(
    task: Task, targets: Targets | None, weights: ClassWeights, rule: Rule
) -> tuple[float, ...] | None:
    """The weights that were asked for, one a label; None: all the same.

    Raises
    ------
    TrainingError
        If they are not one number of 0 or more a label, or ``"balanced"`` has no targets.
    """
    if weights is None:
        return None
    if isinstance(weights, str):
        return _by_rule(task, targets, weights, rule)
    given = np.asarray(weights, dtype=np.float64)
    fine = given.shape == (len(task.labels),) and np.isfinite(given).all() and (given >= 0).all()
    if not fine or not given.any():
        raise TrainingError(
            f"class_weights of task {task.name!r} are {list(weights)}; wanted is one number of "
            f"0 or more a label, {len(task.labels)} in all"
        )
    return tuple(given.tolist())


def _by_rule(task: Task, targets: Targets | None, word: str, rule: Rule) -> tuple[float, ...]:
    if word != "balanced":
        raise TrainingError(f"class_weights is {word!r}; allowed are 'balanced', numbers and None")
    if targets is None or not len(targets):
        raise TrainingError(
            f"class_weights is 'balanced', but no training clip answers task {task.name!r}"
        )
    return tuple(rule(targets).tolist())


def _capped(
    wanted: NDArray[np.float64] | float, counts: NDArray[np.float64], known: NDArray[np.bool_]
) -> NDArray[np.float64]:
    ratio = np.divide(wanted, counts, out=np.ones_like(counts), where=known)
    return np.minimum(ratio, LARGEST_WEIGHT)
