"""What moves the weights at each step, and their running average.

All are torch's own, in the fused form that moves all weights in one sweep (about six times as
fast on small networks); their ``state_dict`` holds everything that a training needs to go on.

Reference: Loshchilov & Hutter (2019), "Decoupled Weight Decay Regularization".
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from ossicle.errors import TrainingError, nearest

__all__ = ["OPTIMIZERS", "moving_average", "optimizer", "set_learning_rate"]

Groups = list[dict[str, Any]]
Tensors = tuple[Tensor, ...] | list[Tensor]


def optimizer(
    name: str,
    modules: Sequence[nn.Module],
    *,
    learning_rate: float,
    weight_decay: float = 0.0,
    momentum: float = 0.9,
) -> Optimizer:
    """An optimiser over all weights of some modules: the network, and how losses are combined.

    Parameters
    ----------
    name : {"adamw", "adam", "sgd"}
    modules : sequence of torch.nn.Module
    learning_rate : float
        The highest; see `set_learning_rate`.
    weight_decay : float
        For matrices and kernels; biases, normalisation and single numbers are not decayed.
    momentum : float
        For ``sgd`` alone.

    Raises
    ------
    TrainingError
        If the name is unknown or a number out of range.

    >>> moves = optimizer("adamw", [nn.Linear(3, 2)], learning_rate=1e-3, weight_decay=1e-2)
    >>> [(len(group["params"]), group["weight_decay"]) for group in moves.param_groups]
    [(1, 0.01), (1, 0.0)]
    """
    if name not in OPTIMIZERS:
        raise TrainingError(f"optimizer is {name!r}; {nearest(str(name), OPTIMIZERS)}")
    _check_number("learning_rate", learning_rate, above=0.0)
    _check_number("weight_decay", weight_decay)
    _check_number("momentum", momentum, below=1.0)
    weights = [weight for module in modules for weight in module.parameters()]
    groups = [
        {"params": [w for w in weights if w.ndim > 1], "weight_decay": weight_decay},
        {"params": [w for w in weights if w.ndim <= 1], "weight_decay": 0.0},
    ]
    return OPTIMIZERS[name](groups, learning_rate, momentum)


def set_learning_rate(moves: Optimizer, learning_rate: float) -> None:
    """Give every group of an optimiser the rate of the next step.

    >>> moves = optimizer("sgd", [nn.Linear(3, 2)], learning_rate=0.1)
    >>> set_learning_rate(moves, 0.05)
    >>> {group["lr"] for group in moves.param_groups}
    {0.05}
    """
    for group in moves.param_groups:
        group["lr"] = learning_rate


def moving_average(module: nn.Module, *, decay: float) -> AveragedModel:
    """A copy of a network whose weights follow as an exponential moving average.

    Call ``update_parameters(module)`` after each step; ``.module`` is the averaged network. The
    first steps count more, so that the first weights are soon forgotten: after ``n`` steps the
    share kept is at most ``(1 + n) / (10 + n)``. Running means and variances are averaged too.

    Parameters
    ----------
    module : torch.nn.Module
    decay : float
        Share of the average that each step keeps, from 0 to below 1; 0.999 is usual.

    Raises
    ------
    TrainingError
        If the share is out of range.

    >>> network = nn.Linear(1, 1)
    >>> average = moving_average(network, decay=0.99)
    >>> average.update_parameters(network)
    >>> bool(average.module.weight == network.weight)
    True
    """
    _check_number("ema", decay, below=1.0)

    @torch.no_grad()
    def follow(averages: Tensors, latest: Tensors, n_steps: Tensor | int) -> None:
        n = int(n_steps)
        kept = min(decay, (1 + n) / (10 + n))
        for average, now in zip(averages, latest, strict=True):
            if average.is_floating_point():
                average.lerp_(now, 1.0 - kept)
            else:
                average.copy_(now)

    return AveragedModel(module, multi_avg_fn=follow, use_buffers=True)


def _adamw(groups: Groups, learning_rate: float, momentum: float) -> Optimizer:
    return torch.optim.AdamW(groups, lr=learning_rate, fused=True)


def _adam(groups: Groups, learning_rate: float, momentum: float) -> Optimizer:
    return torch.optim.Adam(groups, lr=learning_rate, fused=True)


def _sgd(groups: Groups, learning_rate: float, momentum: float) -> Optimizer:
    nesterov = momentum > 0.0
    return torch.optim.SGD(groups, learning_rate, momentum, nesterov=nesterov, fused=True)


OPTIMIZERS: dict[str, Callable[[Groups, float, float], Optimizer]] = {
    "adamw": _adamw,
    "adam": _adam,
    "sgd": _sgd,
}
"""Name: maker."""


def _check_number(
    name: str, value: float, *, above: float = -1e-300, below: float = float("inf")
) -> None:
    if isinstance(value, bool) or not above < value < below:
        least = "above 0" if above == 0.0 else "0 or more"
        most = "" if below == float("inf") else f" and below {below:g}"
        raise TrainingError(f"{name} is {value!r}; it must be {least}{most}")
