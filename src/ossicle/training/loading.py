"""Batches for the training loop, made ahead of it by as many processes as it is given.

What is in a batch depends on the seed, the epoch and the rows alone, never on who made it.
"""

import contextlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ossicle.errors import TrainingError
from ossicle.features import Scaler
from ossicle.training.augmentation import Augmentation, mixed_pairs
from ossicle.training.examples import Batch, Features
from ossicle.training.frames import Windows
from ossicle.training.working_ahead import made_ahead

__all__ = ["loaded"]

ROW, BATCH = 0, 1
"""What a generator is for, so that rows and batches never draw the same numbers."""

MOST_WORKERS = 256


class _Arrays(NamedTuple):
    """A batch as plain arrays."""

    features: Features
    targets: dict[str, NDArray[np.float32]]
    mask: dict[str, NDArray[np.bool_]]
    source: NDArray[np.int64]
    rows: NDArray[np.int64]


def loaded(
    examples: Windows,
    batches: Sequence[NDArray[np.int64]],
    *,
    scaler: Scaler | None = None,
    augmentation: Augmentation | None = None,
    seed: int = 0,
    epoch: int = 0,
    n_workers: int = 0,
) -> Generator[Batch, None, None]:
    """The batches of an epoch, in their order.

    Parameters
    ----------
    examples : Examples or other windows
    batches : sequence of int array
        Rows of each batch. One row alone is in its batch twice: batch normalisation cannot learn
        from one.
    scaler : Scaler, optional
        Applied to the features.
    augmentation : Augmentation, optional
        None: each window at its fixed place, as the classifier hears it. Else varied; an
        augmentation that does nothing still moves windows at random.
    seed, epoch : int
        Of what is drawn at random.
    n_workers : int
        Processes that make batches ahead of the loop; 0: they are made when asked for. The
        batches are the same, bit for bit.

    Raises
    ------
    TrainingError
        If a process that makes batches was killed.
    OssicleError
        As raised while a batch was made, such as for a damaged file of the store.

    Every process makes one batch after the other, up to four ahead of the loop.

    ``for batch in loaded(examples, sampler.batches(epoch), epoch=epoch, n_workers=1): ...``
    """
    if isinstance(n_workers, bool) or not 0 <= n_workers <= MOST_WORKERS:
        raise TrainingError(f"n_workers={n_workers}; 0 to {MOST_WORKERS} processes are allowed")
    rows = tuple(np.resize(batch, max(2, len(batch))) for batch in batches)
    maker = _Maker(examples, rows, scaler, augmentation, seed, epoch)
    return _taken(made_ahead(maker, len(batches), n_workers=n_workers))


@dataclass(frozen=True, eq=False)
class _Maker:
    """Makes the batches of an epoch, each by its place."""

    examples: Windows
    batches: tuple[NDArray[np.int64], ...]
    scaler: Scaler | None
    augmentation: Augmentation | None
    seed: int
    epoch: int

    def __call__(self, place: int) -> _Arrays:
        return self._mixed(self._arrays(self.batches[place]), place)

    def _arrays(self, rows: NDArray[np.int64]) -> _Arrays:
        examples, clips = self.examples, self.examples.rows[rows, 0]
        return _Arrays(
            np.stack([self._features(int(row)) for row in rows]),
            {task: targets[clips] for task, targets in examples.targets.items()},
            {task: mask[clips] for task, mask in examples.mask.items()},
            examples.source[clips],
            rows,
        )

    def _features(self, row: int) -> Features:
        if self.augmentation is None:
            return self._scaled(self.examples.fixed(row))
        rng = np.random.default_rng((self.seed, self.epoch, ROW, row))
        varied = self.examples.varied(row, rng=rng, augmentation=self.augmentation)
        scaled = self._scaled(varied)
        if not self.augmentation.hides or not self.augmentation.is_for(self.examples.answered(row)):
            return scaled
        # Zero is the mean of scaled features.
        fill = float(scaled.mean()) if self.scaler is None else 0.0
        return self.augmentation.hidden(scaled, fill=fill, rng=rng)

    def _scaled(self, features: Features) -> Features:
        if self.scaler is None:
            return features
        return self.scaler(features.reshape(-1)).reshape(features.shape)

    def _mixed(self, made: _Arrays, place: int) -> _Arrays:
        """The batch with its windows mixed in pairs that are of one data set and answer alike."""
        if self.augmentation is None or not self.augmentation.mixup:
            return made
        rng = np.random.default_rng((self.seed, self.epoch, BATCH, place))
        answers = np.stack(list(made.mask.values()), axis=1)
        names = np.array(list(made.mask))
        _, groups = np.unique(np.column_stack([made.source, answers]), axis=0, return_inverse=True)
        wanted = [self.augmentation.is_for(names[row]) for row in answers]
        groups = np.where(wanted, groups.reshape(-1), -1)
        partner, share = mixed_pairs(groups, self.augmentation.mixup, rng)
        targets = {task: _blend(each, partner, share) for task, each in made.targets.items()}
        return made._replace(features=_blend(made.features, partner, share), targets=targets)


def _blend(
    values: NDArray[np.float32], partner: NDArray[np.int64], share: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Each row with its partner, its own share first; a row that is its own partner stays."""
    own = share.reshape(-1, *[1] * (values.ndim - 1))
    mixed = own * values + (np.float32(1.0) - own) * values[partner]
    alone = partner == np.arange(len(partner))
    mixed[alone] = values[alone]
    return np.asarray(mixed, np.float32)


def _taken(made: Generator[_Arrays, None, None]) -> Generator[Batch, None, None]:
    """The batches; whoever takes no more of them ends the processes by closing this."""
    with contextlib.closing(made):
        yield from map(_batch, made)


def _batch(arrays: _Arrays) -> Batch:
    return Batch(
        torch.from_numpy(arrays.features),
        {task: torch.from_numpy(each) for task, each in arrays.targets.items()},
        {task: torch.from_numpy(each) for task, each in arrays.mask.items()},
        torch.from_numpy(arrays.source),
        torch.from_numpy(np.asarray(arrays.rows, np.int64)),
    )
