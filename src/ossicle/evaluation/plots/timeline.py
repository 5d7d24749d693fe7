"""What was heard when: a spectrogram, the scores over it, and the events underneath."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import EvaluationError
from ossicle.evaluation.plots.style import COLOURS, FAINT, GREY, INK, canvas, styled
from ossicle.evaluation.visible import shorten
from ossicle.features import LogMel
from ossicle.features.mel import band_edges
from ossicle.types import Event, Prediction, Samples, Task

__all__ = ["plot_timeline"]

COLUMNS = 1600
"""Most columns of the spectrogram: more cannot be seen."""

RANGE = 70.0
"""Most decibels between the darkest and the brightest colour."""


@styled
def plot_timeline(
    samples: Samples,
    sample_rate: int,
    prediction: Prediction,
    truth: Sequence[Event] | None = None,
    *,
    task: str | None = None,
    thresholds: Mapping[str, float] | float | None = None,
    title: str | None = None,
) -> Any:
    """Spectrogram, scores with their threshold, and events of one recording.

    Parameters
    ----------
    samples : float array, shape (n_samples,)
        The sound that the prediction is about.
    sample_rate : int
        Hz.
    prediction : Prediction
    truth : sequence of Event, optional
        What a person heard, drawn above what the classifier heard.
    task : str, optional
        Name of the task; the first by default.
    thresholds : float or mapping of label to float, optional
        Drawn as dashed lines; a prediction does not carry them.
    title : str, optional
        By default the recording's name and the answer for the whole of it.

    Returns
    -------
    matplotlib.figure.Figure
    """
    asked = _task(prediction, task)
    heard = [event for event in prediction.events if event.task == asked.name]
    annotated = [event for event in truth or () if event.task == asked.name]
    colours = _colours(asked, prediction, [*heard, *annotated])
    lanes = [label for label in colours if any(e.label == label for e in [*heard, *annotated])]
    figure = canvas(10.0, 4.6 + 0.3 * max(len(lanes), 1))
    above, middle, below = figure.subplots(
        3, 1, sharex=True, height_ratios=(2.4, 1.5, 0.34 * max(len(lanes), 1) + 0.1)
    )
    _draw_spectrogram(above, samples, sample_rate)
    above.set_title(
        title or f"{shorten(prediction.recording, 60)}: {prediction.labels[asked.name]}"
    )
    _draw_scores(middle, prediction, asked, colours, thresholds)
    _draw_lanes(below, heard, annotated, lanes, colours)
    _label_time(below, len(samples) / sample_rate)
    figure.align_ylabels()
    return figure


def _task(prediction: Prediction, name: str | None) -> Task:
    for task in prediction.tasks:
        if name in (None, task.name):
            return task
    known = ", ".join(task.name for task in prediction.tasks)
    raise EvaluationError(f"the prediction has no task {name!r}; allowed: {known or 'none'}")


def _colours(task: Task, prediction: Prediction, events: Sequence[Event]) -> dict[str, str]:
    """A colour for each label worth drawing: those of events, then the highest scores.

    In the order of the task, so that a label keeps its colour where few are drawn.
    """
    scores = prediction.scores[task.name]
    highest = scores.max(axis=0) if len(scores) else np.zeros(len(task.labels))
    ranked = [task.labels[i] for i in np.argsort(-highest, kind="stable")]
    seen = {event.label for event in events}
    wanted = [*(x for x in ranked if x in seen), *sorted(seen - set(ranked))]
    wanted += [x for x in ranked if x not in seen and x not in task.background]
    order = {label: i for i, label in enumerate(task.labels)}
    shown = sorted(
        wanted[: max(len(COLOURS), len(seen))], key=lambda x: (order.get(x, len(order)), x)
    )
    return {x: COLOURS[i] if i < len(COLOURS) else GREY for i, x in enumerate(shown)}


def _draw_spectrogram(axes: Any, samples: Samples, sample_rate: int) -> None:
    n_fft = 2 ** max(6, round(np.log2(0.064 * sample_rate)))
    n_mels = min(64, n_fft // 8)
    front_end = LogMel(sample_rate=sample_rate, n_fft=n_fft, hop_length=n_fft // 4, n_mels=n_mels)
    image = _thinned(np.asarray(front_end(samples)).T)
    faintest, loudest = np.quantile(image, [0.05, 0.999])
    axes.imshow(
        image,
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=max(float(faintest), float(loudest) - RANGE),
        vmax=float(loudest),
        extent=(0, len(samples) / sample_rate, -0.5, n_mels - 0.5),
        interpolation="nearest",
    )
    axes.grid(visible=False)
    axes.tick_params(axis="x", length=0)
    _label_hertz(axes, sample_rate, n_mels)


def _thinned(image: NDArray[Any]) -> NDArray[Any]:
    """At most ``COLUMNS`` columns, each the loudest of those it stands for."""
    step = -(-image.shape[1] // COLUMNS)
    return np.maximum.reduceat(image, np.arange(0, image.shape[1], step), axis=1)


def _label_hertz(axes: Any, sample_rate: int, n_mels: int) -> None:
    edges = band_edges(n_mels, fmin=0.0, fmax=sample_rate / 2, mel_scale="slaney")
    hertz = [x for x in (100, 500, 1000, 2000, 4000, 8000, 20_000, 50_000) if x <= edges[-1]]
    places = np.interp(hertz, edges, np.arange(-1, n_mels + 1))
    axes.set_yticks(places, [f"{x / 1000:g}" for x in hertz])
    axes.set(ylabel="kHz", ylim=(-0.5, n_mels - 0.5))


def _draw_scores(
    axes: Any,
    prediction: Prediction,
    task: Task,
    colours: Mapping[str, str],
    thresholds: Mapping[str, float] | float | None,
) -> None:
    edges = _edges(prediction)
    for label in [x for x in colours if x in task.labels][: len(COLOURS)]:
        scores = prediction.scores[task.name][:, task.index(label)]
        axes.stairs(
            scores,
            edges,
            baseline=None,
            color=colours[label],
            linewidth=1.5,
            label=shorten(label, 20),
        )
    _shade_quiet(axes, prediction.quiet, edges)
    _draw_thresholds(axes, colours, thresholds)
    axes.set(ylabel="score", ylim=(-0.04, 1.04))
    axes.tick_params(axis="x", length=0)
    axes.legend(
        loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=7, borderaxespad=0.1, fontsize=8
    )


def _edges(prediction: Prediction) -> NDArray[np.float64]:
    """Times between which each window's score is drawn: half way to its neighbours."""
    if not prediction.windows:
        return np.zeros(1)
    first, last = prediction.windows[0].start, prediction.windows[-1].end
    centres = np.array([(window.start + window.end) / 2 for window in prediction.windows])
    return np.concatenate([[first], (centres[1:] + centres[:-1]) / 2, [last]])


