"""Learning what is normal from normal rows alone, and calling abnormal what is far from it.

A fitted score says how abnormal a row is; the threshold is where a chosen part of the training
rows lies above it. The logit of the abnormal label is the distance to the threshold in standard
deviations of the training rows' scores, that of the normal one 0.
"""

import abc
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import ModelError
from ossicle.models.graph import Graph
from ossicle.models.model import Matrix, Model, Targets
from ossicle.models.settings import check_number, check_seed
from ossicle.types import TaskKind

__all__ = ["FittedOneClass", "OneClassModel", "Score"]


class Score(Protocol):
    """How abnormal a row is."""

    @property
    def n_features(self) -> int:
        """Columns of a row."""

    def __call__(self, matrix: Matrix) -> NDArray[np.float64]:
        """Higher is more abnormal, shape ``(n_rows,)``."""

    def nodes(self, graph: Graph) -> str:
        """The same as nodes, shape ``(n_rows, 1)``."""


@dataclass(frozen=True)
class OneClassModel(Model):
    """What one-class models share: the threshold, and one fit for all thresholds."""

    kinds: ClassVar[tuple[TaskKind, ...]] = ("binary",)
    one_class: ClassVar[bool] = True
    contamination: float = 0.02
    seed: int = 0

    def __post_init__(self) -> None:
        check_number("contamination", self.contamination, most=0.5)
        check_seed(self.seed)

    @abc.abstractmethod
    def score(self, matrix: Matrix) -> Score:
        """Learn what is normal."""

    def fit(self, matrix: Matrix, targets: Targets, *, n_labels: int) -> "FittedOneClass":
        """Train on normal rows; see `Model.fit`."""
        normal = _the_normal_label(targets, n_labels)
        score = self.score(matrix)
        return FittedOneClass.at(score, score(matrix), self.contamination, normal)

    @classmethod
    def sweep(
        cls,
        models: Sequence[Self],
        train: Matrix,
        targets: Targets,
        test: Matrix,
        *,
        n_labels: int,
    ) -> list[NDArray[np.float64]]:
        """One fit for all models that differ in the threshold alone."""
        normal = _the_normal_label(targets, n_labels)
        scores: dict[Self, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
        answers = []
        for model in models:
            rest = dataclasses.replace(model, contamination=0.5)
            if rest not in scores:
                score = model.score(train)
                scores[rest] = score(train), score(test)
            known, asked = scores[rest]
            threshold, spread = _threshold(known, model.contamination)
            answers.append(_logits((asked - threshold) / spread, normal))
        return answers


@dataclass(frozen=True, eq=False)
class FittedOneClass:
    """A score with the threshold above which a row is abnormal."""

    score: Score
    threshold: float
    spread: float
    normal: int

    @classmethod
    def at(
        cls, score: Score, known: NDArray[np.float64], contamination: float, normal: int
    ) -> "FittedOneClass":
        """With the threshold that calls a part of the ``known`` rows' scores abnormal."""
        return cls(score, *_threshold(known, contamination), normal)

    def logits(self, matrix: Matrix) -> NDArray[np.float64]:
        """0 at the normal label, at the other above 0 for what is abnormal."""
        return _logits((self.score(matrix) - self.threshold) / self.spread, self.normal)

    def onnx(self, task: str) -> bytes:
        """The score, its distance to the threshold, a column of zeros beside it."""
        graph = Graph(n_features=self.score.n_features)
        score = graph.cast(self.score.nodes(graph), np.float64)
        distance = graph.node("Sub", score, graph.constant(np.float64(self.threshold)))
        distance = graph.node("Div", distance, graph.constant(np.float64(self.spread)))
        sides = np.array([[1.0, 0.0]] if self.normal else [[0.0, 1.0]])
        logits = graph.node("Mul", distance, graph.constant(sides))
        return graph.model({task: logits}, n_labels=2)


def _the_normal_label(targets: Targets, n_labels: int) -> int:
    present = np.unique(targets)
    if n_labels != 2 or len(present) != 1:
        raise ModelError(
            f"{len(targets)} training rows hold {len(present)} of {n_labels} labels; a one-class "
            "model learns from rows of the normal label alone, of a task with two"
        )
    return int(present[0])


def _threshold(known: NDArray[np.float64], contamination: float) -> tuple[float, float]:
    """The score above which a part of the known ones lies, and their standard deviation."""
    spread = float(known.std())
    return float(np.percentile(known, 100.0 * (1.0 - contamination))), spread if spread > 0 else 1.0


def _logits(distance: NDArray[np.float64], normal: int) -> NDArray[np.float64]:
    logits = np.zeros((len(distance), 2))
    logits[:, 1 - normal] = distance
    return logits
