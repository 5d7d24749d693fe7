"""Steps with a level meter: how loud recordings are."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from ossicle.audio import LevelMeter, Levels, rate_of, read_blocks
from ossicle.audio.weighting import Weighting
from ossicle.errors import AudioError
from ossicle.steps.sources import named_digest
from ossicle.workflow.kinds import Rows
from ossicle.workflow.manifest import Digest, step

__all__ = ["Reading", "measure_files", "measure_levels"]

Reading = tuple[Path, float, Levels | str]
"""A file, the second at which the reading begins, and its levels or why there are none."""

_BLOCK = 1.0  # seconds


@step(name="level", libraries=("numpy", "scipy", "soundfile", "soxr"))
def measure_levels(
    sounds: Annotated[Sequence[Path], Digest(named_digest)],
    *,
    weighting: Weighting = "A",
    calibration: Annotated[float, "dB"] = 0.0,
    every: Annotated[float | None, "s"] = None,
) -> Rows:
    """Read the levels of recordings, as one table.

    Parameters
    ----------
    sounds : sequence of Path
        Recordings.
    weighting : {"A", "Z"}
        As people hear, or every frequency alike.
    calibration : float
        The sound pressure level of 0 dBFS.
    every : float, optional
        Length of one reading; the whole recording by default.

    Returns
    -------
    list of dict
        ``recording, start`` and the levels; ``fault`` where a file cannot be read.
    """
    found = measure_files(sounds, weighting=weighting, calibration=calibration, every=every)
    return [
        {"recording": path.name, "start": start, **_figures(levels)}
        for path, start, levels in found
    ]


def _figures(levels: Levels | str) -> dict[str, Any]:
    return {"fault": levels} if isinstance(levels, str) else asdict(levels)


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
