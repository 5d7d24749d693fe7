"""Figures from true values and answers of a regression: plain functions on arrays.

An error is the answer less the truth, in the unit of the truth.

References: scikit-learn, "Regression metrics"; Draper & Smith (1998), Applied Regression Analysis,
for the coefficient of determination.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ossicle.errors import EvaluationError

__all__ = [
    "bias",
    "mean_absolute_error",
    "median_absolute_error",
    "r_squared",
    "root_mean_square_error",
]

Array = NDArray[np.float64]


def mean_absolute_error(truths: ArrayLike, answers: ArrayLike) -> float:
    """Mean distance of the answers from the truths; ``nan`` without any.

    >>> mean_absolute_error([1.0, 2.0], [2.0, 4.0])
    1.5
    """
    return _mean(np.abs(_errors(truths, answers)))


def root_mean_square_error(truths: ArrayLike, answers: ArrayLike) -> float:
    """Root of the mean squared error, in which large errors weigh more; ``nan`` without any.

    >>> root_mean_square_error([1.0, 2.0], [4.0, 6.0])
    3.5355339059327378
    """
    return float(np.sqrt(_mean(_errors(truths, answers) ** 2)))


def median_absolute_error(truths: ArrayLike, answers: ArrayLike) -> float:
    """Distance that half of the answers keep to the truth; ``nan`` without any.

    >>> median_absolute_error([1.0, 2.0, 3.0], [1.0, 2.5, 100.0])
    0.5
    """
    errors = np.abs(_errors(truths, answers))
    return float(np.median(errors)) if errors.size else float("nan")


def bias(truths: ArrayLike, answers: ArrayLike) -> float:
    """Mean error: above zero where answers are too high on the whole; ``nan`` without any.

    >>> bias([1.0, 2.0], [2.0, 1.5])
    0.25
    """
    return _mean(_errors(truths, answers))


def r_squared(truths: ArrayLike, answers: ArrayLike) -> float:
    """Coefficient of determination: 1 is exact, 0 no better than the mean of the truths.

    ``nan`` where the truths do not differ.

    >>> r_squared([1.0, 2.0, 3.0], [1.0, 2.0, 3.5])
    0.875
    """
    errors, truth = _errors(truths, answers), np.asarray(truths, dtype=np.float64)
    if truth.size == 0 or float(np.ptp(truth)) == 0.0:
        return float("nan")
    return float(1.0 - (errors**2).sum() / ((truth - truth.mean()) ** 2).sum())


def _errors(truths: ArrayLike, answers: ArrayLike) -> Array:
    truth, answer = np.asarray(truths, np.float64), np.asarray(answers, np.float64)
    if truth.ndim != 1 or truth.shape != answer.shape:
        raise EvaluationError(
            f"truths of shape {truth.shape} and answers of shape {answer.shape}; "
            "one number of each for every clip is allowed"
        )
    if not (np.isfinite(truth).all() and np.isfinite(answer).all()):
        raise EvaluationError("a truth or an answer is not finite; leave such clips out")
    return answer - truth


def _mean(values: Array) -> float:
    return float(values.mean()) if values.size else float("nan")
