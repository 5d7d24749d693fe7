"""Steps with a level meter: how loud recordings are."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ossicle.audio import LevelMeter, Levels, rate_of, read_blocks
from ossicle.audio.weighting import Weighting
from ossicle.errors import AudioError

__all__ = ["Reading", "measure_files"]

Reading = tuple[Path, float, Levels | str]
"""A file, the second at which the reading begins, and its levels or why there are none."""

_BLOCK = 1.0  # seconds


def measure_files(
    paths: Sequence[Path],
    *,
    weighting: Weighting = "A",
    calibration: float = 0.0,
    every: float | None = None,
) -> Iterator[Reading]:
    """Read the levels of each file, over all of it or one reading every so many seconds.

    A file that cannot be read stops nothing: its reading says why.
    """
    for path in paths:
        try:
            yield from _readings(path, weighting, calibration, every)
        except AudioError as error:
            yield path, 0.0, str(error)


def _readings(
    path: Path, weighting: Weighting, calibration: float, every: float | None
) -> Iterator[Reading]:
    meter = LevelMeter(rate_of(path), weighting=weighting, calibration=calibration)
    begin = 0.0
    for block in read_blocks(path, block=every or _BLOCK):
        meter.push(block)
        if every is not None:
            levels = meter.levels()
            yield path, begin, levels
            begin += levels.duration
            meter.restart()
    if every is None:
        yield path, 0.0, meter.levels()
