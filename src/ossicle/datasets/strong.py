"""Strong labels, which say when a sound was heard: as events, and as windows to learn from.

Each window of a recording is compared with the recording's events. An event counts in a window if
it fills a share of the window, or if a share of the event lies in it: so a syllable of 50 ms counts
in a window of a second, and so does a siren that goes on for a minute.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ossicle.audio import info
from ossicle.errors import DatasetError
from ossicle.types import Clip, Event, Task

__all__ = ["by_recording", "clip_event", "whole_recordings", "window_clips", "window_labels"]

SHORTEST_WINDOW = 1e-3
"""Seconds; shorter windows are a mistyped unit, and more of them than memory holds."""

_ROUNDING = 1e-6
"""Seconds by which the last window may pass the end of its recording."""


def clip_event(clip: Clip, task: Task) -> Event:
    """A labelled excerpt as the event that it is; it opens the file if it goes to its end.

    >>> from ossicle.types import Recording
    >>> clip = Clip(Recording(Path("1.wav")), 0.5, 2.0, {"label": "bell"})
    >>> clip_event(clip, Task("label", "multiclass", ("bell",)))
    Event(label='bell', start=0.5, end=2.0, score=1.0, task='label')
    """
    end = info(clip.path).duration if clip.end is None else clip.end
    return Event(clip.labels[task.name], clip.start, end, 1.0, task.name)


def by_recording(clips: Iterable[Clip]) -> dict[Path, list[Clip]]:
    """The clips of each recording, in their order."""
    found: dict[Path, list[Clip]] = {}
    for clip in clips:
        found.setdefault(clip.path, []).append(clip)
    return found


def window_labels(
    events: Sequence[Event],
    *,
    duration: float,
    length: float,
    hop: float,
    min_overlap: float = 0.5,
) -> list[str | None]:
    """The label of each window of one recording.

    Parameters
    ----------
    events : sequence of Event
    duration : float
        Seconds of the recording; shorter than ``length``, it is one window.
    length, hop : float
        Seconds of a window, and from one to the next.
    min_overlap : float
        Share of the window or of the event, whichever is shorter, that they have in common for
        the event to count.

    Returns
    -------
    list of str or None
        The label whose events that count cover most of the window; ``""`` where there is no event
        at all; None where events reach into the window and none counts.

    >>> bell = Event("bell", 1.0, 2.0, 1.0)
    >>> window_labels([bell], duration=4.0, length=1.0, hop=0.5)
    ['', 'bell', 'bell', 'bell', '', '', '']
    >>> window_labels([bell], duration=4.0, length=1.0, hop=0.5, min_overlap=0.6)
    ['', None, 'bell', None, '', '', '']
    """
    starts = window_starts(duration, length=length, hop=hop)
    labels = list(dict.fromkeys(event.label for event in events))
    covered = np.zeros((len(labels), len(starts)))
    touched = np.zeros(len(starts), dtype=np.bool_)
    for event in events:
        first = max(0, math.floor((event.start - length) / hop))
        near = slice(first, max(first, math.ceil(event.end / hop) + 1))
        ends = np.minimum(starts[near] + length, event.end)
        shared = ends - np.maximum(starts[near], event.start)
        needed = min_overlap * min(length, event.duration)
        touched[near] |= shared > _ROUNDING
        counts = shared >= max(needed - _ROUNDING, _ROUNDING)
        covered[labels.index(event.label), near] += np.where(counts, shared, 0.0)
    pairs = zip(covered.T, touched.tolist(), strict=True)
    return [_label(labels, column, hit) for column, hit in pairs]


def _label(labels: Sequence[str], covered: NDArray[np.float64], touched: bool) -> str | None:
    if len(covered) and covered.max() > 0.0:
        return labels[int(covered.argmax())]
    return None if touched else ""


def window_starts(duration: float, *, length: float, hop: float) -> NDArray[np.float64]:
    """Where the whole windows of a recording begin; one window where it is shorter."""
    n_windows = 1 + math.floor(max(0.0, duration - length + _ROUNDING) / hop)
    return np.arange(n_windows, dtype=np.float64) * hop


def window_clips(
    clips: Sequence[Clip],
    task: Task,
    *,
    length: float,
    hop: float,
    min_overlap: float,
    background: str | None,
) -> tuple[Clip, ...]:
    """The windows of all recordings that have a label, as clips; see `Dataset.windows`."""
    allowed = SHORTEST_WINDOW <= length < math.inf and SHORTEST_WINDOW <= hop < math.inf
    if not (allowed and 0.0 <= min_overlap <= 1.0):
        raise DatasetError(
            f"windows of {length} s every {hop} s with an overlap of {min_overlap}; seconds "
            f"from {SHORTEST_WINDOW:g} and an overlap from 0 to 1 are allowed"
        )
    windows: list[Clip] = []
    for excerpts in by_recording(clips).values():
        about = _whole(excerpts)
        duration = info(about.path).duration
        events = [clip_event(clip, task) for clip in excerpts if task.name in clip.labels]
        found = window_labels(
            events, duration=duration, length=length, hop=hop, min_overlap=min_overlap
        )
        for number, label in enumerate(found):
            name = label or (background if label == "" else None)
            if name is not None:
                start, labels = round(number * hop, 9), MappingProxyType({task.name: name})
                end = min(round(start + length, 9), duration)
                windows.append(replace(about, start=start, end=end, labels=labels))
    return tuple(windows)


def whole_recordings(clips: Iterable[Clip]) -> list[Clip]:
    """Each recording as one clip without labels, in the group, fold and split of its clips.

    Raises
    ------
    DatasetError
        If one recording is in two groups, folds or splits.
    """
    return [_whole(excerpts) for excerpts in by_recording(clips).values()]


def _whole(excerpts: Sequence[Clip]) -> Clip:
    """The recording of some excerpts as a clip without labels, in their group, fold and split."""
    first = excerpts[0]
    for part in ("group", "fold", "split"):
        found = {getattr(clip, part) for clip in excerpts}
        if len(found) > 1:
            names = " and ".join(sorted(map(repr, map(str, found))))
            raise DatasetError(
                f"{first.recording.name} is in {part} {names}; a recording that is cut into "
                "windows is in one only"
            )
    return Clip(first.recording, group=first.group, fold=first.fold, split=first.split)
