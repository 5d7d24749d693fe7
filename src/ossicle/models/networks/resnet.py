"""A residual network for sounds of some seconds, learnt without any other data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from ossicle.models.networks.architecture import Architecture
from ossicle.models.networks.pooling import POOLINGS, Channel, GlobalPool
from ossicle.models.networks.sharing import HardSharing
from ossicle.models.networks.sizes import Step, check_pair, check_share, require_room
from ossicle.models.settings import check_whole, check_word

__all__ = ["ResNet"]


@dataclass(frozen=True)
class ResNet(Architecture):
    """Stages of residual blocks; each stage after the first halves the window and doubles width.

    Parameters
    ----------
    width : int
        Channels of the first stage.
    n_stages : int
    n_blocks : int
        Blocks of two convolutions in each stage.
    stride : pair of int
        Steps of the first convolution over frames and bands; larger ones make it faster.
    pooling : {"max", "mean", "mean_max"}
        How the last maps become one number a channel.
    dropout : float
        Before the heads.

    Source: He et al. (2016), "Deep Residual Learning for Image Recognition".

    >>> network = ResNet(width=8, n_stages=2).build(n_frames=40, n_bands=32, n_outputs=(50,))
    >>> tuple(network(torch.zeros(2, 40, 32))[0].shape)
    (2, 50)
    """

    name: ClassVar[str] = "resnet"
    width: int = 32
    n_stages: int = 4
    n_blocks: int = 1
    stride: tuple[int, int] = (2, 2)
    pooling: str = "mean_max"
    dropout: float = 0.2

    def __post_init__(self) -> None:
        for name in ("width", "n_stages", "n_blocks"):
            check_whole(name, getattr(self, name))
        check_pair("stride", self.stride)
        check_word("pooling", self.pooling, POOLINGS)
        check_share("dropout", self.dropout)

    def module(self, *, n_frames: int, n_bands: int, n_outputs: Sequence[int]) -> nn.Module:
        """Every convolution is padded, so that only steps make the maps smaller."""
        halvings = [Step(2, 2)] * (self.n_stages - 1)
        for axis, size, stride in zip(
            ("frames", "bands"), (n_frames, n_bands), self.stride, strict=True
        ):
            require_room(self.name, axis, size, [Step(stride, stride), *halvings])
        widths = [self.width * 2**stage for stage in range(self.n_stages)]
        layers: list[nn.Module] = [Channel(), *_convolution(1, self.width, 3, self.stride)]
        layers += [nn.ReLU()]
        for stage, width in enumerate(widths):
            layers += self._stage(widths[max(stage - 1, 0)], width, stride=1 if stage == 0 else 2)
        layers += [GlobalPool(self.pooling), nn.Dropout(self.dropout)]
        return HardSharing(nn.Sequential(*layers), width=widths[-1], n_outputs=n_outputs)

    def _stage(self, n_in: int, width: int, *, stride: int) -> list[nn.Module]:
        first = _Residual(n_in, width, stride=stride)
        return [first, *(_Residual(width, width, stride=1) for _ in range(self.n_blocks - 1))]


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
