"""What all plots share: colours, type, canvas, and PNG files that are the same bytes every time.

The colours are Okabe and Ito's (2008), told apart with any kind of colour vision. The type is
DejaVu Sans, which comes with matplotlib, so that a plot looks the same everywhere.
"""

import io
import warnings
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from ossicle.evaluation.visible import visible
from ossicle.extras import require
from ossicle.workflow.files import replacing

__all__ = [
    "COLOURS",
    "DPI",
    "FAINT",
    "GREY",
    "INK",
    "ORANGE",
    "canvas",
    "png_bytes",
    "save_png",
    "styled",
    "words",
]

INK = "#1f2933"
GREY = "#9aa5b1"
FAINT = "#7b8794"
ORANGE = "#d55e00"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#b88700")
"""In the order of use; blue is the first voice, vermilion what must be noticed."""

DPI = 160
"""Pixels an inch: sharp on a dense screen, and in print."""

_STYLE = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "text.color": INK,
    "text.parse_math": False,  # a label may hold dollar signs
    "axes.labelcolor": INK,
    "axes.edgecolor": "#cbd2d9",
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10.0,
    "axes.labelsize": 9.0,
    "axes.facecolor": "white",
    "figure.facecolor": "white",
    "grid.color": "#e9edf1",
    "grid.linewidth": 0.8,
    "xtick.color": "#cbd2d9",
    "ytick.color": "#cbd2d9",
    "xtick.labelcolor": "#52606d",
    "ytick.labelcolor": "#52606d",
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "savefig.dpi": DPI,
    "savefig.bbox": None,
}

P = ParamSpec("P")
R = TypeVar("R")


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Run a drawing function under the house style, and leave matplotlib's settings alone."""

    @wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        with require("matplotlib", extra="plot").rc_context(_STYLE):
            return draw(*args, **kwargs)

    return inside


def canvas(width: float, height: float) -> Any:
    """An empty figure of a size in inches, drawn by Agg, that fits its own margins."""
    figure = require("matplotlib.figure", extra="plot").Figure(
        figsize=(width, height), layout="constrained", dpi=DPI
    )
    require("matplotlib.backends.backend_agg", extra="plot").FigureCanvasAgg(figure)
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08)
    return figure


def words(name: str) -> str:
    """A column or label as a title: known figures spelled out, others with their own name.

    >>> words("fpr"), words("size_kb")
    ('False positive rate', 'Size kb')
    """
    text = _WORDS.get(name) or visible(name).replace("_", " ")
    return text[:1].upper() + text[1:]


_WORDS = {
    "fpr": "False positive rate",
    "tpr": "True positive rate",
    "auc": "Area under the ROC curve",
    "f1": "F1",
    "macro_f1": "Macro F1",
    "micro_f1": "Micro F1",
    "bytes": "Size of the bundle",
    "latency_ms": "Latency of a window",
    "macs": "Multiply-adds of a window",
    "size_bytes": "Size",
}


@styled
def png_bytes(figure: Any) -> bytes:
    """The figure as PNG: same figure, same bytes (no date, no program version)."""
    held = io.BytesIO()
    with warnings.catch_warnings():
        # A script that the typeface lacks shows as boxes, which is no reason to stop.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(held, format="png", dpi=DPI, metadata={"Software": None})
    return held.getvalue()


def save_png(figure: Any, path: str | Path) -> Path:
    """Write a figure as PNG, whole or not at all.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : str or Path

    Returns
    -------
    Path
        Where it lies.
    """
    with replacing(Path(path)) as temporary:
        temporary.write_bytes(png_bytes(figure))
    return Path(path)
