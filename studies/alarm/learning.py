"""One configuration trained on some mixes and asked about others, and figures of its answers.

A margin is the logit of the alarm minus that of all else: an alarm is said where it is not below
zero, which is how a classifier decides.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ossicle import Dataset, FeatureStore
from ossicle.evaluation import auc, roc_curve
from ossicle.selection import Configuration
from studies.alarm.mixes import DURATION

__all__ = [
    "FIGURES",
    "FIXED_FPR",
    "Margins",
    "Rows",
    "Truth",
    "alarm_figures",
    "describe",
    "margins",
]

FIXED_FPR = 0.05

Truth = NDArray[np.bool_]
Margins = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rows:
    """Integrated features of mixes, and which hold an alarm."""

    matrix: NDArray[np.float32]
    positives: Truth

    def __len__(self) -> int:
        return len(self.positives)

    def take(self, places: ArrayLike) -> "Rows":
        """The rows at some places."""
        chosen = np.asarray(places)
        return Rows(self.matrix[chosen], self.positives[chosen])

    @classmethod
    def interleaved(cls, sets: Sequence["Rows"], of_row: NDArray[np.int64]) -> "Rows":
        """Row ``i`` of the set ``of_row[i]``, for every ``i``."""
        rows = np.arange(len(of_row))
        matrices = np.stack([each.matrix for each in sets])
        positives = np.stack([each.positives for each in sets])
        return cls(matrices[of_row, rows], positives[of_row, rows])


def describe(mixes: Dataset, configuration: Configuration, features: Path, *, n_jobs: int) -> Rows:
    """One row a mix, kept in a feature store."""
    store = FeatureStore(features)
    table = store.extract(mixes.clips, configuration.front_end, window=DURATION, n_jobs=n_jobs)
    assert table.clip_index.tolist() == list(range(len(mixes))), "one window a mix"
    task = mixes.task()
    positives = mixes.targets() == task.index(task.positive or "")
    return Rows(table.matrix(configuration.integration), positives)


def margins(configuration: Configuration, train: Rows, test: Rows) -> Margins:
    """What the configuration, trained on some rows, answers to others."""
    scaler = configuration.fit_scaler(train.matrix)
    targets = train.positives.astype(np.int64)
    fitted = configuration.model.fit(scaler(train.matrix), targets, n_labels=2)
    logits = fitted.logits(scaler(test.matrix))
    return logits[:, 1] - logits[:, 0]


def _said(margin: Margins) -> float:
    return float(np.mean(margin >= 0)) if margin.size else float("nan")


def _tpr(truth: Truth, margin: Margins) -> float:
    return _said(margin[truth])


def _fpr(truth: Truth, margin: Margins) -> float:
    return _said(margin[~truth])


def _tpr_at_fpr(truth: Truth, margin: Margins) -> float:
    curve = roc_curve(truth, margin)
    return float(curve.tpr.max(where=curve.fpr <= FIXED_FPR, initial=0.0))


FIGURES: Mapping[str, Callable[[Truth, Margins], float]] = {
    "tpr": _tpr,
    "fpr": _fpr,
    "auc": auc,
    "tpr_at_fpr": _tpr_at_fpr,
}
"""Both rates as decided, the area under the curve, the TPR where the FPR is at most `FIXED_FPR`."""


def alarm_figures(positives: ArrayLike, answers: ArrayLike) -> dict[str, float]:
    """All `FIGURES` of some answers.

    >>> alarm_figures([True, True, False, False], [2.0, -1.0, 0.5, -2.0])
    {'tpr': 0.5, 'fpr': 0.5, 'auc': 0.75, 'tpr_at_fpr': 0.5}
    """
    truth, margin = np.asarray(positives, dtype=bool), np.asarray(answers, dtype=np.float64)
    return {name: figure(truth, margin) for name, figure in FIGURES.items()}
