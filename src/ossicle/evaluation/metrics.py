"""Figures from truths, answers and scores: plain functions on arrays.

Conventions: ``targets`` and ``answers`` are label indices, ``positives`` is a boolean array, a
confusion matrix has one row per true label and one column per answer. It may be wider than high:
a column beyond the labels ("quiet") is an answer that is never right. A figure that nothing was
measured for (no clip, no positive, a label never answered) is ``nan``, never 0; averages run over
the labels it is defined for. Arrays that do not belong together raise ``EvaluationError``.

References: Fawcett (2006), "An introduction to ROC analysis"; Hanley & McNeil (1982) for the AUC
as the Mann-Whitney statistic. Golden values: scikit-learn with ``zero_division=nan``.
"""

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ossicle.errors import EvaluationError

__all__ = [
    "Averages",
    "ClassScores",
    "Rates",
    "RocCurve",
    "accuracy",
    "auc",
    "average_precision",
    "averages",
    "class_rates",
    "class_scores",
    "confusion_matrix",
    "label_aucs",
    "macro_auc",
    "rates",
    "roc_curve",
]

Array = NDArray[np.float64]
Average = Literal["macro", "micro", "weighted"]


class Rates(NamedTuple):
    """True and false positive rate."""

    tpr: float
    fpr: float


class ClassScores(NamedTuple):
    """One entry per label; ``support`` is the number of clips that truly bear it."""

    precision: Array
    recall: Array
    f1: Array
    support: NDArray[np.int64]


class Averages(NamedTuple):
    """Precision, recall and F1 over all labels."""

    precision: float
    recall: float
    f1: float


class RocCurve(NamedTuple):
    """Rates at each threshold, from "nothing passes" (infinity) to "everything passes"."""

    fpr: Array
    tpr: Array
    thresholds: Array


def confusion_matrix(
    targets: ArrayLike, answers: ArrayLike, *, n_labels: int, n_answers: int | None = None
) -> NDArray[np.int64]:
    """Count each pair of truth and answer.

    Parameters
    ----------
    targets, answers : int array, shape (n_clips,)
    n_labels : int
        Number of rows.
    n_answers : int, optional
        Number of columns; more than ``n_labels`` where there are answers that are never right.

    Returns
    -------
    int64 array, shape (n_labels, n_answers)

    Raises
    ------
    EvaluationError
        If the lengths differ or an index is out of range.

    >>> confusion_matrix([0, 0, 1], [0, 1, 1], n_labels=2).tolist()
    [[1, 1], [0, 1]]
    """
    width = n_labels if n_answers is None else n_answers
    truth = _indices("targets", targets, n_labels)
    answer = _indices("answers", answers, width)
    _same_length("targets", truth, "answers", answer)
    counts = np.bincount(truth * width + answer, minlength=n_labels * width)
    return counts.reshape(n_labels, width).astype(np.int64)


def accuracy(targets: ArrayLike, answers: ArrayLike) -> float:
    """Share of answers that are right; ``nan`` without any.

    >>> accuracy([0, 1, 1, 1], [0, 1, 0, 1])
    0.75
    """
    truth, answer = np.asarray(targets), np.asarray(answers)
    _same_length("targets", truth, "answers", answer)
    return float(np.mean(truth == answer)) if truth.size else float("nan")


def class_rates(confusion: ArrayLike) -> tuple[Array, Array]:
    """True and false positive rate of each label against all the others.

    >>> tpr, fpr = class_rates([[3, 1], [0, 4]])
    >>> tpr.tolist(), fpr.tolist()
    ([0.75, 1.0], [0.0, 0.25])
    """
    hits, wrong, missed, rest = _outcomes(confusion)
    return _ratio(hits, hits + missed), _ratio(wrong, wrong + rest)


def rates(confusion: ArrayLike, *, positive: int | None = None) -> Rates:
    """True and false positive rate of a confusion matrix.

    Parameters
    ----------
    confusion : int array, shape (n_labels, n_answers)
    positive : int, optional
        The label they speak of; without it both are macro one-vs-rest: the mean over the labels
        for which they are defined.

    >>> rates([[9, 1], [2, 8]], positive=0)
    Rates(tpr=0.9, fpr=0.2)
    """
    tpr, fpr = class_rates(confusion)
    if positive is None:
        return Rates(_mean(tpr), _mean(fpr))
    return Rates(float(tpr[positive]), float(fpr[positive]))


