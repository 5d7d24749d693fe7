"""The data that travels between the floors: frozen, without behaviour beyond pure questions.

Times are seconds, frequencies hertz, levels decibels.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BACKGROUND_LABELS",
    "QUIET",
    "UNKNOWN",
    "Clip",
    "Event",
    "Floats",
    "Prediction",
    "Recording",
    "Samples",
    "Task",
    "TaskKind",
    "Window",
]

Samples = NDArray[np.float32]
"""A signal in [-1, 1], shape ``(n_samples,)``."""

Floats = NDArray[np.floating[Any]]
"""Any floating array."""

TaskKind = Literal["binary", "multiclass", "multilabel", "regression"]

UNKNOWN = "unknown"
"""What a classifier says when no label is likely enough."""

QUIET = "quiet"
"""What a classifier says when there was nothing to hear."""

BACKGROUND_LABELS = frozenset(
    (
        "background",
        "noise",
        "other",
        "silence",
        "quiet",
        "negative",
        "no_alarm",
        "non_alarm",
        "no_event",
        "normal",
    )
)
"""Folder names that mean "nothing to report": compared in lower case, without outer underscores."""

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Recording:
    """One continuous sound file; folds never cut it.

    >>> Recording(Path("kitchen.wav"), licence="CC0").name
    'kitchen.wav'
    """

    path: Path
    licence: str = ""
    author: str = ""
    source: str = ""
    device: str = ""
    place: str = ""

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return self.path.name


@dataclass(frozen=True, slots=True)
class Clip:
    """A labelled excerpt of a recording: the item of a data set.

    ``start`` and ``end`` are seconds into the recording (``end=None``: to its end), ``labels``
    maps each task to its label, ``group`` names what must never be split between training and
    test (source recording, speaker; blank: a group of its own).

    >>> Clip(Recording(Path("siren.wav")), labels={"label": "siren"}).id
    'siren.wav'
    """

    recording: Recording
    start: float = 0.0
    end: float | None = None
    labels: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    group: str = ""
    fold: int | None = None
    split: str = ""
    metadata: Mapping[str, str] = field(default_factory=lambda: _NOTHING)

    @property
    def path(self) -> Path:
        """Where the recording lies."""
        return self.recording.path

    @property
    def id(self) -> str:
        """The recording's name, with the excerpt's limits where it is one."""
        if self.start == 0.0 and self.end is None:
            return self.recording.name
        end = "" if self.end is None else f"{self.end:g}"
        return f"{self.recording.name}[{self.start:g}:{end}]"


@dataclass(frozen=True, slots=True)
class Task:
    """One question put to a sound.

    ``labels`` are in the order of the scores; ``background`` are those that never make an event;
    ``positive`` is the label a binary task's TPR and FPR speak of.

    >>> task = Task("label", "binary", ("alarm", "other"), background=("other",), positive="alarm")
    >>> task.index("other")
    1
    """

    name: str
    kind: TaskKind
    labels: tuple[str, ...]
    background: tuple[str, ...] = ()
    positive: str | None = None

    def index(self, label: str) -> int:
        """Position of ``label`` in the scores."""
        return self.labels.index(label)


@dataclass(frozen=True, slots=True)
class Window:
    """A fixed-length piece of a recording, the thing a model sees."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Event:
    """Something a classifier heard: a label between two times.

    >>> Event("alarm", 1.0, 2.5, 0.93).duration
    1.5
    """

    label: str
    start: float
    end: float
    score: float
    task: str = "label"

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What a classifier made of one recording.

    Parameters
    ----------
    recording : str
        Name of the file, or ``"samples"``.
    sample_rate : int
        Hz, of the sound as it came.
    tasks : tuple of Task
    windows : tuple of Window
    scores : mapping of task name to float32 array, shape (n_windows, n_labels)
        Zero where a window is quiet.
    quiet : bool array, shape (n_windows,)
        Windows below the level gate.
    pooled : mapping of task name to float32 array, shape (n_labels,)
        Scores of the whole recording.
    labels : mapping of task name to str
        The answer for the whole recording: a label, ``"unknown"`` or ``"quiet"``.
    events : tuple of Event
    """

    recording: str
    sample_rate: int
    tasks: tuple[Task, ...]
    windows: tuple[Window, ...]
    scores: Mapping[str, NDArray[np.float32]]
    quiet: NDArray[np.bool_]
    pooled: Mapping[str, NDArray[np.float32]]
    labels: Mapping[str, str]
    events: tuple[Event, ...]

    @property
    def label(self) -> str:
        """The first task's answer for the whole recording."""
        return self.labels[self.tasks[0].name]

    def top(self, k: int = 3, task: str | None = None) -> list[tuple[str, float]]:
        """The ``k`` best labels of the whole recording with their scores, best first."""
        wanted = next(t for t in self.tasks if task is None or t.name == task)
        pooled = self.pooled[wanted.name]
        best = np.argsort(-pooled, kind="stable")[:k]
        return [(wanted.labels[i], float(pooled[i])) for i in best]
