"""From scores to events: pooling → calibration → threshold → hysteresis → merging → duration.

A `Decision` is the settings; a `DecisionState` is where a stream stands. A whole file is fed
through the same object as a live sound, window by window, so both give the same events.

A window of length W every H seconds speaks for its central H seconds; the first speaks from the
start of the sound, and an event still open at the end lasts until the last window's end.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ossicle.classifier.activation import calibrate
from ossicle.classifier.pooling import POOLINGS, pool
from ossicle.errors import ModelError
from ossicle.types import UNKNOWN, Event, Task, Window

__all__ = ["Decision", "DecisionState", "Question", "answer"]

ROUNDING = 1e-9
"""Seconds below which two times are the same."""


@dataclass(frozen=True)
class Decision:
    """How scores become answers and events.

    Parameters
    ----------
    pooling : "majority", "mean", "max" or "logmean"
        How windows are put together, for the whole recording and for ``pool_windows``.
    pool_windows : int
        Number of latest windows pooled for the events; 1 takes each window as it is.
    threshold : float
        Score at which an event starts, for the labels not named in ``thresholds``.
    thresholds : mapping of label to float
        Thresholds of single labels (of every task that has the label).
    off_ratio : float
        An event goes on until its score falls below its threshold times this (hysteresis).
    unknown : float
        A recording whose best pooled score is below is answered ``"unknown"``.
    quiet : float
        dBFS; windows below are not listened to and do not vote.
    min_duration : float
        Seconds; shorter events are dropped (after merging).
    merge_gap : float
        Seconds; events of one label that are no further apart are one event.

    >>> Decision(thresholds={"alarm": 0.8}).threshold_of("alarm")
    0.8
    """

    pooling: str = "mean"
    pool_windows: int = 1
    threshold: float = 0.5
    thresholds: Mapping[str, float] = field(default_factory=dict)
    off_ratio: float = 0.7
    unknown: float = 0.35
    quiet: float = -60.0
    min_duration: float = 0.0
    merge_gap: float = 0.0

    def __post_init__(self) -> None:
        if self.pooling not in POOLINGS:
            raise ModelError(f"pooling is {self.pooling!r}; allowed are {', '.join(POOLINGS)}")
        if not 1 <= self.pool_windows <= 10_000:
            raise ModelError(f"pool_windows is {self.pool_windows}; allowed are 1 to 10000")
        shares = {"threshold": self.threshold, "off_ratio": self.off_ratio, "unknown": self.unknown}
        shares |= {f"threshold of {label!r}": value for label, value in self.thresholds.items()}
        for name, value in shares.items():
            if not 0.0 <= value <= 1.0:
                raise ModelError(f"{name} is {value}; allowed are 0 to 1, like scores")
        for name in ("min_duration", "merge_gap"):
            if not 0.0 <= getattr(self, name) < np.inf:
                raise ModelError(f"{name} is {getattr(self, name)} s; it must be 0 or more")
        if not -1000.0 <= self.quiet <= 100.0:
            raise ModelError(f"quiet is {self.quiet} dBFS; levels are between about -100 and 0")

    def threshold_of(self, label: str) -> float:
        """Score at which an event of this label starts."""
        return self.thresholds.get(label, self.threshold)


@dataclass(frozen=True)
class Question:
    """A task with what is needed to read its scores.

    ``exclusive``: exactly one label is right, scores are shares of one.
    """

    task: Task
    exclusive: bool
    temperature: float = 1.0

    @property
    def makes_events(self) -> bool:
        """Whether the task's labels can be heard at all (those of a regression cannot)."""
        return self.task.kind != "regression"

    def calibrated(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """The scores with the task's temperature."""
        return calibrate(scores, temperature=self.temperature, exclusive=self.exclusive)

    def pooled(self, scores: NDArray[np.float32], how: str) -> NDArray[np.float32]:
        """Calibrated score of several windows, shape ``(n_windows, n_labels)``, as one."""
        if not self.makes_events:
            return pool(scores, how="mean", exclusive=False)
        return self.calibrated(pool(scores, how=how, exclusive=self.exclusive))


def answer(task: Task, pooled: NDArray[np.float32], *, unknown: float) -> str:
    """The label a whole recording is given: the best, or ``"unknown"`` if that is not enough.

    The answer of a regression is its first value, written out.

    >>> task = Task("label", "multiclass", ("siren", "bell", "other"))
    >>> answer(task, np.float32([0.34, 0.33, 0.33]), unknown=0.35)
    'unknown'
    """
    if task.kind == "regression":
        return f"{pooled[0]:g}"
    best = int(pooled.argmax())
    return task.labels[best] if pooled[best] >= unknown else UNKNOWN


class DecisionState:
    """Where a stream of windows stands: latest scores, and events that may go on.

    Parameters
    ----------
    decision : Decision
    questions : sequence of Question
    window_hop : float, optional
        Seconds between windows; None: the whole sound is the one window.

    >>> task = Task("label", "binary", ("alarm", "other"), background=("other",))
    >>> state = DecisionState(Decision(), [Question(task, exclusive=True)], window_hop=0.5)
    >>> scores = {"label": np.float32([0.9, 0.1])}
    >>> state.step(Window(0.0, 1.0), scores, quiet=False)
    []
    >>> state.step(Window(0.5, 1.5), {}, quiet=True)[0].end
    0.75
    """

    def __init__(
        self, decision: Decision, questions: Sequence[Question], *, window_hop: float | None
    ) -> None:
        self.decision = decision
        self.questions = tuple(questions)
        self._window_hop = window_hop
        self.reset()

    def reset(self) -> None:
        """Forget everything heard."""
        self._tracks = [_Track(question, self.decision) for question in self.questions]
        self._start = 0.0
        self._end = 0.0

    @property
    def ongoing(self) -> list[Event]:
        """Events that have started and not ended, as far as they reach by now."""
        return [event for track in self._tracks for event in track.ongoing()]

    def step(
        self, window: Window, scores: Mapping[str, NDArray[np.float32]], *, quiet: bool
    ) -> list[Event]:
        """Take the scores of the next window and return the events that are over.

        Parameters
        ----------
        window : Window
            One hop after the last one.
        scores : mapping of task name to float32 array, shape (n_labels,)
            Before calibration; not looked at if quiet.
        quiet : bool
            Whether the window is below the level gate.

        Returns
        -------
        list of Event
            By start, then in the order of tasks and labels.
        """
        end = window.end
        if self._window_hop is not None:
            end = (window.start + window.end + self._window_hop) / 2
        over = []
        for track in self._tracks:
            heard = None if quiet else scores[track.question.task.name]
            over += track.step(self._start, end, heard)
        self._start, self._end = end, window.end
        return sorted(over, key=_start)

    def finish(self) -> list[Event]:
        """The sound is over: end the events still open at the last window's end."""
        over = [event for track in self._tracks for event in track.finish(self._end)]
        return sorted(over, key=_start)


class _Track:
    """The latest scores and open events of one task."""

    def __init__(self, question: Question, decision: Decision) -> None:
        task = question.task
        self.question = question
        self._decision = decision
        self._latest: deque[NDArray[np.float32] | None] = deque(maxlen=decision.pool_windows)
        # float32, like the scores they are compared with: 0.7 reaches a threshold of 0.7.
        self._on_at = np.array([decision.threshold_of(name) for name in task.labels], np.float32)
        self._off_at = self._on_at * np.float32(decision.off_ratio)
        reportable = [name not in task.background for name in task.labels]
        self._reportable = np.array(reportable) & question.makes_events
        self._on = np.zeros(len(task.labels), dtype=bool)
        self._events: dict[int, Event] = {}  # label index: open, or closed and waiting to merge

    def step(self, start: float, end: float, scores: NDArray[np.float32] | None) -> list[Event]:
        """Take the window that speaks for ``start`` to ``end``; None: it was quiet."""
        self._latest.append(scores)
        pooled = self._pooled()
        self._on = self._now_on(pooled)
        over: list[Event] = []
        for index in sorted({*self._events, *np.flatnonzero(self._on).tolist()}):
            if self._on[index]:
                over += self._extend(index, start, end, float(pooled[index]))
            elif self._apart(end, index):
                over += self._close(index)
        return over

    def finish(self, end: float) -> list[Event]:
        """Close everything; what is still on lasts until ``end``."""
        over: list[Event] = []
        for index in sorted(self._events):
            if self._on[index]:
                self._events[index] = replace(self._events[index], end=end)
            over += self._close(index)
        self._on[:] = False
        return over

    def ongoing(self) -> list[Event]:
        return [self._events[index] for index in np.flatnonzero(self._on).tolist()]

    def _pooled(self) -> NDArray[np.float32]:
        heard = [scores for scores in self._latest if scores is not None]
        if not heard:
            return np.zeros(len(self._on), dtype=np.float32)
        return self.question.pooled(np.stack(heard), self._decision.pooling)

    def _now_on(self, pooled: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Threshold and hysteresis: which labels are heard now.

        Of labels that exclude each other one at most is on: the best of those that can make
        events, if it reaches its threshold, else the one before while it lasts.
        """
        reaching = self._reportable & (pooled >= self._on_at) & (pooled > 0)
        lasting = self._on & (pooled >= self._off_at) & (pooled > 0)
        if not self.question.exclusive:
            return np.asarray(reaching | lasting)
        best = int(np.where(self._reportable, pooled, -1.0).argmax())
        if not reaching[best]:
            return np.asarray(lasting)
        return np.asarray(np.arange(len(pooled)) == best)

    def _extend(self, index: int, start: float, end: float, score: float) -> list[Event]:
        """Lengthen the label's event, or start one if the last is too long ago."""
        over = self._close(index) if self._apart(start, index) else []
        event = self._events.get(index)
        if event is None:
            task = self.question.task
            event = Event(task.labels[index], start, end, score, task.name)
        self._events[index] = replace(event, end=end, score=max(event.score, score))
        return over

    def _apart(self, time: float, index: int) -> bool:
        """Whether an event that starts at ``time`` is too late to be merged."""
        event = self._events.get(index)
        return event is not None and time - event.end > self._decision.merge_gap + ROUNDING

    def _close(self, index: int) -> list[Event]:
        event = self._events.pop(index)
        return [event] if event.duration >= self._decision.min_duration - ROUNDING else []


def _start(event: Event) -> float:
    return event.start
