"""How far a figure can be trusted: intervals for shares and for clips that come in groups.

Clips of one recording resemble each other, so an interval that counts them as independent
(``wilson``) is too narrow where groups are few and large; ``grouped_bootstrap`` draws whole groups.
A bootstrap in turn cannot see what did not happen: without a single mistake it has no spread.
Reports therefore show both.

References: Wilson (1927), "Probable inference, the law of succession, and statistical inference";
Newcombe (1998), method 3, for the worked example; Davison & Hinkley (1997), section 3.8, for
resampling by group.
"""

from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ossicle.errors import EvaluationError

__all__ = ["Interval", "grouped_bootstrap", "wilson"]


class Interval(NamedTuple):
    """Lower and upper limit; both ``nan`` where nothing can be said.

    >>> Interval(0.25, 0.75).known
    True
    """

    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether it was measured."""
        return self.low == self.low  # nan is not equal to itself


UNMEASURED = Interval(float("nan"), float("nan"))


def wilson(successes: int, n: int, *, level: float = 0.95) -> Interval:
    """Wilson's score interval of a share.

    Parameters
    ----------
    successes, n : int
        ``successes`` of ``n`` independent trials; unknown where ``n`` is 0.
    level : float
        Probability to cover.

    Raises
    ------
    EvaluationError
        If there are more successes than trials, or the level is not between 0 and 1.

    Source: Wilson (1927). Golden: Newcombe (1998), table I.

    >>> low, high = wilson(81, 263)
    >>> round(low, 4), round(high, 4)
    (0.2553, 0.3662)
    """
    if not 0 <= successes <= n:
        raise EvaluationError(f"{successes} successes of {n} trials; allowed: 0 to {n}")
    if n == 0:
        return UNMEASURED
    z = NormalDist().inv_cdf(0.5 + _checked_level(level) / 2)
    share, weight = successes / n, z * z / n
    centre = (share + weight / 2) / (1 + weight)
    half = z * ((share * (1 - share) + weight / 4) / n) ** 0.5 / (1 + weight)
    return Interval(max(0.0, centre - half), min(1.0, centre + half))


def grouped_bootstrap(
    statistic: Callable[[NDArray[np.intp]], float],
    groups: ArrayLike,
    *,
    n_resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Percentile interval of a figure when whole groups are drawn with replacement.

    Parameters
    ----------
    statistic : callable
        Gives the figure of the clips at the indices it receives (an index may come twice);
        a draw for which it is ``nan`` is left out.
    groups : int or str array, shape (n_clips,)
        Clips with the same value stay together.
    n_resamples : int
    level : float
        Probability to cover.
    seed : int
        Same seed, same interval.

    Returns
    -------
    Interval
        Unknown with fewer than two groups, and where (nearly) every draw gives the same figure.

    >>> right = np.array([1, 1, 0, 1, 1, 0])
    >>> low, high = grouped_bootstrap(lambda at: right[at].mean(), [0, 0, 1, 1, 2, 2])
    >>> low, high
    (0.5, 1.0)
    """
    members = _members(np.asarray(groups))
    tail = (1 - _checked_level(level)) / 2
    if len(members) < 2:
        return UNMEASURED
    rng = np.random.default_rng(seed)
    draws = rng.integers(len(members), size=(n_resamples, len(members)))
    figures = np.array([statistic(np.concatenate([members[i] for i in draw])) for draw in draws])
    figures = figures[~np.isnan(figures)]
    if figures.size == 0:
        return UNMEASURED
    low, high = np.quantile(figures, [tail, 1 - tail])
    return Interval(float(low), float(high)) if low < high else UNMEASURED


def _members(groups: NDArray[np.generic]) -> list[NDArray[np.intp]]:
    """Indices of the clips of each group."""
    _, place = np.unique(groups, return_inverse=True)
    order = np.argsort(place, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(place[order])) + 1) if place.size else []


def _checked_level(level: float) -> float:
    if not 0 < level < 1:
        raise EvaluationError(f"level {level}; allowed: between 0 and 1, such as 0.95")
    return level
