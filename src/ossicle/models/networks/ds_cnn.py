"""Keyword spotting with convolutions split into depthwise and pointwise ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from ossicle.models.networks.architecture import Architecture
from ossicle.models.networks.pooling import Channel, GlobalPool
from ossicle.models.networks.sharing import HardSharing
from ossicle.models.networks.sizes import Step, check_pair, check_share, require_room
from ossicle.models.settings import check_whole

__all__ = ["DsCnn"]


@dataclass(frozen=True)
class DsCnn(Architecture):
    """One wide convolution, then blocks of a depthwise and a pointwise one.

    Parameters
    ----------
    width : int
        Channels of every layer.
    n_blocks : int
        Blocks after the first convolution; the first of them halves frames and bands.
    kernel : pair of int
        Frames and bands under the first convolution's kernel.
    stride : pair of int
        Its steps.
    separable : bool
        False: each block is one full convolution (the same paper's larger CNN).
    pool : int, optional
        Side of the mean-pooling before the heads, in steps of one; None: over the whole
        window, which needs the fewest weights.
    dropout : float
        Before the heads.

    Sources: Zhang et al. (2017), "Hello Edge: Keyword Spotting on Microcontrollers"; the widths
    are those of its variant for 40 bands and 44 frames with 10 labels, which with every number
    of batch normalisation counted has 65,021 parameters.

    >>> from ossicle.models.networks.architecture import n_parameters
    >>> network = DsCnn().build(n_frames=44, n_bands=40, n_outputs=(10,))
    >>> print(n_parameters(network, statistics=True))
    65021
    """

    name: ClassVar[str] = "ds_cnn"
    width: int = 100
    n_blocks: int = 5
    kernel: tuple[int, int] = (10, 4)
    stride: tuple[int, int] = (2, 1)
    separable: bool = True
    pool: int | None = None
    dropout: float = 0.0

    def __post_init__(self) -> None:
        check_whole("width", self.width)
        check_whole("n_blocks", self.n_blocks)
        check_pair("kernel", self.kernel)
        check_pair("stride", self.stride)
        check_share("dropout", self.dropout)
        if self.pool is not None:
            check_whole("pool", self.pool)

    def module(self, *, n_frames: int, n_bands: int, n_outputs: Sequence[int]) -> nn.Module:
        """The first convolution is padded by half its kernel, the others keep the size."""
        left = self._left("frames", n_frames, 0) * self._left("bands", n_bands, 1)
        padding = (self.kernel[0] // 2, self.kernel[1] // 2)
        layers = [
            Channel(),
            *_normalised(nn.Conv2d(1, self.width, self.kernel, self.stride, padding)),
        ]
        for block in range(self.n_blocks):
            layers += self._block(stride=2 if block == 0 else 1)
        layers += self._pooled()
        body = nn.Sequential(*layers, nn.Dropout(self.dropout))
        return HardSharing(body, width=self.width * left, n_outputs=n_outputs)

    def _left(self, axis: str, size: int, place: int) -> int:
        """Cells of one axis that the heads see."""
        kernel, stride = self.kernel[place], self.stride[place]
        steps = [Step(kernel, stride, kernel // 2), Step(3, 2, 1)]
        steps += [Step(self.pool)] if self.pool else []
        left = require_room(self.name, axis, size, steps)
        return left if self.pool else 1

    def _block(self, *, stride: int) -> list[nn.Module]:
        groups = self.width if self.separable else 1
        layers = _normalised(nn.Conv2d(self.width, self.width, 3, stride, 1, groups=groups))
        return layers + (_normalised(nn.Conv2d(self.width, self.width, 1)) * self.separable)

    def _pooled(self) -> list[nn.Module]:
        if self.pool is None:
            return [GlobalPool("mean")]
        return [nn.AvgPool2d(self.pool, stride=1), nn.Flatten()]


def _normalised(convolution: nn.Conv2d) -> list[nn.Module]:
    return [convolution, nn.BatchNorm2d(convolution.out_channels), nn.ReLU()]
