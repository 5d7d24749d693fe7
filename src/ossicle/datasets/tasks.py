"""Which question a column of labels asks."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import cast, get_args

from ossicle.errors import DatasetError, nearest
from ossicle.types import BACKGROUND_LABELS, Clip, Task, TaskKind

__all__ = [
    "heard_labels",
    "is_background",
    "join_labels",
    "joined_task",
    "labels_of",
    "make_task",
    "named_task",
    "number",
    "renamed_labels",
    "split_labels",
    "task_named",
    "with_kinds",
]

SEPARATORS = "|;,"
"""Between the labels of one clip: the first of these that occurs."""


def is_background(label: str) -> bool:
    """Whether a label means that there is nothing to report.

    >>> is_background("_Background_noise_"), is_background("No-Alarm"), is_background("siren")
    (True, True, False)
    """
    plain = label.lower().strip("_").replace("-", "_").replace(" ", "_")
    return plain in BACKGROUND_LABELS or plain.removesuffix("_noise") in BACKGROUND_LABELS


def make_task(
    name: str,
    labels: Iterable[str],
    kind: TaskKind | None = None,
    *,
    background: Collection[str] = (),
) -> Task:
    """A task from the labels that occur.

    Labels are sorted. Two of them make a binary task, whose positive label is the one that is no
    background; where both or none are, it is the second, as in scikit-learn. A regression has one
    "label", its own name; a multilabel task has those that its clips name, one or several each.
    ``background`` names labels that are background though they are not called so.

    Raises
    ------
    DatasetError
        If a label of a regression is no number.

    >>> make_task("label", ["other", "alarm", "alarm"]).positive
    'alarm'
    >>> make_task("bpm", ["90", "120.5"], "regression").labels
    ('bpm',)
    >>> make_task("label", ["dog|rain", "rain"], "multilabel").labels
    ('dog', 'rain')
    """
    if kind == "regression":
        for label in labels:
            number(label, f"task {name!r}")
        return Task(name, "regression", (name,))
    if kind == "multilabel":
        labels = [label for text in labels for label in split_labels(text)]
    ordered = tuple(sorted(set(labels)))
    quiet = tuple(label for label in ordered if label in background or is_background(label))
    if kind == "multilabel" or len(ordered) != 2:
        return Task(name, kind or "multiclass", ordered, quiet)
    foreground = [label for label in ordered if label not in quiet]
    positive = foreground[0] if len(foreground) == 1 else ordered[1]
    return Task(name, "binary", ordered, quiet, positive)


def joined_task(name: str, tasks: Sequence[Task]) -> Task:
    """One task from the tasks of that name, with the labels of all."""
    same = [task for task in tasks if task.name == name]
    if all(task == same[0] for task in same):
        return same[0]
    kinds = {task.kind for task in same} - {"binary", "multiclass"}
    if kinds and len({task.kind for task in same}) > 1:
        found = ", ".join(sorted({task.kind for task in same}))
        raise DatasetError(f"the task {name!r} is of different kinds ({found}); one is allowed")
    labels = [label for task in same for label in task.labels]
    quiet = {label for task in same for label in task.background}
    texts = map(_alone, labels) if kinds else labels
    return make_task(name, texts, next(iter(kinds), None), background=quiet)


def heard_labels(task: Task, clips: Iterable[Clip]) -> Task:
    """The task with the labels that occur."""
    if task.kind == "regression":
        return task
    kind = task.kind if task.kind == "multilabel" else None
    texts = {clip.labels[task.name] for clip in clips if task.name in clip.labels}
    found = make_task(task.name, texts, kind, background=task.background)
    return task if set(found.labels) == set(task.labels) else found


def task_named(task: Task, name: str) -> Task:
    """The same question under another name.

    >>> task_named(make_task("bpm", ["90"], "regression"), "tempo").labels
    ('tempo',)
    """
    labels = (name,) if task.kind == "regression" else task.labels
    return replace(task, name=name, labels=labels)


def renamed_labels(clips: Iterable[Clip], names: Mapping[str, str]) -> tuple[Clip, ...]:
    """The clips with their labels under other names of tasks."""
    return tuple(
        replace(clip, labels=MappingProxyType({names.get(k, k): v for k, v in clip.labels.items()}))
        for clip in clips
    )


def named_task(text: str) -> tuple[str, TaskKind | None]:
    """Name and kind of ``"bpm:regression"``; without a kind, the labels decide.

    >>> named_task("bpm:regression"), named_task("label")
    (('bpm', 'regression'), ('label', None))
    """
    name, colon, kind = text.rpartition(":")
    if not colon or kind not in get_args(TaskKind):
        return text, None
    return name, cast(TaskKind, kind) if kind in ("regression", "multilabel") else None


def with_kinds(tasks: Sequence[str] | None, kinds: Mapping[str, str] | None) -> list[str] | None:
    """The tasks with their kinds written behind them, as `named_task` reads them."""
    if not kinds:
        return None if tasks is None else list(tasks)
    names = list(tasks) if tasks is not None else ["label"]
    allowed = get_args(TaskKind)
    for name, kind in kinds.items():
        if name not in names:
            raise DatasetError(f"kinds names the task {name!r}; {nearest(name, names)}")
        if kind not in allowed:
            raise DatasetError(f"kind {kind!r} of task {name!r}; {nearest(kind, allowed)}")
    return [f"{name}:{kinds[name]}" if name in kinds else name for name in names]


def split_labels(text: str) -> tuple[str, ...]:
    """The labels of a clip that may have several.

    >>> split_labels("dog; rain"), split_labels("Male speech, man speaking|")
    (('dog', 'rain'), ('Male speech, man speaking',))
    """
    separator = next((mark for mark in SEPARATORS if mark in text), SEPARATORS[0])
    return tuple(dict.fromkeys(filter(None, map(str.strip, text.split(separator)))))


def labels_of(text: str, task: Task) -> tuple[str, ...]:
    """The labels that a clip's text stands for: several in a multilabel task."""
    return split_labels(text) if task.kind == "multilabel" else (text,)


def join_labels(labels: Iterable[str]) -> str:
    """Several labels as the text that `split_labels` reads."""
    names = list(labels)
    return _alone(names[0]) if len(names) == 1 else SEPARATORS[0].join(names)


def _alone(label: str) -> str:
    """One label as a text that is not split, whatever is in it."""
    return label + SEPARATORS[0] if any(mark in label for mark in SEPARATORS) else label


def number(text: str, place: str) -> float:
    """A label as a finite number; ``place`` is for the message."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DatasetError(f"{place}: {text!r} is no number; a regression needs finite numbers")
    return value
