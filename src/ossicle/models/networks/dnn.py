"""A network of fully connected layers that all tasks share."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from ossicle.models.networks.architecture import Architecture
from ossicle.models.networks.sharing import HardSharing
from ossicle.models.networks.sizes import check_share
from ossicle.models.settings import check_whole

__all__ = ["Dnn"]


@dataclass(frozen=True)
class Dnn(Architecture):
    """Fully connected layers, each rectified, over the flattened window.

    Parameters
    ----------
    width : int
        Units of each hidden layer.
    n_hidden : int
        Hidden layers; 0: none, which makes each task a linear one.
    dropout : float
        Share of the units that are left out in training, after each hidden layer.

    Source: Georgiev et al. (2017), "Low-resource multi-task audio sensing for mobile and
    embedded devices via shared deep neural network representations" (three layers of 512).

    >>> network = Dnn(width=8).build(n_frames=10, n_bands=4, n_outputs=(3,))
    >>> sum(weights.numel() for weights in network.parameters())
    499
    """

    name: ClassVar[str] = "dnn"
    width: int = 512
    n_hidden: int = 3
    dropout: float = 0.0

    def __post_init__(self) -> None:
        check_whole("width", self.width)
        check_whole("n_hidden", self.n_hidden, above=-1)
        check_share("dropout", self.dropout)

    def module(self, *, n_frames: int, n_bands: int, n_outputs: Sequence[int]) -> nn.Module:
        """Layers with Xavier's first weights and biases of zero."""
        widths = [n_frames * n_bands, *[self.width] * self.n_hidden]
        layers: list[nn.Module] = [nn.Flatten()]
        for n_in, n_out in itertools.pairwise(widths):
            layers += [nn.Linear(n_in, n_out), nn.ReLU(), nn.Dropout(self.dropout)]
        network = HardSharing(nn.Sequential(*layers), width=widths[-1], n_outputs=n_outputs)
        return network.apply(_start)


def _start(layer: nn.Module) -> None:
    if isinstance(layer, nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
