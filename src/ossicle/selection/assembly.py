"""A trained model and everything around it, put together to a classifier."""

from collections.abc import Mapping
from typing import Any

from ossicle.classifier import Classifier, Decision
from ossicle.features import Scaler
from ossicle.models import Fitted
from ossicle.selection.grid import FRAMES, Configuration
from ossicle.selection.question import Question

__all__ = ["assemble"]


def assemble(
    configuration: Configuration,
    question: Question[Any],
    fitted: Fitted,
    scaler: Scaler,
    *,
    window: float | None,
    window_hop: float | None,
    temperature: float = 1.0,
    metrics: Mapping[str, Any] | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Classifier:
    """The classifier a trained configuration is."""
    name, integration = question.task.name, configuration.integration
    return Classifier(
        tasks=(question.task,),
        front_end=configuration.front_end,
        integration=None if integration == FRAMES else integration,
        scaler=scaler,
        network=fitted.onnx(name),
        window=window,
        window_hop=window_hop,
        activation={name: question.activation},
        temperature={name: temperature},
        decision=Decision(),
        metrics=dict(metrics or {}),
        provenance={**(provenance or {}), "configuration": configuration.describe()},
    )
