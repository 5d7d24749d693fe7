"""Intervals equal textbook values and hold groups together."""

import numpy as np
import pytest

from ossicle.errors import EvaluationError
from ossicle.evaluation import grouped_bootstrap, wilson


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    # Newcombe (1998), "Two-sided confidence intervals for the single proportion", Statistics in
    # Medicine 17, table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_equals_newcombes_table(successes: int, n: int, low: float, high: float) -> None:
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_holds_the_share_and_mirrors() -> None:
    for successes in range(8):
        low, high = wilson(successes, 7)
        assert 0 <= low <= successes / 7 <= high <= 1
        assert wilson(7 - successes, 7) == pytest.approx((1 - high, 1 - low))


def test_wilson_of_nothing_is_unknown() -> None:
    assert not wilson(0, 0).known


@pytest.mark.parametrize(("successes", "n", "level"), [(3, 2, 0.95), (-1, 2, 0.95), (1, 2, 95)])
def test_impossible_shares_and_levels_are_refused(successes: int, n: int, level: float) -> None:
    with pytest.raises(EvaluationError, match="allowed"):
        wilson(successes, n, level=level)


def clustered(n_groups: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Groups whose clips all share one outcome."""
    right = np.repeat(np.random.default_rng(0).random(n_groups) < 0.8, size)
    return right, np.repeat(np.arange(n_groups), size)


def test_bootstrap_is_wider_than_wilson_when_clips_of_a_group_are_alike() -> None:
    right, groups = clustered(40, 10)
    drawn = grouped_bootstrap(lambda at: float(right[at].mean()), groups)
    counted = wilson(int(right.sum()), right.size)
    assert drawn.high - drawn.low > 2 * (counted.high - counted.low)
    # As if only the groups counted: the binomial of 40 trials.
    alone = wilson(int(right[::10].sum()), 40)
    assert drawn == pytest.approx(alone, abs=0.06)


def test_bootstrap_agrees_with_wilson_when_every_clip_is_its_own_group() -> None:
    right = np.random.default_rng(0).random(400) < 0.8
    drawn = grouped_bootstrap(lambda at: float(right[at].mean()), np.arange(400))
    assert drawn == pytest.approx(wilson(int(right.sum()), 400), abs=0.01)


def test_groups_are_drawn_whole() -> None:
    groups = np.array(["b", "a", "b", "c"])

    def whole(at: np.ndarray) -> float:
        assert np.count_nonzero(at == 0) == np.count_nonzero(at == 2)
        return float(at.sum())

    assert grouped_bootstrap(whole, groups, n_resamples=50).known


def test_same_seed_same_interval() -> None:
    values, groups = np.random.default_rng(0).random(60), np.repeat(np.arange(20), 3)
    one, same, other = (
        grouped_bootstrap(lambda at: float(values[at].mean()), groups, n_resamples=97, seed=seed)
        for seed in (1, 1, 2)
    )
    assert one == same != other


@pytest.mark.parametrize("groups", [[], [0, 0, 0], [0, 1, 2]])
def test_bootstrap_without_spread_is_unknown(groups: list[int]) -> None:
    assert not grouped_bootstrap(lambda at: 1.0, np.array(groups)).known
