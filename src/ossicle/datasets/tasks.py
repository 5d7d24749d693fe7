"""Which question a column of labels asks."""

from collections.abc import Iterable

from ossicle.types import BACKGROUND_LABELS, Task

__all__ = ["is_background", "make_task"]


def is_background(label: str) -> bool:
    """Whether a label means that there is nothing to report.

    >>> is_background("_Background_noise_"), is_background("No-Alarm"), is_background("siren")
    (True, True, False)
    """
    plain = label.lower().strip("_").replace("-", "_").replace(" ", "_")
    return plain in BACKGROUND_LABELS or plain.removesuffix("_noise") in BACKGROUND_LABELS


def make_task(name: str, labels: Iterable[str]) -> Task:
    """A task from the labels that occur.

    Labels are sorted. Two of them make a binary task, whose positive label is the one that is no
    background; where both or none are, it is the second, as in scikit-learn.

    >>> make_task("label", ["other", "alarm", "alarm"]).positive
    'alarm'
    """
    ordered = tuple(sorted(set(labels)))
    background = tuple(label for label in ordered if is_background(label))
    if len(ordered) != 2:
        return Task(name, "multiclass", ordered, background)
    foreground = [label for label in ordered if label not in background]
    positive = foreground[0] if len(foreground) == 1 else ordered[1]
    return Task(name, "binary", ordered, background, positive)
