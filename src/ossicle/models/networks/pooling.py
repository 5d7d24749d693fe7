"""Layers that networks put around their convolutions: a channel axis, pooling over the window."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

__all__ = ["POOLINGS", "Channel", "GlobalPool"]


class Channel(nn.Module):
    """Give the window one channel: ``(n, n_frames, n_bands)`` to ``(n, 1, n_frames, n_bands)``."""

    def forward(self, features: Tensor) -> Tensor:
        """The same numbers with one more axis."""
        return features.unsqueeze(1)


class GlobalPool(nn.Module):
    """One number a channel.

    Parameters
    ----------
    how : {"max", "mean", "mean_max"}
        ``mean_max``: the mean over the bands, then the sum of its mean and its greatest value
        over the frames (Kong et al. 2020, "PANNs").

    >>> GlobalPool("max")(torch.tensor([[[[1.0, 2.0], [5.0, 0.0]]]])).tolist()
    [[5.0]]
    """

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how

    def forward(self, maps: Tensor) -> Tensor:
        """Maps of shape ``(n, n_channels, n_frames, n_bands)`` to ``(n, n_channels)``."""
        return POOLINGS[self.how](maps)


def _mean_max(maps: Tensor) -> Tensor:
    over_bands = maps.mean(dim=3)
    return over_bands.mean(dim=2) + over_bands.amax(dim=2)


POOLINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "max": lambda maps: torch.amax(maps, dim=(2, 3)),
    "mean": lambda maps: torch.mean(maps, dim=(2, 3)),
    "mean_max": _mean_max,
}
