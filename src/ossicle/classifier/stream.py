"""Sound in blocks of any size → events: the one path of the offline and the live answer."""

from collections import deque
from collections.abc import Mapping
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ossicle.audio import Resampler
from ossicle.classifier.decision import DecisionState, Question, answer
from ossicle.classifier.trained import Trained
from ossicle.errors import AudioError
from ossicle.features import Piece, WindowCutter
from ossicle.types import QUIET, Event, Floats, Prediction, Samples, Window

__all__ = ["Stream", "answers"]

LOUDEST = 100.0
"""Largest sample taken: 40 dB over full scale; above, samples are integers that were not scaled."""


class _Heard(NamedTuple):
    """One window's answer before calibration; no scores where it was quiet."""

    window: Window
    scores: Mapping[str, NDArray[np.float32]] | None


class Stream:
    """Listens: takes blocks of samples and gives the events that are over.

    The blocks may be of any size; answers never depend on it, bit for bit.

    Parameters
    ----------
    trained : Trained
        For example a `Classifier`.
    sample_rate : int
        Hz, of the blocks.
    history : float, optional
        Seconds that `prediction` looks back. None: to the start, which grows by the hour
        (ten labels every half second: 0.3 MB); for a service that never ends, give a number.
    name : str
        What the prediction is called.
    """

    def __init__(
        self,
        trained: Trained,
        *,
        sample_rate: int,
        history: float | None = None,
        name: str = "samples",
    ) -> None:
        self.name = name
        self._trained = trained
        self._history = history
        self._resampler = Resampler(sample_rate, trained.front_end.sample_rate)
        self.sample_rate = self._resampler.from_rate
        self._cutter = WindowCutter(
            trained.front_end, window=trained.window, window_hop=trained.window_hop
        )
        self._decision = DecisionState(
            trained.decision, trained.questions, window_hop=trained.window_hop
        )
        self._heard: deque[_Heard] = deque(maxlen=self._n_remembered())
        self.reset()

    def reset(self) -> None:
        """Start a new sound, as if nothing had been heard."""
        self._resampler.reset()
        self._cutter.reset()
        self._decision.reset()
        self._heard.clear()
        self._events: list[Event] = []
        self._ended = False

    @property
    def ongoing(self) -> list[Event]:
        """Events that have started and not ended, as far as they reach by now."""
        return self._decision.ongoing

    def push(self, block: Floats) -> list[Event]:
        """Hear the next block.

        Parameters
        ----------
        block : float array, shape (n_samples,)
            In [-1, 1], or signed integers of full scale (16-bit PCM); of any length.

        Returns
        -------
        list of Event
            Those that are over and were not reported before.

        Raises
        ------
        AudioError
            If the block is not one channel of finite samples; the stream stays as it was.
        """
        if self._ended:
            raise AudioError("the stream has ended; call reset() to start a new sound")
        samples = _checked(block, self.name)
        return self._hear(self._cutter.push(self._resampler.push(samples)))

    def finish(self) -> list[Event]:
        """The sound is over: hear what is left and end the open events."""
        if self._ended:
            return []
        pieces = self._cutter.push(self._resampler.finish())
        over = self._hear([*pieces, *self._cutter.finish()]) + self._remember(
            self._decision.finish()
        )
        self._ended = True
        return over

    def prediction(self) -> Prediction:
        """What was made of the sound so far (of the last ``history`` seconds)."""
        heard = list(self._heard)
        quiet = np.array([each.scores is None for each in heard], dtype=bool)
        raw = {each.task.name: _stacked(heard, each) for each in self._trained.questions}
        pooled, labels = answers(self._trained, raw, quiet)
        return Prediction(
            recording=self.name,
            sample_rate=self.sample_rate,
            tasks=self._trained.tasks,
            windows=tuple(each.window for each in heard),
            scores={q.task.name: q.calibrated(raw[q.task.name]) for q in self._trained.questions},
            quiet=quiet,
            pooled=pooled,
            labels=labels,
            events=tuple(sorted(self._events, key=lambda event: event.start)),
        )

    def _hear(self, pieces: list[Piece]) -> list[Event]:
        over: list[Event] = []
        for piece in pieces:
            quiet = piece.level < self._trained.decision.quiet
            scores = None if quiet else self._trained.scores(self._trained.features(piece.frames))
            self._heard.append(_Heard(piece.window, scores))
            over += self._decision.step(piece.window, scores or {}, quiet=quiet)
        return self._remember(over)

    def _remember(self, over: list[Event]) -> list[Event]:
        self._events += over
        if over and self._history is not None and self._heard:
            since = self._heard[0].window.start
            self._events = [event for event in self._events if event.end > since]
        return over

    def _n_remembered(self) -> int | None:
        if self._history is None or self._trained.window_hop is None:
            return None
        return max(1, ceil(self._history / self._trained.window_hop))


def answers(
    trained: Trained, raw: Mapping[str, NDArray[np.float32]], quiet: NDArray[np.bool_]
) -> tuple[dict[str, NDArray[np.float32]], dict[str, str]]:
    """Pooled, calibrated scores and the answer of each task for a whole recording.

    Parameters
    ----------
    trained : Trained
    raw : mapping of task name to float32 array, shape (n_windows, n_labels)
        Before calibration.
    quiet : bool array, shape (n_windows,)
        Windows that do not vote.
    """
    decision = trained.decision
    pooled, labels = {}, {}
    for question in trained.questions:
        name = question.task.name
        if quiet.all():
            pooled[name] = np.zeros(len(question.task.labels), dtype=np.float32)
            labels[name] = QUIET
            continue
        pooled[name] = question.pooled(raw[name][~quiet], decision.pooling)
        labels[name] = answer(question.task, pooled[name], unknown=decision.unknown)
    return pooled, labels


def _stacked(heard: list[_Heard], question: Question) -> NDArray[np.float32]:
    """Scores of a task, zeros where a window was quiet, shape (n_windows, n_labels)."""
    scores = np.zeros((len(heard), len(question.task.labels)), dtype=np.float32)
    for row, each in zip(scores, heard, strict=True):
        if each.scores is not None:
            row[:] = each.scores[question.task.name]
    return scores


def _checked(block: Floats, name: str) -> Samples:
    """The block as float32, or what is wrong with it."""
    samples = np.asarray(block)
    if samples.ndim != 1:
        raise AudioError(
            f"{name}: a block of shape {samples.shape}; allowed is one channel, "
            "shape (n_samples,); average the channels first"
        )
    if samples.dtype.kind == "i":
        samples = samples / 2.0 ** (8 * samples.dtype.itemsize - 1)
    if samples.dtype.kind != "f":
        raise AudioError(
            f"{name}: a block of {samples.dtype}; floats in [-1, 1] or signed integers are allowed"
        )
    worst = float(np.abs(samples).max(initial=0.0))
    if not worst <= LOUDEST:  # also true for NaN
        raise AudioError(
            f"{name}: a block with a sample of {worst:g}; finite samples in [-1, 1] are allowed; "
            "integers must be divided by their full scale"
        )
    return samples.astype(np.float32)
