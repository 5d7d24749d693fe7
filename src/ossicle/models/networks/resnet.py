"""A residual network for sounds of some seconds, learnt without any other data."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from ossicle.errors import ModelError
from ossicle.models.networks.architecture import Architecture
from ossicle.models.networks.pooling import POOLINGS, Channel, GlobalPool
from ossicle.models.networks.sharing import HardSharing
from ossicle.models.networks.sizes import Step, check_odd, check_pair, check_share, require_room
from ossicle.models.settings import check_whole, check_word

__all__ = ["ResNet"]


@dataclass(frozen=True)
class ResNet(Architecture):
    """A coarse first convolution, then stages of residual blocks, each of half the size.

    Parameters
    ----------
    widths : sequence of int
        Channels of the first convolution, then of each stage.
    n_blocks : int
        Blocks of two convolutions in each stage.
    kernel : int
        Side of the first convolution's kernel.
    stride : pair of int
        Its steps over frames and bands.
    pool : pair of int
        Frames and bands that the max-pooling after it makes one; (1, 1): none, which is finer
        and some four times slower.
    pooling : {"max", "mean", "mean_max"}
        How the last maps become one number a channel.
    dropout : float
        Before the heads.

    Source: He et al. (2016), "Deep Residual Learning for Image Recognition".

    >>> network = ResNet(widths=(4, 8)).build(n_frames=40, n_bands=32, n_outputs=(50,))
    >>> tuple(network(torch.zeros(2, 40, 32))[0].shape)
    (2, 50)
    """

    name: ClassVar[str] = "resnet"
    widths: tuple[int, ...] = (24, 40, 64, 112)
    n_blocks: int = 1
    kernel: int = 5
    stride: tuple[int, int] = (2, 2)
    pool: tuple[int, int] = (2, 2)
    pooling: str = "mean_max"
    dropout: float = 0.2

    def __post_init__(self) -> None:
        if not isinstance(self.widths, tuple) or len(self.widths) < 2:
            raise ModelError(f"widths is {self.widths!r}; it must be two whole numbers or more")
        for width in self.widths:
            check_whole("each of widths", width)
        check_whole("n_blocks", self.n_blocks)
        check_odd("kernel", self.kernel)
        check_pair("stride", self.stride)
        check_pair("pool", self.pool)
        check_word("pooling", self.pooling, POOLINGS)
        check_share("dropout", self.dropout)

    def module(self, *, n_frames: int, n_bands: int, n_outputs: Sequence[int]) -> nn.Module:
        """Every convolution is padded, so that only steps make the maps smaller."""
        axes = zip(("frames", "bands"), (n_frames, n_bands), self.stride, self.pool, strict=True)
        for axis, size, stride, pool in axes:
            first = [Step(self.kernel, stride, self.kernel // 2), Step(pool, pool)]
            stages = [Step(3, 2, 1)] * (len(self.widths) - 1)
            require_room(self.name, axis, size, [*first, *stages])
        layers: list[nn.Module] = [
            Channel(),
            *_convolution(1, self.widths[0], self.kernel, self.stride),
            nn.ReLU(),
            nn.MaxPool2d(self.pool),
        ]
        for n_in, width in itertools.pairwise(self.widths):
            layers += [_Residual(n_in, width, stride=2)]
            layers += [_Residual(width, width, stride=1) for _ in range(self.n_blocks - 1)]
        layers += [GlobalPool(self.pooling), nn.Dropout(self.dropout)]
        return HardSharing(nn.Sequential(*layers), width=self.widths[-1], n_outputs=n_outputs)


class _Residual(nn.Module):
    """Two convolutions beside a shortcut, which is a mean-pooled pointwise one between sizes."""

    def __init__(self, n_in: int, n_out: int, *, stride: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            *_convolution(n_in, n_out, 3, (stride, stride)),
            nn.ReLU(),
            *_convolution(n_out, n_out, 3, (1, 1)),
        )
        shortcut: list[nn.Module] = [nn.AvgPool2d(stride, ceil_mode=True)] if stride > 1 else []
        shortcut += _convolution(n_in, n_out, 1, (1, 1)) if n_in != n_out else []
        self.shortcut = nn.Sequential(*shortcut)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps of shape ``(n, n_in, n_frames, n_bands)`` to ``(n, n_out, ...)``."""
        return torch.relu(self.branch(maps) + self.shortcut(maps))


def _convolution(n_in: int, n_out: int, kernel: int, stride: tuple[int, int]) -> list[nn.Module]:
    layer = nn.Conv2d(n_in, n_out, kernel, stride, kernel // 2, bias=False)
    return [layer, nn.BatchNorm2d(n_out)]