def _shade_quiet(axes: Any, quiet: NDArray[np.bool_], edges: NDArray[np.float64]) -> None:
    named = "quiet"
    for start, end in _runs(quiet):
        axes.axvspan(
            edges[start], edges[end], color="#e4e7eb", linewidth=0, zorder=0.5, label=named
        )
        named = "_"  # one entry in the legend


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Half-open limits of each stretch of true."""
    steps = np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8))
    return list(zip(np.flatnonzero(steps == 1), np.flatnonzero(steps == -1), strict=True))


def _draw_thresholds(
    axes: Any, colours: Mapping[str, str], thresholds: Mapping[str, float] | float | None
) -> None:
    if thresholds is None:
        return
    if isinstance(thresholds, Mapping):
        levels = {label: thresholds[label] for label in colours if label in thresholds}
    else:
        levels = dict.fromkeys(colours, thresholds)
    look = {"linestyle": (0, (4, 3)), "linewidth": 1}
    if len(set(levels.values())) == 1:
        axes.axhline(next(iter(levels.values())), color=FAINT, label="threshold", **look)
        return
    for label, level in levels.items():
        axes.axhline(level, color=colours[label], alpha=0.7, **look)
    if levels:
        axes.plot([], [], color=FAINT, label="thresholds", **look)


def _draw_lanes(
    axes: Any,
    heard: Sequence[Event],
    annotated: Sequence[Event],
    lanes: Sequence[str],
    colours: Mapping[str, str],
) -> None:
    """One lane per label: the truth as a thin grey bar above what was heard."""
    for event in annotated:
        axes.barh(
            lanes.index(event.label) - 0.3, event.duration, 0.2, event.start, color=GREY, zorder=2
        )
    for event in heard:
        place = lanes.index(event.label) + (0.1 if annotated else 0.0)
        axes.barh(place, event.duration, 0.52, event.start, color=colours[event.label], zorder=2)
    axes.set_yticks(range(len(lanes)), [shorten(label, 20) for label in lanes], color=INK)
    axes.set_ylim(max(len(lanes), 1) - 0.45, -0.55)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    if not lanes:
        axes.text(
            0.5, 0.5, "no events", transform=axes.transAxes, ha="center", va="center", color=FAINT
        )
    elif annotated:
        said = "thin grey: annotated · coloured: heard"
        axes.text(1, 1.02, said, transform=axes.transAxes, ha="right", fontsize=7.5, color=FAINT)


def _label_time(axes: Any, duration: float) -> None:
    axes.set_xlim(0, duration)
    if duration <= 120:
        axes.set_xlabel("s")
        return
    axes.set_xlabel("min:s" if duration < 7200 else "h:min")
    unit = 1 if duration < 7200 else 60
    step = next((x for x in _TIDY if duration / x <= 13), duration / 12)
    ticks = np.arange(0, duration + 1e-6, step)
    axes.set_xticks(ticks, [f"{int(t // unit) // 60}:{int(t // unit) % 60:02d}" for t in ticks])


_TIDY = (10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400)
