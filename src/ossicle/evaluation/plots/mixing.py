"""What mixes hold: ratios, sounds, and when and how long they are heard."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ossicle.datasets.dataset import SPLITS, Dataset
from ossicle.datasets.provenance import MixedEvent, mixed_events
from ossicle.errors import EvaluationError
from ossicle.evaluation.plots.style import COLOURS, canvas, styled
from ossicle.evaluation.visible import shorten

__all__ = ["plot_mix"]

MOST_ROWS = 16
"""Sounds with a bar of their own; rarer ones share the last."""

MOST_EXACT = 12
"""Ratios that are exact rather than drawn from a range: with more, a histogram has bins of dB."""

BIN = 2.5
"""dB of a bin."""

OF_ROLE = {"alarm": COLOURS[3], "significant": COLOURS[4]}
OF_PART = dict(zip(SPLITS, COLOURS, strict=False))


@styled
def plot_mix(dataset: Dataset, *, title: str = "") -> Any:
    """Ratios and sounds of each part; lengths and places of alarms and significant sounds.

    Parameters
    ----------
    dataset : Dataset
        Mixes that `mix_dataset` made, all or some.
    title : str
        The data set's name and size by default.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    EvaluationError
        If no mix holds an event.
    """
    events = mixed_events(dataset)
    if not events:
        raise EvaluationError(f"none of {len(dataset)} mixes holds an event; nothing to draw")
    counts = _by_sound(events)
    figure = canvas(9.6, 3.4 + max(2.6, 0.55 + 0.19 * len(counts)))
    (ratios, sounds), (lengths, places) = figure.subplots(2, 2)
    figure.suptitle(
        title or f"{dataset.name}: {len(dataset)} mixes, {len(events)} events",
        x=0.01, ha="left", fontweight="bold", fontsize=12,
    )  # fmt: skip
    _draw_ratios(ratios, events)
    _draw_sounds(sounds, counts)
    _draw_lengths(lengths, events)
    _draw_places(places, events, len(dataset))
    _legend(figure, [f"{part} ({_of_part(events, part).size})" for part in _parts(events)])
    return figure


def _draw_ratios(axes: Any, events: Sequence[MixedEvent]) -> None:
    """Bars side by side: of each part's events the share in a bin."""
    values = np.array([event.snr for event in events])
    exact = np.unique(values)
    is_exact = len(exact) <= MOST_EXACT
    low, high = BIN * np.floor(values.min() / BIN), BIN * np.ceil(values.max() / BIN)
    edges = np.arange(low, max(high, low + BIN) + BIN / 2, BIN)
    places = np.arange(len(exact)) if is_exact else (edges[:-1] + edges[1:]) / 2
    parts = _parts(events)
    width = 0.8 * (1.0 if is_exact else BIN) / len(parts)
    for number, part in enumerate(parts):
        of_part = _of_part(events, part)
        counts = (
            np.array([(of_part == value).sum() for value in exact])
            if is_exact
            else np.histogram(of_part, edges)[0]
        )
        axes.bar(
            places + (number - (len(parts) - 1) / 2) * width,
            100 * counts / of_part.size,
            width, color=OF_PART[part], label=part,
        )  # fmt: skip
    if is_exact:
        axes.set_xticks(places, [f"{value:g}".replace("-", "−") for value in exact])
    axes.set(title="Signal-to-noise ratio", xlabel="dB, as drawn", ylabel="% of the part's events")


