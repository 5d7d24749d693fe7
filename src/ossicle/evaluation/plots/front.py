"""The Pareto front: all configurations, those that no other beats, and the one that was chosen."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import EvaluationError
from ossicle.evaluation.plots.labels import nearer_to_others, place_labels
from ossicle.evaluation.plots.listing import Entry, draw_entries, height_of, wrapped
from ossicle.evaluation.plots.ranges import fit_axis, said_as
from ossicle.evaluation.plots.style import COLOURS, GREY, ORANGE, canvas, styled, words
from ossicle.evaluation.visible import visible

__all__ = ["plot_front"]

WIDTH, HEIGHT = 10.4, 5.4
"""Inches of the figure, which grows in height where the list needs it."""

WIDTHS = {2: 46, 3: 120}
"""Letters of a line of the list, by the number of objectives."""

LISTED = 16
"""Points of the front named in the list; the rest are counted."""

RING = 6.2
"""Radius in points of the ring around the chosen configuration."""

_ROUND = np.array([[np.cos(a), np.sin(a)] for a in np.arange(24) * np.pi / 12])

Points = NDArray[np.float64]
Place = list[int]


@styled
def plot_front(
    rows: Sequence[Mapping[str, object]],
    *,
    x: str,
    y: str,
    z: str | None = None,
    front: Sequence[int | str],
    chosen: int | str | None = None,
    name: Sequence[str] = ("name", "model", "front_end", "integration"),
    title: str = "Pareto front",
) -> Any:
    """All configurations as points, the front joined and numbered, the choice ringed.

    Three objectives are drawn as two pictures side by side, ``y`` over ``x`` and ``y`` over ``z``,
    with the list below them; a configuration has the same number in both. Axes of bytes, times and
    operations are logarithmic, and no axis shows less than a range in which differences mean
    something.

    Parameters
    ----------
    rows : sequence of mapping
        One per configuration; the columns of the axes hold numbers (a row without is left out).
    x, y : str
        Columns of the axes.
    z : str, optional
        Column of a third objective, such as ``latency_ms`` beside ``bytes``.
    front : sequence of int or str
        The rows on the front: their indices, or what they hold in the column ``id``.
    chosen : int or str, optional
        The row that was taken.
    name : sequence of str
        Columns that name a configuration in the list, those that are there.
    title : str

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    EvaluationError
        If no row has numbers in all columns, or a row is not there.
    """
    columns = (x, y) if z is None else (x, y, z)
    points = _points(rows, columns)
    places = _places(points, [_index(rows, row) for row in front])
    taken = None if chosen is None else _index(rows, chosen)
    listed = _listed(points, places, taken)
    entries = _entries(rows, listed, taken, name=name, measured=columns)
    figure, panels, aside = _parted(len(columns) - 1, height_of(entries))
    across = [0, *range(2, len(columns))]
    for axes, column in zip(panels, across, strict=True):
        _draw_panel(axes, points[:, [column, 1]], places, taken, columns=(columns[column], y))
    panels[0].set_title(title)
    panels[0].legend(loc="best", borderaxespad=1.0)
    draw_entries(aside, entries, left=len(places) - len(listed))
    figure.draw_without_rendering()  # settles the layout, so that pixels can be measured
    for axes, column in zip(panels, across, strict=True):
        _number_places(axes, points[:, [column, 1]], listed, taken)
    return figure


def _draw_panel(
    axes: Any,
    points: Points,
    places: Sequence[Place],
    taken: int | None,
    *,
    columns: tuple[str, str],
) -> None:
    """One picture: two columns of all configurations."""
    _draw_all(axes, points)
    _draw_front(axes, points, places)
    _draw_chosen(axes, points, taken)
    axes.set(xlabel=words(columns[0]), ylabel=words(columns[1]))
    fit_axis(axes.xaxis, points[:, 0], columns[0])
    fit_axis(axes.yaxis, points[:, 1], columns[1])


def _points(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> Points:
    """The rows as numbers; one that lacks any is no point."""
    points = np.array([[_number(row.get(column)) for column in columns] for row in rows])
    points = points.reshape(-1, len(columns))
    complete = np.isfinite(points).all(axis=1)
    if complete.any():
        return np.where(complete[:, None], points, np.nan)
    known = sorted({column for row in rows for column in row})
    raise EvaluationError(
        f"no row has numbers in all of {', '.join(map(repr, columns))}; {len(rows)} rows with the "
        f"columns: {', '.join(known) or 'none'}"
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float | np.number) else float("nan")


def _places(points: Points, front: Sequence[int]) -> list[Place]:
    """The points of the front from left to right, each with its rows (equal rows share one)."""
    places: dict[tuple[float, ...], Place] = {}
    for index in front:
        if np.isfinite(points[index]).all():
            places.setdefault(tuple(points[index]), []).append(int(index))
    return [places[at] for at in sorted(places)]


def _listed(points: Points, places: Sequence[Place], taken: int | None) -> list[Place]:
    """The places to name: all, or of each stretch of a long front the chosen or the highest."""
    if len(places) <= LISTED:
        return list(places)
    stretches = np.array_split(np.arange(len(places)), LISTED)

    def height(at: int) -> tuple[bool, float]:
        return taken in places[at], float(points[places[at][0], 1])

    return [places[max(map(int, stretch), key=height)] for stretch in stretches]


def _index(rows: Sequence[Mapping[str, object]], row: int | str) -> int:
    """Where a row named by its index or id is."""
    if isinstance(row, str):
        row = next((i for i, one in enumerate(rows) if one.get("id") == row), -1)
    if not 0 <= row < len(rows):
        raise EvaluationError(
            f"a row of the front or the chosen one is not among the {len(rows)} rows; wanted an "
            f"index from 0 to {len(rows) - 1} or what a row holds in the column id"
        )
    return int(row)


def _draw_all(axes: Any, points: Points) -> None:
    n = int(np.isfinite(points).all(axis=1).sum())
    said = f"{n} configuration{'s' if n != 1 else ''}"
    axes.scatter(
        *points.T, s=22, color=GREY, alpha=0.55, linewidth=0, zorder=2, label=said, clip_on=False
    )


def _draw_front(axes: Any, points: Points, places: Sequence[Place]) -> None:
    if not places:
        return
    line = points[[place[0] for place in places]]
    steps = np.diff(line[:, 1])
    # Seen along two of three objectives a front is no curve: join it only where it is one.
    joined = "-" if (steps >= 0).all() or (steps <= 0).all() else "none"
    axes.plot(
        *line.T,
        color=COLOURS[0],
        linestyle=joined,
        marker="o",
        markersize=6.5,
        markeredgecolor="white",
        markeredgewidth=0.9,
        zorder=3,
        clip_on=False,
        label=f"Pareto front ({sum(map(len, places))})",
    )


def _draw_chosen(axes: Any, points: Points, chosen: int | None) -> None:
    if chosen is not None and np.isfinite(points[chosen]).all():
        axes.scatter(
            *points[chosen],
            s=(2 * RING) ** 2,
            facecolor="none",
            edgecolor=ORANGE,
            linewidth=2.2,
            zorder=4,
            clip_on=False,
            label="chosen",
        )


def _number_places(axes: Any, points: Points, places: Sequence[Place], taken: int | None) -> None:
    """Write the numbers of the list next to their points, clear of points, line and legend."""
    if not places:
        return
    pixels = axes.figure.dpi / 72
    anchors = axes.transData.transform(points[[place[0] for place in places]])
    sizes = np.array([[6.2 * len(str(n + 1)), 9.5] for n in range(len(places))]) * pixels
    box = axes.get_window_extent()
    others = axes.transData.transform(points[np.isfinite(points).all(axis=1)])
    ring = [] if taken is None else axes.transData.transform(points[taken]) + RING * pixels * _ROUND
    corners = place_labels(
        anchors,
        sizes,
        bounds=(box.x0, box.y0, box.x1, box.y1),
        obstacles=np.concatenate(
            [others, _along(anchors), np.reshape(ring, (-1, 2)), _inside_of(axes.get_legend())]
        ),
        gap=6.5 * pixels,
    )
    for number, anchor in enumerate(anchors):
        centre = corners[number] + sizes[number] / 2
        unclear = bool(nearer_to_others(centre[None], anchor, anchors)[0])
        _write_number(axes, str(number + 1), anchor, (centre - anchor) / pixels, led=unclear)


def _along(line: Points) -> Points:
    """Points closely spaced along a line of pixels."""
    steps = np.linspace(0, 1, 40)[:, None, None]
    between: Points = (line[:-1] + steps * (line[1:] - line[:-1])).reshape(-1, 2)
    return between


def _inside_of(legend: Any) -> Points:
    """Points that fill the legend, if there is one, so that numbers keep out of it."""
    if legend is None:
        return np.empty((0, 2))
    box = legend.get_window_extent()
    across, up = np.linspace(box.x0, box.x1, 24), np.linspace(box.y0, box.y1, 12)
    return np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)


def _write_number(axes: Any, text: str, anchor: Any, offset: Any, *, led: bool) -> None:
    """Write at an offset in points, with a line to the point where the eye needs one."""
    led = led or float(np.hypot(*offset)) > 18
    axes.annotate(
        text,
        axes.transData.inverted().transform(anchor),
        xytext=offset,
        textcoords="offset points",
        ha="center",
        va="center",
        fontsize=8.5,
        fontweight="bold",
        color=COLOURS[0],
        zorder=5,
        annotation_clip=False,
        arrowprops={"arrowstyle": "-", "color": COLOURS[0], "linewidth": 0.6, "shrinkB": 4}
        if led
        else None,
    )


def _entries(
    rows: Sequence[Mapping[str, object]],
    places: Sequence[Place],
    chosen: int | None,
    *,
    name: Sequence[str],
    measured: Sequence[str],
) -> list[Entry]:
    """What the list says of each numbered point."""
    width = WIDTHS[len(measured)]
    entries = []
    for place in places:
        row = chosen if chosen in place else place[0]
        parts = [str(rows[row][column]) for column in name if column in rows[row]]
        said = wrapped(" · ".join(parts) or str(rows[row].get("id", f"row {row}")), width)
        figures = " · ".join(
            visible(said_as(column, _number(rows[row][column]))) for column in measured
        )
        equal = f" · and {len(place) - 1} more, equal" if len(place) > 1 else ""
        entries.append(Entry(said, figures + equal, row == chosen))
    return entries


def _parted(n_panels: int, listed: float) -> tuple[Any, list[Any], Any]:
    """A figure, its panels and the part for the list: beside one panel, below two."""
    if n_panels == 1:
        figure = canvas(WIDTH, max(HEIGHT, listed + 0.6))
        parts = figure.subplot_mosaic([["0", "list"]], width_ratios=(1.6, 1.0))
    else:
        figure = canvas(WIDTH, HEIGHT - 0.6 + listed)
        mosaic, ratios = [["0", "1"], ["list", "list"]], (HEIGHT - 1.6, listed)
        parts = figure.subplot_mosaic(mosaic, height_ratios=ratios)
    return figure, [parts[str(place)] for place in range(n_panels)], parts["list"]
