"""Figures as pictures: matplotlib objects, drawn without its global state.

matplotlib is loaded when a plot is made; without it the functions name the ``pip install`` that
adds it.
"""

from ossicle.evaluation.plots.confusion import plot_confusion
from ossicle.evaluation.plots.front import plot_front
from ossicle.evaluation.plots.learning import plot_learning, plot_runs
from ossicle.evaluation.plots.mixing import plot_mix
from ossicle.evaluation.plots.roc import plot_roc
from ossicle.evaluation.plots.style import png_bytes, save_png
from ossicle.evaluation.plots.timeline import plot_timeline
from ossicle.evaluation.plots.values import plot_values

__all__ = [
    "plot_confusion",
    "plot_front",
    "plot_learning",
    "plot_mix",
    "plot_roc",
    "plot_runs",
    "plot_timeline",
    "plot_values",
    "png_bytes",
    "save_png",
]
