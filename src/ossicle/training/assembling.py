"""A plan made ready to learn: sounds read, scaling fitted, first weights drawn."""

import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ossicle.datasets import recording_marks
from ossicle.errors import TrainingError
from ossicle.features import FeatureStore, Scaler
from ossicle.training.augmentation import Augmentation
from ossicle.training.combining import combined_loss
from ossicle.training.examples import Batch, Examples, fit_scaler
from ossicle.training.loading import loaded
from ossicle.training.loop import Learner
from ossicle.training.objectives import Objective, objective
from ossicle.training.optimizers import moving_average, optimizer
from ossicle.training.plan import Plan, require_labels
from ossicle.training.sampling import Sampler, sampler
from ossicle.training.schedules import schedule
from ossicle.training.sounds import median_seconds
from ossicle.training.validation import Judge
from ossicle.types import Task

__all__ = ["Ready", "StageProgress", "device_of", "make_ready"]

StageProgress = Callable[[str, int, int], None]
"""Called with what is being done, how many are done and how many there are."""


@dataclass(frozen=True, eq=False)
class Ready:
    """A plan with its sounds read, cut and measured.

    Parameters
    ----------
    plan : Plan
    train, validation : Examples
    rows : int array
        Windows of the training part that an epoch goes through.
    scaler : Scaler, optional
        Fitted on these windows alone.
    """

    plan: Plan
    train: Examples
    validation: Examples
    rows: NDArray[np.int64]
    scaler: Scaler | None
    device: torch.device

    @cached_property
    def objectives(self) -> dict[str, Objective]:
        """How each task is learnt, in the order of the network's outputs."""
        return {task.name: self._objective(task) for task in self.plan.tasks}

    @cached_property
    def sampler(self) -> Sampler:
        """How windows come together in batches."""
        clips, settings = self.train.rows[self.rows, 0], self.plan.settings
        return sampler(
            settings.sampler,
            source=self.train.source[clips],
            targets={task: targets[clips] for task, targets in self.train.targets.items()},
            batch_size=settings.batch_size,
            seed=settings.seed,
        )

    def batches(self, epoch: int) -> Generator[Batch, None, None]:
        """The batches of an epoch."""
        settings = self.plan.settings
        made = loaded(
            self.train,
            [self.rows[batch] for batch in self.sampler.batches(epoch)],
            scaler=self.scaler,
            augmentation=Augmentation.from_settings(settings.augmentation),
            seed=settings.seed,
            epoch=epoch,
            n_workers=settings.n_workers,
        )
        with contextlib.closing(made):
            for batch in made:
                yield _moved(batch, self.device)

    def judge(self) -> Judge:
        """What judges an epoch."""
        settings = self.plan.settings
        return Judge(
            self.validation,
            self.scaler,
            self.objectives,
            batch_size=settings.batch_size,
            device=self.device,
            in_memory=settings.in_memory,
        )

    def learner(self) -> Learner:
        """A network with its first weights, and what moves them."""
        settings = self.plan.settings
        module = self.plan.architecture.build(
            n_frames=self.train.n_frames,
            n_bands=self.train.n_bands,
            n_outputs=[len(task.labels) for task in self.plan.tasks],
            seed=settings.seed,
        ).to(self.device)
        combination = combined_loss(settings.combine, self.plan.tasks).to(self.device)
        return Learner(
            module,
            self.objectives,
            combination,
            optimizer(
                settings.optimizer,
                [module, combination],
                learning_rate=settings.learning_rate,
                weight_decay=settings.weight_decay,
                momentum=settings.momentum,
            ),
            self._learning_rate(),
            None if settings.ema is None else moving_average(module, decay=settings.ema),
            settings.max_gradient_norm,
        )

    @cached_property
    def found(self) -> dict[str, Any]:
        """What a classifier needs to know of it beside the weights, as JSON."""
        scaler = self.scaler
        return {
            "window": self.train.window,
            "window_hop": self.train.window_hop,
            "n_frames": self.train.n_frames,
            "n_bands": self.train.n_bands,
            "scaler": scaler and {"mean": scaler.mean.tolist(), "scale": scaler.scale.tolist()},
            "affine": {n: list(o.affine) for n, o in self.objectives.items() if o.affine},
            "provenance": self._provenance(),
        }

    def _provenance(self) -> dict[str, Any]:
        used = np.unique(self.train.rows[:, 0]).tolist()
        marks = recording_marks([self.plan.train.clips[clip].path for clip in used])
        asked = self.plan.identity
        return {
            "made_by": "train",
            "dataset": " + ".join(self.plan.names),
            "dataset_fingerprint": asked["data"]["train"],
            "n_clips": len(self.plan.train),
            "n_skipped": len(self.train.skipped),
            "recordings": " ".join(sorted(set(marks.values()))),
            "seed": self.plan.settings.seed,
            "settings": asked["settings"],
        }

    def _learning_rate(self) -> Callable[[int], float]:
        settings, n_batches = self.plan.settings, len(self.sampler.batches(1))
        share = schedule(
            settings.schedule,
            n_steps=settings.epochs * n_batches,
            warmup=settings.warmup,
            milestones=[epoch * n_batches for epoch in settings.milestones],
            decay=settings.decay,
        )
        return partial(_times, settings.learning_rate, share)

    def _objective(self, task: Task) -> Objective:
        clips = np.unique(self.train.rows[self.rows, 0])
        answered = clips[self.train.mask[task.name][clips]]
        return objective(
            task,
            targets=self.train.targets[task.name][answered],
            class_weights=self.plan.settings.class_weights,
            label_smoothing=self.plan.settings.label_smoothing,
            focal=self.plan.settings.focal,
        )


def make_ready(plan: Plan, store: FeatureStore, *, progress: StageProgress | None = None) -> Ready:
    """Read the sounds of a plan and fit its scaling.

    Raises
    ------
    TrainingError
        If too few clips can be used.
    """
    settings, rate = plan.settings, plan.front_end.sample_rate
    window = settings.window or median_seconds(plan.train.clips, store=store, sample_rate=rate)
    train, validation = (
        Examples(
            part,
            plan.front_end,
            window=window,
            window_hop=settings.window_hop,
            store=store,
            in_memory=settings.in_memory,
            n_jobs=max(1, settings.n_workers),
            progress=progress and partial(progress, "sounds"),
        )
        for part in (plan.train, plan.validation)
    )
    rows = train.apart(np.arange(len(train)))
    require_labels(plan.train, np.unique(train.rows[:, 0]))
    scaler = fit_scaler(train, rows, settings.scaling)
    return Ready(plan, train, validation, rows, scaler, device_of(settings.device))


def device_of(name: str) -> torch.device:
    """Where to compute.

    Raises
    ------
    TrainingError
        If a GPU is asked for and none can be used.

    >>> device_of("cpu")
    device(type='cpu')
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise TrainingError("device is 'cuda', and this torch finds no GPU; allowed here is 'cpu'")
    return torch.device(name)


def _moved(batch: Batch, device: torch.device) -> Batch:
    """A batch where the network computes."""
    if device.type == "cpu":
        return batch
    return replace(
        batch,
        features=batch.features.to(device),
        targets={task: each.to(device) for task, each in batch.targets.items()},
        mask={task: each.to(device) for task, each in batch.mask.items()},
    )


def _times(rate: float, share: Callable[[int], float], step: int) -> float:
    return rate * share(step)
