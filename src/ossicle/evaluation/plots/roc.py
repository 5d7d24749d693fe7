"""ROC curves: what each threshold would let through."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ossicle.errors import EvaluationError
from ossicle.evaluation.metrics import auc, macro_auc, roc_curve
from ossicle.evaluation.plots.style import COLOURS, GREY, INK, canvas, styled
from ossicle.evaluation.visible import shorten

__all__ = ["plot_roc"]


@styled
def plot_roc(
    targets: ArrayLike,
    scores: ArrayLike,
    *,
    labels: Sequence[str],
    positive: int | None = None,
    title: str = "ROC",
) -> Any:
    """True against false positive rate over all thresholds.

    Parameters
    ----------
    targets : int array, shape (n_clips,)
    scores : float array, shape (n_clips, n_labels)
    labels : sequence of str
    positive : int, optional
        Draw this label's curve alone; without it each label against the others: in colours up to
        six, else in grey under their mean.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    truth, table = np.asarray(targets), np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or table.shape != (truth.size, len(labels)):
        raise EvaluationError(
            f"scores of shape {table.shape} for {truth.size} clips and {len(labels)} labels"
        )
    figure = canvas(5.0, 5.2)
    axes = figure.add_subplot()
    axes.set_title(title)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=(0, (2, 3)))
    if positive is not None:
        _draw_positive(axes, truth == positive, table[:, positive], labels[positive])
    else:
        _draw_each(axes, truth, table, labels)
    axes.set(xlim=(-0.015, 1.015), ylim=(-0.015, 1.015), aspect="equal")
    axes.set(xlabel="False positive rate", ylabel="True positive rate")
    axes.legend(loc="lower right", borderaxespad=1.0)
    return figure


def _draw_positive(axes: Any, positives: NDArray[np.bool_], scores: Any, label: str) -> None:
    curve = roc_curve(positives, scores)
    said = f"{shorten(label, 24)}  (AUC {_three(auc(positives, scores))})"
    axes.plot(curve.fpr, curve.tpr, color=COLOURS[0], linewidth=2.2, label=said)
    axes.fill_between(curve.fpr, curve.tpr, color=COLOURS[0], alpha=0.08, linewidth=0)


def _draw_each(axes: Any, truth: NDArray[Any], table: Any, labels: Sequence[str]) -> None:
    few = len(labels) <= len(COLOURS)
    grid = np.linspace(0, 1, 401)
    found = []
    for index, label in enumerate(labels):
        positives = truth == index
        if positives.all() or not positives.any():
            continue
        curve = roc_curve(positives, table[:, index])
        found.append(np.interp(grid, curve.fpr, curve.tpr))
        look = {"color": COLOURS[index], "linewidth": 1.5} if few else _FAINT
        area = _three(auc(positives, table[:, index]))
        axes.plot(
            curve.fpr, curve.tpr, **look, label=f"{shorten(label, 20)}  {area}" if few else None
        )
    if not found:
        axes.plot([], [], **_FAINT, label="not measured: clips of one label alone")
        return
    if not few:
        axes.plot([], [], **_FAINT, label=f"each of {len(found)} labels")
    said = f"mean  (macro AUC {_three(macro_auc(truth, table))})"
    mean = np.mean(found, axis=0)
    axes.plot([0, *grid], [0, *mean], color=INK, linewidth=2.2, label=said)


_FAINT = {"color": "#56b4e9", "linewidth": 0.7, "alpha": 0.55}


def _three(value: float) -> str:
    return "not measured" if value != value else f"{value:.3f}"
