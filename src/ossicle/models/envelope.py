"""Elliptic envelope: the distance from one robust Gaussian."""

import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import ModelError
from ossicle.extras import require
from ossicle.models.densities import Whitening
from ossicle.models.graph import Graph
from ossicle.models.model import Matrix
from ossicle.models.one_class import OneClassModel

__all__ = ["EllipticEnvelope"]


@dataclass(frozen=True)
class EllipticEnvelope(OneClassModel):
    """Mahalanobis distance from the rows' robust centre (minimum covariance determinant).

    Needs more rows than features; `GaussianMixture` and `IsolationForest` do not.

    Parameters
    ----------
    contamination : float
        Part of the training rows to call abnormal, above 0 and at most 0.5: the rate of false
        alarms that is wished for.
    seed : int
        For the subsets that the robust centre is searched among.

    Source: Rousseeuw & Van Driessen (1999), FAST-MCD; scikit-learn,
    ``sklearn.covariance.EllipticEnvelope``.

    >>> rows = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    >>> fitted = EllipticEnvelope().fit(rows, np.zeros(200, dtype=np.int64), n_labels=2)
    >>> fitted.logits(np.float32([[0.0, 0.0], [9.0, 9.0]])).argmax(axis=1).tolist()
    [0, 1]
    """

    name: ClassVar[str] = "elliptic_envelope"

    def score(self, matrix: Matrix) -> "Distance":
        """See `OneClassModel.score`."""
        rows = matrix.astype(np.float64)
        rank = np.linalg.matrix_rank(rows - rows.mean(axis=0))
        if rank < rows.shape[1] or len(rows) <= rows.shape[1] + 1:
            raise ModelError(
                f"{len(rows)} training rows of {rows.shape[1]} features span {rank} dimensions; an "
                "elliptic envelope needs more rows than features and no feature that repeats "
                "others; use fewer features, or 'gmm' or 'isolation_forest'"
            )
        machine = require("sklearn.covariance", extra="search").MinCovDet(random_state=self.seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # rounding in its search
            machine.fit(rows)
        values, vectors = np.linalg.eigh(machine.get_precision())
        transform = vectors * np.sqrt(np.maximum(values, 0.0))
        return Distance(Whitening.of(machine.location_[None], transform[None], np.zeros(1)))


@dataclass(frozen=True, eq=False)
class Distance:
    """Squared Mahalanobis distance."""

    density: Whitening

    @property
    def n_features(self) -> int:
        """Columns of a row."""
        return int(self.density.transforms.shape[1])

    def __call__(self, matrix: Matrix) -> NDArray[np.float64]:
        """Shape ``(n_rows,)``."""
        return -2.0 * self.density(matrix.astype(np.float64))[:, 0]

    def nodes(self, graph: Graph) -> str:
        """One product, its sum of squares."""
        return graph.node("Mul", self.density.nodes(graph), graph.constant(np.float64(-2.0)))