def class_scores(confusion: ArrayLike) -> ClassScores:
    """Precision, recall, F1 and support of each label.

    The precision of a label never answered and the recall of a label that never occurs are
    ``nan``; the F1 of a label that occurs but is never answered is 0.

    >>> class_scores([[1, 1], [0, 2]]).precision.round(2).tolist()
    [1.0, 0.67]
    """
    hits, wrong, missed, _ = _outcomes(confusion)
    return ClassScores(
        precision=_ratio(hits, hits + wrong),
        recall=_ratio(hits, hits + missed),
        f1=_ratio(2 * hits, 2 * hits + wrong + missed),
        support=(hits + missed).astype(np.int64),
    )


def averages(confusion: ArrayLike, how: Average = "macro") -> Averages:
    """Precision, recall and F1 over all labels.

    Parameters
    ----------
    confusion : int array, shape (n_labels, n_answers)
    how : {"macro", "micro", "weighted"}
        Every label alike, every clip alike, or every label by its number of clips.

    Raises
    ------
    EvaluationError
        If ``how`` is another word.

    >>> averages([[1, 1], [0, 2]], "micro")
    Averages(precision=0.75, recall=0.75, f1=0.75)
    """
    if how == "micro":
        return _micro(confusion)
    figures = class_scores(confusion)
    if how == "macro":
        return Averages(*(_mean(values) for values in figures[:3]))
    if how == "weighted":
        return Averages(*(_mean(values, weights=figures.support) for values in figures[:3]))
    raise EvaluationError(f"average {how!r} is not known; allowed: macro, micro, weighted")


def roc_curve(positives: ArrayLike, scores: ArrayLike) -> RocCurve:
    """True against false positive rate for every threshold that changes them.

    Parameters
    ----------
    positives : bool array, shape (n_clips,)
    scores : float array, shape (n_clips,)
        Higher means more likely positive.

    Returns
    -------
    RocCurve
        Arrays of one length, thresholds falling, the first infinite. A rate is ``nan``
        throughout if there are no clips of its kind.

    Raises
    ------
    EvaluationError
        If the lengths differ or a score is not finite.

    >>> curve = roc_curve([True, False, True], [0.9, 0.5, 0.4])
    >>> curve.fpr.tolist(), curve.tpr.tolist()
    ([0.0, 0.0, 1.0, 1.0], [0.0, 0.5, 0.5, 1.0])
    """
    hits, wrong, thresholds = _cumulative(positives, scores)
    return RocCurve(
        fpr=_ratio(wrong, np.full_like(wrong, wrong[-1])),
        tpr=_ratio(hits, np.full_like(hits, hits[-1])),
        thresholds=thresholds,
    )


