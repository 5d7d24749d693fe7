"""Figures of answers with their intervals, whole source recordings drawn at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ossicle.evaluation import Interval, grouped_bootstrap, wilson
from studies.alarm.learning import Margins, Truth

__all__ = ["Share", "difference", "share"]


@dataclass(frozen=True)
class Share:
    """How many of how many, by mixes and by source recordings."""

    value: float
    n: int
    n_groups: int
    grouped: Interval
    wilson: Interval


def share(said: ArrayLike, groups: ArrayLike, where: ArrayLike, *, n_resamples: int) -> Share:
    """Of the mixes where a mask is true, the share for which an alarm was said."""
    mask = np.asarray(where, dtype=bool)
    answers, named = np.asarray(said, dtype=bool)[mask], np.asarray(groups)[mask]
    interval = grouped_bootstrap(
        lambda at: float(answers[at].mean()), named, n_resamples=n_resamples
    )
    return Share(
        float(answers.mean()) if len(answers) else float("nan"),
        len(answers),
        len(np.unique(named)),
        interval,
        wilson(int(answers.sum()), len(answers)),
    )


def difference(
    figure: Callable[[Truth, Margins], float],
    positives: Sequence[Truth],
    one: Sequence[Margins],
    other: Sequence[Margins],
    groups: Sequence[Sequence[str]],
    places: Sequence[str],
    *,
    n_resamples: int,
) -> tuple[float, Interval, Interval]:
    """Mean over tests of how much a figure is higher for one set of answers than for another.

    Tests are in places, several may be in one.

    Returns
    -------
    (difference, over sounds, over places)
        With the interval when source recordings are drawn anew, in all tests at once, and that
        when the places are.
    """
    sizes = [len(each) for each in positives]
    of_test = np.repeat(np.arange(len(sizes)), sizes)
    truth, left, right = (np.concatenate(each) for each in (positives, one, other))

    def gains(at: NDArray[np.intp]) -> NDArray[np.float64]:
        mine = [at[of_test[at] == test] for test in range(len(sizes))]
        return np.array([figure(truth[i], left[i]) - figure(truth[i], right[i]) for i in mine])

    found = gains(np.arange(len(truth)))
    over_sounds = grouped_bootstrap(
        lambda at: float(np.mean(gains(at))), np.concatenate(groups), n_resamples=n_resamples
    )
    over_places = grouped_bootstrap(
        lambda at: float(found[at].mean()), places, n_resamples=n_resamples
    )
    return float(found.mean()), over_sounds, over_places
