"""Matrix → scores: classical estimators, each written as ONNX.

`MODELS` maps a name to its class; entry points of the group ``ossicle.models`` add to it.
"""

from ossicle.inference.cost import multiply_adds, n_parameters
from ossicle.models.bayes import GaussianNaiveBayes
from ossicle.models.boosting import Boosting
from ossicle.models.envelope import EllipticEnvelope
from ossicle.models.forest import ExtraTrees, RandomForest
from ossicle.models.graph import Graph
from ossicle.models.isolation import IsolationForest
from ossicle.models.knn import NearestNeighbours
from ossicle.models.logreg import LogisticRegression
from ossicle.models.mixture import GaussianMixture
from ossicle.models.mlp import Perceptron
from ossicle.models.model import Fitted, Model
from ossicle.models.registry import MODELS, model
from ossicle.models.ridge import Ridge
from ossicle.models.svm import SupportVectorMachine

__all__ = [
    "MODELS",
    "Boosting",
    "EllipticEnvelope",
    "ExtraTrees",
    "Fitted",
    "GaussianMixture",
    "GaussianNaiveBayes",
    "Graph",
    "IsolationForest",
    "LogisticRegression",
    "Model",
    "NearestNeighbours",
    "Perceptron",
    "RandomForest",
    "Ridge",
    "SupportVectorMachine",
    "model",
    "multiply_adds",
    "n_parameters",
]
