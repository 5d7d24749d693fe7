"""The numbered points of a plot named one by one: as many lines as a name takes, nothing cut."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ossicle.evaluation.plots.style import COLOURS, FAINT, INK, ORANGE
from ossicle.evaluation.visible import visible

__all__ = ["Entry", "draw_entries", "height_of", "wrapped"]

MOST_LINES = 4
"""Of one name; what is longer ends in dots."""

SIZES = (8.5, 7.5)
"""Points of a name and of the figures below it."""

LINES = (11.2, 9.6)
"""Points from one line to the next, of a name and of the figures."""

GAP = 3.0
"""Points between entries."""

INDENT = 18.0
"""Points left of the names, where the numbers stand."""


@dataclass(frozen=True)
class Entry:
    """What is said of a point: its name in lines, its figures, and whether it was chosen."""

    lines: tuple[str, ...]
    figures: str
    chosen: bool = False


def wrapped(name: str, width: int) -> tuple[str, ...]:
    """A name in lines of a width, whose parts are kept together where they can be.

    >>> wrapped("logreg C=1 · stack · short_term n_fft=2048", 24)
    ('logreg C=1 · stack ·', 'short_term n_fft=2048')
    """
    parts = visible(name).split(" · ")
    whole = (each.replace(" ", "\u00a0") if len(each) < width - 1 else each for each in parts)
    held = "\u00a0· ".join(whole)
    lines = textwrap.wrap(
        held, width, break_on_hyphens=False, max_lines=MOST_LINES, placeholder=" …"
    )
    return tuple(line.replace("\u00a0", " ") for line in lines) or ("",)


def height_of(entries: Sequence[Entry]) -> float:
    """Inches that a list takes, with a line below it."""
    points = sum(len(entry.lines) * LINES[0] + LINES[1] + GAP for entry in entries)
    return (points + LINES[1]) / 72


def draw_entries(axes: Any, entries: Sequence[Entry], *, left: int = 0) -> None:
    """Write a list down an empty part of a figure.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    entries : sequence of Entry
    left : int
        Points that are not in the list, counted at its end.
    """
    axes.set_axis_off()
    top = 0.0
    for number, entry in enumerate(entries, start=1):
        place, colour = (INDENT - 5, top), ORANGE if entry.chosen else INK
        _write(axes, str(number), place, SIZES[0], COLOURS[0], ha="right", fontweight="bold")
        _write(axes, "\n".join(entry.lines), (INDENT, top), SIZES[0], colour, linespacing=1.13)
        top += len(entry.lines) * LINES[0]
        _write(axes, entry.figures, (INDENT, top), SIZES[1], FAINT)
        top += LINES[1] + GAP
    if left:
        _write(axes, f"and {left} more", (INDENT, top), SIZES[1], FAINT)


def _write(
    axes: Any, text: str, place: tuple[float, float], size: float, colour: str, **how: Any
) -> None:
    """Write at so many points right of and below the upper left corner."""
    written = axes.annotate(
        text,
        (0.0, 1.0),
        xycoords="axes fraction",
        xytext=(place[0], -place[1]),
        textcoords="offset points",
        va="top",
        fontsize=size,
        color=colour,
        annotation_clip=False,
        **how,
    )
    written.set_in_layout(False)
