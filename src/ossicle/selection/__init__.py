"""Configurations → Pareto front: grid, leave-k-out, front, and the classifier chosen from it."""

from ossicle.selection.drawing import draw_configurations
from ossicle.selection.front import non_dominated, pareto_front
from ossicle.selection.grid import DEFAULT_GRID, Configuration, expand
from ossicle.selection.material import StageProgress
from ossicle.selection.nested import NestedFold, nested_search
from ossicle.selection.result import SearchResult
from ossicle.selection.searching import search

__all__ = [
    "DEFAULT_GRID",
    "Configuration",
    "NestedFold",
    "SearchResult",
    "StageProgress",
    "draw_configurations",
    "expand",
    "nested_search",
    "non_dominated",
    "pareto_front",
    "search",
]
