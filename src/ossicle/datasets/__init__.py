"""Recordings and labels into clips, groups and folds: read, check, split, mix."""

from ossicle.datasets.checks import CheckReport
from ossicle.datasets.combined import Combined, Part, combine
from ossicle.datasets.dataset import Dataset
from ossicle.datasets.faults import FAULTS, Fault, find_faults
from ossicle.datasets.files import SOUND_ENDINGS
from ossicle.datasets.fingerprints import recording_marks
from ossicle.datasets.holding_out import TESTS, check_test, outer_parts, single_part
from ossicle.datasets.layouts import Layout
from ossicle.datasets.licences import licence_name
from ossicle.datasets.mixing import mix_dataset
from ossicle.datasets.provenance import MixedEvent, mixed_events
from ossicle.datasets.reading import LAYOUTS, read_dataset
from ossicle.datasets.recipes import Bank, read_recipe
from ossicle.datasets.splits import grouped_folds, grouped_split, leave_k_out
from ossicle.datasets.strong import window_labels
from ossicle.datasets.tasks import make_task, named_task
from ossicle.datasets.tensor import Tensor, read_tensor, write_tensor
from ossicle.datasets.writing import WRITTEN, write_dataset

__all__ = [
    "FAULTS",
    "LAYOUTS",
    "SOUND_ENDINGS",
    "TESTS",
    "WRITTEN",
    "Bank",
    "CheckReport",
    "Combined",
    "Dataset",
    "Fault",
    "Layout",
    "MixedEvent",
    "Part",
    "Tensor",
    "check_test",
    "combine",
    "find_faults",
    "grouped_folds",
    "grouped_split",
    "leave_k_out",
    "licence_name",
    "make_task",
    "mix_dataset",
    "mixed_events",
    "named_task",
    "outer_parts",
    "read_dataset",
    "read_recipe",
    "read_tensor",
    "recording_marks",
    "single_part",
    "window_labels",
    "write_dataset",
    "write_tensor",
]
