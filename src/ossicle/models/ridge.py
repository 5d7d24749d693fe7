"""Ridge: least squares with a penalty; all penalties from one eigendecomposition."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ossicle.models.linear import FittedLinear, both_labels
from ossicle.models.model import Matrix, Model, Targets, present_labels
from ossicle.models.settings import check_number, check_word
from ossicle.types import TaskKind

__all__ = ["Ridge"]


@dataclass(frozen=True)
class Ridge(Model):
    """Least squares with an L2 penalty: of values, or of +1 for a row's label and -1 elsewhere.

    Parameters
    ----------
    alpha : float
        Strength of the penalty, > 0.
    class_weight : None or "balanced"
        Weight rows by the inverse frequency of their label; without a part in a regression.

    Source: Hoerl & Kennard (1970), "Ridge regression"; scikit-learn,
    ``sklearn.linear_model.RidgeClassifier`` and ``Ridge``.

    >>> matrix = np.float32([[0.0], [1.0], [2.0], [3.0]])
    >>> fitted = Ridge(alpha=1e-6).fit_values(matrix, np.array([1.0, 3.0, 5.0, 7.0]))
    >>> fitted.logits(np.float32([[4.0]])).round(4).tolist()
    [[9.0]]
    """

    name: ClassVar[str] = "ridge"
    kinds: ClassVar[tuple[TaskKind, ...]] = ("binary", "multiclass", "regression")
    alpha: float = 1.0
    class_weight: str | None = None

    def __post_init__(self) -> None:
        check_number("alpha", self.alpha)
        check_word("class_weight", self.class_weight, (None, "balanced"))

    def fit(self, matrix: Matrix, targets: Targets, *, n_labels: int) -> FittedLinear:
        """Train on all rows; see `Model.fit`."""
        return _fit_labels([self], matrix, targets, n_labels)[0]

    def fit_values(self, matrix: Matrix, values: NDArray[np.float64]) -> FittedLinear:
        """Train a regression; see `Model.fit_values`."""
        return _fit_values([self], matrix, values)[0]

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
        """One decomposition a weighting, shared by every penalty."""
        answers: dict[Ridge, NDArray[np.float64]] = {}
        for weighting in {model.class_weight for model in models}:
            members = [model for model in models if model.class_weight == weighting]
            fitted = _fit_labels(members, train, targets, n_labels)
            answers |= {m: f.logits(test) for m, f in zip(members, fitted, strict=True)}
        return [answers[model] for model in models]

    @classmethod
    def sweep_values(
        cls, models: Sequence[Self], train: Matrix, values: NDArray[np.float64], test: Matrix
    ) -> list[NDArray[np.float64]]:
        """One decomposition, shared by every penalty."""
        return [fitted.logits(test) for fitted in _fit_values(models, train, values)]


def _fit_labels(
    models: Sequence[Ridge], matrix: Matrix, targets: Targets, n_labels: int
) -> list[FittedLinear]:
    """Models of one weighting, each label against all others."""
    present = present_labels(targets)
    signs = np.where(targets[:, None] == present, 1.0, -1.0)
    if len(present) == 2:
        signs = signs[:, 1:]
    weights = np.ones(len(targets))
    if models[0].class_weight == "balanced":
        counts = np.bincount(targets)
        weights = len(targets) / (len(present) * counts[targets])
    alphas = [model.alpha for model in models]
    solutions = _solve(matrix.astype(np.float64), signs, alphas=alphas, weights=weights)
    return [FittedLinear(*both_labels(*solution), present, n_labels) for solution in solutions]


def _fit_values(
    models: Sequence[Ridge], matrix: Matrix, values: NDArray[np.float64]
) -> list[FittedLinear]:
    rows, weights = matrix.astype(np.float64), np.ones(len(matrix))
    alphas = [model.alpha for model in models]
    solutions = _solve(rows, values[:, None], alphas=alphas, weights=weights)
    return [FittedLinear(*solution, None, 1) for solution in solutions]


def _solve(
    rows: NDArray[np.float64],
    answers: NDArray[np.float64],
    *,
    alphas: Sequence[float],
    weights: NDArray[np.float64],
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Coefficients and intercept for each penalty, the intercept without any.

    Decomposes the smaller of ``X'X`` and ``XX'``; a penalty then costs two products.

    Parameters
    ----------
    rows : float array, shape (n_rows, n_features)
    answers : float array, shape (n_rows, n_outputs)
    alphas : sequence of float
    weights : float array, shape (n_rows,)

    Returns
    -------
    list of (float array (n_outputs, n_features), float array (n_outputs,))
    """
    centre = np.average(rows, axis=0, weights=weights)
    level = np.average(answers, axis=0, weights=weights)
    root = np.sqrt(weights)[:, None]
    X, Y = (rows - centre) * root, (answers - level) * root
    tall = len(X) >= X.shape[1]
    spectrum, vectors = np.linalg.eigh(X.T @ X if tall else X @ X.T)
    projected = vectors.T @ (X.T @ Y if tall else Y)
    solutions = []
    for alpha in alphas:
        inverse = vectors @ (projected / (np.maximum(spectrum, 0.0) + alpha)[:, None])
        coefficients = (inverse if tall else X.T @ inverse).T
        solutions.append((coefficients, level - coefficients @ centre))
    return solutions
