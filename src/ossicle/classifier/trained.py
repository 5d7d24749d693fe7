"""What a bundle holds: everything needed to answer, checked to fit together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ossicle.audio import check_rate
from ossicle.classifier.activation import ACTIVATIONS
from ossicle.classifier.decision import Decision, Question
from ossicle.classifier.network import Network
from ossicle.errors import FeatureError, ModelError
from ossicle.features import FrontEnd, Scaler, integrate, integrated_size, window_lengths
from ossicle.types import Task

__all__ = ["MAX_WINDOW", "Trained"]

MAX_WINDOW = 3600.0
"""Longest window, in seconds."""

MAX_VALUES = 2**24
"""Most values of one window, frames × bands."""

TOLERANCE = 1e-4
"""How far outside [0, 1] a network that gives scores may round."""


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network with the way to it and from it.

    Parameters
    ----------
    tasks : tuple of Task
    front_end : FrontEnd
    network : bytes
        ONNX: ``features`` → one output of logits a task.
    integration : str, optional
        How the frames of a window become one vector; None: the network takes the matrix.
    scaler : Scaler, optional
        Applied to the vector.
    window, window_hop : float, optional
        Seconds. ``window=None``: the whole recording is the one window. ``window_hop=None``:
        half a window, in whole frames.
    activation : mapping of task name to "softmax", "sigmoid" or "identity"
        What is still to be applied to the logits.
    temperature : mapping of task name to float
        Divides the logits; 1 for tasks not named.
    decision : Decision
    metrics, provenance : mapping
        Figures and origin, for the card; any JSON.
    """

    tasks: tuple[Task, ...]
    front_end: FrontEnd
    network: bytes
    integration: str | None = None
    scaler: Scaler | None = None
    window: float | None = None
    window_hop: float | None = None
    activation: Mapping[str, str] = field(default_factory=dict)
    temperature: Mapping[str, float] = field(default_factory=dict)
    decision: Decision = field(default_factory=Decision)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._set(tasks=tuple(self.tasks))
        _check_tasks(self.tasks)
        check_rate(self.front_end.sample_rate, name="sample_rate of the front end")
        self._check_windows()
        usual = {task.name: _usual_activation(task) for task in self.tasks}
        self._set(
            activation={**usual, **self.activation},
            temperature={name: float(value) for name, value in self.temperature.items()},
        )
        self._check_maps()
        if self.scaler is not None:  # as it will be read again: JSON knows double precision only
            mean, scale = self.scaler.mean, self.scaler.scale
            self._set(scaler=Scaler(np.asarray(mean, np.float64), np.asarray(scale, np.float64)))

    def _set(self, **clean: Any) -> None:
        """Replace settings by their clean values while the object is being made."""
        for name, value in clean.items():
            object.__setattr__(self, name, value)

    def __getstate__(self) -> dict[str, Any]:
        """The fields alone: a prepared network cannot be sent to another process."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @cached_property
    def prepared(self) -> Network:
        """The network, ready to run and known to fit the features."""
        network = Network(self.network, n_labels={t.name: len(t.labels) for t in self.tasks})
        shape = _feature_shape(self, network.input_shape)
        network.check_shape(shape)
        if self.scaler is not None and len(self.scaler.mean) != shape[-1]:
            raise ModelError(
                f"the scaler has {len(self.scaler.mean)} columns, the features {shape[-1]}; "
                "was it fitted with another front end or integration?"
            )
        return network

    @property
    def clip_frames(self) -> int | None:
        """Frames that a whole clip must have; None: any number."""
        return _clip_frames(self, self.prepared.input_shape)

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """The tasks as the decision reads them."""
        return tuple(
            Question(task, _exclusive(task, self.activation), self.temperature.get(task.name, 1.0))
            for task in self.tasks
        )

    def features(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the network sees of a window: finished, integrated and scaled frames."""
        matrix = self.front_end.finish(frames)
        if self.clip_frames not in (None, len(matrix)):
            raise FeatureError(
                f"a clip of {len(matrix)} frames; this classifier takes clips of "
                f"{self.clip_frames} frames; train with window= in seconds for clips of any length"
            )
        vector = matrix if self.integration is None else integrate(matrix, how=self.integration)
        if self.scaler is None:
            return vector
        with np.errstate(over="ignore"):  # the network refuses what is not finite
            return self.scaler(vector)

    def scores(self, features: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Activated logits of one window for each task, before calibration."""
        logits = self.prepared(features)
        return {task.name: self._activated(task, logits[task.name]) for task in self.tasks}

    def _activated(self, task: Task, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        scores = ACTIVATIONS[self.activation[task.name]](logits)
        if task.kind == "regression":
            return scores
        if scores.min() < -TOLERANCE or scores.max() > 1 + TOLERANCE:
            raise ModelError(
                f"scores of task {task.name!r} are {scores.tolist()}, outside 0 to 1; "
                "are they logits that need an activation of softmax or sigmoid?"
            )
        return np.clip(scores, 0.0, 1.0)

    def _check_windows(self) -> None:
        if self.window is not None and not 0.0 < self.window <= MAX_WINDOW:
            raise ModelError(f"window is {self.window} s; allowed are 0 to {MAX_WINDOW:g} s")
        lengths = window_lengths(self.front_end, self.window, self.window_hop)
        if lengths is not None and self.window_hop is None:
            self._set(window_hop=lengths[1] / self.front_end.sample_rate)

    def _check_maps(self) -> None:
        names = {task.name for task in self.tasks}
        for what in ("activation", "temperature"):
            strangers = set(getattr(self, what)) - names
            if strangers:
                raise ModelError(f"{what} names {sorted(strangers)}; the tasks are {sorted(names)}")
        for name, kind in self.activation.items():
            if kind not in ACTIVATIONS:
                raise ModelError(
                    f"activation of {name!r} is {kind!r}; allowed are {', '.join(ACTIVATIONS)}"
                )
        for name, value in self.temperature.items():
            if not 1e-3 <= value <= 1e3:
                raise ModelError(f"temperature of {name!r} is {value}; allowed are 0.001 to 1000")


def _usual_activation(task: Task) -> str:
    if task.kind == "regression":
        return "identity"
    return "sigmoid" if task.kind == "multilabel" or len(task.labels) == 1 else "softmax"


def _exclusive(task: Task, activation: Mapping[str, str]) -> bool:
    """Whether the task's scores are shares of one."""
    return _usual_activation(task) == "softmax" and activation[task.name] != "sigmoid"


def _check_tasks(tasks: tuple[Task, ...]) -> None:
    names = [task.name for task in tasks]
    if not tasks or len(set(names)) < len(names):
        raise ModelError(f"tasks are {names}; at least one is needed, each with its own name")
    for task in tasks:
        if not task.labels or len(set(task.labels)) < len(task.labels):
            raise ModelError(
                f"labels of task {task.name!r} are {list(task.labels)}; "
                "at least one is needed, each once"
            )
        strangers = {*task.background, *filter(None, [task.positive])} - set(task.labels)
        if strangers:
            raise ModelError(
                f"task {task.name!r} speaks of {sorted(strangers)}; its labels are "
                f"{list(task.labels)}"
            )


def _feature_shape(trained: Trained, input_shape: Sequence[int | None]) -> tuple[int, ...]:
    """Shape of the features of a window (of a clip of one frame, if any length is taken)."""
    front_end, how = trained.front_end, trained.integration
    lengths = window_lengths(front_end, trained.window, trained.window_hop)
    if lengths is None:
        n_frames = _clip_frames(trained, input_shape) or 1
    else:
        n_frames = front_end.n_frames(lengths[0])
    n_frames = front_end.n_rows(n_frames)
    if n_frames * front_end.n_bands > MAX_VALUES:
        raise ModelError(
            f"a window holds {n_frames} frames of {front_end.n_bands} bands; "
            f"allowed are {MAX_VALUES} values"
        )
    if how is None:
        return n_frames, front_end.n_bands
    return (integrated_size(n_frames, front_end.n_bands, how),)


def _clip_frames(trained: Trained, input_shape: Sequence[int | None]) -> int | None:
    how, n_bands = trained.integration, trained.front_end.n_bands
    if how is None or input_shape[0] is None:
        return input_shape[0]
    if trained.front_end.n_rows(2) == 1:
        return None
    one, two = (integrated_size(n_frames, n_bands, how) for n_frames in (1, 2))
    return None if one == two else input_shape[0] // n_bands
