"""Random search: configurations drawn from a grid instead of all of them.

Source: Bergstra & Bengio (2012), random search for hyper-parameter optimization.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ossicle.errors import SearchError
from ossicle.selection.grid import DEFAULT_GRID, Configuration, Grid, expand
from ossicle.selection.ranges import Range

__all__ = ["draw_configurations"]

TRIES = 20
"""Draws for each configuration wanted, before a grid counts as exhausted."""


def draw_configurations(
    grid: Grid, n: int, *, seed: int = 0, default: Mapping[str, Any] = DEFAULT_GRID
) -> list[Configuration]:
    """Draw ``n`` different configurations.

    Of a grid of lists every configuration is equally likely, and fewer than ``n`` are all of them,
    in the order of the grid. Values that are ranges are drawn anew for each.

    Parameters
    ----------
    grid : dict of lists or ranges, or list of such dicts
    n : int
        At least 1.
    seed : int
    default : dict of lists
        As for `expand`.

    Raises
    ------
    SearchError
        As for `expand`.

    >>> grid = {"model": ["svm"], "C": {"from": 0.1, "to": 1000, "scale": "log"}}
    >>> len({c.model.C for c in draw_configurations(grid, 5)})
    5
    """
    if n < 1:
        raise SearchError(f"draw is {n}; allowed are 1 and above")
    rng = np.random.default_rng(seed)
    grids = [grid] if isinstance(grid, Mapping) else list(grid)
    if not any(Range.is_one(value) for product in grids for value in product.values()):
        every = expand(grid, default=default)
        return [every[place] for place in sorted(rng.permutation(len(every))[:n])]
    found: dict[Configuration, None] = {}
    for _ in range(TRIES * n):
        every = expand([_pinned(product, rng) for product in grids], default=default)
        found[every[int(rng.integers(len(every)))]] = None
        if len(found) == n:
            break
    return list(found)


def _pinned(grid: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """The grid with a value in place of each range."""
    ranges = {key: Range.read(key, value) for key, value in grid.items() if Range.is_one(value)}
    return {**grid, **{key: [each.draw(rng)] for key, each in ranges.items()}}
