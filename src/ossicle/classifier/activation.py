"""From logits to scores, and from scores to calibrated scores.

A temperature above one makes a classifier less sure, below one surer; it never changes which
label is best. Reference: Guo et al. (2017), On Calibration of Modern Neural Networks.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ossicle.types import Floats

__all__ = ["ACTIVATIONS", "calibrate", "identity", "sigmoid", "softmax"]


def softmax(logits: Floats) -> NDArray[np.float32]:
    """Shares of one over the last axis.

    >>> softmax(np.array([[1000.0, 1000.0]])).tolist()
    [[0.5, 0.5]]
    """
    wide = np.asarray(logits, dtype=np.float64)
    powers = np.exp(wide - wide.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), dtype=np.float32)


def sigmoid(logits: Floats) -> NDArray[np.float32]:
    """Each logit on its own as a probability.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    wide = np.asarray(logits, dtype=np.float64)
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * wide)), dtype=np.float32)


def identity(logits: Floats) -> NDArray[np.float32]:
    """The network's output as it is: scores already, or the values of a regression.

    >>> identity(np.array([0.25])).tolist()
    [0.25]
    """
    return np.asarray(logits, dtype=np.float32)


ACTIVATIONS: dict[str, Callable[[Floats], NDArray[np.float32]]] = {
    "softmax": softmax,
    "sigmoid": sigmoid,
    "identity": identity,
}


def calibrate(
    scores: NDArray[np.float32], *, temperature: float, exclusive: bool
) -> NDArray[np.float32]:
    """Divide the logits behind the scores by a temperature.

    Parameters
    ----------
    scores : float32 array, shape (..., n_labels)
        In [0, 1]; all zeros (nothing heard) stay zeros.
    temperature : float
        Above 0; 1 changes nothing, to the bit.
    exclusive : bool
        Whether scores are shares of one (softmax) or each on its own (sigmoid).

    Returns
    -------
    float32 array of the same shape

    >>> calibrate(np.float32([0.9, 0.1]), temperature=2.0, exclusive=True).round(3).tolist()
    [0.75, 0.25]
    """
    if temperature == 1.0:
        return scores
    wide = scores.astype(np.float64)
    # p^(1/T) over its sum is softmax(log p / T); dividing by the largest first avoids underflow.
    rivals = wide.max(axis=-1, keepdims=True) if exclusive else np.maximum(wide, 1.0 - wide)
    rivals[rivals == 0.0] = 1.0
    powers = (wide / rivals) ** (1.0 / temperature)
    if exclusive:
        total = powers.sum(axis=-1, keepdims=True)
    else:
        total = powers + ((1.0 - wide) / rivals) ** (1.0 / temperature)
    total[total == 0.0] = 1.0
    return np.asarray(powers / total, dtype=np.float32)
