"""What sizes a network may have, and whether an input is long enough for them."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from ossicle.errors import ModelError
from ossicle.models.settings import check_whole

__all__ = ["Step", "check_odd", "check_pair", "check_share", "require_room", "sizes_after"]

LONGEST = 1_000_000
"""Frames or bands above which no input is thought of."""


class Step(NamedTuple):
    """How one layer moves along one axis."""

    kernel: int
    stride: int = 1
    padding: int = 0


def sizes_after(size: int, steps: Sequence[Step]) -> list[int]:
    """Size of one axis after each layer; 0 from the layer on that has no room.

    >>> sizes_after(44, [Step(10, 2, 5), Step(3, 2, 1)])
    [23, 12]
    """
    sizes = []
    for kernel, stride, padding in steps:
        padded = size + 2 * padding
        size = (padded - kernel) // stride + 1 if size and padded >= kernel else 0
        sizes.append(size)
    return sizes


def require_room(name: str, axis: str, size: int, steps: Sequence[Step]) -> int:
    """Size of an axis after all layers.

    Raises
    ------
    ModelError
        If nothing is left of it; says how many there must be.

    >>> require_room("cnn", "frames", 3, [Step(2, 2), Step(2, 2)])
    Traceback (most recent call last):
        ...
    ossicle.errors.ModelError: 3 frames are too few for cnn, which needs 4; ...
    """
    left = sizes_after(size, steps)[-1] if steps else size
    if left < 1:
        cure = "take a longer window" if axis == "frames" else "take more bands"
        raise ModelError(
            f"{size} {axis} are too few for {name}, which needs {_least(steps)}; {cure}, or a "
            "network with fewer layers or smaller kernels"
        )
    return left


def check_odd(name: str, value: object) -> None:
    """Refuse what is no odd whole number above 0: such a kernel has a middle."""
    check_whole(name, value)
    if isinstance(value, int) and value % 2 == 0:
        raise ModelError(f"{name} is {value}; it must be odd, to have a middle")


def check_pair(name: str, value: object, *, least: int = 1) -> None:
    """Refuse what is no pair of whole numbers, one for frames and one for bands."""
    whole = isinstance(value, tuple) and all(type(part) is int and part >= least for part in value)
    if not whole or not isinstance(value, tuple) or len(value) != 2:
        raise ModelError(
            f"{name} is {value!r}; it must be two whole numbers from {least}, frames by bands"
        )


def check_share(name: str, value: object) -> None:
    """Refuse what is no number from 0 to below 1."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise ModelError(f"{name} is {value!r}; it must be a number from 0 to below 1")


def _least(steps: Sequence[Step]) -> int:
    """The smallest size of which something is left; more never leaves less."""
    low, high = 0, LONGEST
    while high - low > 1:
        middle = math.ceil((low + high) / 2)
        low, high = (low, middle) if sizes_after(middle, steps)[-1] else (middle, high)
    return high
