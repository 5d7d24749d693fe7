"""Which sources a mix is made of, and at which ratio: all from the recipe's seed and its number.

Sources and exact ratios are taken in turn from a shuffled row, which is shuffled anew when all had
their turn: they are used equally often as far as the number of mixes allows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ossicle.datasets.recipes import Recipe
from ossicle.datasets.sources import ROLES, Source

__all__ = ["Turn", "draw_ratio", "draw_source", "events_of"]

Place = tuple[str, int]
"""The role of an event, and how many events of that role came in mixes before."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Which mix: its number, its part, and the number of the part's first mix."""

    number: int
    part: int
    first: int


def events_of(number: int, pools: Mapping[str, object], recipe: Recipe) -> list[Place]:
    """The events laid over the background, the alarm last.

    Every other mix has an alarm. The one after it has the same number of significant sounds, drawn
    from the same turn of the row.

    >>> from types import SimpleNamespace
    >>> for number in range(4):
    ...     events_of(number, {"significant": []}, SimpleNamespace(events=(1, 2)))
    [('alarm', 0)]
    []
    [('significant', 0), ('alarm', 1)]
    [('significant', 0)]
    """
    pair, without_alarm = divmod(number, 2)
    n_before, n_here = _significant(pair, recipe) if "significant" in pools else (0, 0)
    significant = [("significant", n_before + place) for place in range(n_here)]
    return significant if without_alarm else [*significant, ("alarm", pair)]


def draw_source(
    role: str, place: int, attempt: int, pool: Sequence[Source], recipe: Recipe
) -> Source:
    """The source at a place of the endless row; recordings of greater weight come more often."""
    around, place = divmod(place, len(pool))
    rng = np.random.default_rng([recipe.seed, ROLES.index(role), around, attempt])
    order = rng.permutation(len(pool))
    ends = np.cumsum([source.weight for source in pool])
    point = (int(order[place]) + rng.uniform()) * ends[-1] / len(pool)
    return pool[min(int(np.searchsorted(ends, point, side="right")), len(pool) - 1)]


def draw_ratio(role: str, place: int, turn: Turn, recipe: Recipe) -> float | None:
    """The exact ratio of an event; None where the recipe has a range.

    Each part has its own row, so in each the ratios come equally often.
    """
    if not recipe.exact:
        return None
    around, place = divmod(_place_in_part(role, place, turn, recipe), len(recipe.exact))
    key = [recipe.seed, len(ROLES) + ROLES.index(role), turn.part, around]
    order = np.random.default_rng(key).permutation(len(recipe.exact))
    return recipe.exact[int(order[place])]


def _place_in_part(role: str, place: int, turn: Turn, recipe: Recipe) -> int:
    """How many events of that role came before in mixes of the same part."""
    if role == "alarm":
        return place - (turn.first + 1) // 2
    pair, second = divmod(turn.number, 2)
    n_before, n_here = _significant(pair, recipe)
    first_pair, first_second = divmod(turn.first, 2)
    n_skipped, n_first = _significant(first_pair, recipe)
    laid = n_before + place + second * n_here  # both mixes of each pair before hold the sounds
    return laid - 2 * n_skipped - first_second * n_first


def _significant(pair: int, recipe: Recipe) -> tuple[int, int]:
    """Significant sounds of either mix in all pairs before, and in this one."""
    few, many = (count - 1 for count in recipe.events)
    around, place = divmod(pair, many - few + 1)
    of_around = sum(range(few, many + 1))
    return around * of_around + sum(range(few, few + place)), few + place
