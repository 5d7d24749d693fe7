"""The paper's three methods with leave-k-out: ossicle against scikit-learn's GridSearchCV.

Both judge the same cells (same rows, folds, scaling inside the fold) with as many processes. The
two take turns in one run; the ratio is the median over the rounds. Every accuracy is compared.

    python benchmarks/search.py [--processes 2] [--rounds 3]
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression as PlainLogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ossicle.datasets.splits import leave_k_out
from ossicle.features import LogMel
from ossicle.models import LogisticRegression, NearestNeighbours, SupportVectorMachine
from ossicle.selection import Configuration
from ossicle.selection.job import Job
from ossicle.selection.material import Rows
from ossicle.selection.question import question_of
from ossicle.selection.running import run_jobs
from ossicle.types import Task
from ossicle.workflow.store import Store

N_ROWS, N_FEATURES, N_LABELS, N_GROUPS, N_FOLDS = 2_000, 200, 2, 10, 10
COSTS, WIDTHS = [0.1, 1.0, 10.0, 100.0], [0.0005, 0.002, 0.008, 0.03]
NEIGHBOURS = list(range(1, 32, 2))
PENALTIES = [0.001, 0.01, 0.1, 1.0, 10.0, 100.0]
QUESTION = question_of(Task("label", "binary", ("a", "b"), positive="b"))


def material(folder: Path) -> tuple[Rows, np.ndarray, list]:
    """Two overlapping clouds and ten of the folds that leave two of ten groups out."""
    rng = np.random.default_rng(0)
    targets = np.arange(N_ROWS) % N_LABELS
    centres = rng.normal(scale=0.35, size=(N_LABELS, N_FEATURES))
    matrix = (centres[targets] + rng.normal(size=(N_ROWS, N_FEATURES))).astype(np.float32)
    np.save(folder / "matrix.npy", matrix)
    groups = rng.permutation(N_ROWS) % N_GROUPS
    folds = leave_k_out(groups, 2, exhaustive=True)[:N_FOLDS]
    rows = Rows("0" * 32, folder / "matrix.npy", np.arange(N_ROWS), (), 1.0)
    return rows, targets, folds


def ours(rows, targets, folds, models, processes) -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        places = tuple(range(len(models)))
        configurations = tuple(Configuration(LogMel(), "mean", model) for model in models)
        jobs = [
            Job(rows, configurations, places, QUESTION, targets, train, test)
            for train, test in folds
        ]
        results = run_jobs(jobs, Store(Path(folder) / "store"), n_jobs=processes)
    confusions = np.array([result["counts"] for result in results])
    per_fold = np.trace(confusions, axis1=2, axis2=3) / confusions.sum(axis=(2, 3))
    return per_fold.mean(axis=0).tolist()


def theirs(rows, targets, folds, estimator, grid, processes) -> list[float]:
    pipeline = make_pipeline(StandardScaler(), estimator)
    search = GridSearchCV(pipeline, grid, cv=folds, n_jobs=processes, refit=False)
    return search.fit(np.asarray(rows.matrix), targets).cv_results_["mean_test_score"].tolist()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    cases = {
        f"SVM rbf, {len(COSTS)} C x {len(WIDTHS)} gamma": (
            [SupportVectorMachine(C=c, gamma=g) for c in COSTS for g in WIDTHS],
            SVC(break_ties=True),
            {"svc__C": COSTS, "svc__gamma": WIDTHS},
        ),
        f"logistic regression, {len(PENALTIES)} C": (
            [LogisticRegression(C=c) for c in PENALTIES],
            PlainLogisticRegression(max_iter=1000),
            {"logisticregression__C": PENALTIES},
        ),
        f"kNN, {len(NEIGHBOURS)} k": (
            [NearestNeighbours(n_neighbors=k) for k in NEIGHBOURS],
            KNeighborsClassifier(algorithm="brute"),
            {"kneighborsclassifier__n_neighbors": NEIGHBOURS},
        ),
    }
    print(f"{N_ROWS} rows x {N_FEATURES}, {N_FOLDS} folds, {arguments.processes} processes")
    print(f"{'grid':32} {'ossicle s':>10} {'sklearn s':>10} {'ratio':>7}  largest difference")
    totals, worst = np.zeros((2, arguments.rounds)), 0.0
    with tempfile.TemporaryDirectory() as folder:
        rows, targets, folds = material(Path(folder))
        for name, (models, estimator, grid) in cases.items():
            seconds = np.zeros((2, arguments.rounds))
            for turn in range(arguments.rounds):
                start = time.perf_counter()
                mine = ours(rows, targets, folds, models, arguments.processes)
                middle = time.perf_counter()
                other = theirs(rows, targets, folds, estimator, grid, arguments.processes)
                seconds[:, turn] = middle - start, time.perf_counter() - middle
            totals += seconds
            difference = float(np.abs(np.subtract(mine, other)).max())
            worst = max(worst, difference)
            report(name, seconds, difference)
    report("all three methods", totals, worst)


def report(name: str, seconds: np.ndarray, difference: float) -> None:
    mine, other = np.median(seconds, axis=1)
    ratio = np.median(seconds[1] / seconds[0])
    print(f"{name:32} {mine:10.2f} {other:10.2f} {ratio:6.1f}x  {difference:.1e}")


if __name__ == "__main__":
    main()
