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
from ossicle.steps.runs import evaluate_run, plot_run_curves, write_run_events
from ossicle.steps.searching import search_dataset
from ossicle.steps.task_figures import HEADLINES
from ossicle.steps.training import check_training, resumed_words, train_dataset

__all__ = [
    "HEADLINES",
    "TESTS",
    "Heard",
    "benchmark_bundle",
    "check_dataset",
    "check_training",
    "evaluate_bundle",
    "evaluate_run",
    "export_dataset",
    "extract_features",
    "listen_to",
    "open_dataset",
    "plot_run_curves",
    "predict_files",
    "resumed_words",
    "search_dataset",
    "split_dataset",
    "train_dataset",
    "write_run_events",
]
