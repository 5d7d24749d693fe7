"""Gaussian densities as sums of squares, in numpy and as nodes of a network."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ossicle.models.graph import Graph

__all__ = ["Polynomials", "Whitening"]


@dataclass(frozen=True, eq=False)
class Polynomials:
    """Densities whose features are independent: ``x^2 q + x l + c``, one column each.

    ``quadratic`` and ``linear`` have shape ``(n_features, n_densities)``.

    >>> normal = Polynomials.of(np.zeros((1, 1)), np.ones((1, 1)), np.zeros(1))
    >>> round(float(normal(np.zeros((1, 1)))[0, 0]), 4)
    -0.9189
    """

    quadratic: NDArray[np.float64]
    linear: NDArray[np.float64]
    constant: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        means: NDArray[np.float64],
        variances: NDArray[np.float64],
        log_weights: NDArray[np.float64],
    ) -> "Polynomials":
        """From means and variances, shape ``(n_densities, n_features)``."""
        levels = np.log(2 * np.pi * variances) + means**2 / variances
        return cls(
            quadratic=(-0.5 / variances).T,
            linear=(means / variances).T,
            constant=log_weights - 0.5 * levels.sum(axis=1),
        )

    def __call__(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Logarithm of each density at each row, shape ``(n_rows, n_densities)``."""
        return rows**2 @ self.quadratic + rows @ self.linear + self.constant

    def nodes(self, graph: Graph) -> str:
        """The same in double precision."""
        rows = graph.cast(graph.input, np.float64)
        squares = graph.node("Mul", rows, rows)
        quadratic = graph.node("MatMul", squares, graph.constant(self.quadratic))
        linear = graph.node("MatMul", rows, graph.constant(self.linear))
        both = graph.node("Add", quadratic, linear)
        return graph.node("Add", both, graph.constant(self.constant))


@dataclass(frozen=True, eq=False)
class Whitening:
    """Densities of any covariance: ``c - |x W - s|^2 / 2``, one column each.

    ``transforms`` has shape ``(n_densities, n_features, n_features)``, ``shifts``
    ``(n_densities, n_features)``.

    >>> normal = Whitening.of(np.zeros((1, 1)), np.ones((1, 1, 1)), np.zeros(1))
    >>> float(normal(np.full((1, 1), 2.0))[0, 0])
    -2.0
    """

    transforms: NDArray[np.float64]
    shifts: NDArray[np.float64]
    constant: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        means: NDArray[np.float64],
        transforms: NDArray[np.float64],
        constant: NDArray[np.float64],
    ) -> "Whitening":
        """From means, shape ``(n_densities, n_features)``."""
        return cls(transforms, np.einsum("kd,kde->ke", means, transforms), constant)

    def __call__(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Logarithm of each density at each row, shape ``(n_rows, n_densities)``."""
        pairs = zip(self.transforms, self.shifts, strict=True)
        squares = [((rows @ transform - shift) ** 2).sum(axis=1) for transform, shift in pairs]
        return self.constant - 0.5 * np.stack(squares, axis=1)

    def nodes(self, graph: Graph) -> str:
        """The same in double precision, all densities in one product."""
        n_densities, n_features, _ = self.transforms.shape
        beside = self.transforms.transpose(1, 0, 2).reshape(n_features, -1)
        rows = graph.cast(graph.input, np.float64)
        whitened = graph.node("MatMul", rows, graph.constant(beside))
        centred = graph.node("Sub", whitened, graph.constant(self.shifts.reshape(-1)))
        shape = graph.constant(np.array([-1, n_densities, n_features]))
        apart = graph.node("Reshape", centred, shape)
        squares = graph.node("ReduceSumSquare", apart, axes=[2], keepdims=0)
        halves = graph.node("Mul", squares, graph.constant(np.float64(-0.5)))
        return graph.node("Add", halves, graph.constant(self.constant))
