"""Where to write a name next to a point so that nothing lies on anything else."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["nearer_to_others", "place_labels"]

Array = NDArray[np.float64]

_ANGLES = np.deg2rad([45, 135, 315, 225, 90, 270, 0, 180])


def place_labels(
    anchors: Array,
    sizes: Array,
    *,
    bounds: tuple[float, float, float, float],
    obstacles: Array | None = None,
    gap: float = 6.0,
    n_rings: int = 12,
) -> Array:
    """Lower left corners of boxes near their anchors, apart from each other and from obstacles.

    Greedy: each box in turn takes the nearest free place of eight directions and growing rings
    that is not nearer to another anchor; where there is none, the place that offends least.

    Parameters
    ----------
    anchors : float array, shape (n, 2)
        Points that are labelled, in pixels.
    sizes : float array, shape (n, 2)
        Width and height of each box.
    bounds : tuple of float
        Left, bottom, right, top; a box stays inside where it can.
    obstacles : float array, shape (m, 2), optional
        Points that no box should cover.
    gap : float
        Pixels between an anchor and its box in the first ring.
    n_rings : int

    Returns
    -------
    float array, shape (n, 2)

    >>> anchor, size = np.array([[50.0, 50.0]]), np.array([[20.0, 10.0]])
    >>> place_labels(anchor, size, bounds=(0, 0, 99, 99)).shape
    (1, 2)
    """
    points = anchors if obstacles is None else np.concatenate([anchors, obstacles])
    placed: list[Array] = []
    for anchor, size in zip(anchors, sizes, strict=True):
        corners = _candidates(anchor, size, gap=gap, n_rings=n_rings)
        costs = _covered(corners, size, np.array(placed).reshape(-1, 4), points, gap=gap / 3)
        costs += 1e6 * _outside(corners, size, bounds)
        costs += 300.0 * nearer_to_others(corners + size / 2, anchor, anchors)
        best = corners[int(np.argmin(costs))]
        placed.append(np.concatenate([best, best + size]))
    return np.array([box[:2] for box in placed]).reshape(-1, 2)


def _candidates(anchor: Array, size: Array, *, gap: float, n_rings: int) -> Array:
    """Corners of the boxes around an anchor, nearest first."""
    directions = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
    rings = gap * (1 + 1.5 * np.arange(n_rings))
    reach = rings[:, None, None] * directions  # (n_rings, n_directions, 2)
    centres = anchor + reach + np.sign(directions.round(6)) * size / 2
    corners: Array = (centres - size / 2).reshape(-1, 2)
    return corners


def _covered(corners: Array, size: Array, boxes: Array, points: Array, *, gap: float) -> Array:
    """How much of other boxes and points each candidate would cover (boxes weigh more)."""
    low, high = corners - gap, corners + size + gap
    inside = (points > low[:, None]) & (points < high[:, None])
    cost = 100.0 * inside.all(axis=2).sum(axis=1)
    if boxes.size:
        overlap = np.minimum(high[:, None], boxes[:, 2:]) - np.maximum(low[:, None], boxes[:, :2])
        cost += 1e4 * np.prod(np.maximum(overlap, 0), axis=2).sum(axis=1)
    return np.asarray(cost, dtype=np.float64)


def nearer_to_others(centres: Array, anchor: Array, anchors: Array) -> NDArray[np.bool_]:
    """Whether each centre would be read as the label of another point.

    >>> points = np.array([[0.0, 0.0], [10.0, 0.0]])
    >>> nearer_to_others(np.array([[2.0, 0.0], [8.0, 0.0]]), points[0], points).tolist()
    [False, True]
    """
    own = np.linalg.norm(centres - anchor, axis=1)
    others = np.linalg.norm(centres[:, None] - anchors, axis=2).min(axis=1)
    return np.asarray(others < own - 1e-6)


def _outside(corners: Array, size: Array, bounds: tuple[float, float, float, float]) -> Array:
    left, bottom, right, top = bounds
    low, high = np.array([left, bottom]), np.array([right, top])
    outside = np.maximum(low - corners, 0) + np.maximum(corners + size - high, 0)
    return np.asarray(outside.sum(axis=1), dtype=np.float64)
