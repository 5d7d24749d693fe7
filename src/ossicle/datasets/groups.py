"""What must never be parted between training and test."""

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ossicle.types import Clip

__all__ = ["group_names", "group_numbers"]


def group_names(clips: Sequence[Clip]) -> list[tuple[str, str]]:
    """Kind and name of each clip's group: the one it names, else its recording.

    So a blank group is a group of its own, and clips cut from one recording share it.
    """
    return [("group", c.group) if c.group else ("path", os.fspath(c.path)) for c in clips]


def group_numbers(clips: Sequence[Clip]) -> NDArray[np.int64]:
    """The groups as numbers, in the order in which they come first; shape ``(n_clips,)``."""
    numbers: dict[tuple[str, str], int] = {}
    found = [numbers.setdefault(name, len(numbers)) for name in group_names(clips)]
    return np.array(found, dtype=np.int64)