def _by_sound(events: Sequence[MixedEvent]) -> list[tuple[str, str, Counter[str]]]:
    """Name, role and count by part of each sound, alarms first, the commonest first."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for event in events:
        found.setdefault((event.role, event.sound or event.role), Counter())[event.split] += 1
    rows = sorted(found.items(), key=lambda row: (row[0][0], -row[1].total(), row[0][1]))
    if len(rows) > MOST_ROWS:
        rest = sum((counts for _, counts in rows[MOST_ROWS - 1 :]), Counter())
        rows = [
            *rows[: MOST_ROWS - 1],
            (("", f"{len(rows) - MOST_ROWS + 1} others"), rest),
        ]
    return [(name, role, counts) for (role, name), counts in rows]


def _draw_sounds(axes: Any, counts: Sequence[tuple[str, str, Counter[str]]]) -> None:
    """One bar a sound, its parts one after the other."""
    rows = np.arange(len(counts))
    left = np.zeros(len(counts))
    for part in SPLITS:
        width = np.array([count[part] for _, _, count in counts], dtype=np.float64)
        if width.any():
            axes.barh(rows, width, 0.72, left=left, color=OF_PART[part], label=part)
        left += width
    axes.set_yticks(rows, [shorten(name, 22) for name, _, _ in counts])
    for text, (_, role, _) in zip(axes.get_yticklabels(), counts, strict=True):
        text.set_fontweight("bold" if role == "alarm" else "normal")
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set(title="Sounds (alarms in bold)", xlabel="events")


def _draw_lengths(axes: Any, events: Sequence[MixedEvent]) -> None:
    lasting = [event.offset - event.onset for event in events]
    edges = np.linspace(0.0, max(lasting), 26)

    def drawn(lengths: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
        return edges, np.histogram(lengths, edges)[0]

    _stairs(axes, events, lambda role: drawn(_column(events, role)[1] - _column(events, role)[0]))
    axes.set(title="How long events last", xlabel="s", ylabel="events", xlim=(0, edges[-1]))


def _draw_places(axes: Any, events: Sequence[MixedEvent], n_mixes: int) -> None:
    """At each time the share of all mixes in which a sound of that role is heard."""
    end = max(event.offset for event in events)
    edges = np.linspace(0.0, end, 51)
    middle = (edges[:-1] + edges[1:]) / 2

    def drawn(role: str) -> tuple[NDArray[Any], NDArray[Any]]:
        onsets, offsets = _column(events, role)
        sounds = (onsets[:, None] <= middle) & (middle < offsets[:, None])
        _, mix = np.unique([e.filename for e in events if e.role == role], return_inverse=True)
        heard = np.zeros((mix.max() + 1, middle.size), np.bool_)
        np.logical_or.at(heard, mix, sounds)
        return edges, 100 * heard.sum(axis=0) / n_mixes

    _stairs(axes, events, drawn)
    axes.set(title="When they are heard", xlabel="s into the mix", ylabel="% of all mixes")
    axes.set(xlim=(0, end))


def _stairs(
    axes: Any,
    events: Sequence[MixedEvent],
    drawn: Callable[[str], tuple[NDArray[Any], NDArray[Any]]],
) -> None:
    """A line and a faint area for each role that occurs."""
    for role, colour in OF_ROLE.items():
        if any(event.role == role for event in events):
            edges, heights = drawn(role)
            axes.stairs(heights, edges, color=colour, linewidth=1.8, label=role)
            axes.stairs(heights, edges, color=colour, alpha=0.12, fill=True)
    axes.set_ylim(bottom=0)


def _column(events: Sequence[MixedEvent], role: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Onsets and offsets of the events of a role."""
    chosen = [(event.onset, event.offset) for event in events if event.role == role]
    onsets, offsets = np.array(chosen).T
    return onsets, offsets


def _parts(events: Sequence[MixedEvent]) -> list[str]:
    return [part for part in SPLITS if any(event.split == part for event in events)]


def _of_part(events: Sequence[MixedEvent], part: str) -> NDArray[np.float64]:
    """The ratios of a part's events."""
    return np.array([event.snr for event in events if event.split == part])


def _legend(figure: Any, parts: Sequence[str]) -> None:
    """Parts and roles once for all, beside the title."""
    ratios, _, lengths, _ = figure.axes
    bars, _ = ratios.get_legend_handles_labels()
    lines, roles = lengths.get_legend_handles_labels()
    figure.legend(
        [*bars, *lines], [*parts, *roles], loc="upper right", ncols=len(parts) + len(roles),
        handlelength=1.1, columnspacing=1.3, borderaxespad=0.6,
    )  # fmt: skip
