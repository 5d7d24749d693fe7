"""Artifacts → artifacts: the built-in steps, which every verb of the command line calls."""

from ossicle.datasets import TESTS
from ossicle.steps.data import (
    check_dataset,
    export_dataset,
    extract_features,
    open_dataset,
    split_dataset,
)
from ossicle.steps.hearing import Heard, benchmark_bundle, evaluate_bundle, listen_to, predict_files
from ossicle.steps.searching import search_dataset

__all__ = [
    "TESTS",
    "Heard",
    "benchmark_bundle",
    "check_dataset",
    "evaluate_bundle",
    "export_dataset",
    "extract_features",
    "listen_to",
    "open_dataset",
    "predict_files",
    "search_dataset",
    "split_dataset",
]
