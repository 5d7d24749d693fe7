"""Clips + network + tasks → run: the gradient loop, losses, samplers and run folders.

Only what needs no torch is named here, so that settings are read without it; the rest is imported
from its module, and what users call from `ossicle` itself.
"""

from ossicle.training.comparing import (
    compare_runs,
    find_runs,
    list_runs,
    read_history,
    run_summary,
)
from ossicle.training.recipe import Recipe, Source, read_recipe, recipe_of
from ossicle.training.settings import Settings

__all__ = [
    "Recipe",
    "Settings",
    "Source",
    "compare_runs",
    "find_runs",
    "list_runs",
    "read_history",
    "read_recipe",
    "recipe_of",
    "run_summary",
]
