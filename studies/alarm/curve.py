"""Part 3: how much is learnt from how many mixes, and from how many recordings."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ossicle import Dataset
from ossicle.selection import Configuration
from studies.alarm.keeping import Workplace
from studies.alarm.learning import alarm_figures, describe, margins

__all__ = ["measure_curve"]

SHARES = (0.125, 0.25, 0.5, 1.0)
"""Of the alarm recordings."""


def measure_curve(place: Workplace, described: dict[str, Any]) -> dict[str, Any]:
    """Figures on the test mixes for each number of training mixes, and of alarm recordings."""
    configuration = Configuration.from_description(described)
    mixes = place.mixes
    train, test = (
        describe(side, configuration, place.features, n_jobs=place.n_jobs) for side in mixes
    )

    def judged(places: NDArray[np.int64]) -> dict[str, float]:
        return alarm_figures(test.positives, margins(configuration, train.take(places), test))

    by_mixes = [
        {"n": n, "draw": draw, **judged(places)} for n, draw, places in _fewer(place, len(train))
    ]
    by_sources = [{**about, **judged(places)} for about, places in _fewer_sources(place, mixes[0])]
    return {"by_mixes": by_mixes, "by_sources": by_sources}


def _fewer(place: Workplace, n_all: int) -> Iterator[tuple[int, int, NDArray[np.int64]]]:
    """Pairs of one mix with and one without an alarm, drawn at random; all of them once."""
    for size in place.settings.sizes:
        n = min(size, n_all)
        for draw in range(1 if n == n_all else place.settings.n_draws):
            rng = np.random.default_rng([place.settings.seed, n, draw])
            pairs = np.sort(rng.permutation(n_all // 2)[: n // 2])
            yield n, draw, np.stack([2 * pairs, 2 * pairs + 1], axis=1).ravel()


def _fewer_sources(
    place: Workplace, train: Dataset
) -> Iterator[tuple[dict[str, Any], NDArray[np.int64]]]:
    """The same number of pairs, whose alarms come from few or from many recordings."""
    groups = np.array([clip.group for clip in train])[::2]
    names, least = np.unique(groups), int(SHARES[0] * len(groups))
    for share in SHARES:
        n_sources = max(4, round(share * len(names)))
        for draw in range(place.settings.n_draws):
            rng = np.random.default_rng([place.settings.seed, 1, n_sources, draw])
            kept = np.flatnonzero(np.isin(groups, rng.permutation(names)[:n_sources]))
            pairs = np.sort(rng.permutation(kept)[: round(0.8 * least)])
            about = {"n": 2 * len(pairs), "n_sources": n_sources, "draw": draw}
            yield about, np.stack([2 * pairs, 2 * pairs + 1], axis=1).ravel()
