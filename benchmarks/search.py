"""The paper's whole grid with leave-k-out: ossicle against scikit-learn's GridSearchCV.

Three methods with their hyper-parameters on 2,000 rows. Both judge the same cells (same rows,
folds, scaling inside the fold) with as many processes, each method alone and all in one search.
The two take turns in one run, with worker processes already up; the ratio is the median over the
rounds. Every accuracy is compared.

    python benchmarks/search.py [--processes 2] [--rounds 3] [--folds 20]
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression as PlainLogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ossicle.datasets.splits import leave_k_out
from ossicle.features import LogMel
from ossicle.models import LogisticRegression, NearestNeighbours, SupportVectorMachine
from ossicle.selection import Configuration
from ossicle.selection.job import Job
from ossicle.selection.material import Rows
from ossicle.selection.questions import question_of
from ossicle.selection.running import run_jobs
from ossicle.types import Task
from ossicle.workflow.store import Store

N_ROWS, N_FEATURES, N_LABELS, N_GROUPS = 2_000, 200, 2, 10
COSTS, WIDTHS = [0.1, 1.0, 10.0, 100.0], [0.0005, 0.002, 0.008, 0.03]
PENALTIES = [0.001, 0.01, 0.1, 1.0, 10.0, 100.0]
NEIGHBOURS = list(range(1, 32, 2))
QUESTION = question_of(Task("label", "binary", ("a", "b"), positive="b"))

SVM = (
    [SupportVectorMachine(C=c, gamma=g) for c in COSTS for g in WIDTHS],
    {"model": [SVC(break_ties=True)], "model__C": COSTS, "model__gamma": WIDTHS},
)
LOGREG = (
    [LogisticRegression(C=c) for c in PENALTIES],
    {"model": [PlainLogisticRegression(max_iter=1000)], "model__C": PENALTIES},
)
KNN = (
    [NearestNeighbours(n_neighbors=k) for k in NEIGHBOURS],
    {"model": [KNeighborsClassifier(algorithm="brute")], "model__n_neighbors": NEIGHBOURS},
)
CASES = {
    f"SVM rbf, {len(SVM[0])} cells a fold": [SVM],
    f"logistic regression, {len(LOGREG[0])} cells": [LOGREG],
    f"kNN, {len(KNN[0])} cells": [KNN],
    "the whole grid in one search": [SVM, LOGREG, KNN],
}


def material(folder: Path, n_folds: int) -> tuple[Rows, np.ndarray, list]:
    """Two overlapping clouds and some of the folds that leave two of ten groups out."""
    rng = np.random.default_rng(0)
    targets = np.arange(N_ROWS) % N_LABELS
    centres = rng.normal(scale=0.35, size=(N_LABELS, N_FEATURES))
    matrix = (centres[targets] + rng.normal(size=(N_ROWS, N_FEATURES))).astype(np.float32)
    np.save(folder / "matrix.npy", matrix)
    groups = rng.permutation(N_ROWS) % N_GROUPS
    folds = leave_k_out(groups, 2, exhaustive=True)[:n_folds]
    rows = Rows("0" * 32, folder / "matrix.npy", np.arange(N_ROWS), (), 1.0)
    return rows, targets, folds


def ours(rows, targets, folds, methods, processes) -> list[float]:
    jobs, accuracies = [], []
    for models, _ in methods:
        cells = tuple(Configuration(LogMel(), "mean", model) for model in models)
        places = tuple(range(len(cells)))
        jobs += [Job(rows, cells, places, QUESTION, targets, *fold) for fold in folds]
    with tempfile.TemporaryDirectory() as folder:
        results = run_jobs(jobs, Store(Path(folder) / "store"), n_jobs=processes)
    for first in range(0, len(results), len(folds)):
        counts = np.array([found["counts"] for found in results[first : first + len(folds)]])
        per_fold = np.trace(counts, axis1=2, axis2=3) / counts.sum(axis=(2, 3))
        accuracies += per_fold.mean(axis=0).tolist()
    return accuracies


def theirs(rows, targets, folds, methods, processes) -> list[float]:
    pipeline = Pipeline([("scale", StandardScaler()), ("model", SVC())])
    grids = [grid for _, grid in methods]
    search = GridSearchCV(pipeline, grids, cv=folds, n_jobs=processes, refit=False)
    return search.fit(np.asarray(rows.matrix), targets).cv_results_["mean_test_score"].tolist()


def timed(search, rows, targets, folds, methods, arguments) -> tuple[list[float], float]:
    """Accuracies and seconds of a search whose worker processes are up and have their imports."""
    search(rows, targets, folds[: 2 * arguments.processes], [LOGREG], arguments.processes)
    start = time.perf_counter()
    accuracies = search(rows, targets, folds, methods, arguments.processes)
    return accuracies, time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folds", type=int, default=20)
    arguments = parser.parse_args()
    print(
        f"{N_ROWS} rows x {N_FEATURES}, {arguments.folds} folds that leave 2 of {N_GROUPS} groups "
        f"out, {arguments.processes} processes"
    )
    print(f"{'grid':32} {'ossicle s':>10} {'sklearn s':>10} {'ratio':>7}  largest difference")
    with tempfile.TemporaryDirectory() as folder:
        rows, targets, folds = material(Path(folder), arguments.folds)
        for name, methods in CASES.items():
            seconds, difference = np.zeros((2, arguments.rounds)), 0.0
            for turn in range(arguments.rounds):
                mine, seconds[0, turn] = timed(ours, rows, targets, folds, methods, arguments)
                other, seconds[1, turn] = timed(theirs, rows, targets, folds, methods, arguments)
                difference = max(difference, float(np.abs(np.subtract(mine, other)).max()))
            report(name, seconds, difference)


def report(name: str, seconds: np.ndarray, difference: float) -> None:
    mine, other = np.median(seconds, axis=1)
    ratio = np.median(seconds[1] / seconds[0])
    print(f"{name:32} {mine:10.2f} {other:10.2f} {ratio:6.1f}x  {difference:.1e}", flush=True)


if __name__ == "__main__":
    main()
