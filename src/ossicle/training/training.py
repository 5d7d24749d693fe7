"""From data sets to a run: a network trained on several tasks, resumable to the byte."""

import contextlib
import shutil
import tempfile
import weakref
from collections.abc import Generator, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ossicle.datasets import Combined, Dataset
from ossicle.errors import TrainingError
from ossicle.features import FeatureStore, FrontEnd
from ossicle.features import front_end as front_end_of
from ossicle.training.assembling import Ready, StageProgress, make_ready
from ossicle.training.comparing import ASKED, BEST, HISTORY, read_asked, read_lines
from ossicle.training.examples import Batch
from ossicle.training.loop import (
    Callback,
    Learner,
    NotFiniteError,
    Record,
    Standing,
    learn,
    reproducible,
)
from ossicle.training.plan import Plan, Validation, make_plan
from ossicle.training.reports import write_reports
from ossicle.training.run import FEATURES, FOUND, REPORTS, TIMES, Run, write_lines
from ossicle.training.trying import AUTO, try_all
from ossicle.workflow.files import canonical_json, claimed, replacing, write_json

__all__ = ["open_run", "train"]

KEPT = 2
"""Checkpoints that are kept beside the best one."""

INSTALLED = ("code", "libraries.", "version")
"""What of a run's identity nobody asked for."""


def train(
    datasets: Dataset | Combined | Sequence[Dataset],
    *,
    front_end: str | Mapping[str, Any] | FrontEnd = "log_mel",
    validation: Validation = 0.15,
    out: str | Path | None = None,
    features: str | Path | None = None,
    callbacks: Iterable[Callback] = (),
    progress: StageProgress | None = None,
    **settings: Any,
) -> Run:
    """Train a network on one or several data sets and all their tasks.

    Parameters
    ----------
    datasets : Dataset, Combined or sequence of Dataset
        Clips to learn from; keep those to be tested on out of it. Official validation parts are
        validation, and official test parts are not touched.
    front_end : str, mapping or FrontEnd
        What a window is described by.
    validation : float, Dataset, Combined or sequence of Dataset
        By what epochs are compared and scores calibrated: a share of the clips of every data set
        that has no official part, or other data sets.
    out : path, optional
        Folder of the run. Where one with the same arguments lies in it, that goes on where it
        stopped; a finished one is given back at once. A temporary folder by default.
    features : path, optional
        Folder of the feature store, by default inside ``out``.
    callbacks : iterable of callable
        Each is called with the record of every epoch, after its checkpoint is kept.
    progress : callable, optional
        Called with a stage's name, how many parts are done and how many there are.
    **settings
        Fields of `Settings`: ``model``, ``epochs``, ``learning_rate``, ...

    Returns
    -------
    Run

    Raises
    ------
    TrainingError
        If a setting is unknown, a label has no clip to learn from, a loss is not finite, or the
        folder holds a run with other arguments.
    WorkflowError
        If another process trains in the same folder, or the disk is full.

    ::

        run = ossicle.train([animals, keywords], model="tc_net", epochs=40, out="runs/both")
        run.history[-1]["validation"]["figures"]
        run.classifier.save("both.ossicle")
    """
    root = Path(tempfile.mkdtemp(prefix="ossicle-") if out is None else out)
    if settings.get("model") == AUTO:
        watched: dict[str, Any] = {"callbacks": callbacks, "progress": progress}
        shared = {**settings, **watched, "features": features or root / FEATURES}
        learnt = partial(_learnt, datasets, validation, shared)
        return _removed_with(try_all(front_end_of(front_end), root, learnt), root, out)
    plan = make_plan(datasets, front_end=front_end, validation=validation, settings=settings)
    asked = {"front_end": plan.front_end, "features": features, "progress": progress, **settings}
    again = partial(_again, root, datasets, validation, asked)
    run = _removed_with(Run(root, again, plan.architecture, plan.front_end), root, out)
    if run.is_finished:
        _begin(plan, run)
        return run
    _make_folder(root)
    with claimed(root):
        _begin(plan, run)
        store = FeatureStore(features or root / FEATURES)
        _go_on(plan, run, store, tuple(callbacks), progress)
    return run


def open_run(path: str | Path) -> Run:
    """The run in a folder; to go on with it, give its data to ``resume``.

    Raises
    ------
    TrainingError
        If there is none, or it is damaged.

    >>> open_run("nothing")
    Traceback (most recent call last):
        ...
    ossicle.errors.TrainingError: nothing holds no run: there is no run.json in it
    """
    root = Path(path)
    if not (root / ASKED).is_file():
        raise TrainingError(f"{root} holds no run: there is no {ASKED} in it")
    read_asked(root)
    return Run(root, partial(_resumed, root))


def _learnt(
    datasets: Any,
    validation: Any,
    shared: Mapping[str, Any],
    front_end: FrontEnd,
    model: str | Mapping[str, Any],
    out: Path,
) -> Run:
    """The run of one of several ways to learn."""
    own: dict[str, Any] = {**shared, "model": model}
    return train(datasets, front_end=front_end, validation=validation, out=out, **own)


def _removed_with(run: Run, root: Path, out: str | Path | None) -> Run:
    """The run; a folder that nobody asked for goes with it."""
    if out is None:
        weakref.finalize(run, shutil.rmtree, root, ignore_errors=True)
    return run


def _again(
    root: Path, datasets: Any, validation: Any, asked: Mapping[str, Any], *, callbacks: Any = ()
) -> Run:
    return train(datasets, validation=validation, out=root, callbacks=callbacks, **asked)


