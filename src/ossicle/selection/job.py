"""The work of a search, cut into jobs: all settings of one model on one fold of one matrix.

Kernels and distances are then computed once a fold. A job without test rows trains on everything
and measures what that costs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ossicle.features import Scaler
from ossicle.models import Model
from ossicle.models.model import Matrix
from ossicle.selection.grid import Configuration
from ossicle.selection.material import Material, Rows
from ossicle.selection.question import Question, Truth
from ossicle.workflow.code import code_digest
from ossicle.workflow.files import canonical_json, digest
from ossicle.workflow.store import Store

__all__ = ["LIBRARIES", "Fold", "Job", "jobs_of"]

Fold = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Clips to train on and clips to test on."""

LIBRARIES = ("numpy", "scipy", "scikit-learn", "onnx")
SELECTING = "job grid question label_question value_question questions leave_k_out cost assembly"
JUDGED = (
    "inference",
    "models",
    "classifier",
    "features.scaling",
    "evaluation.metrics",
    *(f"selection.{part}" for part in SELECTING.split()),
)
"""What decides a cell, beside its rows."""


@dataclass(frozen=True, eq=False)
class Job:
    """All settings of one model on one fold of one matrix."""

    rows: Rows
    configurations: tuple[Configuration, ...]
    """They differ in the settings of their model alone."""
    places: tuple[int, ...]
    """Where they stand among all configurations."""
    question: Question[Any]
    truth: Truth
    """Of each row."""
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    """Rows; no test rows: the cost of training on all."""
    window: float | None = None
    window_hop: float | None = None

    @property
    def models(self) -> tuple[Model, ...]:
        """What learns."""
        return tuple(configuration.model for configuration in self.configurations)

    def scaled(self) -> tuple[Scaler, Matrix, Matrix]:
        """The scaling fitted on the training rows, these rows scaled, and the test rows scaled."""
        matrix, first = np.asarray(self.rows.matrix), self.configurations[0]
        scaler = first.fit_scaler(matrix[self.train])
        return scaler, scaler(matrix[self.train]), scaler(matrix[self.test])

    @property
    def parameters(self) -> dict[str, Any]:
        """What decides the result, beside the matrix, as JSON."""
        cost = {} if len(self.test) else {"window": [self.window, self.window_hop]}
        return {
            "models": [model.describe() for model in self.models],
            "scaling": self.configurations[0].scaling,
            "fold": digest(self.truth.tobytes(), self.train.tobytes(), self.test.tobytes()),
            "task": [self.question.task.name, self.question.task.kind, self.question.n_logits],
            **cost,
        }

    @property
    def recipe(self) -> dict[str, Any]:
        """Everything that decides the result."""
        model = type(self.models[0])
        return {
            "step": "cell",
            "version": code_digest(*JUDGED, *model.code, libraries=(*LIBRARIES, *model.libraries)),
            "parameters": self.parameters,
            "inputs": [self.rows.key],
        }

    def key(self, store: Store) -> str:
        """Name of the result."""
        return store.key(**self.recipe)


def jobs_of(
    configurations: Sequence[Configuration],
    folds: Sequence[Fold],
    material: Material,
    *,
    cost: bool = True,
) -> Iterator[Job]:
    """Cut the work: by matrix, model and fold, and the cost of each model last if wanted.

    A fold whose test clips are all quiet or unreadable has nothing to judge on and is passed over.
    """
    order = sorted(range(len(configurations)), key=lambda place: _shares(configurations[place]))
    everything = np.arange(len(material.dataset)), np.array([], dtype=np.int64)
    truth = material.truth
    for _, group in groupby(order, key=lambda place: _shares(configurations[place])):
        places = tuple(group)
        first = configurations[places[0]]
        rows = material.rows(first.front_end, first.integration)
        of_rows = truth[rows.clip_index]
        for train, test in [*folds, everything][: len(folds) + cost]:
            tested = rows.of_clips(test)
            if len(test) and not len(tested):
                continue
            learnt = material.question.learnt(type(first.model), of_rows, rows.of_clips(train))
            yield Job(
                rows=rows,
                configurations=tuple(configurations[place] for place in places),
                places=places,
                question=material.question,
                truth=of_rows,
                train=learnt,
                test=tested,
                window=material.window,
                window_hop=material.window_hop,
            )


def _shares(configuration: Configuration) -> tuple[str, ...]:
    """Configurations with the same answer are worked on together."""
    front = canonical_json(configuration.front_end.describe())
    return front, configuration.integration, configuration.scaling, configuration.model.name
