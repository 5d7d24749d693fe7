"""What a setting may be: each check returns the clean value or says what was allowed."""

import math
import numbers
from collections.abc import Iterable

from ossicle.errors import FeatureError

__all__ = ["number", "one_of", "whole"]


def whole(name: str, value: object, *, low: int, high: int | None = None) -> int:
    """A whole number between ``low`` and ``high``; a plain ``int`` so that it survives JSON.

    >>> whole("n_mels", 40, low=1)
    40
    """
    limits = f"at least {low}" if high is None else f"from {low} to {high}"
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise FeatureError(f"{name}={value!r} is not a whole number; allowed: {limits}")
    clean = int(value)
    if clean < low or (high is not None and clean > high):
        raise FeatureError(f"{name}={clean} is out of range; allowed: {limits}")
    return clean


def number(
    name: str, value: object, *, above: float | None = None, low: float | None = None
) -> float:
    """A finite number, greater than ``above`` or at least ``low``; always a plain ``float``.

    >>> number("fmin", 20, low=0.0)
    20.0
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value):
        raise FeatureError(f"{name}={value!r} is not a finite number")
    clean = float(value)
    if above is not None and clean <= above:
        raise FeatureError(f"{name}={clean:g} is out of range; allowed: more than {above:g}")
    if low is not None and clean < low:
        raise FeatureError(f"{name}={clean:g} is out of range; allowed: at least {low:g}")
    return clean


def one_of(name: str, value: object, allowed: Iterable[str]) -> str:
    """One of a few words.

    >>> one_of("taper", "hann", ["hann", "hamming"])
    'hann'
    """
    allowed = sorted(allowed)
    if not isinstance(value, str) or value not in allowed:
        raise FeatureError(f"{name}={value!r} is unknown; allowed: {', '.join(allowed)}")
    return value