def _resumed(root: Path, datasets: Any, **options: Any) -> Run:
    """Go on with what was found in a folder."""
    asked = read_asked(root)
    return train(
        datasets, out=root, **{"front_end": asked["front_end"], **asked["settings"], **options}
    )


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(f"{path} cannot be the folder of a run: {error.strerror}") from error


def _begin(plan: Plan, run: Run) -> None:
    """Write down what is asked, or see that it is what was asked before."""
    path = run.path / ASKED
    if not path.is_file():
        write_json(path, plan.identity)
        return
    before, now = dict(_leaves(read_asked(run.path))), dict(_leaves(plan.identity))
    differing = sorted(name for name in before | now if before.get(name) != now.get(name))
    if differing:
        raise _other_run(run.path, differing, before, now)


def _other_run(
    folder: Path, differing: Sequence[str], before: Mapping[str, str], now: Mapping[str, str]
) -> TrainingError:
    """The first difference in words: of what was asked, else of what was installed."""
    asked = [name for name in differing if not name.startswith(INSTALLED)]
    if not asked:
        libraries = [name for name in differing if name.startswith("libraries.")]
        updated = [name.removeprefix("libraries.") for name in libraries] or ["ossicle"]
        return TrainingError(
            f"{folder} was begun by another version of {' and '.join(updated)}, with "
            "which it would not end as it began; take another folder, or install that version to "
            "go on with it"
        )
    first = asked[0]
    return TrainingError(
        f"{folder} holds a run with other arguments: {first} was {before.get(first)!r:.200} "
        f"and is {now.get(first)!r:.200}{_others(asked)}; take another folder, or the same "
        "arguments to go on with it"
    )


def _leaves(value: Any, name: str = "") -> Iterable[tuple[str, str]]:
    """Every setting of a description with its name."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _leaves(each, f"{name}.{key}".removeprefix(".").removeprefix("settings."))
    else:
        yield name, canonical_json(value)


def _others(names: Sequence[str]) -> str:
    return f" (so do {', '.join(names[1:6])})" if len(names) > 1 else ""


def _go_on(
    plan: Plan,
    run: Run,
    store: FeatureStore,
    callbacks: tuple[Callback, ...],
    progress: StageProgress | None,
) -> None:
    """Train from the last checkpoint, or from the first weights, to the end."""
    ready = make_ready(plan, store, progress=progress)
    write_json(run.path / FOUND, ready.found)
    with reproducible(ready.device):
        learner, standing = ready.learner(), Standing()
        kept = run.checkpoints.latest()
        if kept is not None:
            learner.load_state_dict(kept[1]["learner"])
            standing = Standing.from_state(kept[1]["standing"])
        try:
            learn(
                learner,
                plan.settings,
                batches=partial(_counted, ready, progress),
                judge=ready.judge(),
                keep=partial(_keep, run, learner),
                standing=standing,
                callbacks=callbacks,
            )
        except NotFiniteError as error:
            raise _with_batch(error, ready, run.path) from error
        _finish(plan, run)


def _counted(
    ready: Ready, progress: StageProgress | None, epoch: int
) -> Generator[Batch, None, None]:
    """The batches of an epoch, counted among those of all epochs."""
    n_batches = len(ready.sampler.batches(epoch))
    total = ready.plan.settings.epochs * n_batches
    with contextlib.closing(ready.batches(epoch)) as batches:
        for done, batch in enumerate(batches, start=(epoch - 1) * n_batches + 1):
            yield batch
            if progress is not None:
                progress("training", done, total)


def _keep(run: Run, learner: Learner, standing: Standing, record: Record, seconds: Record) -> None:
    """Write the history, then the checkpoint, and remove those that are not wanted any more."""
    for name, line in ((HISTORY, record), (TIMES, seconds)):
        before = read_lines(run.path / name)[: standing.epoch - 1]
        write_lines(run.path / name, [*before, line])
    state = {"standing": standing.state(), "record": record, "learner": learner.state_dict()}
    run.checkpoints.write(standing.epoch, state)
    latest = range(standing.epoch - KEPT + 1, standing.epoch + 1)
    run.checkpoints.keep_only({*latest, standing.best_epoch})


def _finish(plan: Plan, run: Run) -> None:
    """Reports on the best epoch, and its bundle last: it says that all is done."""
    classifier = run.classifier_of("best")
    write_reports(classifier, plan.validation, run.path / REPORTS)
    classifier.save(run.path / BEST)


def _with_batch(error: NotFiniteError, ready: Ready, folder: Path) -> TrainingError:
    """Save the batch that gave a loss that is no number, and say which clips are in it."""
    batch = error.batch
    clips = ready.train.rows[batch.rows.numpy(), 0].tolist()
    names = [ready.plan.train.clips[clip].id for clip in clips]
    path = folder / f"not-finite-epoch-{error.epoch:04d}-batch-{error.number:04d}.npz"
    arrays: dict[str, Any] = {"features": batch.features.cpu().numpy(), "clips": np.array(names)}
    arrays |= {f"targets {task}": each.cpu().numpy() for task, each in batch.targets.items()}
    with replacing(path) as temporary:
        np.savez(temporary, **arrays)
    return TrainingError(
        f"{error}; the batch holds {', '.join(names[:5])}{' ...' if len(names) > 5 else ''} and is "
        f"saved in {path}. Lower the learning rate, or look whether these sounds are damaged; what "
        "was kept before is intact"
    )
