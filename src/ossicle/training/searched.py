"""A network as one model among others, so that a search judges both by the same rules.

It learns from the described windows of a search, at their fixed places; what may vary is hidden
or mixed (SpecAugment, mixup). For random windows, noise or several tasks, use `train`.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ossicle.models.model import Matrix, Model, Targets, present_labels
from ossicle.models.networks import Architecture, architecture, write_network
from ossicle.models.settings import check_number, check_seed, check_whole
from ossicle.training.augmentation import Augmentation
from ossicle.training.combining import combined_loss
from ossicle.training.examples import Batch
from ossicle.training.frames import Frames
from ossicle.training.loading import loaded
from ossicle.training.loop import Learner, reproducible, seed_epoch, train_epoch
from ossicle.training.objectives import objective
from ossicle.training.optimizers import optimizer
from ossicle.training.sampling import sampler
from ossicle.training.schedules import schedule
from ossicle.types import Task

__all__ = ["SearchedNetwork"]

TASK = "label"
ROWS = 256
"""Windows answered at a time."""


@dataclass(frozen=True)
class SearchedNetwork(Model):
    """A network trained for a fixed number of epochs; `ossicle.models` knows it as ``network``.

    Parameters
    ----------
    architecture : str or mapping
        As ``"tc_net"``, whose sizes are its own defaults, or ``{"name": "ds_cnn", "width": 64}``.
    epochs, batch_size : int
    learning_rate, weight_decay : float
        Of AdamW; the rate falls along a cosine.
    label_smoothing : float
        Share of each target that is spread over all labels.
    time_masks, time_mask, band_masks, band_mask, mixup
        As in `Augmentation`.
    seed : int

    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(24, 40, 8)).astype(np.float32)
    >>> targets = np.arange(24) % 2
    >>> rows[targets == 1, :, 0] += 3.0
    >>> fitted = SearchedNetwork(epochs=20, batch_size=8).fit(rows, targets, n_labels=2)
    >>> bool((fitted.logits(rows).argmax(axis=1) == targets).all())
    True
    """

    architecture: str | Architecture = "tc_net"
    epochs: int = 40
    batch_size: int = 64
    learning_rate: float = 4e-3
    weight_decay: float = 1e-2
    label_smoothing: float = 0.1
    time_masks: int = 0
    time_mask: int = 8
    band_masks: int = 0
    band_mask: int = 5
    mixup: float = 0.0
    seed: int = 0

    name: ClassVar[str] = "network"
    takes_frames: ClassVar[bool] = True
    code: ClassVar[tuple[str, ...]] = ("training",)
    libraries: ClassVar[tuple[str, ...]] = ("torch", "onnxscript")

    def __post_init__(self) -> None:
        if not isinstance(self.architecture, str):
            object.__setattr__(self, "architecture", architecture(self.architecture))
        architecture(self.architecture)
        check_whole("epochs", self.epochs)
        check_whole("batch_size", self.batch_size)
        check_number("learning_rate", self.learning_rate)
        check_seed(self.seed)
        self._augmentation()

    def describe(self) -> dict[str, Any]:
        """Name and hyper-parameters as JSON."""
        described = super().describe()
        if isinstance(self.architecture, Architecture):
            described["architecture"] = self.architecture.describe()
        return described

    def _augmentation(self) -> Augmentation:
        names = ("time_masks", "time_mask", "band_masks", "band_mask", "mixup")
        return Augmentation(**{name: getattr(self, name) for name in names})

    def fit(
        self,
        matrix: Matrix,
        targets: Targets,
        *,
        n_labels: int,
        progress: Callable[[int, int], None] | None = None,
    ) -> "FittedNetwork":
        """Train on all rows, float32, shape ``(n_rows, n_frames, n_bands)``.

        ``progress`` is called with the number of epochs done and of all.
        """
        present_labels(targets)
        wanted = np.eye(n_labels, dtype=np.float32)[targets]
        _, n_frames, n_bands = matrix.shape
        with reproducible(torch.device("cpu")):
            module = architecture(self.architecture).build(
                n_frames=n_frames, n_bands=n_bands, n_outputs=[n_labels], seed=self.seed
            )
            deal = sampler(
                "mixed",
                source=np.zeros(len(matrix)),
                batch_size=self.batch_size,
                seed=self.seed,
            )
            learner = self._learner(module, wanted, n_steps=len(deal.batches(1)) * self.epochs)
            for epoch in range(1, self.epochs + 1):
                seed_epoch(self.seed, epoch)
                train_epoch(
                    learner, self._batches(matrix, wanted, deal.batches(epoch), epoch), epoch
                )
                if progress is not None:
                    progress(epoch, self.epochs)
        return FittedNetwork(module.eval(), n_frames, n_bands)

    def _learner(self, module: nn.Module, wanted: NDArray[np.float32], *, n_steps: int) -> Learner:
        task = Task(TASK, "multiclass", tuple(map(str, range(wanted.shape[1]))))
        rate = schedule("cosine", n_steps=n_steps, warmup=0.05)
        return Learner(
            module,
            {TASK: objective(task, targets=wanted, label_smoothing=self.label_smoothing)},
            combined_loss("sum", (task,)),
            optimizer(
                "adamw",
                [module],
                learning_rate=self.learning_rate,
                weight_decay=self.weight_decay,
            ),
            lambda step: self.learning_rate * rate(step),
            max_gradient_norm=1.0,
        )

    def _batches(
        self,
        matrix: Matrix,
        wanted: NDArray[np.float32],
        batches: list[NDArray[np.int64]],
        epoch: int,
    ) -> Generator[Batch, None, None]:
        windows = Frames(matrix, {TASK: wanted})
        return loaded(
            windows, batches, augmentation=self._augmentation(), seed=self.seed, epoch=epoch
        )


@dataclass(frozen=True, eq=False)
class FittedNetwork:
    """A trained network of one task."""

    module: nn.Module
    n_frames: int
    n_bands: int

    def logits(self, matrix: Matrix) -> NDArray[np.float64]:
        """Shape ``(n_rows, n_labels)``."""
        parts = [matrix[first : first + ROWS] for first in range(0, len(matrix), ROWS)]
        with reproducible(torch.device("cpu")), torch.no_grad():
            found = [self.module(torch.from_numpy(np.ascontiguousarray(p)))[0] for p in parts]
        return torch.cat(found).double().numpy()

    def onnx(self, task: str) -> bytes:
        """The network with one output named ``task``."""
        return write_network(
            self.module, n_frames=self.n_frames, n_bands=self.n_bands, tasks=[task]
        )
