"""From the scores of several windows to one: who decides when windows disagree.

Every function takes the scores of the windows that were heard (quiet ones do not vote), shape
``(n_windows, n_labels)``, at least one, and returns shape ``(n_labels,)``. ``exclusive`` says
that exactly one label is right (softmax), so that scores are shares of one; otherwise each label
is judged on its own (sigmoid).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ossicle.types import Floats

__all__ = ["POOLINGS", "logmean", "majority", "maximum", "mean", "pool"]

SMALLEST = 1e-7
"""A score below counts as this one where a logarithm is taken."""


def majority(scores: Floats, *, exclusive: bool = True) -> NDArray[np.float64]:
    """Mean over the windows that voted with the majority.

    A window votes for its best label, or, where labels do not exclude each other, for or against
    each at 0.5. Ties go to the label with the higher mean, then to the first, and in favour.
    Unanimous windows give exactly `mean`.

    >>> majority(np.array([[0.9, 0.1], [0.7, 0.3], [0.0, 1.0]])).round(2).tolist()
    [0.8, 0.2]
    """
    wide = np.asarray(scores, dtype=np.float64)
    if not exclusive:
        in_favour = wide >= 0.5
        side = in_favour == (2 * in_favour.sum(axis=0) >= len(wide))
        return np.asarray(wide.mean(axis=0, where=side))
    votes = wide.argmax(axis=1)
    counts = np.bincount(votes, minlength=wide.shape[1])
    tied = np.where(counts == counts.max(), wide.mean(axis=0), -1.0)
    return np.asarray(wide[votes == tied.argmax()].mean(axis=0))


def mean(scores: Floats, *, exclusive: bool = True) -> NDArray[np.float64]:
    """Mean of the windows' scores ("probabilistic voting").

    >>> mean(np.array([[1.0, 0.0], [0.5, 0.5]])).tolist()
    [0.75, 0.25]
    """
    return np.asarray(np.asarray(scores, dtype=np.float64).mean(axis=0))


def maximum(scores: Floats, *, exclusive: bool = True) -> NDArray[np.float64]:
    """Highest score of each label: one clear window is enough.

    >>> maximum(np.array([[0.9, 0.1], [0.1, 0.9], [0.1, 0.9]])).tolist()
    [0.5, 0.5]
    """
    return _shares(np.asarray(scores, dtype=np.float64).max(axis=0), exclusive)


def logmean(scores: Floats, *, exclusive: bool = True) -> NDArray[np.float64]:
    """Geometric mean: a label one window rules out is ruled out.

    >>> logmean(np.array([[0.9, 0.1], [0.5, 0.5]])).round(2).tolist()
    [0.75, 0.25]
    """
    logs = np.log(np.maximum(np.asarray(scores, dtype=np.float64), SMALLEST))
    return _shares(np.exp(logs.mean(axis=0)), exclusive)


POOLINGS: dict[str, Callable[..., NDArray[np.float64]]] = {
    "majority": majority,
    "mean": mean,
    "max": maximum,
    "logmean": logmean,
}


def pool(scores: Floats, *, how: str, exclusive: bool = True) -> NDArray[np.float32]:
    """Scores of several windows as one, zeros if there is none.

    Parameters
    ----------
    scores : float array, shape (n_windows, n_labels)
        Of the windows that were heard.
    how : str
        A key of `POOLINGS`.
    exclusive : bool
        Whether exactly one label is right.

    Returns
    -------
    float32 array, shape (n_labels,)

    >>> pool(np.zeros((0, 2)), how="mean").tolist()
    [0.0, 0.0]
    """
    if len(scores) == 0:
        return np.zeros(scores.shape[1], dtype=np.float32)
    return POOLINGS[how](scores, exclusive=exclusive).astype(np.float32)


def _shares(scores: NDArray[np.float64], exclusive: bool) -> NDArray[np.float64]:
    """Scale to a sum of one where labels exclude each other."""
    total = scores.sum()
    return scores / total if exclusive and total > 0 else scores
