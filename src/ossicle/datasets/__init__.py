"""Recordings and labels into clips, groups and folds: read, check, split, mix."""

from ossicle.datasets.checks import CheckReport
from ossicle.datasets.dataset import Dataset
from ossicle.datasets.files import SOUND_ENDINGS
from ossicle.datasets.fingerprints import recording_marks
from ossicle.datasets.layouts import Layout
from ossicle.datasets.mixing import mix_dataset
from ossicle.datasets.reading import LAYOUTS, read_dataset
from ossicle.datasets.splits import grouped_folds, grouped_split, leave_k_out
from ossicle.datasets.tasks import make_task

__all__ = [
    "LAYOUTS",
    "SOUND_ENDINGS",
    "CheckReport",
    "Dataset",
    "Layout",
    "grouped_folds",
    "grouped_split",
    "leave_k_out",
    "make_task",
    "mix_dataset",
    "read_dataset",
    "recording_marks",
]
