"""LKOCV: what each configuration confuses on rows it was not trained on.

One job trains and tests all settings of one model on one fold of one matrix, so that kernels and
distances are computed once a fold. The scaling is fitted on the fold's training rows alone. A
job's result is stored under a digest of everything it depends on: a killed search resumes.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ossicle.classifier.network import Network
from ossicle.evaluation.metrics import confusion_matrix
from ossicle.extras import require
from ossicle.features import Scaler
from ossicle.models import Model
from ossicle.models.model import Targets
from ossicle.selection.grid import Configuration
from ossicle.selection.material import Material, Rows, StageProgress
from ossicle.workflow.code import code_digest
from ossicle.workflow.executor import LocalCluster
from ossicle.workflow.files import canonical_json, digest, read_json, write_json
from ossicle.workflow.store import Store

__all__ = [
    "LIBRARIES",
    "Fold",
    "Job",
    "jobs_of",
    "one_thread",
    "out_of_fold_logits",
    "run_jobs",
    "times_path",
]

Fold = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Clips to train on and clips to test on; no test clips: measure the cost of training on all."""

TIMED_RUNS = 30

LIBRARIES = ("numpy", "scikit-learn", "onnx")
JUDGED = ("models", "features.scaling", "evaluation.metrics", "selection.leave_k_out")
"""What decides a cell, beside its rows."""


@dataclass(frozen=True, eq=False)
class Job:
    """All settings of one model on one fold of one matrix."""

    rows: Rows
    models: tuple[Model, ...]
    places: tuple[int, ...]
    """Where the models stand among the configurations."""
    targets: Targets
    """Label of each row."""
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    """Rows."""
    n_labels: int
    task: str

    @property
    def parameters(self) -> dict[str, Any]:
        """What decides the result, beside the matrix, as JSON."""
        return {
            "models": [model.describe() for model in self.models],
            "fold": digest(self.targets.tobytes(), self.train.tobytes(), self.test.tobytes()),
            "n_labels": self.n_labels,
        }

    def key(self, store: Store) -> str:
        """Name of the result."""
        return store.key(
            "cell",
            version=code_digest(*JUDGED, libraries=LIBRARIES),
            parameters=self.parameters,
            inputs=[self.rows.key],
        )


def jobs_of(
    configurations: Sequence[Configuration], folds: Sequence[Fold], material: Material
) -> Iterator[Job]:
    """Cut the work: by matrix, model and fold, the cost of each model last."""
    order = sorted(range(len(configurations)), key=lambda place: _shares(configurations[place]))
    everything = np.arange(len(material.dataset)), np.array([], dtype=np.int64)
    for _, group in groupby(order, key=lambda place: _shares(configurations[place])):
        places = tuple(group)
        first = configurations[places[0]]
        rows = material.rows(first.front_end, first.integration)
        for train, test in [*folds, everything]:
            yield Job(
                rows=rows,
                models=tuple(configurations[place].model for place in places),
                places=places,
                targets=material.targets[rows.clip_index],
                train=rows.of_clips(train),
                test=rows.of_clips(test),
                n_labels=len(material.task.labels),
                task=material.task.name,
            )


def _shares(configuration: Configuration) -> tuple[str, str, str]:
    """Configurations with the same answer are worked on together."""
    front = canonical_json(configuration.front_end.describe())
    return front, configuration.integration, configuration.model.name


def run_jobs(
    jobs: Sequence[Job], store: Store, *, n_jobs: int = 1, progress: StageProgress | None = None
) -> list[dict[str, Any]]:
    """Do the jobs that are not done yet; the results in the order of the jobs.

    Returns
    -------
    list of dict
        ``confusions`` (one matrix a model) for a fold, ``bytes`` and ``network_ms`` for the cost.
    """
    keys = [job.key(store) for job in jobs]
    pairs = list(zip(jobs, keys, strict=True))
    waiting = [job for job, key in pairs if not _is_done(store, job, key)]
    done = len(jobs) - len(waiting)
    keep = partial(_keep, store)
    for _ in LocalCluster(n_jobs).run(run_job, waiting, store=keep):
        done += 1
        if progress is not None:
            progress("leave-k-out", done, len(jobs))
    return [_kept(store, job, key) for job, key in pairs]


def times_path(store: Store, key: str) -> Path:
    """Where a result's measured times lie: beside the store, for they are never the same twice."""
    return Path(store.root).parent / "times" / f"{key}.json"


def _keep(store: Store, job: Job, result: dict[str, Any]) -> None:
    key, measured = job.key(store), result.pop("network_ms", None)
    if measured is not None:
        write_json(times_path(store, key), measured)
    inputs = [job.rows.key]
    with store.writing(key, step="cell", parameters=job.parameters, inputs=inputs) as folder:
        write_json(folder / "cell.json", result)


def _kept(store: Store, job: Job, key: str) -> dict[str, Any]:
    artifact = store.get(key)
    assert artifact is not None
    result: dict[str, Any] = read_json(artifact.path / "cell.json")
    return result if len(job.test) else {**result, "network_ms": read_json(times_path(store, key))}


def _is_done(store: Store, job: Job, key: str) -> bool:
    return store.get(key) is not None and (len(job.test) > 0 or times_path(store, key).is_file())


def run_job(job: Job) -> dict[str, Any]:
    """Train and test, or train on all and measure."""
    with one_thread():
        return _test(job) if len(job.test) else _measure(job)


def one_thread() -> AbstractContextManager[Any]:
    """Keep linear algebra on one thread: the work is spread over processes instead."""
    limits: AbstractContextManager[Any] = require(
        "threadpoolctl", extra="search"
    ).threadpool_limits(1)
    return limits


def out_of_fold_logits(job: Job) -> list[NDArray[np.float64]]:
    """Logits of the test rows, one array a model; the scaling comes from the training rows."""
    matrix = np.asarray(job.rows.matrix)
    scaler = Scaler.fit(matrix[job.train])
    train, test = scaler(matrix[job.train]), scaler(matrix[job.test])
    kind = type(job.models[0])
    return kind.sweep(job.models, train, job.targets[job.train], test, n_labels=job.n_labels)


def _test(job: Job) -> dict[str, Any]:
    truth, n_labels = job.targets[job.test], job.n_labels
    answers = [logits.argmax(axis=1) for logits in out_of_fold_logits(job)]
    counts = [confusion_matrix(truth, answer, n_labels=n_labels) for answer in answers]
    return {"confusions": [confusion.tolist() for confusion in counts]}


def _measure(job: Job) -> dict[str, Any]:
    """Size and speed of what would ship: the network written from all rows."""
    matrix = np.asarray(job.rows.matrix)[job.train]
    matrix = Scaler.fit(matrix)(matrix)
    sizes, times = [], []
    for model in job.models:
        fitted = model.fit(matrix, job.targets[job.train], n_labels=job.n_labels)
        written = fitted.onnx(job.task)
        sizes.append(len(written))
        network = Network(written, n_labels={job.task: job.n_labels})
        times.append(_milliseconds(network, matrix[0]))
    return {"bytes": sizes, "network_ms": times}


def _milliseconds(network: Network, row: NDArray[np.float32]) -> float:
    """Median time of one window through the network."""
    times = []
    for _ in range(TIMED_RUNS):
        start = time.perf_counter()
        network(row)
        times.append(time.perf_counter() - start)
    return float(np.median(times) * 1000.0)
