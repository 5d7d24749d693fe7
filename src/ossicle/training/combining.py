"""Losses of several tasks as one: masked, averaged over the clips that answer, put together.

A strategy is a `torch.nn.Module`: what it learns is in its parameters, and in its state.

Reference: Kendall, Gal & Cipolla (2018), "Multi-Task Learning Using Uncertainty to Weigh Losses
for Scene Geometry and Semantics".
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ossicle.errors import TrainingError, nearest
from ossicle.training.objectives import Objective
from ossicle.types import Task

__all__ = [
    "COMBINATIONS",
    "Combination",
    "Sum",
    "Uncertainty",
    "Weighted",
    "combined_loss",
    "masked_losses",
]


def masked_losses(
    objectives: Mapping[str, Objective],
    logits: Sequence[Tensor],
    targets: Mapping[str, Tensor],
    mask: Mapping[str, Tensor],
) -> dict[str, Tensor]:
    """Mean loss of each task over the clips of a batch that answer it.

    Parameters
    ----------
    objectives : mapping of task name to Objective
        In the order of the network's outputs.
    logits : sequence of tensor
        What the network answered, one tensor of shape (n, n_columns) a task.
    targets : mapping of task name to tensor, shape (n, n_columns)
    mask : mapping of task name to bool tensor, shape (n,)
        Whether a clip answers the task.

    Returns
    -------
    dict of task name to tensor without axes
        Tasks that no clip of the batch answers are absent.

    >>> from ossicle.training.objectives import objective
    >>> tasks = [Task(name, "binary", ("no", "yes")) for name in ("alarm", "speech")]
    >>> losses = masked_losses(
    ...     {task.name: objective(task) for task in tasks},
    ...     [torch.zeros(2, 2), torch.zeros(2, 2)],
    ...     {task.name: torch.eye(2) for task in tasks},
    ...     {"alarm": torch.tensor([True, False]), "speech": torch.tensor([False, False])},
    ... )
    >>> {task: round(float(loss), 4) for task, loss in losses.items()}
    {'alarm': 0.6931}
    """
    losses = {}
    for (task, goal), answer in zip(objectives.items(), logits, strict=True):
        answered = mask[task]
        if bool(answered.any()):
            losses[task] = goal.losses(answer[answered], targets[task][answered]).mean()
    return losses


class Combination(nn.Module):
    """Base of the strategies: called with the losses of a batch's tasks, gives their one loss."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        super().__init__()
        self.tasks = tuple(tasks)

    def term(self, task: Task, loss: Tensor) -> Tensor:
        """What one task adds."""
        return loss

    def forward(self, losses: Mapping[str, Tensor]) -> Tensor:
        """The one loss; a zero that needs no gradient for a batch that answers no task."""
        terms = [self.term(task, losses[task.name]) for task in self.tasks if task.name in losses]
        return torch.stack(terms).sum() if terms else torch.zeros(())


class Sum(Combination):
    """The sum: every task alike.

    >>> tasks = [Task(name, "binary", ("no", "yes")) for name in ("alarm", "speech")]
    >>> float(Sum(tasks)({"speech": torch.tensor(0.5)}))
    0.5
    """


class Weighted(Combination):
    """The sum with a given weight a task.

    Parameters
    ----------
    tasks : sequence of Task
    weights : mapping of task name to float
        Tasks that are not named have weight 1.
    """

    def __init__(self, tasks: Sequence[Task], weights: Mapping[str, float]) -> None:
        super().__init__(tasks)
        names = [task.name for task in tasks]
        for name, weight in weights.items():
            if name not in names:
                raise TrainingError(f"combine names no task {name!r}; {nearest(name, names)}")
            if isinstance(weight, bool) or not 0.0 <= weight < float("inf"):
                raise TrainingError(f"combine gives {name!r} weight {weight}; it must be 0 or more")
        self.weights = dict(weights)
        if not any(self.weights.get(name, 1.0) for name in names):
            raise TrainingError(
                "combine gives every task weight 0, so nothing would be learnt; give one more"
            )

    def term(self, task: Task, loss: Tensor) -> Tensor:
        """The loss times its weight."""
        return self.weights.get(task.name, 1.0) * loss


class Uncertainty(Combination):
    """Each loss over a variance that is learnt with the weights, and that costs its logarithm.

    The terms are ``exp(-s) * loss + s / 2`` with the logarithm ``s`` of the task's variance:
    Kendall's form for labels, and for values too, since `Regression` halves its squares.

    >>> task = Task("label", "binary", ("no", "yes"))
    >>> Uncertainty([task])({"label": torch.tensor(0.5)}).item()
    0.5
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        super().__init__(tasks)
        self.log_variance = nn.ParameterDict(
            {str(place): nn.Parameter(torch.zeros(())) for place in range(len(self.tasks))}
        )

    def term(self, task: Task, loss: Tensor) -> Tensor:
        """The loss over its variance, and what the variance costs."""
        log_variance = self.log_variance[str(self.tasks.index(task))]
        total: Tensor = torch.exp(-log_variance) * loss + 0.5 * log_variance
        return total


COMBINATIONS: dict[str, type[Combination]] = {"sum": Sum, "uncertainty": Uncertainty}
"""Word: class. Given weights are a mapping of task name to number."""


def combined_loss(how: str | Mapping[str, Any], tasks: Sequence[Task]) -> Combination:
    """The strategy that puts the tasks' losses together.

    Parameters
    ----------
    how : "sum", "uncertainty" or mapping of task name to float
    tasks : sequence of Task

    Raises
    ------
    TrainingError
        If the word, a task's name or a weight is unknown.

    >>> tasks = [Task(name, "binary", ("no", "yes")) for name in ("alarm", "speech")]
    >>> combined = combined_loss({"alarm": 2.0}, tasks)
    >>> float(combined({"alarm": torch.tensor(0.5), "speech": torch.tensor(0.25)}))
    1.25
    """
    if isinstance(how, Mapping):
        return Weighted(tasks, how)
    if not isinstance(how, str) or how not in COMBINATIONS:
        words = [*COMBINATIONS, "weights by task"]
        raise TrainingError(f"combine is {how!r}; {nearest(str(how), words)}")
    return COMBINATIONS[how](tasks)
