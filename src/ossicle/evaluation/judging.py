"""Evaluate: run the classifier that ships on every clip, and turn its answers into a report."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ossicle.datasets import recording_marks
from ossicle.errors import OssicleError
from ossicle.evaluation import metrics
from ossicle.evaluation.answers import Answers, Progress, ask, first_answered, named_as_asked
from ossicle.evaluation.html import write_html
from ossicle.evaluation.intervals import Interval, grouped_bootstrap, wilson
from ossicle.evaluation.report import Card, ClassRow, Mistake, Report
from ossicle.evaluation.sections import report_sections
from ossicle.types import QUIET, UNKNOWN, Clip, Task

if TYPE_CHECKING:
    from ossicle.classifier import Classifier
    from ossicle.datasets import Dataset

__all__ = ["evaluate", "judge"]

MISTAKES = 50
"""Most mistakes that a report lists."""


def evaluate(
    classifier: "Classifier",
    dataset: "Dataset",
    *,
    out: str | Path | None = None,
    task: str | None = None,
    command: str | None = None,
    progress: Progress | None = None,
) -> Report:
    """Figures of a classifier on a data set it was not made from.

    Parameters
    ----------
    classifier : Classifier
        Its network is run as it ships.
    dataset : Dataset
        Clips that cannot be judged are skipped and listed.
    out : str or Path, optional
        An HTML file to write, with plots where matplotlib is installed.
    task : str, optional
        The classifier's first that the data set answers by default.
    command : str, optional
        What the user typed, kept in the report.
    progress : callable, optional
        Called with the number of clips done and the number of all.

    Returns
    -------
    Report

    Raises
    ------
    EvaluationError
        If no clip can be judged.
    """
    dataset = named_as_asked(dataset, classifier.tasks)
    task = task or first_answered(dataset, classifier.tasks)
    answers = ask(classifier, dataset, task=task, progress=progress)
    report = judge(
        answers,
        data=data_card(dataset, answers.clips, classifier.provenance),
        provenance=classifier.provenance,
        command=command,
    )
    if out is not None:
        write_html(
            out, f"Evaluation on {report.data.name or 'a data set'}", report_sections(report)
        )
    return report


def judge(
    answers: Answers,
    *,
    data: Card,
    provenance: Mapping[str, Any] | None = None,
    command: str | None = None,
    seed: int = 0,
) -> Report:
    """The report on answers that are already there.

    Parameters
    ----------
    answers : Answers
    data : Card
    provenance : mapping, optional
        Of the classifier.
    command : str, optional
    seed : int
        Of the bootstrap.
    """
    task, confusion = answers.task, _confusion(answers)
    right = answers.answers == answers.targets
    averages = metrics.averages(confusion)
    return Report(
        task=task.name,
        kind=task.kind,
        labels=task.labels,
        positive=positive_label(task),
        n_clips=len(answers),
        n_groups=len(np.unique(answers.groups)),
        accuracy=metrics.accuracy(answers.targets, answers.answers),
        accuracy_wilson=wilson(int(right.sum()), len(answers)),
        accuracy_grouped=grouped_bootstrap(
            lambda at: float(right[at].mean()), answers.groups, seed=seed
        ),
        accuracy_as_said=float(answers.right_as_said.mean()) if len(answers) else float("nan"),
        n_unknown=answers.said.count(UNKNOWN),
        n_quiet=answers.said.count(QUIET),
        **_rates(answers, confusion, seed=seed),
        **averages._asdict(),
        per_class=_per_class(answers, confusion),
        confusion=tuple(tuple(map(int, row)) for row in confusion),
        columns=answers.columns,
        mistakes=_mistakes(answers),
        skipped=answers.skipped,
        data=data,
        provenance=dict(provenance or {}),
        command=command,
        answers=answers,
    )


def positive_label(task: Task) -> str | None:
    """The label a binary task's rates speak of: as set, else the first that is not background.

    >>> positive_label(Task("label", "binary", ("other", "alarm"), background=("other",)))
    'alarm'
    """
    if task.kind != "binary":
        return None
    foreground = [label for label in task.labels if label not in task.background]
    return task.positive or (foreground or task.labels)[0]


def _confusion(answers: Answers) -> NDArray[np.int64]:
    return metrics.confusion_matrix(
        answers.targets,
        answers.answers,
        n_labels=len(answers.task.labels),
        n_answers=len(answers.columns),
    )


def _rates(answers: Answers, confusion: NDArray[np.int64], *, seed: int) -> dict[str, Any]:
    """TPR, FPR and AUC with the intervals that suit the kind of task."""
    label = positive_label(answers.task)
    if label is None:
        return _macro_rates(answers, confusion, seed=seed)
    positive = answers.task.index(label)
    hits, actual = int(confusion[positive, positive]), int(confusion[positive].sum())
    wrong = int(confusion[:, positive].sum()) - hits
    tpr, fpr = metrics.rates(confusion, positive=positive)
    return {
        "tpr": tpr,
        "tpr_interval": wilson(hits, actual),
        "fpr": fpr,
        "fpr_interval": wilson(wrong, len(answers) - actual),
        "auc": metrics.auc(answers.targets == positive, answers.scores[:, positive]),
    }


def _macro_rates(answers: Answers, confusion: NDArray[np.int64], *, seed: int) -> dict[str, Any]:
    tpr, fpr = metrics.rates(confusion)
    return {
        "tpr": tpr,
        "tpr_interval": _grouped_rate(answers, lambda rates: rates.tpr, seed=seed),
        "fpr": fpr,
        "fpr_interval": _grouped_rate(answers, lambda rates: rates.fpr, seed=seed),
        "auc": metrics.macro_auc(answers.targets, answers.scores),
    }


def _grouped_rate(
    answers: Answers, which: Callable[[metrics.Rates], float], *, seed: int
) -> Interval:
    n_labels, n_answers = len(answers.task.labels), len(answers.columns)
    targets, given = answers.targets, answers.answers

    def rate(at: NDArray[np.intp]) -> float:
        pairs = metrics.confusion_matrix(
            targets[at], given[at], n_labels=n_labels, n_answers=n_answers
        )
        return which(metrics.rates(pairs))

    return grouped_bootstrap(rate, answers.groups, seed=seed)


def _per_class(answers: Answers, confusion: NDArray[np.int64]) -> tuple[ClassRow, ...]:
    scores = metrics.class_scores(confusion)
    areas = metrics.label_aucs(answers.targets, answers.scores)
    return tuple(
        ClassRow(
            label=label,
            n_clips=int(scores.support[i]),
            n_answers=int(confusion[:, i].sum()),
            precision=float(scores.precision[i]),
            recall=float(scores.recall[i]),
            interval=wilson(int(confusion[i, i]), int(scores.support[i])),
            f1=float(scores.f1[i]),
            auc=float(areas[i]),
        )
        for i, label in enumerate(answers.task.labels)
    )


def _mistakes(answers: Answers) -> tuple[Mistake, ...]:
    """Wrong answers, those given with the largest margin over the truth first."""
    given, columns = answers.answers, answers.columns
    wrong = np.flatnonzero(given != answers.targets)
    best = answers.scores[wrong].max(axis=1)
    margins = best - answers.scores[wrong, answers.targets[wrong]]
    order = np.argsort(-margins, kind="stable")[:MISTAKES]
    return tuple(
        Mistake(
            file=place_of(answers.clips[i]),
            truth=answers.task.labels[answers.targets[i]],
            answer=columns[given[i]],
            score=float(score),
            margin=float(margin),
            said=answers.said[i],
        )
        for i, score, margin in zip(wrong[order], best[order], margins[order], strict=True)
    )


def place_of(clip: Clip) -> str:
    """The clip with its folder, which tells apart files of one name."""
    return f"{clip.path.parent.name}/{clip.id}".removeprefix("/")


def data_card(dataset: "Dataset", clips: Sequence[Clip], provenance: Mapping[str, Any]) -> Card:
    """Where the judged clips of a data set came from."""
    licences = Counter(clip.recording.licence or "not stated" for clip in clips)
    named = _says_synthetic(dataset.name)
    return Card(
        name=dataset.name,
        fingerprint=_fingerprint(dataset),
        licences=dict(sorted(licences.items())),
        n_synthetic=sum(named or _is_synthetic(clip) for clip in clips),
        n_trained_on=_n_trained_on(clips, provenance),
    )


def _n_trained_on(clips: Sequence[Clip], provenance: Mapping[str, Any]) -> int:
    """Clips whose file has a mark among those the classifier's maker left."""
    known = set(str(provenance.get("recordings", "")).split())
    marks = recording_marks([clip.path for clip in clips]) if known else {}
    return sum(marks.get(clip.path) in known for clip in clips)


def _fingerprint(dataset: "Dataset") -> str:
    try:
        fingerprint: str = dataset.fingerprint()
        return fingerprint
    except OssicleError:
        return ""  # a file went missing meanwhile: the figures stand, the print cannot


def _is_synthetic(clip: Clip) -> bool:
    """Whether the clip's own data say that nobody recorded it."""
    recording = clip.recording
    return any(map(_says_synthetic, (recording.licence, recording.author, recording.source)))


def _says_synthetic(words: str) -> bool:
    return "synth" in words.lower()
