"""Learning curves: losses and figures over the epochs, of one training or of several."""

from collections.abc import Mapping, Sequence
from typing import Any

from ossicle.errors import EvaluationError
from ossicle.evaluation.plots.style import COLOURS, FAINT, GREY, INK, canvas, styled, words
from ossicle.evaluation.visible import shorten

__all__ = ["plot_learning", "plot_runs"]

History = Sequence[Mapping[str, Any]]
"""One mapping an epoch: ``epoch``, ``learning_rate``, ``train`` and ``validation``, each with a
``loss`` for each task, and in ``validation`` the ``figures`` of each task by name."""

DASHES = (0, (4, 2))
NAMED = len(COLOURS)
"""Curves that are told apart by colour; beyond, they are grey but for the last."""


@styled
def plot_learning(history: History, *, best: int | None = None, title: str = "Learning") -> Any:
    """One training: the loss of each task, its figures, and the learning rate.

    Parameters
    ----------
    history : sequence of mapping
        One an epoch, as a run keeps it: ``epoch``, ``learning_rate``, ``train`` and
        ``validation``, each with a ``loss`` for each task, and in ``validation`` the ``figures`` of
        each task by name.
    best : int, optional
        The epoch whose weights were kept, to be marked.
    title : str

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    EvaluationError
        If there is no epoch.

    >>> judged = {"loss": {"label": 2.1}, "figures": {"label": {"accuracy": 0.4}}}
    >>> history = [{"epoch": 1, "learning_rate": 0.1, "train": {"loss": {"label": 2.0}},
    ...             "validation": judged}]
    >>> len(plot_learning(history).axes)
    3
    """
    _check({title: history})
    figure = canvas(10.4, 4.2)
    losses, figures, rate = figure.subplots(1, 3, width_ratios=(1.4, 1.4, 0.8))
    tasks = _tasks(history)
    for task, colour in zip(tasks, _colours(len(tasks)), strict=True):
        name = shorten(task, 20)
        _draw(
            losses,
            _points(history, "train", "loss", task),
            colour,
            f"{name}, training",
            dashed=True,
        )
        _draw(losses, _points(history, "validation", "loss", task), colour, f"{name}, validation")
    _draw_figures(figures, history)
    _draw(rate, _points(history, "learning_rate"), INK, "")
    rate.yaxis.set_major_formatter("{x:g}")
    _finish(losses, f"{title}: loss", "Loss", best=best)
    _finish(figures, "Validation", "Figure", best=best)
    _finish(rate, "Learning rate", "")
    return figure


@styled
def plot_runs(histories: Mapping[str, History], *, title: str = "Runs") -> Any:
    """Several trainings in one: the loss and the figure of each task on the validation part.

    Parameters
    ----------
    histories : mapping of name to history
        As for `plot_learning`.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
        One row a task, those that any of the runs has.

    Raises
    ------
    EvaluationError
        If a run has no epoch.
    """
    _check(histories)
    tasks = list(dict.fromkeys(task for each in histories.values() for task in _tasks(each)))
    figure = canvas(10.4, 1.0 + 3.4 * len(tasks))
    rows = figure.subplots(len(tasks), 2, squeeze=False)
    for task, (loss, quality) in zip(tasks, rows, strict=True):
        asked = {name: each for name, each in histories.items() if task in _tasks(each)}
        colours = _colours(len(asked))
        names = _legend(list(asked))
        for history, name, colour in zip(asked.values(), names, colours, strict=True):
            _draw(loss, _points(history, "validation", "loss", task), colour, name)
            _draw(quality, _main(history, task), colour, name)
        _finish(loss, f"{title}: {shorten(task, 24)}", "Validation loss")
        _finish(quality, shorten(task, 24), _main_name(histories.values(), task), legend=False)
        _as_rate(quality)
    return figure


def _check(histories: Mapping[str, History]) -> None:
    if not histories:
        raise EvaluationError("no run to draw; name at least one")
    if empty := [name for name, history in histories.items() if not history]:
        raise EvaluationError(f"{empty[0]} has no epoch yet; there is no curve to draw")


def _tasks(history: History) -> list[str]:
    return list(dict.fromkeys(task for row in history for task in row["train"]["loss"]))


def _figures(history: History, task: str) -> list[str]:
    return list(history[-1]["validation"]["figures"].get(task, {}))


def _colours(n: int) -> list[str]:
    return [COLOURS[place] if place < NAMED else GREY for place in range(n)]


def _legend(names: Sequence[str]) -> list[str]:
    """A name for each curve that has a colour of its own; one for all that have not."""
    rest = len(names) - NAMED
    said = [shorten(name, 32) for name in names[:NAMED]]
    return [*said, *([f"and {rest} more", *[""] * (rest - 1)] if rest > 0 else [])]


def _points(history: History, *path: str) -> tuple[list[int], list[float]]:
    """Epochs and values, those epochs left out that have none."""
    epochs, values = [], []
    for row in history:
        value: Any = row
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is not None:
            epochs.append(int(row["epoch"]))
            values.append(float(value))
    return epochs, values


def _main_name(histories: Any, task: str) -> str:
    """The figure that is drawn for a task: the first that it has."""
    found = (name for each in histories for name in _figures(each, task))
    return words(next(found, "figure"))


def _main(history: History, task: str) -> tuple[list[int], list[float]]:
    first = next(iter(_figures(history, task)), "")
    return _points(history, "validation", "figures", task, first)


def _draw_figures(axes: Any, history: History) -> None:
    """Each task in its colour, its first figure drawn through, the others dotted."""
    tasks = _tasks(history)
    for task, colour in zip(tasks, _colours(len(tasks)), strict=True):
        for place, name in enumerate(_figures(history, task)):
            points = _points(history, "validation", "figures", task, name)
            said = f"{shorten(task, 20)}, {words(name)}"
            _draw(axes, points, colour, said, dashed=place > 0)
    _as_rate(axes)


def _as_rate(axes: Any) -> None:
    """From 0 to 1 if all that is drawn lies there."""
    drawn = [value for line in axes.get_lines() for value in line.get_ydata()]
    if drawn and min(drawn) >= 0.0 and max(drawn) <= 1.0:
        axes.set_ylim(-0.02, 1.02)


def _draw(
    axes: Any,
    points: tuple[list[int], list[float]],
    colour: str,
    label: str,
    *,
    dashed: bool = False,
) -> None:
    if not points[0]:
        return
    axes.plot(
        *points,
        color=colour,
        label=label or None,
        linestyle=DASHES if dashed else "-",
        linewidth=1.1 if dashed else 1.8,
        marker="o" if len(points[0]) == 1 else None,
        markersize=4,
    )


def _finish(
    axes: Any, title: str, label: str, *, best: int | None = None, legend: bool = True
) -> None:
    axes.set_title(title)
    axes.set(xlabel="Epoch", ylabel=label)
    axes.xaxis.get_major_locator().set_params(integer=True)
    if best is not None:
        axes.axvline(best, color=FAINT, linewidth=1, linestyle=(0, (1, 2)), label=f"best: {best}")
    if legend and axes.get_legend_handles_labels()[1]:
        axes.legend(loc="best")
