"""Part 2: a place's own background against the backgrounds of other places.

All training sets hold, mix by mix, the same alarms and significant sounds at the same times and
ratios; only what lies under them differs.
"""

from typing import Any

import numpy as np

from ossicle.selection import Configuration
from studies.alarm.keeping import Workplace
from studies.alarm.learning import Rows, describe, margins
from studies.alarm.mixes import interleaved

__all__ = ["TRAININGS", "measure_places"]

TRAININGS = ("own", "generic", "both")


def measure_places(place: Workplace, described: dict[str, Any]) -> dict[str, Any]:
    """What a fixed configuration, trained in three ways, answers in each place: draw by draw."""
    configuration = Configuration.from_description(described)
    draws = [
        _measure_draw(place, configuration, draw) for draw in range(place.settings.n_place_draws)
    ]
    return {name: [each[name] for each in draws] for name in draws[0]}


def _measure_draw(
    place: Workplace, configuration: Configuration, draw: int
) -> dict[str, dict[str, Any]]:
    mixes = place.places(draw)
    train, test = (
        {
            name: describe(each, configuration, place.features, n_jobs=place.n_jobs)
            for name, each in side.items()
        }
        for side in mixes
    )
    return {
        name: {
            "positives": test[name].positives.tolist(),
            "groups": [clip.group for clip in mixes[1][name]],
            "answers": {
                how: margins(configuration, rows, test[name]).tolist()
                for how, rows in training_sets(train, name).items()
            },
        }
        for name in train
    }


def training_sets(train: dict[str, Rows], name: str) -> dict[str, Rows]:
    """Mixes in the place itself, in all others by turns, and half and half; all of one size."""
    own, others = train[name], [rows for other, rows in train.items() if other != name]
    generic = Rows.interleaved(others, interleaved(len(own), len(others)))
    both = Rows.interleaved([own, generic], interleaved(len(own), 2))
    assert all(np.array_equal(own.positives, rows.positives) for rows in (generic, both))
    return {"own": own, "generic": generic, "both": both}
