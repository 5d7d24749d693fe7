"""Reports on parts of a data set joined: the figures of all their clips together."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import EvaluationError
from ossicle.evaluation.answers import Answers
from ossicle.evaluation.judging import judge, positive_label
from ossicle.evaluation.report import Card, Report
from ossicle.types import Task

__all__ = ["pooled"]


def pooled(reports: Sequence[Report], *, seed: int = 0) -> Report:
    """The report on the answers of several: each clip counts once, whichever part it was in.

    Parts are those of a nested protocol, each judged by a classifier of its own; no group of
    clips may be in two of them. Confusion, rates and intervals are those of all answers. The area
    under the curve compares scores of different classifiers, which is fair as far as these are
    calibrated alike.

    Parameters
    ----------
    reports : sequence of Report
        On one task, at least one. A label that a classifier did not know has the score 0 there.
    seed : int
        Of the bootstrap.

    Raises
    ------
    EvaluationError
        If there is no report, or they are on different tasks.
    """
    parts = [report.answers for report in reports]
    names = sorted({part.task.name for part in parts})
    if len(names) != 1:
        raise EvaluationError(
            f"reports on the tasks {names}; reports on one task can be pooled, and at least one"
        )
    task = _task(parts)
    answers = Answers(
        task=task,
        clips=tuple(clip for part in parts for clip in part.clips),
        groups=_groups(parts),
        targets=np.concatenate([_columns(part, task)[part.targets] for part in parts]),
        scores=np.concatenate([_scores(part, task) for part in parts]),
        said=tuple(said for part in parts for said in part.said),
        skipped=tuple(dict.fromkeys(pair for part in parts for pair in part.skipped)),
    )
    command = reports[0].command
    return judge(
        answers, data=_card(reports), provenance=_shared(reports), command=command, seed=seed
    )


def _task(parts: Sequence[Answers]) -> Task:
    """The task with the labels of all parts, in the order in which they occur."""
    first = parts[0].task
    labels = tuple(dict.fromkeys(label for part in parts for label in part.task.labels))
    background = tuple(dict.fromkeys(label for part in parts for label in part.task.background))
    if labels == first.labels:
        return replace(first, background=background, positive=positive_label(first))
    return Task(first.name, "multiclass", labels, background)


def _groups(parts: Sequence[Answers]) -> NDArray[np.int64]:
    """Numbers of the groups, none shared by two parts."""
    numbers = [np.unique(part.groups, return_inverse=True)[1] for part in parts]
    starts = np.cumsum([0, *(each.max() + 1 for each in numbers)])
    shifted = [each + start for each, start in zip(numbers, starts, strict=False)]
    return np.concatenate(shifted).astype(np.int64)


def _columns(part: Answers, task: Task) -> NDArray[np.int64]:
    """Where the labels of a part are among those of the task."""
    return np.array([task.index(label) for label in part.task.labels], dtype=np.int64)


def _scores(part: Answers, task: Task) -> NDArray[np.float64]:
    scores = np.zeros((len(part), len(task.labels)))
    scores[:, _columns(part, task)] = part.scores
    return scores


def _card(reports: Sequence[Report]) -> Card:
    cards = [report.data for report in reports]
    licences: Counter[str] = Counter()
    for card in cards:
        licences.update(card.licences)
    return Card(
        name=" + ".join(dict.fromkeys(card.name for card in cards if card.name)),
        fingerprint=", ".join(dict.fromkeys(card.fingerprint for card in cards)),
        licences=dict(sorted(licences.items())),
        n_synthetic=sum(card.n_synthetic for card in cards),
        n_trained_on=sum(card.n_trained_on for card in cards),
    )


def _shared(reports: Sequence[Report]) -> dict[str, Any]:
    """What is the same in the provenance of all classifiers."""
    first, *others = (report.provenance for report in reports)
    return {
        key: value
        for key, value in first.items()
        if all(key in other and other[key] == value for other in others)
    }
