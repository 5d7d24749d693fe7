"""The jobs of a search done, each result kept under a digest of everything it depends on.

So a killed search resumes, and a wider grid judges only what is new.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ossicle.selection.cost import TIMES, measure
from ossicle.selection.job import Job
from ossicle.selection.leave_k_out import judge, one_thread
from ossicle.selection.material import StageProgress
from ossicle.workflow.executor import LocalCluster
from ossicle.workflow.files import read_json, write_json
from ossicle.workflow.store import Store

__all__ = ["run_job", "run_jobs", "times_path"]


def run_jobs(
    jobs: Sequence[Job], store: Store, *, n_jobs: int = 1, progress: StageProgress | None = None
) -> list[dict[str, Any]]:
    """Do the jobs that are not done yet; the results in the order of the jobs.

    Returns
    -------
    list of dict
        What `judge` gives for a fold, what `measure` gives for the cost.
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


def run_job(job: Job) -> dict[str, Any]:
    """Train and test, or train on all and measure."""
    with one_thread():
        return judge(job) if len(job.test) else measure(job)


def times_path(store: Store, key: str) -> Path:
    """Where a result's measured times lie: beside the store, for they are never the same twice."""
    return Path(store.root).parent / "times" / f"{key}.json"


def _keep(store: Store, job: Job, result: dict[str, Any]) -> None:
    key = job.key(store)
    times = {name: result.pop(name) for name in TIMES if name in result}
    if times:
        write_json(times_path(store, key), times)
    with store.writing(key, **job.recipe) as folder:
        write_json(folder / "cell.json", result)


def _kept(store: Store, job: Job, key: str) -> dict[str, Any]:
    artifact = store.get(key)
    assert artifact is not None
    result: dict[str, Any] = read_json(artifact.path / "cell.json")
    return result if len(job.test) else {**result, **read_json(times_path(store, key))}


def _is_done(store: Store, job: Job, key: str) -> bool:
    return store.get(key) is not None and (len(job.test) > 0 or times_path(store, key).is_file())
