"""Confusion matrices: right answers in blue, mistakes in vermilion, deeper for a larger share."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ossicle.errors import EvaluationError
from ossicle.evaluation.plots.style import COLOURS, FAINT, INK, ORANGE, canvas, styled
from ossicle.evaluation.visible import shorten

__all__ = ["plot_confusion"]

NUMBERS_UP_TO = 22
"""Rows and columns for which a count fits into its cell."""


@styled
def plot_confusion(
    confusion: ArrayLike,
    labels: Sequence[str],
    *,
    answers: Sequence[str] | None = None,
    title: str = "Confusion",
) -> Any:
    """Truth against answer; the colour is the share of the row, the number the count.

    Parameters
    ----------
    confusion : int array, shape (n_labels, n_answers)
    labels : sequence of str
        Of the rows.
    answers : sequence of str, optional
        Of the columns, where they differ.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
        Counts are printed up to 22 labels; beyond, colours alone.
    """
    counts = np.asarray(confusion)
    columns = labels if answers is None else answers
    if counts.shape != (len(labels), len(columns)):
        raise EvaluationError(
            f"a confusion matrix of shape {counts.shape} for {len(labels)} labels "
            f"and {len(columns)} answers"
        )
    cell, size = _sizes(max(counts.shape))
    margin = 0.6 * size / 72 * min(max(map(len, (*labels, *columns))), 24)  # of the longest name
    figure = canvas(
        max(0.75 + margin + cell * counts.shape[1], 4.1),
        1.3 + (0.2 if len(columns) <= 4 else margin) + cell * counts.shape[0],
    )
    axes = figure.add_subplot()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(_colours(shares), aspect="equal", interpolation="nearest")
    _label_axes(axes, labels, columns, size)
    _write_counts(axes, counts, shares, size)
    axes.set_title(title)
    figure.supxlabel(
        "blue: right · vermilion: mistaken · deeper: larger share of the row",
        fontsize=7.5,
        color=FAINT,
    )
    return figure


def _sizes(n: int) -> tuple[float, float]:
    """Inches of a cell and points of its type."""
    if n <= 4:
        return 0.85, 10.0
    if n <= 12:
        return 0.5, 8.5
    return (0.36, 7.0) if n <= NUMBERS_UP_TO else (0.165, 7.5)


def _colours(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """White through blue on the diagonal, white through vermilion elsewhere."""
    to_rgb = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in _ENDS])
    right = np.eye(*shares.shape, dtype=np.intp)
    depth = np.where(shares > 0, 0.08 + 0.92 * shares**0.65, 0.0)[..., None]
    image: NDArray[np.float64] = (1 - depth) * 0.985 + depth * to_rgb[right]
    return image


_ENDS = (ORANGE, COLOURS[0])


def _label_axes(axes: Any, labels: Sequence[str], columns: Sequence[str], size: float) -> None:
    wide = len(columns) <= 4
    axes.set_xticks(
        range(len(columns)),
        [shorten(name, 14 if wide else 24) for name in columns],
        rotation=0 if wide else 90,
        fontsize=size,
        color=INK,
    )
    axes.set_yticks(
        range(len(labels)), [shorten(name, 24) for name in labels], fontsize=size, color=INK
    )
    axes.set(xlabel="answer", ylabel="truth")
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.set_axisbelow(False)
    axes.set_xticks(np.arange(-0.5, len(columns)), minor=True)
    axes.set_yticks(np.arange(-0.5, len(labels)), minor=True)
    axes.tick_params(which="minor", length=0)
    thin = max(len(labels), len(columns)) > NUMBERS_UP_TO
    axes.grid(visible=True, which="minor", color="white", linewidth=0.4 if thin else 1.0)
    axes.spines[:].set_visible(False)


def _write_counts(
    axes: Any, counts: NDArray[Any], shares: NDArray[np.float64], size: float
) -> None:
    if max(counts.shape) > NUMBERS_UP_TO:
        return
    for (row, column), count in np.ndenumerate(counts):
        if count:
            deep = shares[row, column] > 0.4
            axes.text(
                column,
                row,
                f"{count:,}".replace(",", "\u202f") if count < 100_000 else f"{count:.0e}",
                ha="center",
                va="center",
                fontsize=size,
                color="white" if deep else INK,
            )
