"""Multinomial logistic regression (scikit-learn's, fitted by L-BFGS)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ossicle.extras import require
from ossicle.models.linear import FittedLinear, both_labels
from ossicle.models.model import Matrix, Model, Targets, present_labels
from ossicle.models.settings import check_penalty, check_whole

__all__ = ["LogisticRegression"]


@dataclass(frozen=True)
class LogisticRegression(Model):
    """Multinomial logistic regression with an L2 penalty.

    Parameters
    ----------
    C : float
        Inverse strength of the penalty, > 0.
    class_weight : None or "balanced"
        Weight rows by the inverse frequency of their label.
    max_iter : int
        Most iterations of the solver.

    Source: scikit-learn, ``sklearn.linear_model.LogisticRegression``.

    >>> matrix = np.float32([[0.0], [1.0], [2.0], [3.0]])
    >>> fitted = LogisticRegression().fit(matrix, np.array([0, 0, 1, 1]), n_labels=2)
    >>> fitted.logits(matrix).argmax(axis=1).tolist()
    [0, 0, 1, 1]
    """

    name: ClassVar[str] = "logreg"
    C: float = 1.0
    class_weight: str | None = None
    max_iter: int = 1000

    def __post_init__(self) -> None:
        check_penalty(self.C, self.class_weight)
        check_whole("max_iter", self.max_iter)

    def fit(self, matrix: Matrix, targets: Targets, *, n_labels: int) -> FittedLinear:
        """Train on all rows; see `Model.fit`."""
        present = present_labels(targets)
        estimator = (
            require("sklearn.linear_model", extra="search")
            .LogisticRegression(C=self.C, class_weight=self.class_weight, max_iter=self.max_iter)
            .fit(matrix.astype(np.float64), targets)
        )
        weights, bias = both_labels(estimator.coef_, estimator.intercept_)
        return FittedLinear(weights, bias, present, n_labels)
