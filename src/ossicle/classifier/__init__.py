"""Sound → events: the trained thing, its bundle on disk, and how it decides.

``load`` opens a bundle; a `Classifier` hears files, arrays and streams; `verify` proves that a
bundle still gives its golden vectors.
"""

from ossicle.classifier.activation import ACTIVATIONS
from ossicle.classifier.bundle import verify
from ossicle.classifier.card import describe_prediction
from ossicle.classifier.classifier import Classifier, load
from ossicle.classifier.decision import Decision, DecisionState, Question
from ossicle.classifier.golden import VerifyReport
from ossicle.classifier.network import Network
from ossicle.classifier.pooling import POOLINGS, pool
from ossicle.classifier.stream import Stream

__all__ = [
    "ACTIVATIONS",
    "POOLINGS",
    "Classifier",
    "Decision",
    "DecisionState",
    "Network",
    "Question",
    "Stream",
    "VerifyReport",
    "describe_prediction",
    "load",
    "pool",
    "verify",
]
