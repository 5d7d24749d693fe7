"""Axes of figures and costs: which scale, how far, which ticks, and a value in words.

Costs (bytes, times, operations) are compared by factors, so their axes are logarithmic. An axis
never shows less than a least range: what differs by less is noise, and would look like a trend.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["fit_axis", "said_as"]

RATES = frozenset({"accuracy", "auc", "f1", "fpr", "precision", "recall", "tpr"})

COSTS = {
    "bytes": ("", "B"),
    "size_bytes": ("", "B"),
    "memory_bytes": ("", "B"),
    "latency_ms": ("m", "s"),
    "macs": ("", "MAC"),
}
"""Columns of costs: the prefix their numbers are in, and the unit."""

LEAST_RATE = 0.1
"""Least range of an axis of rates."""

LEAST_FACTOR = 4.0
"""Least factor between the ends of an axis of costs."""

ROOM = 0.08
MOST_TICKS = 7
PREFIXES = {"n": 1e-9, "µ": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


def said_as(column: str, value: float) -> str:
    """A value in three digits with its unit, or the name of its column where that has none.

    >>> said_as("bytes", 12_345.0), said_as("latency_ms", 0.31), said_as("tpr", 0.98765)
    ('12.3 kB', '310 µs', 'tpr 0.988')
    """
    if column not in COSTS or not np.isfinite(value) or value <= 0:
        return f"{column} {value:.3g}"
    prefix, unit = COSTS[column]
    number = float(f"{value * PREFIXES[prefix]:.3g}")
    best = max((name for name in PREFIXES if PREFIXES[name] <= number), key=PREFIXES.__getitem__)
    return f"{number / PREFIXES[best]:.3g} {best}{unit}".rstrip()


def fit_axis(axis: Any, values: NDArray[np.float64], column: str) -> None:
    """Give an axis the scale, the range and the ticks that suit its column.

    Parameters
    ----------
    axis : matplotlib.axis.Axis
    values : float array
        Of all points; those that are not finite do not count, at least one is.
    column : str
    """
    known = values[np.isfinite(values)]
    if column in COSTS and known.min() > 0:
        _fit_cost(axis, known, column)
    elif column in RATES and known.min() >= 0 and known.max() <= 1:
        _fit_rate(axis, known)
    else:
        room = ROOM * float(np.ptp(known)) or 0.05 * abs(float(known[0])) or 1.0
        _set_limits(axis, float(known.min()) - room, float(known.max()) + room)


def _fit_rate(axis: Any, known: NDArray[np.float64]) -> None:
    """Room around the points, and no tick where a rate cannot be."""
    low, high = float(known.min()), float(known.max())
    missing = max(0.0, LEAST_RATE - (high - low)) / 2
    low = min(max(0.0, low - missing), 1.0 - LEAST_RATE) if missing else low
    high = max(min(1.0, high + missing), LEAST_RATE) if missing else high
    room = ROOM * (high - low)
    _set_limits(axis, low - room, high + room)
    axis.set_ticks([tick for tick in axis.get_ticklocs() if -1e-9 <= tick <= 1 + 1e-9])
    _set_limits(axis, low - room, high + room)


def _fit_cost(axis: Any, known: NDArray[np.float64], column: str) -> None:
    """Factors: ticks at 1, 2 and 5 of each power of ten, at 1 alone where there are many."""
    low, high = float(np.log10(known.min())), float(np.log10(known.max()))
    missing = max(0.0, np.log10(LEAST_FACTOR) - (high - low)) / 2
    room = ROOM * (high - low + 2 * missing)
    low, high = low - missing - room, high + missing + room
    (axis.axes.set_xscale if axis is axis.axes.xaxis else axis.axes.set_yscale)("log")
    _set_limits(axis, 10**low, 10**high)
    ticks = _steps(low, high)
    axis.set_ticks(ticks, labels=[said_as(column, tick) for tick in ticks])
    axis.set_ticks([], minor=True)


def _steps(low: float, high: float) -> list[float]:
    powers = range(int(np.floor(low)), int(np.ceil(high)) + 1)
    for digits in ((1, 2, 5), (1, 3), (1,)):
        ticks = [digit * 10.0**power for power in powers for digit in digits]
        inside = [tick for tick in ticks if low <= np.log10(tick) <= high]
        if len(inside) <= MOST_TICKS:
            return inside
    return inside[:: 1 + len(inside) // MOST_TICKS]


def _set_limits(axis: Any, low: float, high: float) -> None:
    axes = axis.axes
    (axes.set_xlim if axis is axes.xaxis else axes.set_ylim)(low, high)
