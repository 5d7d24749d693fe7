"""Which questions several data sets ask together, and the answers of their clips as arrays."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ossicle.datasets.tasks import labels_of, number, task_named
from ossicle.errors import DatasetError
from ossicle.types import Task

__all__ = ["answers", "questions"]

Question = tuple[str, str, frozenset[str]]


def questions(
    tasks: Sequence[Sequence[Task]], names: Sequence[str]
) -> tuple[tuple[Task, ...], tuple[Mapping[str, str], ...]]:
    """The tasks of several data sets, each question once, and what each data set calls them.

    Parameters
    ----------
    tasks : sequence of sequence of Task, one a data set
    names : sequence of str
        Of the data sets.

    Returns
    -------
    tasks : tuple of Task
        Same name, kind and set of labels: one question. Where questions share a name, it is
        preceded by that of the first data set that asks it.
    asked : tuple of mapping, one a data set
        From its own name of a task to the name in ``tasks``.

    Raises
    ------
    DatasetError
        If two would still have one name.

    >>> a, b = Task("label", "binary", ("cow", "hen")), Task("label", "binary", ("bus", "car"))
    >>> tasks, asked = questions([[a], [a], [b]], ["farm", "barn", "town"])
    >>> [task.name for task in tasks], asked[1]["label"]
    (['farm.label', 'town.label'], 'farm.label')
    """
    first: dict[Question, tuple[str, Task]] = {}
    for name, own in zip(names, tasks, strict=True):
        for task in own:
            first.setdefault(_question(task), (name, task))
    spoken = [task.name for _, task in first.values()]
    found = {
        question: task if spoken.count(task.name) == 1 else task_named(task, f"{name}.{task.name}")
        for question, (name, task) in first.items()
    }
    _check_names([task.name for task in found.values()])
    asked = tuple({task.name: found[_question(task)].name for task in own} for own in tasks)
    return tuple(found.values()), asked


def answers(texts: Sequence[str], task: Task) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Which clips answer a task, and their targets: a column a label, or one with the numbers.

    >>> task = Task("label", "multilabel", ("dog", "rain"))
    >>> mask, targets = answers(["dog|rain", "", "rain"], task)
    >>> mask.tolist(), targets.tolist()
    ([True, False, True], [[1.0, 1.0], [0.0, 0.0], [0.0, 1.0]])
    """
    numbers: dict[str, int] = {}
    of_clip = [numbers.setdefault(text, len(numbers)) for text in texts]
    table = np.zeros((len(numbers), len(task.labels)), np.float32)
    known = np.zeros(len(numbers), np.bool_)
    for row, text in enumerate(numbers):
        known[row] = _answer(text, task, table[row])
    return known[of_clip], table[of_clip]


def _answer(text: str, task: Task, row: NDArray[np.float32]) -> bool:
    """Write the targets of one text into its row; whether it is an answer."""
    if not text:
        return False
    if task.kind == "regression":
        row[0] = number(text, f"task {task.name!r}")
        return True
    heard = [task.index(label) for label in labels_of(text, task) if label in task.labels]
    row[heard] = 1.0
    return bool(heard)


def _question(task: Task) -> Question:
    return task.name, task.kind, frozenset(task.labels)


def _check_names(names: Sequence[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DatasetError(
            f"two different tasks would be called {twice!r}; name one of them otherwise with "
            "rename_task()"
        )
