"""GSIN: the configurations of a grid, in a stable order.

A grid is a dict of lists, or a list of such dicts; it stands for the union of their products.
Keys are ``front_end`` (names, descriptions or objects), ``integration``, ``scaling``, ``model``
(names), and any parameter of the named front ends and models (``n_mels``, ``C``, ``n_neighbors``,
...). A parameter is given to those that have it, and at least one must. What a grid does not name
is the first of the default grid. Integrations are for models that take vectors: a network takes the
frames as they are, scaled by band.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ossicle.errors import SearchError, nearest
from ossicle.features import FrontEnd, Scaler, front_end, integrated_size
from ossicle.models import Model, model
from ossicle.models.model import Matrix
from ossicle.models.registry import model_class
from ossicle.selection.ranges import Range
from ossicle.workflow.files import canonical_json, digest

__all__ = ["DEFAULT_GRID", "DEFAULT_GRIDS", "FRAMES", "SCALINGS", "Configuration", "Grid", "expand"]

Grid = Mapping[str, Any] | Sequence[Mapping[str, Any]]

SCALINGS = ("cell", "band")
"""Zero mean and unit spread of each column of the integrated features, or of all of a band."""

FRAMES = "frames"
"""Stands for the integration of models that take the frames of a window as they are."""

DEFAULT_GRID: Mapping[str, Any] = {
    "front_end": [
        {"name": "mfcc", "n_mels": 40, "n_mfcc": 40, "with_bands": True}
        | {"n_fft": 1024, "hop_length": 256, "top_db": 80.0}
    ],
    "integration": ["mean+max+modulation", "mean+std+min+max+modulation"],
    "model": ["svm"],
    "C": [10.0, 100.0],
    "gamma": ["0.25*scale", "0.5*scale"],
}
"""Log-mel bands and cepstra of the whole clip, their extremes and how fast they move."""

DEFAULT_GRIDS: Mapping[str, Mapping[str, Any]] = {
    "binary": DEFAULT_GRID,
    "multiclass": DEFAULT_GRID,
    "regression": {
        "front_end": DEFAULT_GRID["front_end"],
        "integration": DEFAULT_GRID["integration"],
        "model": ["ridge"],
        "alpha": [10.0, 100.0, 1000.0],
    },
}
"""What is tried for each kind of task where no grid is given."""

_OWN_KEYS = ("front_end", "integration", "scaling", "model")


@dataclass(frozen=True)
class Configuration:
    """One point of the grid: how to describe a sound and what learns from it."""

    front_end: FrontEnd
    integration: str
    model: Model
    scaling: str = "cell"

    def __post_init__(self) -> None:
        if self.model.takes_frames != (self.integration == FRAMES):
            wanted = "frames" if self.model.takes_frames else "vectors"
            raise SearchError(
                f"integration is {self.integration!r}; {self.model.name} takes {wanted}"
            )
        if self.integration != FRAMES:
            integrated_size(1, 1, self.integration)  # refuses a word that is none
        if self.scaling not in SCALINGS:
            raise SearchError(f"scaling is {self.scaling!r}; {nearest(self.scaling, SCALINGS)}")

    def fit_scaler(self, matrix: Matrix) -> Scaler:
        """The scaling of a training part, rows of vectors or of frames."""
        n_bands = self.front_end.n_bands
        if self.model.takes_frames:
            return Scaler.fit(matrix.reshape(-1, n_bands))
        return Scaler.fit(matrix, n_bands=n_bands if self.scaling == "band" else None)

    def describe(self) -> dict[str, Any]:
        """The configuration as JSON."""
        return {
            "front_end": self.front_end.describe(),
            "integration": self.integration,
            "model": self.model.describe(),
            "scaling": self.scaling,
        }

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits of the description's digest."""
        return digest(canonical_json(self.describe()))[:12]

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> "Configuration":
        """The inverse of `describe`."""
        return cls(
            front_end(description["front_end"]),
            description["integration"],
            model(description["model"]),
            description["scaling"],
        )


def expand(grid: Grid, *, default: Mapping[str, Any] = DEFAULT_GRID) -> list[Configuration]:
    """All configurations of a grid, each once, in the order in which the grid names them.

    Parameters
    ----------
    grid : dict of lists, or list of such dicts
        See the module's text; a bare value counts as a list of one.
    default : dict of lists
        Whose first values stand for what the grid does not name.

    Raises
    ------
    SearchError
        If a key is unknown to every front end and model named beside it, a list is empty, or a
        value is a range, which can only be drawn from.

    >>> grid = {"front_end": ["mfcc"], "n_fft": [2048, 4096], "integration": ["stack", "mean"],
    ...         "model": ["logreg"], "C": [0.1, 1, 10]}
    >>> len(expand(grid))
    12
    """
    grids = [grid] if isinstance(grid, Mapping) else list(grid)
    found = dict.fromkeys(c for product in grids for c in _configurations(product, default))
    if not found:
        raise SearchError("the grid is empty; name at least one front_end, integration and model")
    return list(found)


def _configurations(grid: Mapping[str, Any], default: Mapping[str, Any]) -> Iterator[Configuration]:
    lists = {key: _as_list(key, value) for key, value in grid.items()}
    bases = lists.pop("front_end", default["front_end"][:1])
    integrations = lists.pop("integration", default["integration"][:1])
    scalings = lists.pop("scaling", list(SCALINGS[:1]))
    names = lists.pop("model", default["model"][:1])
    fronts = [front_end(base) for base in bases]
    kinds = [model_class(str(name)) for name in names]
    _refuse_unknown(lists, {key for front in fronts for key in front.settings}, kinds)
    for front in (front for base in fronts for front in _variants(base, lists)):
        for how, scaling, kind in itertools.product(integrations, scalings, kinds):
            described = (FRAMES, "band") if kind.takes_frames else (how, scaling)
            for parameters in _products(_known_to(lists, kind.fields())):
                learner = kind.from_parameters(parameters)
                yield Configuration(front, described[0], learner, described[1])


def _variants(base: FrontEnd, lists: Mapping[str, list[Any]]) -> Iterator[FrontEnd]:
    described = base.describe()
    for settings in _products(_known_to(lists, base.settings)):
        yield front_end({**described, **settings}, networks=base.networks)


def _as_list(key: str, value: Any) -> list[Any]:
    if Range.is_one(value):
        raise SearchError(f"grid key {key!r} is a range; say how many to draw with draw=")
    values = list(value) if isinstance(value, list | tuple) else [value]
    if not values:
        raise SearchError(f"grid key {key!r} has no values; give at least one or leave it out")
    return values


def _known_to(lists: Mapping[str, list[Any]], names: Any) -> dict[str, list[Any]]:
    return {key: values for key, values in lists.items() if key in names}


def _products(lists: Mapping[str, list[Any]]) -> Iterator[dict[str, Any]]:
    for values in itertools.product(*lists.values()):
        yield dict(zip(lists, values, strict=True))


def _refuse_unknown(
    lists: Mapping[str, Any], front_keys: set[str], kinds: Sequence[type[Model]]
) -> None:
    known = front_keys | {field for kind in kinds for field in kind.fields()}
    for key in lists:
        if key not in known:
            hint = nearest(key, known | set(_OWN_KEYS))
            raise SearchError(
                f"grid key {key!r} is no parameter of the front ends or models named; {hint}"
            )
