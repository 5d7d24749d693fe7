"""Clips + network + tasks → run: the gradient loop, losses, samplers and run folders.

Names load their module when they are first used: settings and recipes are read without torch.
"""

import importlib
from typing import Any

_HOME = {
    "augmentation": ["Augmentation"],
    "checkpoints": ["Checkpoints"],
    "examples": ["Batch", "Examples", "fit_scaler"],
    "loading": ["loaded"],
    "objectives": ["OBJECTIVES", "Objective", "objective"],
    "combining": ["COMBINATIONS", "combined_loss"],
    "optimizers": ["OPTIMIZERS"],
    "comparing": ["compare_runs", "find_runs", "list_runs", "read_history", "run_summary"],
    "health": ["Health", "PartHealth", "check_health"],
    "recipe": ["Recipe", "Source", "read_recipe", "recipe_of"],
    "recording": ["EventFiles", "write_events"],
    "run": ["Run"],
    "sampling": ["SAMPLERS", "sampler"],
    "schedules": ["SCHEDULES", "schedule"],
    "settings": ["Settings"],
    "training": ["open_run", "train"],
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    """Load a name's module when it is first used (PEP 562)."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'ossicle.training' has no attribute {name!r}")
    return getattr(importlib.import_module(f"ossicle.training.{_MODULE_OF[name]}"), name)
