"""What a search takes: a task its models answer, and folds that leave something to learn from."""

from collections.abc import Sequence
from typing import Any

from ossicle.classifier.description import check_storable
from ossicle.datasets import Dataset
from ossicle.datasets.splits import leave_k_out
from ossicle.errors import BundleError, SearchError
from ossicle.models import MODELS
from ossicle.selection.grid import Configuration
from ossicle.selection.job import Fold
from ossicle.selection.question import Question
from ossicle.selection.questions import question_of
from ossicle.types import Task

__all__ = ["admit", "folds_of", "only_one_class"]

MIN_FOLDS = 2

ABNORMAL = "abnormal"
"""What a one-class model calls that which is not as it has learnt, where no recording names it."""


def admit(
    dataset: Dataset,
    configurations: Sequence[Configuration],
    *,
    task: str | None,
    window: float | None,
    window_hop: float | None,
) -> Question[Any]:
    """The question that the configurations are to answer.

    Raises
    ------
    SearchError
        If a model cannot answer it, the data set holds nothing to learn from, or no classifier
        could be stored.
    """
    one_class = only_one_class(configurations)
    asked = dataset.task(task)
    if one_class and asked.kind == "multiclass" and len(asked.labels) == 1:
        asked = _against_the_unknown(asked)
    question = question_of(asked)
    for configuration in configurations:
        _check_model(configuration, asked)
    question.check(dataset, one_class=one_class)
    try:
        check_storable(asked, window, window_hop)
    except BundleError as error:
        raise SearchError(f"{dataset.name}: no classifier can hold this: {error}") from error
    return question


def only_one_class(configurations: Sequence[Configuration]) -> bool:
    """Whether all models learn from what is normal alone."""
    return all(configuration.model.one_class for configuration in configurations)


def folds_of(
    dataset: Dataset,
    question: Question[Any],
    *,
    leave_out: float | int | None,
    seed: int,
    one_class: bool,
) -> tuple[Fold, ...]:
    """Official folds if there are several and nothing else is asked, else leave-k-out.

    Raises
    ------
    SearchError
        If there are too few, or one leaves nothing to learn from.
    """
    official = dataset.fold_indices() if dataset.has_folds and leave_out is None else ()
    folds = [(train, test) for _, train, test in official]
    if len(folds) < MIN_FOLDS:
        folds = leave_k_out(dataset.groups, 0.1 if leave_out is None else leave_out, seed=seed)
    if len(folds) < MIN_FOLDS:
        raise SearchError(
            f"{dataset.name}: {len(folds)} fold(s) of {len(dataset)} clips; at least {MIN_FOLDS} "
            "are needed. Leave out less, or give clips of different recordings different groups"
        )
    for train, _ in folds:
        question.check_fold(dataset, train, one_class=one_class)
    return tuple(folds)


def _against_the_unknown(task: Task) -> Task:
    """A task of one label, as the question whether a sound is of that label."""
    if ABNORMAL in task.labels:
        raise SearchError(
            f"the only label is {ABNORMAL!r}, which is what one-class models call all that is not "
            "as they have learnt; give recordings of what is normal"
        )
    return Task(task.name, "binary", (*task.labels, ABNORMAL), task.labels, ABNORMAL)


def _check_model(configuration: Configuration, task: Task) -> None:
    model = configuration.model
    if task.kind not in model.kinds:
        able = ", ".join(name for name, kind in MODELS.items() if task.kind in kind.kinds)
        raise SearchError(
            f"{model.name} answers {' and '.join(model.kinds)}; the task {task.name!r} is "
            f"{task.kind}, which {able or 'none'} can answer"
        )
