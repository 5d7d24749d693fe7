"""Gaussian mixture: how unlikely a row is among several clouds."""

import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import ModelError
from ossicle.extras import require
from ossicle.models.densities import Polynomials, Whitening
from ossicle.models.graph import Graph
from ossicle.models.model import Matrix
from ossicle.models.one_class import OneClassModel
from ossicle.models.settings import check_number, check_whole, check_word

__all__ = ["GaussianMixture"]


@dataclass(frozen=True)
class GaussianMixture(OneClassModel):
    """Negative log-likelihood under a mixture of Gaussians, fitted by expectation-maximisation.

    Parameters
    ----------
    contamination : float
        Part of the training rows to call abnormal, above 0 and at most 0.5: the rate of false
        alarms that is wished for.
    seed : int
        For the first clouds.
    n_components : int
        Number of clouds, at most the number of training rows.
    covariance : "diag" or "full"
        Whether a cloud's features are independent.
    reg_covar : float
        Added to every variance, > 0; larger for fewer rows.

    Source: scikit-learn, ``sklearn.mixture.GaussianMixture``.

    >>> rows = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    >>> model = GaussianMixture(n_components=2)
    >>> fitted = model.fit(rows, np.zeros(200, dtype=np.int64), n_labels=2)
    >>> fitted.logits(np.float32([[0.0, 0.0], [9.0, 9.0]])).argmax(axis=1).tolist()
    [0, 1]
    """

    name: ClassVar[str] = "gmm"
    n_components: int = 4
    covariance: str = "diag"
    reg_covar: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole("n_components", self.n_components)
        check_word("covariance", self.covariance, ("diag", "full"))
        check_number("reg_covar", self.reg_covar)

    def score(self, matrix: Matrix) -> "Unlikeliness":
        """See `OneClassModel.score`."""
        if self.n_components > len(matrix):
            raise ModelError(
                f"n_components is {self.n_components}; allowed are 1 to {len(matrix)}, the number "
                "of training rows"
            )
        machine = require("sklearn.mixture", extra="search").GaussianMixture(
            self.n_components,
            covariance_type=self.covariance,
            reg_covar=self.reg_covar,
            random_state=self.seed,
        )
        unfinished = require("sklearn.exceptions", extra="search").ConvergenceWarning
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", unfinished)
            try:
                machine.fit(matrix.astype(np.float64))
            except ValueError as error:
                raise ModelError(
                    f"{len(matrix)} training rows cannot be told into {self.n_components} clouds "
                    f"with reg_covar {self.reg_covar:g} ({error}); raise reg_covar or use fewer"
                ) from error
        log_weights = np.log(machine.weights_)
        if self.covariance == "diag":
            density = Polynomials.of(machine.means_, machine.covariances_, log_weights)
            return Unlikeliness(density, matrix.shape[1])
        factors = machine.precisions_cholesky_
        diagonals = np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
        constant = log_weights + diagonals - 0.5 * matrix.shape[1] * np.log(2 * np.pi)
        return Unlikeliness(Whitening.of(machine.means_, factors, constant), matrix.shape[1])


@dataclass(frozen=True, eq=False)
class Unlikeliness:
    """Minus the logarithm of the summed densities."""

    densities: Polynomials | Whitening
    n_features: int

    def __call__(self, matrix: Matrix) -> NDArray[np.float64]:
        """Shape ``(n_rows,)``."""
        logs = self.densities(matrix.astype(np.float64))
        highest = logs.max(axis=1)
        return np.asarray(-highest - np.log(np.exp(logs - highest[:, None]).sum(axis=1)))

    def nodes(self, graph: Graph) -> str:
        """The same; the highest is taken out before the exponential, lest all vanish."""
        logs = self.densities.nodes(graph)
        highest = graph.node("ReduceMax", logs, axes=[1], keepdims=1)
        parts = graph.node("Exp", graph.node("Sub", logs, highest))
        total = graph.node("ReduceSum", parts, graph.constant(np.array([1])), keepdims=1)
        return graph.node("Neg", graph.node("Add", graph.node("Log", total), highest))
