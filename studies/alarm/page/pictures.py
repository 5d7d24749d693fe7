"""The pictures of the page."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ossicle.evaluation import plot_front, save_png
from ossicle.evaluation.plots.style import COLOURS, GREY, canvas, styled
from studies.alarm.page.intervals import Share
from studies.alarm.page.markdown import decibels, name

__all__ = ["Curve", "draw_curves", "draw_front", "draw_places", "draw_snr"]

Curve = Mapping[float, Sequence[float]]
"""Values of a figure at each size, one a draw."""


def draw_front(path: Path, found: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Leave-k-out figures of all configurations."""
    figure = plot_front(
        rows,
        x="fpr",
        y="tpr",
        front=found["front"],
        chosen=found["chosen"],
        name=("model", "front_end"),
        title="Leave-k-out: alarms heard against false alarms",
    )
    save_png(figure, path)


@styled
def _snr(heard: Mapping[float, Share], false: Mapping[float, Share], papers: Any) -> Any:
    figure = canvas(7.6, 4.2)
    axes = figure.add_subplot()
    lines = (heard, COLOURS[0], "alarms heard (TPR)", -0.25), (false, COLOURS[1], _FALSE, 0.25)
    for shares, colour, said, shift in lines:
        at = np.array(list(shares)) + shift
        values = np.array([each.value for each in shares.values()])
        limits = np.array(
            [each.grouped if each.grouped.known else each.wilson for each in shares.values()]
        )
        error = np.abs(limits.T - values)
        axes.errorbar(at, values, yerr=error, color=colour, marker="o", capsize=3, label=said)
    axes.plot(list(papers), list(papers.values()), color=GREY, linestyle=(0, (4, 2)),
              label="alarms heard, the paper's features")  # fmt: skip
    axes.set(
        xlabel="Signal-to-noise ratio of the alarm, or of the other sound (dB)", ylabel="Share"
    )
    axes.set(ylim=(-0.03, 1.03), xticks=list(heard), xticklabels=[decibels(at) for at in heard])
    axes.set_title("Test mixes, with 95 % intervals over source recordings")
    (papers_line, *handles), (papers_name, *names) = axes.get_legend_handles_labels()
    figure.legend(
        [*handles, papers_line], [*names, papers_name], loc="outside lower center", ncols=3
    )
    return figure


_FALSE = "false alarms over other sounds (FPR)"


def draw_snr(
    path: Path, heard: Mapping[float, Share], false: Mapping[float, Share], papers: Any
) -> None:
    """TPR and FPR against the signal-to-noise ratio, with the grouped intervals."""
    save_png(_snr(heard, false, papers), path)


@styled
def _places(rows: Sequence[Mapping[str, Any]], figures: Mapping[str, str]) -> Any:
    figure = canvas(9.6, 4.2)
    panels = figure.subplots(1, len(figures), sharey=True)
    heights = np.arange(len(rows))[::-1]
    for axes, (column, said) in zip(panels, figures.items(), strict=True):
        for how, (colour, marker, shift) in _LOOKS.items():
            values = [row[how][column] for row in rows]
            at = heights + shift
            axes.scatter(values, at, color=colour, marker=marker, s=34, label=how, zorder=3)
        axes.barh(heights[::2], 10, left=-5, height=1, color=GREY, alpha=0.07)
        axes.grid(visible=False, axis="y")
        values = [row[how][column] for row in rows for how in _LOOKS]
        axes.set_xlim(min(values) - 0.04, max(values) + 0.04)
        axes.set(xlabel=said, yticks=heights, yticklabels=[name(row["place"]) for row in rows])
        axes.set_ylim(-0.5, len(rows) - 0.5)
    panels[0].set_title("Trained on a place's own background, on others', on both")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(_LOOKS))
    return figure


_LOOKS = {
    "own": (COLOURS[0], "o", 0.22),
    "generic": (COLOURS[1], "s", 0.0),
    "both": (COLOURS[2], "D", -0.22),
}


def draw_places(path: Path, rows: Sequence[Mapping[str, Any]], figures: Mapping[str, str]) -> None:
    """Each place's figures by training; ``figures`` maps columns to what they are called."""
    save_png(_places(rows, figures), path)


@styled
def _curves(panels: Sequence[tuple[str, Mapping[str, Curve]]]) -> Any:
    figure = canvas(9.6, 3.9)
    sides = figure.subplots(1, len(panels), sharey=True)
    for axes, (across, curves) in zip(sides, panels, strict=True):
        for colour, (said, curve) in zip(COLOURS, curves.items(), strict=False):
            sizes, values = list(curve), [np.array(each) for each in curve.values()]
            axes.plot(sizes, [each.mean() for each in values], color=colour, marker="o", label=said)
            low, high = [each.min() for each in values], [each.max() for each in values]
            axes.fill_between(sizes, low, high, color=colour, alpha=0.14, linewidth=0)
        axes.set_xscale("log")
        axes.set_xticks(sizes, [f"{size:g}" for size in sizes])
        axes.minorticks_off()
        axes.set(xlabel=across, ylim=(-0.03, 1.03))
    sides[0].set_title("Figures on the test mixes: mean, and range over the draws")
    handles, labels = sides[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure


def draw_curves(path: Path, panels: Sequence[tuple[str, Mapping[str, Curve]]]) -> None:
    """One panel for each axis of sizes, with the mean and the range of each figure."""
    save_png(_curves(panels), path)
