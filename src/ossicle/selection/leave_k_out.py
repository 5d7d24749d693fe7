"""LKOCV: what each configuration answers to rows it was not trained on.

The scaling is fitted on the fold's training rows alone.
"""

from contextlib import AbstractContextManager
from typing import Any

from ossicle.extras import require
from ossicle.selection.job import Job
from ossicle.selection.question import Logits

__all__ = ["judge", "one_thread", "out_of_fold_logits"]


def judge(job: Job) -> dict[str, Any]:
    """Counts of the test rows, one list a configuration."""
    truth = job.truth[job.test]
    counts = [job.question.count(truth, logits) for logits in out_of_fold_logits(job)]
    return {"counts": [each.tolist() for each in counts]}


def out_of_fold_logits(job: Job) -> list[Logits]:
    """Logits of the test rows, one array a configuration."""
    _, train, test = job.scaled()
    return job.question.sweep(job.models, train, job.truth[job.train], test)


def one_thread() -> AbstractContextManager[Any]:
    """Keep linear algebra on one thread: the work is spread over processes instead."""
    limits: AbstractContextManager[Any] = require(
        "threadpoolctl", extra="search"
    ).threadpool_limits(1)
    return limits
