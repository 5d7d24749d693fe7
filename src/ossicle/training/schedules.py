"""How the learning rate goes over the steps of a training: pure functions of the step.

A schedule has no state, so that a training that was interrupted goes on with the rate it would
have had. References: Loshchilov & Hutter (2017), "SGDR" (cosine); Smith & Topin (2018),
"Super-Convergence" (one cycle).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ossicle.errors import TrainingError, nearest

__all__ = ["SCHEDULES", "Schedule", "schedule"]

RISE = 0.3
"""Share of the steps in which one cycle rises."""
START = 1 / 25
"""Rate at which one cycle starts, of its highest."""
END = 1e-4
"""Rate at which one cycle ends, of that at its start."""


@dataclass(frozen=True)
class Schedule:
    """Share of the highest learning rate at each step; see `schedule`."""

    name: str
    n_steps: int
    warmup: float = 0.0
    milestones: tuple[int, ...] = ()
    decay: float = 0.1

    def __call__(self, step: int) -> float:
        """Factor of the learning rate at a step, counted from 0."""
        return self._ramp(step) * SCHEDULES[self.name](self, step)

    def _ramp(self, step: int) -> float:
        """Straight up to 1 over the first steps; the first of them is not lost."""
        n_rising = round(self.warmup * self.n_steps)
        return min(1.0, (step + 1) / (n_rising + 1))


def schedule(
    name: str,
    *,
    n_steps: int,
    warmup: float = 0.0,
    milestones: Sequence[int] = (),
    decay: float = 0.1,
) -> Schedule:
    """A schedule by name.

    Parameters
    ----------
    name : {"constant", "multi_step", "cosine", "one_cycle"}
        ``constant``: 1 throughout. ``multi_step``: times ``decay`` from each milestone on.
        ``cosine``: half a wave from 1 to 0 at the end. ``one_cycle``: from 1/25 up to 1 within
        the first 30 % of the steps, then down to 4e-6, both by half a wave.
    n_steps : int
        Steps of the whole training (batches, not epochs).
    warmup : float
        Share of the steps in which the factor rises from near 0, for every schedule.
    milestones : sequence of int
        Steps, rising.
    decay : float

    Raises
    ------
    TrainingError
        If a setting is out of range.

    >>> rate = schedule("multi_step", n_steps=40_000, milestones=(10_000, 20_000), decay=0.3)
    >>> [round(5e-3 * rate(step), 6) for step in (0, 9_999, 10_000, 20_000)]
    [0.005, 0.005, 0.0015, 0.00045]
    """
    if name not in SCHEDULES:
        raise TrainingError(f"schedule is {name!r}; {nearest(str(name), SCHEDULES)}")
    if n_steps < 1:
        raise TrainingError(f"a schedule over {n_steps} steps; there must be at least 1")
    if not 0.0 <= warmup < 1.0:
        raise TrainingError(f"warmup is {warmup}; it must be a share from 0 to below 1")
    if not 0.0 < decay <= 1.0:
        raise TrainingError(f"decay is {decay}; it must be above 0 and at most 1")
    if any(step < 1 for step in milestones) or sorted(set(milestones)) != list(milestones):
        raise TrainingError(f"milestones are {list(milestones)}; they must be rising steps from 1")
    return Schedule(name, n_steps, warmup, tuple(milestones), decay)


def _constant(plan: Schedule, step: int) -> float:
    return 1.0


def _multi_step(plan: Schedule, step: int) -> float:
    return float(plan.decay ** sum(step >= milestone for milestone in plan.milestones))


def _cosine(plan: Schedule, step: int) -> float:
    rising = round(plan.warmup * plan.n_steps)
    return _half_wave(1.0, 0.0, (step - rising) / (plan.n_steps - rising))


def _one_cycle(plan: Schedule, step: int) -> float:
    peak = max(1.0, RISE * plan.n_steps - 1)
    if step < peak:
        return _half_wave(START, 1.0, step / peak)
    return _half_wave(1.0, START * END, (step - peak) / max(1.0, plan.n_steps - 1 - peak))


def _half_wave(start: float, end: float, share: float) -> float:
    """Along half a cosine wave; beyond its ends, the ends."""
    share = min(max(share, 0.0), 1.0)
    return end + (start - end) * 0.5 * (1.0 + math.cos(math.pi * share))


SCHEDULES: dict[str, Callable[[Schedule, int], float]] = {
    "constant": _constant,
    "multi_step": _multi_step,
    "cosine": _cosine,
    "one_cycle": _one_cycle,
}
"""Name: factor at a step, before warming up."""
