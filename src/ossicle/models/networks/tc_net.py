"""A small network for words and short sounds: bands as channels, convolutions over time alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from ossicle.errors import ModelError
from ossicle.models.networks.architecture import Architecture
from ossicle.models.networks.sharing import HardSharing
from ossicle.models.networks.sizes import Step, check_odd, check_share, require_room
from ossicle.models.settings import check_whole

__all__ = ["TcNet"]


@dataclass(frozen=True)
class TcNet(Architecture):
    """A pointwise layer, then residual blocks of a long depthwise and a pointwise convolution.

    With 40 bands and 12 labels it has fewer than 10,000 parameters, and since every layer sees
    all bands at once it needs few multiplications. Give it features whose bands are around 0 in
    every window (``window_scaling="mean"``), so that it hears no microphone.

    Parameters
    ----------
    width : int
        Channels of every layer.
    kernel : int
        Frames under each depthwise kernel; odd.
    strides : sequence of int
        Step of each block over the frames; its length is the number of blocks.
    dropout : float
        Before the heads.

    Sources: Choi et al. (2019), "Temporal Convolution for Real-time Keyword Spotting on Mobile
    Devices"; Majumdar & Ginsburg (2020), "MatchboxNet" (the separable blocks).

    >>> from ossicle.models.networks.architecture import n_parameters
    >>> print(n_parameters(TcNet().build(n_frames=97, n_bands=40, n_outputs=(12,))))
    8940
    """

    name: ClassVar[str] = "tc_net"
    width: int = 32
    kernel: int = 9
    strides: tuple[int, ...] = (2, 1, 2, 1, 1)
    dropout: float = 0.1

    def __post_init__(self) -> None:
        check_whole("width", self.width)
        check_odd("kernel", self.kernel)
        check_share("dropout", self.dropout)
        if not isinstance(self.strides, tuple) or not self.strides:
            raise ModelError(f"strides is {self.strides!r}; it must be one whole number a block")
        for stride in self.strides:
            check_whole("each of strides", stride)

    def module(self, *, n_frames: int, n_bands: int, n_outputs: Sequence[int]) -> nn.Module:
        """Blocks that change only the number of frames, and their mean over time."""
        steps = [Step(self.kernel, stride, self.kernel // 2) for stride in self.strides]
        require_room(self.name, "frames", n_frames, steps)
        body = nn.Sequential(
            _BandsAsChannels(),
            *_normalised(nn.Conv1d(n_bands, self.width, 1, bias=False)),
            nn.ReLU(),
            *(_Block(self.width, self.kernel, stride) for stride in self.strides),
            _OverTime(),
            nn.Dropout(self.dropout),
        )
        return HardSharing(body, width=self.width, n_outputs=n_outputs)


class _BandsAsChannels(nn.Module):
    """``(n, n_frames, n_bands)`` to ``(n, n_bands, n_frames)``."""

    def forward(self, features: Tensor) -> Tensor:
        return features.transpose(1, 2)


class _OverTime(nn.Module):
    """Mean of each channel over the frames."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps.mean(dim=2)


class _Block(nn.Module):
    """A depthwise and a pointwise convolution, beside a shortcut where the size stays."""

    def __init__(self, width: int, kernel: int, stride: int) -> None:
        super().__init__()
        depthwise = nn.Conv1d(width, width, kernel, stride, kernel // 2, groups=width, bias=False)
        pointwise = nn.Conv1d(width, width, 1, bias=False)
        self.branch = nn.Sequential(*_normalised(depthwise), *_normalised(pointwise))
        self.residual = stride == 1

    def forward(self, maps: Tensor) -> Tensor:
        branch: Tensor = self.branch(maps)
        return torch.relu(branch + maps if self.residual else branch)


def _normalised(convolution: nn.Conv1d) -> list[nn.Module]:
    return [convolution, nn.BatchNorm1d(convolution.out_channels)]
