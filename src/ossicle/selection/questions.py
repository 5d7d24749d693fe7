"""The questions that a search can put, by kind of task."""

from typing import Any

from ossicle.errors import SearchError
from ossicle.selection.label_question import LabelQuestion
from ossicle.selection.question import Question
from ossicle.selection.value_question import ValueQuestion
from ossicle.types import Task

__all__ = ["QUESTIONS", "question_of"]

QUESTIONS: dict[str, type[Question[Any]]] = {
    "binary": LabelQuestion,
    "multiclass": LabelQuestion,
    "regression": ValueQuestion,
}


def question_of(task: Task) -> Question[Any]:
    """The question a task asks.

    Raises
    ------
    SearchError
        If no classical model answers its kind.
    """
    if task.kind not in QUESTIONS:
        allowed = ", ".join(QUESTIONS)
        raise SearchError(f"task {task.name!r} is {task.kind}; search takes {allowed}")
    return QUESTIONS[task.kind](task)
