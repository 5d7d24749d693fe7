"""The training step: a recipe in, a judged classifier with curves and report out."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ossicle.datasets import Dataset
from ossicle.errors import TrainingError
from ossicle.evaluation.report import plain
from ossicle.features import front_end as build_front_end
from ossicle.selection import StageProgress
from ossicle.steps.learning import Job, learn_all
from ossicle.steps.rounds import Round, named_apart, rounds_of, with_validation
from ossicle.steps.train_outcome import FILES, write_outcome
from ossicle.training.comparing import read_history
from ossicle.training.recipe import Recipe, recipe_of
from ossicle.training.recipe_keys import require_torch
from ossicle.workflow.code import code_digest
from ossicle.workflow.files import canonical_json, digest, file_digest, read_json, write_json

__all__ = ["check_training", "resumed_words", "train_dataset"]

OUTCOME, RECIPE, HEALTH, RUNS, FEATURES = (
    *("outcome.json", "recipe.json", "health.json", "runs", "features"),
)
TOGETHER = "together"
"""The network that learns from all data sets, where there are several."""

PARTS = ("audio", "classifier", "datasets", "evaluation", "features", "models", "steps", "training")
LIBRARIES = ("numpy", "onnxruntime", "torch")


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
        ``skipped``, ``left_out`` (clips with a recording that is tested), ``written`` (paths),
        ``warnings`` (what was found before).

    Raises
    ------
    TrainingError
        If the recipe is none, nothing can be learnt so, or ``out`` holds another training.
    DatasetError
        If a data set lacks what is asked for.
    """
    require_torch()
    recipe = recipe_of(words)
    _keep_words(out, recipe.words())
    datasets = named_apart(recipe.datasets())
    prints = [dataset.fingerprint() for dataset in datasets]
    code = code_digest(*PARTS, libraries=LIBRARIES)
    tried = _tried(recipe.training, recipe.front_end)
    key = digest(canonical_json(recipe.words()), *prints, *tried, code)
    finished = _finished(out, key)
    if finished is not None:
        return finished
    jobs = _jobs(recipe, datasets, out, tensorboard=tensorboard)
    warnings = _looked_over(jobs[0], out, progress)
    learnt = learn_all(jobs, n_jobs=n_jobs, progress=progress)
    outcome = {**write_outcome(jobs, learnt, out=out, command=command), "warnings": warnings}
    made = {what: file_digest(path) for what, path in outcome["written"].items()}
    write_json(out / OUTCOME, {"key": key, "files": made, "outcome": outcome})
    return outcome


def check_training(
    words: Mapping[str, Any], *, out: Path | None = None, progress: StageProgress | None = None
) -> Any:
    """Look a training over without doing it: its first round.

    Parameters
    ----------
    words : mapping
        The tables of a recipe.
    out : Path, optional
        The folder it will be in, which then finds the sounds read.
    progress : callable, optional

    Returns
    -------
    Health
    """
    require_torch()
    recipe = recipe_of(words)
    with _folder(out) as folder:
        jobs = _jobs(recipe, named_apart(recipe.datasets()), folder, tensorboard=False)
        return _health(jobs[0], progress)


@contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    if out is not None:
        yield out
        return
    with TemporaryDirectory(prefix="ossicle-") as folder:
        yield Path(folder)


def _jobs(
    recipe: Recipe, datasets: Sequence[Dataset], out: Path, *, tensorboard: bool
) -> list[Job]:
    """A job a round."""
    settings = dict(recipe.training)
    validation = settings.pop("validation", 0.15)
    return [
        Job(
            each,
            out / RUNS / each.folder,
            out / FEATURES,
            recipe.front_end,
            settings,
            validation,
            tensorboard,
        )
        for each in _rounds(recipe, datasets)
    ]


def _looked_over(job: Job, out: Path, progress: StageProgress | None) -> list[str]:
    """What a look before the work found; where that has begun, what it found then.

    Raises
    ------
    TrainingError
        If nothing can be learnt so.
    """
    if not (_has_begun(job) and (out / HEALTH).is_file()):
        health = _health(job, progress)
        write_json(out / HEALTH, plain(health.to_dict()))
        if not health.ok:
            more = f" (and {len(health.errors) - 1} more)" if len(health.errors) > 1 else ""
            raise TrainingError(f"{health.errors[0]}{more}")
    warnings: list[str] = read_json(out / HEALTH)["warnings"]
    return warnings


def _has_begun(job: Job) -> bool:
    """Whether a network of the round has an epoch behind it."""
    folders = [job.folder, *job.folder.iterdir()] if job.folder.is_dir() else []
    return any(map(read_history, folders))


def _health(job: Job, progress: StageProgress | None) -> Any:
    from ossicle.training.health import check_health

    train, validation = with_validation(
        job.round.train, job.validation, seed=job.settings.get("seed", 0)
    )
    names = _tried(job.settings, job.front_end)
    health = check_health(
        train,
        validation=validation,
        tests=[test for _, test in job.round.tests],
        front_end=job.front_end,
        features=job.features,
        progress=progress,
        **{**job.settings, **({"model": names[0]} if names else {})},
    )
    if not names:
        return health
    told = f"{len(names)} networks are tried ({', '.join(names)}); these figures are {names[0]}'s"
    return replace(health, warnings=(*health.warnings, told))


def _tried(settings: Mapping[str, Any], front_end: Mapping[str, Any]) -> list[str]:
    """Names of what is tried where the model says so."""
    from ossicle.training.trying import AUTO, candidates

    if settings.get("model") != AUTO:
        return []
    return [each.name for each in candidates(build_front_end(front_end))]


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
    words = read_json(out / RECIPE)
    if not isinstance(words, dict) or "data" not in words:
        raise TrainingError(f"{out / RECIPE} holds no recipe; was it edited, or made by another?")
    return words


def _keep_words(out: Path, words: Mapping[str, Any]) -> None:
    """Write down what a folder is trained by; refuse one that was trained by something else."""
    if out.exists() and not out.is_dir():
        raise TrainingError(f"{out} is a file; --out names the folder of the training")
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
    if not isinstance(record, dict) or record.get("key") != key:
        return None
    files = {what: out / FILES[what] for what in record["files"]}
    if not all(path.is_file() for path in files.values()):
        return None
    same = record["files"] == {what: file_digest(path) for what, path in files.items()}
    outcome: dict[str, Any] | None = record["outcome"] if same else None
    return outcome


def _rounds(recipe: Recipe, datasets: Sequence[Dataset]) -> list[Round]:
    """Those of the network of all data sets, then those of each data set alone, if asked for."""
    tests = [source.test or recipe.test for source in recipe.data]
    seed = recipe.training.get("seed", 0)
    net = TOGETHER if len(datasets) > 1 else datasets[0].name
    rounds = rounds_of(datasets, tests, net=net, seed=seed)
    if recipe.compare_single_tasks and len(datasets) > 1:
        for dataset, test in zip(datasets, tests, strict=True):
            rounds += rounds_of([dataset], [test], net=dataset.name, seed=seed)
    return rounds
