"""One small network of each architecture, and windows for it."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ossicle.models.networks import architecture

torch.set_num_threads(1)

SMALL: dict[str, dict[str, Any]] = {
    "dnn": {"width": 8, "n_hidden": 2},
    "cnn": {"width": 4, "n_hidden": 2},
    "ds_cnn": {"width": 4, "n_blocks": 2},
    "tc_net": {"width": 4, "strides": (2, 1)},
    "resnet": {"widths": (4, 6), "n_blocks": 2},
}
SHAPE = {"n_frames": 24, "n_bands": 16}


def small(name: str, n_outputs: Sequence[int] = (3, 1)) -> nn.Module:
    described = architecture({"name": name, **SMALL[name]})
    return described.build(**SHAPE, n_outputs=n_outputs)


def experienced(module: nn.Module) -> nn.Module:
    """After some batches and with every weight its own, as training leaves it."""
    rng = torch.Generator().manual_seed(1)
    for weights in module.parameters():
        weights.data += 0.1 * torch.randn(weights.shape, generator=rng)
    for _ in range(3):
        module(torch.randn(8, *SHAPE.values(), generator=rng))
    return module


def windows(n: int) -> Tensor:
    return torch.randn(n, *SHAPE.values(), generator=torch.Generator().manual_seed(2))


class Answering(nn.Module):
    """Answers with whatever a function makes of the features."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, features: Tensor) -> Any:
        return self.answer(features)
