"""How data sets lie on disk: one file a layout, tried in this order."""

from ossicle.datasets.layouts.csv_table import CSV
from ossicle.datasets.layouts.esc50 import ESC50
from ossicle.datasets.layouts.folders import FOLDERS
from ossicle.datasets.layouts.layout import Layout
from ossicle.datasets.layouts.meta import META
from ossicle.datasets.layouts.recordings import RECORDINGS

__all__ = ["CSV", "ESC50", "FOLDERS", "META", "RECORDINGS", "Layout"]
