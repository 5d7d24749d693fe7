"""Calibration: scores that mean what they say.

References: Guo et al. (2017), "On calibration of modern neural networks" (temperature scaling);
Platt (1999), "Probabilistic outputs for support vector machines" (targets short of certainty).
"""

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import EvaluationError

__all__ = ["fit_temperature", "negative_log_likelihood"]

LOG_RANGE = (-5.0, 5.0)
"""Search range of the temperature's natural logarithm."""

LEAST = 1e-12
"""Least probability a label is given, so that one impossible answer costs a finite amount."""


def negative_log_likelihood(
    logits: NDArray[np.float64],
    targets: NDArray[np.int64],
    temperature: float = 1.0,
    *,
    doubt: float = 0.0,
) -> float:
    """Mean of ``-log softmax(logits / temperature)`` at the true labels.

    ``doubt`` is the share of each target that is spread over the other labels.

    >>> round(negative_log_likelihood(np.zeros((1, 2)), np.array([0])), 4)
    0.6931
    """
    scaled = logits / temperature
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    probabilities = np.exp(scaled)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    logs = np.log(np.maximum(probabilities, LEAST))
    true = logs[np.arange(len(targets)), targets]
    others = (logs.sum(axis=1) - true) / max(1, logs.shape[1] - 1)
    return float(-((1.0 - doubt) * true + doubt * others).mean())


def fit_temperature(logits: NDArray[np.float64], targets: NDArray[np.int64]) -> float:
    """The temperature that makes left-out logits likeliest; it never changes the best label.

    A few rows without a mistake prove no certainty: of n rows, a share of 1 / (n + 2) is doubted.

    Parameters
    ----------
    logits : float array, shape (n_rows, n_labels)
        Of rows the model was not trained on; minus infinity for a label it never saw.
    targets : int array, shape (n_rows,)

    Returns
    -------
    float
        Between ``e**-5`` and ``e**5``.

    Raises
    ------
    EvaluationError
        If there is no row.

    >>> sure = np.array([[4.0, 0.0], [0.0, 4.0], [4.0, 0.0], [4.0, 0.0]])
    >>> fit_temperature(sure, np.array([0, 1, 0, 1])) > 1  # one in four is wrong: too sure
    True
    """
    if len(logits) == 0:
        raise EvaluationError("no left-out row to calibrate on; give at least one test fold")
    from scipy.optimize import minimize_scalar

    doubt = 1.0 / (len(targets) + 2)
    best = minimize_scalar(
        lambda log: negative_log_likelihood(logits, targets, float(np.exp(log)), doubt=doubt),
        bounds=LOG_RANGE,
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(best.x))
