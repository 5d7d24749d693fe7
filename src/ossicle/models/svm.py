"""Support vector machine (libsvm through scikit-learn) with precomputed kernels.

One-against-one machines vote. The label is scikit-learn's with ``break_ties=True``: most votes,
and among equals the largest bounded sum of margins. The logits are graded, so that a temperature
can make probabilities of them: each pair gives its labels plus and minus half the hyperbolic
tangent of its margin, and the winner of the votes is lifted above all others. With two labels the
logits are 0 and the margin of the second.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import ModelError
from ossicle.extras import require
from ossicle.models.graph import Graph
from ossicle.models.model import (
    Matrix,
    Model,
    Targets,
    present_labels,
    require_all_labels,
    spread,
)
from ossicle.models.settings import check_penalty, check_word

__all__ = ["SupportVectorMachine"]

KERNELS = ("rbf", "linear")

IN_CACHE = 32
"""Rows of a kernel worked on at a time, so that they stay in the processor's cache."""
LIFT = 1e-3
"""By how much the winner of the votes is above all others; float32 keeps it for 500 labels."""


@dataclass(frozen=True)
class SupportVectorMachine(Model):
    """Support vector machine, one machine for each pair of labels.

    Parameters
    ----------
    C : float
        Cost of a training error, > 0.
    kernel : "rbf" or "linear"
    gamma : float or str
        Width of the radial kernel ``exp(-gamma |x - y|^2)``; ``"scale"`` is
        ``1 / (n_features * variance)`` and ``"4*scale"`` four times that.
    class_weight : None or "balanced"
        Weight rows by the inverse frequency of their label.

    Source: Chang & Lin (2011), LIBSVM; scikit-learn, ``sklearn.svm.SVC(break_ties=True)``.

    >>> matrix = np.float32([[0.0], [1.0], [5.0], [6.0]])
    >>> fitted = SupportVectorMachine(C=10).fit(matrix, np.array([0, 0, 1, 1]), n_labels=2)
    >>> fitted.logits(np.float32([[0.4], [5.6]])).argmax(axis=1).tolist()
    [0, 1]
    """

    name: ClassVar[str] = "svm"
    C: float = 1.0
    kernel: str = "rbf"
    gamma: float | str = "scale"
    class_weight: str | None = None

    def __post_init__(self) -> None:
        check_word("kernel", self.kernel, KERNELS)
        check_penalty(self.C, self.class_weight)
        _gamma_factor(self.gamma)

    def fit(self, matrix: Matrix, targets: Targets, *, n_labels: int) -> "FittedSVM":
        """Train on all rows; see `Model.fit`."""
        rows = matrix.astype(np.float64)
        gamma = self.gamma_on(rows)
        return self._fit(_kernel(rows, rows, gamma), rows, gamma, targets, n_labels)

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
        """One matrix of products, one kernel a width, one fit for all costs that bind no more."""
        rows, others = train.astype(np.float64), test.astype(np.float64)
        inner, outer = _Pairs(rows, rows), _Pairs(others, rows)
        answers: dict[int, NDArray[np.float64]] = {}
        for gamma, members in _by_width(models, rows):
            within, across = inner.kernel(gamma), outer.kernel(gamma)
            made: tuple[Self, FittedSVM] | None = None
            for position in sorted(members, key=lambda place: models[place].C):
                model = models[position]
                if made is None or not _unbound(*made, model):
                    made = model, model._fit(within, rows, gamma, targets, n_labels)
                fitted = made[1]
                answers[position] = fitted.logits_from(across[:, fitted.support])
        return [answers[position] for position in range(len(models))]

    def gamma_on(self, rows: NDArray[np.float64]) -> float | None:
        """The kernel's width on these training rows; None for the linear kernel."""
        if self.kernel == "linear":
            return None
        factor, relative = _gamma_factor(self.gamma)
        return factor * _scale(rows) if relative else factor

    def _fit(
        self,
        kernel: NDArray[np.float64],
        rows: NDArray[np.float64],
        gamma: float | None,
        targets: Targets,
        n_labels: int,
    ) -> "FittedSVM":
        present = present_labels(targets)
        machine = require("sklearn.svm", extra="search").SVC(
            C=self.C, kernel="precomputed", class_weight=self.class_weight
        )
        with require("sklearn", extra="search").config_context(assume_finite=True):
            machine.fit(kernel, targets)
        return FittedSVM(
            support=machine.support_,
            vectors=rows[machine.support_],
            counts=machine.n_support_,
            # The underscored arrays have libsvm's sign for two labels as for more.
            duals=machine._dual_coef_,
            intercepts=machine._intercept_,
            gamma=gamma,
            present=present,
            n_labels=n_labels,
        )


