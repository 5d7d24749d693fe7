"""PSEL: the Pareto front, ties kept, over any objectives."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import SearchError

__all__ = ["non_dominated", "pareto_front"]


def non_dominated(costs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rows no other row dominates.

    A row dominates another if it is nowhere higher and somewhere lower; equal rows do not
    dominate each other, so ties stay.

    Parameters
    ----------
    costs : float array, shape (n_rows, n_objectives)
        Every objective to be minimised; a row with NaN is never on the front.

    Returns
    -------
    bool array, shape (n_rows,)

    >>> points = np.array([[0.1, -0.8], [0.1, -0.9], [0.2, -0.9], [0.05, -0.5]])
    >>> non_dominated(points).tolist()
    [False, True, False, True]
    """
    keep = np.zeros(len(costs), dtype=np.bool_)
    measured = np.flatnonzero(~np.isnan(costs).any(axis=1))
    for row in measured:
        others = costs[measured]
        better = (others <= costs[row]).all(axis=1) & (others < costs[row]).any(axis=1)
        keep[row] = not better.any()
    return keep


def pareto_front(
    rows: Sequence[Mapping[str, Any]],
    *,
    minimise: Sequence[str] = ("fpr",),
    maximise: Sequence[str] = ("tpr",),
) -> list[int]:
    """Positions of the rows on the Pareto front, in their order.

    Raises
    ------
    SearchError
        If there is no objective or a row lacks one.

    >>> pareto_front([{"fpr": 0.1, "tpr": 0.8}, {"fpr": 0.1, "tpr": 0.9}])
    [1]
    """
    if not rows:
        return []
    objectives = [*minimise, *maximise]
    if not objectives:
        raise SearchError("a front needs at least one objective to minimise or maximise")
    for name in objectives:
        if name not in rows[0]:
            numbers = [key for key, value in rows[0].items() if isinstance(value, int | float)]
            raise SearchError(f"objective {name!r} is no column; there are {', '.join(numbers)}")
    sign = np.array([1.0] * len(minimise) + [-1.0] * len(maximise))
    costs = np.array([[float(row[name]) for name in objectives] for row in rows]) * sign
    return np.flatnonzero(non_dominated(costs)).tolist()
