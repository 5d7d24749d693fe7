"""Rows to learn from, and a written network's answers to many of them."""

import numpy as np

from ossicle.classifier import Network

N_ROWS = 2_000


def blobs(n_labels, *, n_rows=N_ROWS, n_features=20, seed=0):
    """Overlapping Gaussian clouds, standardised, so that labels are sometimes confused."""
    rng = np.random.default_rng(seed)
    targets = np.arange(n_rows) % n_labels
    centres = rng.normal(size=(n_labels, n_features))
    matrix = centres[targets] + rng.normal(scale=1.5, size=(n_rows, n_features))
    return ((matrix - matrix.mean(0)) / matrix.std(0)).astype(np.float32), targets


def waves(*, n_rows=N_ROWS, n_features=8, seed=0):
    """Rows and a curved, noisy quantity of their first columns."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n_rows, n_features)).astype(np.float32)
    values = 3.0 * np.sin(matrix[:, 0]) + matrix[:, 1] ** 2 + 0.1 * rng.normal(size=n_rows)
    return matrix, values


def run(network, matrix, *, n_labels):
    """Logits of every row, one at a time, as a bundle computes them."""
    written = Network(network, n_labels={"label": n_labels})
    return np.stack([written(row)["label"] for row in matrix])


def is_tie(logits, tolerance=1e-5):
    best = np.sort(logits, axis=1)
    return best[:, -1] - best[:, -2] < tolerance
