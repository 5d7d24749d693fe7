"""Gaussian naive Bayes: each label's features independent and normal."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import ModelError
from ossicle.extras import require
from ossicle.models.densities import Polynomials
from ossicle.models.graph import Graph
from ossicle.models.model import (
    Matrix,
    Model,
    Targets,
    present_labels,
    require_all_labels,
    spread,
)
from ossicle.models.settings import check_number

__all__ = ["GaussianNaiveBayes"]


@dataclass(frozen=True)
class GaussianNaiveBayes(Model):
    """Naive Bayes with a mean and a variance a label and feature.

    Parameters
    ----------
    var_smoothing : float
        Part of the largest variance that is added to all, > 0.

    Source: scikit-learn, ``sklearn.naive_bayes.GaussianNB``.

    >>> matrix = np.float32([[0.0], [1.0], [5.0], [6.0]])
    >>> fitted = GaussianNaiveBayes().fit(matrix, np.array([0, 0, 1, 1]), n_labels=2)
    >>> fitted.logits(np.float32([[0.4], [5.6]])).argmax(axis=1).tolist()
    [0, 1]
    """

    name: ClassVar[str] = "gaussian_nb"
    var_smoothing: float = 1e-9

    def __post_init__(self) -> None:
        check_number("var_smoothing", self.var_smoothing)

    def fit(self, matrix: Matrix, targets: Targets, *, n_labels: int) -> "FittedNaiveBayes":
        """Train on all rows; see `Model.fit`."""
        present = present_labels(targets)
        bayes = require("sklearn.naive_bayes", extra="search").GaussianNB(
            var_smoothing=self.var_smoothing
        )
        if not np.ptp(matrix, axis=0).any():
            raise ModelError(
                f"all {len(matrix)} training rows are the same; is the sound silent throughout?"
            )
        bayes.fit(matrix.astype(np.float64), targets)
        density = Polynomials.of(bayes.theta_, bayes.var_, np.log(bayes.class_prior_))
        return FittedNaiveBayes(density, present, n_labels)


@dataclass(frozen=True, eq=False)
class FittedNaiveBayes:
    """The density of each label's rows, weighted by the label's frequency."""

    density: Polynomials
    present: NDArray[np.int64]
    n_labels: int

    def logits(self, matrix: Matrix) -> NDArray[np.float64]:
        """Logarithm of each label's joint density, the highest of a row put to 0."""
        joint = self.density(matrix.astype(np.float64))
        return spread(joint - joint.max(axis=1, keepdims=True), self.present, self.n_labels)

    def onnx(self, task: str) -> bytes:
        """Two products in double precision; less the highest, so that float32 keeps the rest."""
        require_all_labels(self.present, self.n_labels)
        graph = Graph(n_features=len(self.density.linear))
        joint = self.density.nodes(graph)
        highest = graph.node("ReduceMax", joint, axes=[1], keepdims=1)
        return graph.model({task: graph.node("Sub", joint, highest)}, n_labels=self.n_labels)
