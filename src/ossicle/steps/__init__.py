"""Artifacts → artifacts: the built-in steps, which every verb of the command line calls."""

from ossicle.datasets import TESTS
from ossicle.steps.cross_validation import cross_validate
from ossicle.steps.data import check_dataset, export_dataset, split_dataset
from ossicle.steps.describing import describe_grid, extract_features
from ossicle.steps.getting import fetch_network
from ossicle.steps.hearing import (
    Heard,
    benchmark_bundle,
    evaluate_bundle,
    listen_to,
    predict_files,
    verify_bundle,
)
from ossicle.steps.imported import import_dataset
from ossicle.steps.making import (
    convert_recordings,
    deal_recordings,
    export_recordings,
    mix_recordings,
)
from ossicle.steps.measuring import measure_levels
from ossicle.steps.opening import open_dataset
from ossicle.steps.runs import evaluate_run, plot_run_curves, write_run_events
from ossicle.steps.searching import search_dataset
from ossicle.steps.selecting import select_classifier
from ossicle.steps.tables import tabulate_benchmarks
from ossicle.steps.task_figures import HEADLINES
from ossicle.steps.tensor_learning import learn_tensors
from ossicle.steps.tensors import describe_parts
from ossicle.steps.training import check_training, resumed_words, train_dataset
from ossicle.steps.training_step import train_networks

__all__ = [
    "HEADLINES",
    "TESTS",
    "Heard",
    "benchmark_bundle",
    "check_dataset",
    "check_training",
    "convert_recordings",
    "cross_validate",
    "deal_recordings",
    "describe_grid",
    "describe_parts",
    "evaluate_bundle",
    "evaluate_run",
    "export_dataset",
    "export_recordings",
    "extract_features",
    "fetch_network",
    "import_dataset",
    "learn_tensors",
    "listen_to",
    "measure_levels",
    "mix_recordings",
    "open_dataset",
    "plot_run_curves",
    "predict_files",
    "resumed_words",
    "search_dataset",
    "select_classifier",
    "split_dataset",
    "tabulate_benchmarks",
    "train_dataset",
    "train_networks",
    "verify_bundle",
    "write_run_events",
]