@dataclass(frozen=True, eq=False)
class FittedSVM:
    """Support vectors, grouped by label, with the dual coefficients of every pair.

    ``duals`` has shape ``(n_present - 1, n_support)``: row ``j`` of a vector of label ``i`` is
    its weight against label ``j`` if ``j < i``, else against label ``j + 1``.
    """

    support: NDArray[np.int32]
    vectors: NDArray[np.float64]
    counts: NDArray[np.int32]
    duals: NDArray[np.float64]
    intercepts: NDArray[np.float64]
    gamma: float | None
    present: NDArray[np.int64]
    n_labels: int

    def logits(self, matrix: Matrix) -> NDArray[np.float64]:
        """Graded votes of the pairs, shape ``(n_rows, n_labels)``."""
        return self.logits_from(_kernel(matrix.astype(np.float64), self.vectors, self.gamma))

    def logits_from(self, kernel: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same from kernel values against the support vectors, ``(n_rows, n_support)``."""
        n_present = len(self.present)
        parts = np.split(kernel, np.cumsum(self.counts)[:-1], axis=1)
        duals = np.split(self.duals, np.cumsum(self.counts)[:-1], axis=1)
        sums = np.hstack([part @ dual.T for part, dual in zip(parts, duals, strict=True)])
        first, second = _pair_columns(n_present)
        margins = sums[:, first] + sums[:, second] + self.intercepts
        return spread(_vote(margins, n_present), self.present, self.n_labels)

    def onnx(self, task: str) -> bytes:
        """Kernel, one product a label, then the votes of the pairs."""
        require_all_labels(self.present, self.n_labels)
        graph = Graph(n_features=self.vectors.shape[1])
        margins = self._margins(graph, self._kernel(graph))
        logits = _vote_nodes(graph, margins, self.n_labels)
        return graph.model({task: logits}, n_labels=self.n_labels)

    def _kernel(self, graph: Graph) -> str:
        if self.gamma is None:
            stored = graph.constant(self.vectors.astype(np.float32).T)
            rows = graph.cast(graph.input, np.float64)
            return graph.node("MatMul", rows, graph.cast(stored, np.float64))
        distances = graph.squared_distances(graph.input, self.vectors.astype(np.float32))
        return graph.node(
            "Exp", graph.node("Mul", distances, graph.constant(np.float64(-self.gamma)))
        )

    def _margins(self, graph: Graph, kernel: str) -> str:
        sizes = graph.constant(self.counts.astype(np.int64))
        parts = graph.nodes("Split", kernel, sizes, n_outputs=len(self.counts), axis=1)
        duals = np.split(self.duals, np.cumsum(self.counts)[:-1], axis=1)
        sums = [
            graph.node("MatMul", part, graph.constant(np.ascontiguousarray(dual.T)))
            for part, dual in zip(parts, duals, strict=True)
        ]
        joined = graph.node("Concat", *sums, axis=1)
        halves = [
            graph.node("Gather", joined, graph.constant(columns), axis=1)
            for columns in _pair_columns(self.n_labels)
        ]
        return graph.node("Add", graph.node("Add", *halves), graph.constant(self.intercepts))


def _scale(rows: NDArray[np.float64]) -> float:
    """scikit-learn's ``gamma="scale"``."""
    variance = rows.var()
    return 1.0 / (rows.shape[1] * variance) if variance > 0 else 1.0


def _gamma_factor(gamma: float | str) -> tuple[float, bool]:
    """Value of ``gamma`` and whether it is relative to ``"scale"``."""
    if isinstance(gamma, str):
        match = re.fullmatch(r"(?:([0-9.]+)\*)?scale", gamma)
        if match is None:
            raise ModelError(f"gamma is {gamma!r}; allowed are a number, 'scale' and '4*scale'")
        return float(match[1] or 1.0), True
    if isinstance(gamma, bool) or not isinstance(gamma, int | float) or not gamma > 0:
        raise ModelError(f"gamma is {gamma!r}; it must be a number above 0")
    return float(gamma), False


class _Pairs:
    """Two sets of rows, ready for kernels of any width; a kernel lives until the next is asked for.

    Memory is used again, since a fresh matrix costs as much as filling it.
    """

    def __init__(self, rows: NDArray[np.float64], others: NDArray[np.float64]) -> None:
        self._rows, self._others = rows, others
        self._distances: NDArray[np.float64] | None = None
        self._kernel = np.empty((0, 0))

    def kernel(self, gamma: float | None) -> NDArray[np.float64]:
        """Linear kernel, or ``exp(-gamma |x - y|^2)``, shape ``(n_rows, n_others)``."""
        if gamma is None:
            return np.asarray(self._rows @ self._others.T)
        if self._distances is None:
            self._distances = self._squared()
            self._kernel = np.empty_like(self._distances)
        for part in _parts(len(self._distances)):
            block = self._kernel[part]
            np.multiply(self._distances[part], -gamma, out=block)
            np.exp(block, out=block)
        return self._kernel

    def _squared(self) -> NDArray[np.float64]:
        """Squared distances."""
        found: NDArray[np.float64] = self._rows @ self._others.T
        lengths = (self._rows**2).sum(axis=1)[:, None], (self._others**2).sum(axis=1)
        for part in _parts(len(found)):
            block = found[part]
            block *= -2.0
            block += lengths[0][part]
            block += lengths[1]
            np.maximum(block, 0.0, out=block)
        return found


def _parts(n_rows: int) -> Iterator[slice]:
    """Rows worked on together."""
    return (slice(first, first + IN_CACHE) for first in range(0, n_rows, IN_CACHE))


def _kernel(
    rows: NDArray[np.float64], others: NDArray[np.float64], gamma: float | None
) -> NDArray[np.float64]:
    return _Pairs(rows, others).kernel(gamma)


def _unbound(model: SupportVectorMachine, fitted: FittedSVM, dearer: SupportVectorMachine) -> bool:
    """Whether a fit is that of a higher cost too: no vector's weight is at its bound.

    Then all conditions of the optimum (Karush, Kuhn, Tucker) hold for any higher cost.
    """
    plain = model.class_weight is None and dearer.class_weight is None
    return plain and bool(np.abs(fitted.duals).max() < model.C)


def _by_width(
    models: Sequence[SupportVectorMachine], rows: NDArray[np.float64]
) -> Iterator[tuple[float | None, list[int]]]:
    """Positions of the models that share a kernel, in the order of their first member."""
    groups: dict[float | None, list[int]] = {}
    for position, model in enumerate(models):
        groups.setdefault(model.gamma_on(rows), []).append(position)
    yield from groups.items()


def _pair_columns(n_labels: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the two halves of each pair's margin stand among the joined per-label sums."""
    pairs = list(combinations(range(n_labels), 2))
    width = n_labels - 1
    first = [i * width + (j - 1) for i, j in pairs]
    second = [j * width + i for i, j in pairs]
    return np.array(first), np.array(second)


def _sides(n_labels: int) -> NDArray[np.float64]:
    """One row a pair: 1 at its first label, -1 at its second."""
    pairs = np.array(list(combinations(range(n_labels), 2)))
    identity: NDArray[np.float64] = np.eye(n_labels)
    return np.asarray(identity[pairs[:, 0]] - identity[pairs[:, 1]])


def _vote(margins: NDArray[np.float64], n_labels: int) -> NDArray[np.float64]:
    """Logits from pair margins (positive: the first label of the pair)."""
    if n_labels == 2:
        return np.hstack([np.zeros_like(margins), -margins])
    sides = _sides(n_labels)
    summed = margins @ sides
    votes = np.where(margins >= 0, 0.5, -0.5) @ sides + summed / (3.0 * (np.abs(summed) + 1.0))
    winner = votes.argmax(axis=1)[:, None] == np.arange(n_labels)
    graded = np.tanh(margins) @ (0.5 * sides)
    return np.asarray(np.where(winner, graded.max(axis=1, keepdims=True) + LIFT, graded))


def _vote_nodes(graph: Graph, margins: str, n_labels: int) -> str:
    """The nodes of `_vote`."""
    if n_labels == 2:
        return graph.node("Mul", margins, graph.constant(np.array([[0.0, -1.0]])))
    sides = graph.constant(_sides(n_labels))
    half = graph.constant(np.float64(0.5))
    won = graph.node("GreaterOrEqual", margins, graph.constant(np.float64(0.0)))
    halves = graph.node("Where", won, half, graph.constant(np.float64(-0.5)))
    summed = graph.node("MatMul", margins, sides)
    bound = graph.node("Add", graph.node("Abs", summed), graph.constant(np.float64(1.0)))
    bound = graph.node("Mul", bound, graph.constant(np.float64(3.0)))
    votes = graph.node("MatMul", halves, sides)
    votes = graph.node("Add", votes, graph.node("Div", summed, bound))
    best = graph.node("ArgMax", votes, axis=1, keepdims=1)
    winner = graph.node("Equal", best, graph.constant(np.arange(n_labels)[None, :]))
    graded = graph.node("MatMul", graph.node("Tanh", margins), sides)
    graded = graph.node("Mul", graded, half)
    highest = graph.node("ReduceMax", graded, axes=[1], keepdims=1)
    lifted = graph.node("Add", highest, graph.constant(np.float64(LIFT)))
    return graph.node("Where", winner, lifted, graded)
