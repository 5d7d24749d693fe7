"""From a folder of recordings to a classifier that listens.

>>> import ossicle
>>> ossicle.LogMel(n_mels=40).n_bands
40
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "ossicle.audio": [
        "alarm",
        "augment",
        "background",
        "convert_audio",
        "info",
        "measure",
        "mix",
        "read_audio",
        "read_blocks",
        "reverberate",
        "room_response",
        "write_audio",
    ],
    "ossicle.classifier": ["Classifier", "load", "verify"],
    "ossicle.datasets": [
        "Bank",
        "Combined",
        "Dataset",
        "combine",
        "find_faults",
        "licence_name",
        "mix_dataset",
        "mixed_events",
        "read_dataset",
        "read_recipe",
        "read_tensor",
        "write_dataset",
        "write_tensor",
    ],
    "ossicle.errors": [
        "AudioError",
        "BundleError",
        "DatasetError",
        "EvaluationError",
        "FeatureError",
        "MissingExtraError",
        "ModelError",
        "OssicleError",
        "SearchError",
        "TrainingError",
        "WorkflowError",
    ],
    "ossicle.evaluation": [
        "Benchmark",
        "RegressionReport",
        "Report",
        "benchmark",
        "evaluate",
        "evaluate_values",
        "plot_mix",
        "pooled",
    ],
    "ossicle.features": [
        "MFCC",
        "Embedding",
        "FeatureStore",
        "LogMel",
        "LogbankSummary",
        "ShortTerm",
        "Waveform",
        "front_end",
        "integrate",
    ],
    "ossicle.models.networks": ["architecture", "write_network"],
    "ossicle.selection": ["search"],
    "ossicle.training.run": ["Run"],
    "ossicle.training.training": ["open_run", "train"],
    "ossicle.types": ["Clip", "Event", "Prediction", "Recording", "Task", "Window"],
}
_EXTRAS = {
    "ossicle.models.networks": "train",
    "ossicle.training.run": "train",
    "ossicle.training.training": "train",
}
"""What a floor cannot be entered without."""

_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = ["__version__", *_MODULE_OF]


def __getattr__(name: str) -> Any:
    """Load the floor a public name lives on when it is first used (PEP 562)."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'ossicle' has no attribute {name!r}")
    value = getattr(_entered(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def _entered(module: str) -> Any:
    if module not in _EXTRAS:
        return importlib.import_module(module)
    require = importlib.import_module("ossicle.extras").require
    return require(module, extra=_EXTRAS[module])


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE_OF})