def auc(positives: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve: how often a positive scores above a negative.

    Ties count half (Mann-Whitney); ``nan`` if positives or negatives are missing.

    >>> auc([True, True, False, False], [0.9, 0.4, 0.4, 0.1])
    0.875
    """
    positive, score = _scored(positives, scores)
    n_positive = int(positive.sum())
    n_pairs = n_positive * (positive.size - n_positive)
    if not n_pairs:
        return float("nan")
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    midranks = np.cumsum(count) - (count - 1) / 2
    wins = midranks[place][positive].sum() - n_positive * (n_positive + 1) / 2
    return float(wins / n_pairs)


def label_aucs(targets: ArrayLike, scores: ArrayLike) -> Array:
    """AUC of each label against all the others.

    Parameters
    ----------
    targets : int array, shape (n_clips,)
    scores : float array, shape (n_clips, n_labels)

    >>> label_aucs([0, 1], [[0.8, 0.2], [0.1, 0.9]]).tolist()
    [1.0, 1.0]
    """
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2:
        raise EvaluationError(f"scores have shape {table.shape}; wanted (n_clips, n_labels)")
    truth = _indices("targets", targets, table.shape[1])
    return np.array([auc(truth == label, table[:, label]) for label in range(table.shape[1])])


def macro_auc(targets: ArrayLike, scores: ArrayLike) -> float:
    """Mean one-vs-rest AUC over the labels that occur and are not alone.

    >>> macro_auc([0, 1, 1], [[0.8, 0.2], [0.1, 0.9], [0.8, 0.2]])
    0.75
    """
    return _mean(label_aucs(targets, scores))


def average_precision(positives: ArrayLike, scores: ArrayLike) -> float:
    """Precision averaged over the recall gained at each threshold; ``nan`` without a positive.

    >>> round(average_precision([True, False, True], [0.9, 0.5, 0.4]), 4)
    0.8333
    """
    hits, wrong, _ = _cumulative(positives, scores)
    if not hits[-1]:
        return float("nan")
    precision = hits[1:] / (hits[1:] + wrong[1:])
    return float(np.sum(np.diff(hits) * precision) / hits[-1])


def _cumulative(positives: ArrayLike, scores: ArrayLike) -> tuple[Array, Array, Array]:
    """Positives and negatives at or above each distinct score, from none to all."""
    positive, score = _scored(positives, scores)
    order = np.argsort(-score, kind="stable")
    score, positive = score[order], positive[order]
    last = np.flatnonzero(np.diff(score, append=-np.inf))  # ties pass together
    hits = np.concatenate([[0.0], np.cumsum(positive)[last]])
    passed = np.concatenate([[0.0], last + 1.0])
    return hits, passed - hits, np.concatenate([[np.inf], score[last]])


def _outcomes(confusion: ArrayLike) -> tuple[Array, Array, Array, Array]:
    """True positives, false positives, false negatives and true negatives of each label."""
    counts = np.asarray(confusion, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[1] < counts.shape[0]:
        raise EvaluationError(
            f"a confusion matrix of shape {counts.shape}; wanted one row per label and at least "
            "as many columns"
        )
    n_labels = counts.shape[0]
    hits = np.diagonal(counts).copy()
    wrong = counts.sum(axis=0)[:n_labels] - hits
    missed = counts.sum(axis=1) - hits
    return hits, wrong, missed, counts.sum() - hits - wrong - missed


def _micro(confusion: ArrayLike) -> Averages:
    hits, wrong, missed, _ = (values.sum(keepdims=True) for values in _outcomes(confusion))
    precision, recall = _ratio(hits, hits + wrong), _ratio(hits, hits + missed)
    f1 = _ratio(2 * hits, 2 * hits + wrong + missed)
    return Averages(float(precision[0]), float(recall[0]), float(f1[0]))


def _ratio(part: Array, whole: Array) -> Array:
    """Elementwise quotient, ``nan`` where there is nothing to divide by."""
    quotient = np.full(part.shape, np.nan)
    np.divide(part, whole, out=quotient, where=whole > 0)
    return quotient


def _mean(values: Array, weights: NDArray[np.int64] | None = None) -> float:
    """Mean over what is defined; ``nan`` where nothing is."""
    known = ~np.isnan(values)
    weight = np.ones_like(values) if weights is None else weights.astype(np.float64)
    total = weight[known].sum()
    return float((values[known] * weight[known]).sum() / total) if total else float("nan")


def _indices(name: str, values: ArrayLike, n_values: int) -> NDArray[np.int64]:
    found = np.asarray(values)
    if found.size == 0:
        return np.zeros(0, dtype=np.int64)
    if found.ndim != 1 or not np.issubdtype(found.dtype, np.integer):
        raise EvaluationError(
            f"{name} have shape {found.shape} and type {found.dtype}; "
            "wanted one label index per clip"
        )
    if found.min() < 0 or found.max() >= n_values:
        raise EvaluationError(
            f"{name} between {found.min()} and {found.max()}; allowed: 0 to {n_values - 1}"
        )
    return found.astype(np.int64)


def _scored(positives: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], Array]:
    positive, score = np.asarray(positives, dtype=bool), np.asarray(scores, dtype=np.float64)
    _same_length("positives", positive, "scores", score)
    if not np.isfinite(score).all():
        raise EvaluationError(
            f"{int((~np.isfinite(score)).sum())} of {score.size} scores are not finite; "
            "did the classifier divide by zero?"
        )
    return positive, score


def _same_length(name: str, values: NDArray[Any], other_name: str, other: NDArray[Any]) -> None:
    if values.shape != other.shape or values.ndim != 1:
        raise EvaluationError(
            f"{name} have shape {values.shape} and {other_name} {other.shape}; "
            "wanted one of each per clip"
        )
