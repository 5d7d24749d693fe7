"""Which windows make which batch: each sampler is a pure function of its seed and the epoch.

Every epoch is drawn anew, so that no batch of one is met again in another, and an epoch can be
drawn without those before it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ossicle.errors import TrainingError, nearest

__all__ = ["SAMPLERS", "Sampler", "sampler"]

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sampler(ABC):
    """Deals out the windows of an epoch.

    Parameters
    ----------
    source : int array, shape (n_rows,)
        Data set of each window.
    labels : bool array, shape (n_rows, n_labels)
        Which labels each window has, those of all tasks side by side.
    batch_size : int
        Windows in a batch; the last ones of an epoch have what is left.
    seed : int
    """

    source: NDArray[np.int64]
    labels: NDArray[np.bool_]
    batch_size: int
    seed: int

    name: ClassVar[str]

    def batches(self, epoch: int) -> list[Rows]:
        """The batches of an epoch, each the places of its windows."""
        return self._batches(np.random.default_rng((self.seed, epoch)))

    @abstractmethod
    def _batches(self, rng: np.random.Generator) -> list[Rows]:
        """The batches of an epoch that begins with this generator."""

    def _dealt(self, rows: Rows) -> list[Rows]:
        """Rows in batches, in their order."""
        places = range(0, len(rows), self.batch_size)
        return [rows[place : place + self.batch_size] for place in places]

    def _by_source(self, rng: np.random.Generator) -> list[list[Rows]]:
        """The shuffled batches of each data set."""
        homes = [np.flatnonzero(self.source == source) for source in np.unique(self.source)]
        return [self._dealt(rng.permutation(rows)) for rows in homes]


class Mixed(Sampler):
    """All windows, shuffled."""

    name = "mixed"

    def _batches(self, rng: np.random.Generator) -> list[Rows]:
        return self._dealt(rng.permutation(len(self.source)))


class OneDataSet(Sampler):
    """All windows; each batch is of one data set, which one being random."""

    name = "one_data_set"

    def _batches(self, rng: np.random.Generator) -> list[Rows]:
        batches = [batch for home in self._by_source(rng) for batch in home]
        return [batches[place] for place in rng.permutation(len(batches))]


class Alternating(Sampler):
    """A batch of each data set in turn; small ones start again until the largest is used up."""

    name = "alternating"

    def _batches(self, rng: np.random.Generator) -> list[Rows]:
        homes = self._by_source(rng)
        turns = max(map(len, homes))
        for home in homes:
            rows = np.concatenate(home)
            while len(home) < turns:
                home += self._dealt(rng.permutation(rows))
        return [home[turn] for turn in range(turns) for home in homes]


class Balanced(Sampler):
    """As many windows as there are, each of a label drawn evenly; rare labels come again.

    Windows without a label, as those of a regression, are drawn like those of one label more.
    """

    name = "balanced"

    def _batches(self, rng: np.random.Generator) -> list[Rows]:
        if not self.labels.any():
            raise TrainingError(
                "the sampler 'balanced' needs labels, and no window has one; a regression is "
                "sampled by 'mixed'"
            )
        columns = [*self.labels.T, ~self.labels.any(axis=1)]
        members = [np.flatnonzero(column) for column in columns if column.any()]
        n_rows = len(self.source)
        turns = -(-n_rows // len(members))
        rounds = np.stack([_restarted(rows, turns, rng) for rows in members])
        drawn = np.concatenate([rng.permutation(turn) for turn in rounds.T])[:n_rows]
        return self._dealt(rng.permutation(drawn))


SAMPLERS: dict[str, type[Sampler]] = {
    kind.name: kind for kind in (Mixed, OneDataSet, Alternating, Balanced)
}
"""Samplers by name."""


def sampler(
    name: str,
    *,
    source: ArrayLike,
    targets: Mapping[str, ArrayLike] | ArrayLike = (),
    batch_size: int,
    seed: int,
) -> Sampler:
    """A sampler by its name.

    Parameters
    ----------
    name : str
        ``"mixed"``: all windows, shuffled; ``"one_data_set"``: all windows, each batch of one data
        set; ``"alternating"``: a batch of each data set in turn, small ones starting again until
        the largest is used up; ``"balanced"``: labels drawn evenly.
    source : int array, shape (n_rows,)
        Data set of each window.
    targets : mapping of task name to array, or array, shape (n_rows, n_columns)
        What each window answers, zeros where it does not. One column alone holds values of a
        regression, and is not balanced.
    batch_size : int
    seed : int

    Raises
    ------
    TrainingError
        If there is no such sampler, there are no windows, or no window has a label to balance.

    >>> [batch.tolist() for batch in
    ...  sampler("mixed", source=[0, 0, 0, 1], batch_size=3, seed=0).batches(epoch=1)]
    [[3, 0, 2], [1]]
    """
    if name not in SAMPLERS:
        raise TrainingError(f"no sampler {name!r}; {nearest(name, SAMPLERS)}")
    home = np.asarray(source, np.int64)
    if not len(home):
        raise TrainingError("there are no windows to sample; is the training part empty?")
    if isinstance(batch_size, bool) or not 1 <= batch_size <= 1 << 20:
        raise TrainingError(f"batch_size={batch_size}; 1 to {1 << 20} are allowed")
    matrices = list(targets.values()) if isinstance(targets, Mapping) else [targets]
    return SAMPLERS[name](home, _labels(matrices, len(home)), batch_size, seed)


def _labels(matrices: Sequence[ArrayLike], n_rows: int) -> NDArray[np.bool_]:
    """Which labels each window has; columns that stand alone hold values."""
    columns = [np.asarray(matrix).reshape(n_rows, -1) > 0.5 for matrix in matrices]
    return np.hstack(
        [np.zeros((n_rows, 0), bool), *(each for each in columns if each.shape[1] > 1)]
    )


def _restarted(rows: Rows, count: int, rng: np.random.Generator) -> Rows:
    """So many of the rows: all of them shuffled, then all again in another order, and so on."""
    rounds = -(-count // len(rows))
    return np.concatenate([rng.permutation(rows) for _ in range(rounds)])[:count]
