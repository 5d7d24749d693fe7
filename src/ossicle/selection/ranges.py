"""Values of a grid that are drawn, not listed: ``{"from": 0.01, "to": 100, "scale": "log"}``."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ossicle.errors import SearchError

__all__ = ["Range"]

SCALES = ("linear", "log")


@dataclass(frozen=True)
class Range:
    """Where values are drawn from; whole numbers if both ends are, ends included.

    Parameters
    ----------
    low, high : int or float
    scale : "linear" or "log"

    >>> Range(1, 1, "log").draw(np.random.default_rng(0))
    1
    """

    low: float
    high: float
    scale: str = "linear"

    @staticmethod
    def is_one(value: object) -> bool:
        """Whether a grid's value is a range.

        >>> Range.is_one({"from": 1, "to": 9}), Range.is_one([1, 9]), Range.is_one({"name": "mfcc"})
        (True, False, False)
        """
        return isinstance(value, Mapping) and "from" in value

    @classmethod
    def read(cls, key: str, value: Mapping[str, Any]) -> "Range":
        """The range that stands under a key of a grid.

        Raises
        ------
        SearchError
            If the ends are no numbers in order, or not above 0 on the scale ``log``.
        """
        low, high = (_number(value.get(end)) for end in ("from", "to"))
        scale = value.get("scale", "linear")
        known = not set(value) - {"from", "to", "scale"} and scale in SCALES
        if not (known and low <= high and (scale == "linear" or low > 0)):
            raise SearchError(
                f"grid key {key!r} is {dict(value)}; allowed are from and to, numbers in order, "
                "and scale linear or log (then above 0)"
            )
        return cls(low, high, scale)

    def draw(self, rng: np.random.Generator) -> float | int:
        """One value; fractions have six digits, enough for a parameter and short to read."""
        low, high = self.low, self.high
        whole = isinstance(low, int) and isinstance(high, int)
        if whole and self.scale == "linear":
            return int(rng.integers(int(low), int(high), endpoint=True))
        if self.scale == "linear":
            return float(f"{rng.uniform(low, high):.6g}")
        found = math.exp(rng.uniform(math.log(low), math.log(high)))
        return min(max(round(found), low), high) if whole else float(f"{found:.6g}")


def _number(value: object) -> float | int:
    """The number, or NaN, which is in no order."""
    return value if isinstance(value, int | float) and math.isfinite(value) else math.nan
