"""Hard parameter sharing: one body for all tasks, one linear head for each.

Reference: Caruana (1997), "Multitask Learning".
"""

from collections.abc import Sequence

from torch import Tensor, nn

__all__ = ["HardSharing"]


class HardSharing(nn.Module):
    """A body that every task shares and a head a task.

    Parameters
    ----------
    body : torch.nn.Module
        Features, shape ``(n, n_frames, n_bands)``, to an embedding, shape ``(n, width)``.
    width : int
    n_outputs : sequence of int
        Logits of each task.

    >>> import torch
    >>> network = HardSharing(nn.Flatten(), width=6, n_outputs=(2, 3))
    >>> [tuple(logits.shape) for logits in network(torch.zeros(4, 3, 2))]
    [(4, 2), (4, 3)]
    """

    def __init__(self, body: nn.Module, *, width: int, n_outputs: Sequence[int]) -> None:
        super().__init__()
        self.body = body
        self.heads = nn.ModuleList(nn.Linear(width, n) for n in n_outputs)

    def forward(self, features: Tensor) -> tuple[Tensor, ...]:
        """Logits of each task, shape ``(n, n_outputs[task])``."""
        shared = self.body(features)
        return tuple(head(shared) for head in self.heads)
