"""A plain convolutional network with global pooling, which all tasks share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from ossicle.models.networks.architecture import Architecture
from ossicle.models.networks.pooling import POOLINGS, Channel, GlobalPool
from ossicle.models.networks.sharing import HardSharing
from ossicle.models.networks.sizes import Step, check_pair, check_share, require_room
from ossicle.models.settings import check_whole, check_word

__all__ = ["Cnn"]


@dataclass(frozen=True)
class Cnn(Architecture):
    """Convolution, batch normalisation, rectifier, dropout and max-pooling, several times.

    Parameters
    ----------
    width : int
        Channels of each layer.
    n_hidden : int
        Layers.
    kernel : int
        Side of the square kernels.
    padding : int
        Zeros around the maps before each convolution; 2 keeps the size under a kernel of 5.
    pool : pair of int
        Frames and bands that each max-pooling makes one.
    pooling : {"max", "mean", "mean_max"}
        How the last maps become one number a channel.
    dropout : float

    >>> network = Cnn(width=8, n_hidden=2).build(n_frames=20, n_bands=16, n_outputs=(3, 1))
    >>> sum(weights.numel() for weights in network.parameters())
    1868
    """

    name: ClassVar[str] = "cnn"
    width: int = 64
    n_hidden: int = 4
    kernel: int = 5
    padding: int = 2
    pool: tuple[int, int] = (2, 2)
    pooling: str = "max"
    dropout: float = 0.0

    def __post_init__(self) -> None:
        check_whole("width", self.width)
        check_whole("n_hidden", self.n_hidden)
        check_whole("kernel", self.kernel)
        check_whole("padding", self.padding, above=-1)
        check_pair("pool", self.pool)
        check_word("pooling", self.pooling, POOLINGS)
        check_share("dropout", self.dropout)

    def module(self, *, n_frames: int, n_bands: int, n_outputs: Sequence[int]) -> nn.Module:
        """Layers that leave at least one cell of the window."""
        convolution = Step(self.kernel, 1, self.padding)
        for axis, size, pool in zip(
            ("frames", "bands"), (n_frames, n_bands), self.pool, strict=True
        ):
            require_room(self.name, axis, size, [convolution, Step(pool, pool)] * self.n_hidden)
        layers: list[nn.Module] = [Channel()]
        for n_in in [1, *[self.width] * (self.n_hidden - 1)]:
            layers += self._layer(n_in)
        layers.append(GlobalPool(self.pooling))
        return HardSharing(nn.Sequential(*layers), width=self.width, n_outputs=n_outputs)

    def _layer(self, n_in: int) -> list[nn.Module]:
        return [
            nn.Conv2d(n_in, self.width, self.kernel, padding=self.padding, bias=False),
            nn.BatchNorm2d(self.width),
            nn.ReLU(),
            nn.Dropout(self.dropout),
            nn.MaxPool2d(self.pool),
        ]
