"""The models by name: one dict, to which third parties add through entry points."""

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from ossicle.errors import ModelError, nearest
from ossicle.extras import require
from ossicle.models.bayes import GaussianNaiveBayes
from ossicle.models.boosting import Boosting
from ossicle.models.envelope import EllipticEnvelope
from ossicle.models.forest import ExtraTrees, RandomForest
from ossicle.models.isolation import IsolationForest
from ossicle.models.knn import NearestNeighbours
from ossicle.models.logreg import LogisticRegression
from ossicle.models.mixture import GaussianMixture
from ossicle.models.mlp import Perceptron
from ossicle.models.model import Model
from ossicle.models.ridge import Ridge
from ossicle.models.svm import SupportVectorMachine

__all__ = ["MODELS", "model", "model_class"]

MODELS: dict[str, type[Model]] = {
    kind.name: kind
    for kind in (
        SupportVectorMachine,
        LogisticRegression,
        NearestNeighbours,
        RandomForest,
        ExtraTrees,
        Boosting,
        GaussianNaiveBayes,
        Perceptron,
        Ridge,
        EllipticEnvelope,
        GaussianMixture,
        IsolationForest,
    )
}


def model_class(name: str) -> type[Model]:
    """Look a model up by name, among ours and then among the installed entry points.

    >>> model_class("svm").fields()
    ('C', 'kernel', 'gamma', 'class_weight')
    """
    if name not in MODELS:
        for entry in entry_points(group="ossicle.models", name=name):
            if entry.module.startswith("ossicle."):
                require(entry.module, extra="train")
            MODELS[name] = entry.load()
    if name not in MODELS:
        known = [*MODELS, *(entry.name for entry in entry_points(group="ossicle.models"))]
        raise ModelError(f"no model is called {name!r}; {nearest(name, known)}")
    return MODELS[name]


def model(description: Mapping[str, Any] | str) -> Model:
    """Build a model from its name or its description.

    >>> model({"name": "knn", "n_neighbors": 3})
    NearestNeighbours(n_neighbors=3)
    """
    if isinstance(description, str):
        return model_class(description)()
    parameters = dict(description)
    return model_class(str(parameters.pop("name"))).from_parameters(parameters)
