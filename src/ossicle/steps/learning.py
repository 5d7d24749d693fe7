"""Rounds of a training done, one after another or in processes beside each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ossicle.selection import StageProgress
from ossicle.steps.rounds import Round, with_validation
from ossicle.steps.task_figures import figures_of
from ossicle.workflow.executor import LocalCluster

__all__ = ["Job", "Learnt", "learn_all"]


@dataclass(frozen=True, slots=True)
class Job:
    """One round, and how to train it.

    Parameters
    ----------
    round : Round
    folder : Path
        Of its run.
    features : Path
        Of the feature store, which all share.
    front_end : mapping
    settings : mapping
        Of `ossicle.train`.
    validation : float
    tensorboard : bool
    """

    round: Round
    folder: Path
    features: Path
    front_end: Mapping[str, Any]
    settings: Mapping[str, Any]
    validation: float
    tensorboard: bool = False


@dataclass(frozen=True, slots=True)
class Learnt:
    """A trained round.

    Parameters
    ----------
    reports : mapping of (test part, task) to report
    seconds : float
        Of all that was trained.
    run : Path
        The run that is kept: the round's folder, or one in it where several networks were tried.
    tried : tuple of mapping
        Each of these, the best on the validation part first.
    """

    reports: Mapping[tuple[str, str], Any]
    seconds: float
    run: Path
    tried: tuple[Mapping[str, Any], ...] = ()


def learn_all(
    jobs: Sequence[Job], *, n_jobs: int = 1, progress: StageProgress | None = None
) -> list[Learnt]:
    """Every round trained and judged, in their order; what is finished is not trained again.

    Parameters
    ----------
    jobs : sequence of Job
    n_jobs : int
        Networks at a time, each in a process of its own on one thread.
    progress : callable, optional
    """
    learnt: dict[int, Learnt] = {}
    here = n_jobs == 1 or len(jobs) == 1
    function = partial(_learn, progress=progress) if here else _learn_apart
    results = LocalCluster(1 if here else n_jobs).run(function, jobs)
    for count, (place, result) in enumerate(results, start=1):
        learnt[place] = result
        if progress is not None and len(jobs) > 1:
            progress("networks", count, len(jobs))
    return [learnt[place] for place in range(len(jobs))]


def _learn_apart(job: Job) -> Learnt:
    """Train in a process of its own, which loads its batches itself: that changes no bit."""
    return _learn(job, n_workers=0)


def _learn(job: Job, progress: StageProgress | None = None, **beside: Any) -> Learnt:
    """Train one round and judge its bundle on each test part, task by task."""
    from ossicle.training.recording import EventFiles, write_events
    from ossicle.training.training import open_run, train
    from ossicle.training.trying import AUTO

    learning, validation = with_validation(
        job.round.train, job.validation, seed=job.settings.get("seed", 0)
    )
    is_live = job.tensorboard and job.settings.get("model") != AUTO
    events = EventFiles(job.folder) if is_live else None
    run = train(
        learning,
        front_end=job.front_end,
        validation=validation,
        out=job.folder,
        features=job.features,
        callbacks=[events] if events else [],
        progress=_named(progress, job.round.folder),
        **{**job.settings, **beside},
    )
    if events is not None:
        events.close()
    runs = [open_run(each["path"]) for each in run.tried if "path" in each] or [run]
    if job.tensorboard:
        for each in runs:
            write_events(each.path)
    classifier = run.classifier
    reports = {
        (part, task.name): figures_of(task).evaluate(classifier, test)
        for part, test in job.round.tests
        for task in test.tasks
    }
    seconds = sum(line["training"] + line["judging"] for each in runs for line in each.seconds)
    return Learnt(reports, seconds, run.path, run.tried)


def _named(progress: StageProgress | None, name: str) -> StageProgress | None:
    """Stages told with the round they are of."""
    if progress is None:
        return None
    return lambda stage, done, total: progress(f"{name} {stage}", done, total)
