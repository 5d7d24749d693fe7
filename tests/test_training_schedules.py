"""Learning rates by step, optimisers and running averages, and that all go on where they were."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from ossicle.errors import TrainingError  # noqa: E402
from ossicle.models.networks import architecture  # noqa: E402
from ossicle.training.combining import combined_loss  # noqa: E402
from ossicle.training.optimizers import (  # noqa: E402
    OPTIMIZERS,
    moving_average,
    optimizer,
    set_learning_rate,
)
from ossicle.training.schedules import SCHEDULES, schedule  # noqa: E402
from ossicle.types import Task  # noqa: E402

torch.set_num_threads(1)

N_STEPS = 1000
TASKS = [Task("word", "multiclass", ("a", "b", "c")), Task("alarm", "binary", ("no", "yes"))]


# --- schedules ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "rate"),
    [(0, 5e-3), (9_999, 5e-3), (10_000, 1.5e-3), (20_000, 4.5e-4), (30_000, 1.35e-4)],
)
def test_the_published_steps_of_keyword_spotting(step: int, rate: float) -> None:
    milestones = (10_000, 20_000, 30_000)
    factor = schedule("multi_step", n_steps=40_000, milestones=milestones, decay=0.3)
    assert 5e-3 * factor(step) == pytest.approx(rate)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("warmup", [0.0, 0.1])
@pytest.mark.parametrize("n_steps", [1, 2, 7, N_STEPS])
def test_a_factor_is_a_share_at_every_step(name: str, warmup: float, n_steps: int) -> None:
    factor = schedule(name, n_steps=n_steps, warmup=warmup, milestones=(3,))
    factors = [factor(step) for step in range(n_steps + 5)]
    assert all(0.0 <= value <= 1.0 for value in factors)
    assert factors[0] > 0.0


def test_the_cosine_is_torchs() -> None:
    moves = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=1.0)
    reference = torch.optim.lr_scheduler.CosineAnnealingLR(moves, T_max=N_STEPS)
    factor = schedule("cosine", n_steps=N_STEPS)
    for step in range(N_STEPS):
        assert factor(step) == pytest.approx(moves.param_groups[0]["lr"], abs=1e-9)
        moves.step()
        reference.step()


def test_one_cycle_is_torchs() -> None:
    moves = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=1.0, momentum=0.9)
    reference = torch.optim.lr_scheduler.OneCycleLR(moves, max_lr=1.0, total_steps=N_STEPS)
    rates = []
    for _ in range(N_STEPS - 1):
        rates.append(moves.param_groups[0]["lr"])
        moves.step()
        reference.step()
    factor = schedule("one_cycle", n_steps=N_STEPS)
    np.testing.assert_allclose([factor(k) for k in range(N_STEPS - 1)], rates, atol=1e-9)


def test_warming_up_rises_straight_and_meets_the_cosine_at_its_top() -> None:
    factor = schedule("cosine", n_steps=N_STEPS, warmup=0.1)
    rising = [factor(step) for step in range(101)]
    np.testing.assert_allclose(np.diff(rising), 1 / 101)
    assert factor(100) == 1.0
    assert factor(99) < 1.0 > factor(101)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"name": "cosin"}, "schedule is 'cosin'; did you mean 'cosine'"),
        ({"n_steps": 0}, "a schedule over 0 steps"),
        ({"warmup": 1.0}, "warmup is 1.0"),
        ({"decay": 0.0}, "decay is 0.0"),
        ({"milestones": (5, 3)}, r"milestones are \[5, 3\]; they must be rising"),
        ({"milestones": (0,)}, "rising steps from 1"),
    ],
)
def test_a_schedule_out_of_range_is_named(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        schedule(**{"name": "cosine", "n_steps": 10, **settings})


# --- optimisers -----------------------------------------------------------------------------------


def test_only_matrices_and_kernels_are_decayed() -> None:
    network = architecture("tc_net").build(n_frames=20, n_bands=8, n_outputs=(3,))
    combination = combined_loss("uncertainty", TASKS)
    moves = optimizer(
        "sgd", [network, combination], learning_rate=0.1, momentum=0.0, weight_decay=0.5
    )
    before = [weight.detach().clone() for weight in network.parameters()]
    for weight in [*network.parameters(), *combination.parameters()]:
        weight.grad = torch.zeros_like(weight)
    moves.step()
    for weight, was in zip(network.parameters(), before, strict=True):
        torch.testing.assert_close(weight.detach(), was * (0.95 if was.ndim > 1 else 1.0))
    assert not any(bool(weight.any()) for weight in combination.parameters())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_goes_down(name: str) -> None:
    layer = nn.Linear(2, 1, bias=False)
    moves = optimizer(name, [layer], learning_rate=0.01, momentum=0.0)
    losses = []
    for _ in range(20):
        moves.zero_grad()
        loss = (layer(torch.ones(1, 2)) - 3.0).square().mean()
        loss.backward()
        moves.step()
        losses.append(loss.item())
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"name": "adanw"}, "optimizer is 'adanw'; did you mean 'adamw'"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0; it must be above 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"weight_decay": -1.0}, "weight_decay is -1.0; it must be 0 or more"),
        ({"momentum": 1.0}, "momentum is 1.0; it must be 0 or more and below 1"),
    ],
)
def test_an_optimizer_out_of_range_is_named(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        optimizer(
            **{"name": "adamw", "modules": [nn.Linear(1, 1)], "learning_rate": 0.1, **settings}
        )


# --- running averages -----------------------------------------------------------------------------


def test_the_average_starts_at_the_first_weights_and_follows_their_mean() -> None:
    network = nn.Linear(1, 1, bias=False)
    average = moving_average(network, decay=0.5)
    wanted = None
    for step in range(20):
        nn.init.constant_(network.weight, float(step))
        average.update_parameters(network)
        kept = min(0.5, (1 + step) / (10 + step))
        wanted = step if wanted is None else kept * wanted + (1 - kept) * step
        assert average.module.weight.item() == pytest.approx(wanted, rel=1e-6)


def test_the_average_follows_running_statistics_too() -> None:
    network = nn.BatchNorm1d(2)
    average = moving_average(network, decay=0.9)
    for _ in range(3):
        network(torch.randn(8, 2) + 5.0)
        average.update_parameters(network)
    assert 0.0 < average.module.running_mean[0].item() < network.running_mean[0].item()
    assert average.module.num_batches_tracked.item() == 3


def test_a_share_of_one_is_refused() -> None:
    with pytest.raises(TrainingError, match=r"ema is 1.0; it must be 0 or more and below 1"):
        moving_average(nn.Linear(1, 1), decay=1.0)


# --- going on -------------------------------------------------------------------------------------


class Training:
    """A few steps of everything here at once, on data that depends on the step alone."""

    def __init__(self, name: str) -> None:
        self.network = architecture({"name": "ds_cnn", "width": 4, "n_blocks": 1}).build(
            n_frames=12, n_bands=8, n_outputs=(3, 2)
        )
        self.combination = combined_loss("uncertainty", TASKS)
        self.moves = optimizer(
            name, [self.network, self.combination], learning_rate=0.01, weight_decay=0.01
        )
        self.average = moving_average(self.network, decay=0.9)
        self.parts = (self.network, self.combination, self.moves, self.average)

    def run(self, steps: range, factor: Callable[[int], float]) -> None:
        for step in steps:
            rng = torch.Generator().manual_seed(step)
            word, alarm = self.network(torch.randn(8, 12, 8, generator=rng))
            set_learning_rate(self.moves, 0.01 * factor(step))
            self.moves.zero_grad()
            losses = {"word": word.square().mean(), "alarm": (alarm - 1).square().mean()}
            self.combination(losses).backward()
            self.moves.step()
            self.average.update_parameters(self.network)

    def state(self) -> list[dict[str, Any]]:
        return [copy.deepcopy(part.state_dict()) for part in self.parts]

    def restore(self, state: list[dict[str, Any]]) -> None:
        for part, values in zip(self.parts, state, strict=True):
            part.load_state_dict(values)


def same(one: Any, other: Any) -> bool:
    """Whether two states are the same to the bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("plan", ["cosine", "one_cycle"])
def test_a_training_that_was_saved_and_restored_is_the_uninterrupted_one(
    name: str, plan: str
) -> None:
    factor = schedule(plan, n_steps=10, warmup=0.2)
    whole, first, second = Training(name), Training(name), Training(name)
    whole.run(range(10), factor)
    first.run(range(4), factor)
    assert not same(first.state(), whole.state())
    second.restore(first.state())
    second.run(range(4, 10), factor)
    assert same(second.state(), whole.state())
