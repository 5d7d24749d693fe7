"""Answers over true values: where a regression is right, where it is off, and which way."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ossicle.errors import EvaluationError
from ossicle.evaluation.plots.style import COLOURS, INK, canvas, styled
from ossicle.evaluation.visible import shorten

__all__ = ["plot_values"]

FEW, MANY = 30, 1000


@styled
def plot_values(
    truths: ArrayLike, answers: ArrayLike, *, name: str = "value", title: str = "Truth and answer"
) -> Any:
    """Each clip as a point, and the line on which answers are right.

    Parameters
    ----------
    truths, answers : float array, shape (n_clips,)
    name : str
        Of the value.
    title : str

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    EvaluationError
        If there are no points, or not as many answers as truths.
    """
    truth, answer = np.asarray(truths, np.float64), np.asarray(answers, np.float64)
    if truth.ndim != 1 or truth.shape != answer.shape or not truth.size:
        raise EvaluationError(
            f"truths of shape {truth.shape} and answers of shape {answer.shape} are no points"
        )
    figure = canvas(5.0, 5.2)
    axes = figure.add_subplot()
    limits = _limits(truth, answer)
    axes.plot(limits, limits, color=INK, linewidth=1, linestyle=(0, (4, 3)), label="right")
    _draw_points(axes, truth, answer)
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    axes.set(xlabel=f"True {shorten(name, 30)}", ylabel=f"Answered {shorten(name, 30)}")
    axes.set_title(title)
    axes.legend(loc="upper left", borderaxespad=0.8)
    return figure


def _limits(truth: NDArray[np.float64], answer: NDArray[np.float64]) -> tuple[float, float]:
    """The same range of both axes, with room around the points."""
    both = np.concatenate([truth, answer])
    room = 0.06 * float(np.ptp(both)) or 0.05 * abs(float(both[0])) or 1.0
    return float(both.min()) - room, float(both.max()) + room


def _draw_points(axes: Any, truth: NDArray[np.float64], answer: NDArray[np.float64]) -> None:
    """Smaller and fainter the more there are, so that a crowd shows its middle."""
    crowd = float(np.interp(np.log10(truth.size), np.log10([FEW, MANY]), [0.0, 1.0]))
    axes.scatter(
        truth,
        answer,
        s=40 - 30 * crowd,
        color=COLOURS[0],
        alpha=0.85 - 0.5 * crowd,
        linewidth=0,
        zorder=3,
        clip_on=False,
        label=f"{truth.size} clip{'s' if truth.size != 1 else ''}",
    )
