"""Recordings and labels into clips, groups and folds: read, check, split, mix."""

from ossicle.datasets.checks import CheckReport
from ossicle.datasets.dataset import Dataset
from ossicle.datasets.files import SOUND_ENDINGS
from ossicle.datasets.fingerprints import recording_marks
from ossicle.datasets.layouts import Layout
from ossicle.datasets.mixing import mix_dataset
from ossicle.datasets.provenance import MixedEvent, mixed_events
from ossicle.datasets.reading import LAYOUTS, read_dataset
from ossicle.datasets.recipes import Bank, read_recipe
from ossicle.datasets.splits import grouped_folds, grouped_split, leave_k_out
from ossicle.datasets.tasks import make_task

__all__ = [
    "LAYOUTS",
    "SOUND_ENDINGS",
    "Bank",
    "CheckReport",
    "Dataset",
    "Layout",
    "MixedEvent",
    "grouped_folds",
    "grouped_split",
    "leave_k_out",
    "make_task",
    "mix_dataset",
    "mixed_events",
    "read_dataset",
    "read_recipe",
    "recording_marks",
]
