"""The training step: a recipe in, a judged classifier with curves and report out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ossicle.classifier import Classifier, load
from ossicle.datasets import Dataset
from ossicle.errors import TrainingError
from ossicle.evaluation import save_png
from ossicle.evaluation.plots.learning import plot_learning, plot_runs
from ossicle.selection import StageProgress
from ossicle.selection.questions import question_of
from ossicle.selection.table import storable
from ossicle.steps.rounds import ALL, Round, named_apart, rounds_of, with_validation
from ossicle.steps.train_report import write_train_report
from ossicle.types import Task
from ossicle.workflow.code import code_digest
from ossicle.workflow.executor import LocalCluster
from ossicle.workflow.files import canonical_json, digest, file_digest, read_json, write_json

__all__ = ["resumed_words", "train_dataset"]

FILES = {"classifier": "best.ossicle", "curves": "curves.png", "report": "report.html"}
OUTCOME, RECIPE, RUNS = "outcome.json", "recipe.json", "runs"
TOGETHER = "together"
"""The network that learns from all data sets, where there are several."""

PARTS = ("audio", "classifier", "datasets", "evaluation", "features", "models", "steps", "training")
LIBRARIES = ("numpy", "onnxruntime", "torch")


@dataclass(frozen=True, slots=True)
class _Job:
    """One round, and how to train it."""

    round: Round
    folder: Path
    front_end: Mapping[str, Any]
    settings: Mapping[str, Any]
    validation: float
    tensorboard: bool


@dataclass(frozen=True, slots=True)
class _Learnt:
    """A trained round: the report on each test part and task, and what it took."""

    reports: Mapping[tuple[str, str], Any]
    seconds: float


def train_dataset(
    words: Mapping[str, Any],
    *,
    out: Path,
    n_jobs: int = 1,
    tensorboard: bool = False,
    command: str = "",
    progress: StageProgress | None = None,
) -> dict[str, Any]:
    """Train a network as a recipe says and judge it on what was held out.

    Writes ``best.ossicle``, ``curves.png``, ``report.html``, ``outcome.json`` and ``recipe.json``
    into ``out``, and the run of each network below ``runs``. What is finished there is not done
    again; what was interrupted goes on.

    Parameters
    ----------
    words : mapping
        The tables of a recipe; see `ossicle.training.recipe_of`. What it holds out is judged once.
        With ``folds`` and ``groups`` each is held out in turn, and the classifier that is kept is
        trained on everything.
    out : Path
    n_jobs : int
        Networks trained at a time, each in a process of its own on one thread.
    tensorboard : bool
        Write event files too, in ``tensorboard`` of each run.
    command : str
        What made the report, to be printed in it.
    progress : callable, optional

    Returns
    -------
    dict
        ``tasks`` (figures of each), ``nets`` (one row a network and task), ``runs`` (paths),
        ``skipped``, ``left_out`` (clips with a recording that is tested), ``written`` (paths).

    Raises
    ------
    TrainingError
        If the recipe is none, or ``out`` holds another training.
    DatasetError
        If a data set lacks what is asked for.
    """
    from ossicle.training import recipe_of

    recipe = recipe_of(words)
    _keep_words(out, recipe.words())
    datasets = named_apart(recipe.datasets())
    prints = [dataset.fingerprint() for dataset in datasets]
    code = code_digest(*PARTS, libraries=LIBRARIES)
    key = digest(canonical_json(recipe.words()), *prints, code)
    finished = _finished(out, key)
    if finished is not None:
        return finished
    rounds = _rounds(recipe, datasets)
    settings = dict(recipe.training)
    validation = settings.pop("validation", 0.15)
    jobs = [
        _Job(each, out / RUNS / each.folder, recipe.front_end, settings, validation, tensorboard)
        for each in rounds
    ]
    learnt = _all_learnt(jobs, n_jobs=n_jobs, progress=progress)
    outcome = _finish(jobs, learnt, out=out, command=command)
    made = {what: file_digest(out / name) for what, name in FILES.items()}
    write_json(out / OUTCOME, {"key": key, "files": made, "outcome": outcome})
    return outcome


def resumed_words(out: Path) -> dict[str, Any]:
    """The recipe that a folder was trained by.

    Raises
    ------
    TrainingError
        If it holds none.
    """
    if not (out / RECIPE).is_file():
        raise TrainingError(
            f"{out} holds no training to go on with (no {RECIPE}); was it --out of ossicle train?"
        )
    words: dict[str, Any] = read_json(out / RECIPE)
    return words


def _keep_words(out: Path, words: Mapping[str, Any]) -> None:
    """Write down what a folder is trained by; refuse one that was trained by something else."""
    if not (out / RECIPE).is_file():
        write_json(out / RECIPE, words)
        return
    before, now = _flat(resumed_words(out)), _flat(words)
    for name in dict.fromkeys([*before, *now]):
        if before.get(name) != now.get(name):
            raise TrainingError(
                f"{out} holds a training with {name} = {before.get(name, 'its default')}, not "
                f"{now.get(name, 'its default')}; ask for the same, or choose another folder"
            )


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    """Every value under the dotted names that lead to it."""
    if not isinstance(value, Mapping | list | tuple):
        return {name: value}
    pairs = value.items() if isinstance(value, Mapping) else enumerate(value)
    return {k: v for key, each in pairs for k, v in _flat(each, f"{name}.{key}".strip(".")).items()}


def _finished(out: Path, key: str) -> dict[str, Any] | None:
    """The outcome of a training that is complete and was made from the same."""
    if not (out / OUTCOME).is_file():
        return None
    record = read_json(out / OUTCOME)
    files = {what: out / name for what, name in FILES.items()}
    if record.get("key") != key or not all(path.is_file() for path in files.values()):
        return None
    same = record["files"] == {what: file_digest(path) for what, path in files.items()}
    outcome: dict[str, Any] | None = record["outcome"] if same else None
    return outcome


def _rounds(recipe: Any, datasets: Sequence[Dataset]) -> list[Round]:
    """Those of the network of all data sets, then those of each data set alone, if asked for."""
    tests = [source.test or recipe.test for source in recipe.data]
    seed = recipe.training.get("seed", 0)
    net = TOGETHER if len(datasets) > 1 else datasets[0].name
    rounds = rounds_of(datasets, tests, net=net, seed=seed)
    if recipe.compare_single_tasks and len(datasets) > 1:
        for dataset, test in zip(datasets, tests, strict=True):
            rounds += rounds_of([dataset], [test], net=dataset.name, seed=seed)
    return rounds


# --- training -------------------------------------------------------------------------------------


def _all_learnt(
    jobs: Sequence[_Job], *, n_jobs: int, progress: StageProgress | None
) -> list[_Learnt]:
    """Every round trained and judged, in their order."""
    learnt: dict[int, _Learnt] = {}
    here = n_jobs == 1 or len(jobs) == 1
    function = partial(_learn, progress=progress) if here else _learn
    cluster = LocalCluster(1 if here else n_jobs)
    for count, (place, result) in enumerate(cluster.run(function, jobs), start=1):
        learnt[place] = result
        if progress is not None:
            progress("networks", count, len(jobs))
    return [learnt[place] for place in range(len(jobs))]


def _learn(job: _Job, progress: StageProgress | None = None) -> _Learnt:
    """Train one round and judge its bundle on each test part, task by task."""
    from ossicle.training import EventFiles, train

    learning, validation = with_validation(
        job.round.train, job.validation, seed=job.settings.get("seed", 0)
    )
    events = EventFiles(job.folder) if job.tensorboard else None
    run = train(
        learning,
        front_end=job.front_end,
        validation=validation,
        out=job.folder,
        callbacks=[events] if events else [],
        progress=progress,
        **job.settings,
    )
    classifier = run.classifier
    reports = {
        (part, task.name): question_of(task).evaluate(classifier, test)
        for part, test in job.round.tests
        for task in test.tasks
    }
    return _Learnt(reports, sum(each["training"] + each["judging"] for each in run.seconds))


# --- writing --------------------------------------------------------------------------------------


def _finish(
    jobs: Sequence[_Job], learnt: Sequence[_Learnt], *, out: Path, command: str
) -> dict[str, Any]:
    """Write the classifier, the curves and the page; what they say."""
    shipped = [job for job in jobs if job.round.net == jobs[0].round.net][-1]
    classifier = load(shipped.folder / FILES["classifier"])
    tests = _tests(jobs, learnt, jobs[0].round.net)
    summaries = {
        task.name: storable(question_of(task).summary(reports)) if reports else {"clips": 0}
        for task, reports in _by_task(classifier, tests).items()
    }
    name = "nested_test" if shipped.round.name == ALL else "test"
    figures = {name: summaries} if any(each["clips"] for each in summaries.values()) else {}
    written = {what: out / file for what, file in FILES.items()}
    replace(classifier, metrics={**classifier.metrics, **figures}).save(written["classifier"])
    nets = _nets(jobs, learnt)
    histories = {job.round.folder: read_history(job.folder) for job in jobs}
    left_out = max(job.round.left_out for job in jobs)
    write_train_report(
        written["report"],
        title=f"Training on {' + '.join(each.name for each in jobs[0].round.train)}",
        nets=nets,
        tests=_by_task(classifier, tests),
        histories=histories,
        shipped=shipped.round.folder,
        left_out=left_out,
        command=command,
        provenance=classifier.provenance,
    )
    _save_curves(written["curves"], histories, shipped.round.folder)
    return {
        "tasks": summaries,
        "nets": nets,
        "runs": {job.round.folder: str(job.folder) for job in jobs},
        "left_out": left_out,
        "skipped": [list(pair) for pair in _skipped(learnt)],
        "written": {what: str(path) for what, path in written.items()},
    }


def _tests(jobs: Sequence[_Job], learnt: Sequence[_Learnt], net: str) -> dict[str, dict[str, Any]]:
    """Task to part to report of one network; each part once, by the first that did not see it."""
    found: dict[str, dict[str, Any]] = {}
    for job, result in zip(jobs, learnt, strict=True):
        for (part, task), report in result.reports.items():
            if job.round.net == net:
                found.setdefault(task, {}).setdefault(part, report)
    return found


def _by_task(
    classifier: Classifier, tests: Mapping[str, Mapping[str, Any]]
) -> dict[Task, Mapping[str, Any]]:
    return {task: tests.get(task.name, {}) for task in classifier.tasks}


def _nets(jobs: Sequence[_Job], learnt: Sequence[_Learnt]) -> list[dict[str, Any]]:
    """One row a network and task: its figure, size and time."""
    rows = []
    for net in dict.fromkeys(job.round.net for job in jobs):
        last = [job for job in jobs if job.round.net == net][-1]
        bundle = last.folder / FILES["classifier"]
        classifier = load(bundle)
        pairs = zip(jobs, learnt, strict=True)
        costs = {
            "parameters": classifier.provenance["parameters"],
            "bytes": bundle.stat().st_size,
            "seconds": round(sum(each.seconds for job, each in pairs if job.round.net == net), 1),
        }
        for task, reports in _by_task(classifier, _tests(jobs, learnt, net)).items():
            rows.append({"net": net, "task": task.name, **_figure(task, reports), **costs})
    return rows


def _figure(task: Task, reports: Mapping[str, Any]) -> dict[str, Any]:
    """The figure that a task is known by, with its interval where it has one."""
    if not reports:
        return {"of": "not tested", "figure": None, "low": None, "high": None}
    summary = storable(question_of(task).summary(reports))
    name = "accuracy" if "accuracy" in summary else "rmse"
    low, high = summary.get("interval", (None, None))
    return {"of": name, "figure": summary[name], "low": low, "high": high}


def _save_curves(path: Path, histories: Mapping[str, Any], shipped: str) -> None:
    """All runs where there are several, else the one there is."""
    if len(histories) > 1:
        save_png(plot_runs(histories), path)
        return
    history = histories[shipped]
    save_png(plot_learning(history, best=history[-1]["best_epoch"], title=shipped), path)


def _skipped(learnt: Sequence[_Learnt]) -> dict[tuple[str, str], None]:
    """Every file that was left out of a test, once, with the reason."""
    reports = (report for each in learnt for report in each.reports.values())
    return dict.fromkeys((name, why) for report in reports for name, why in report.skipped)
