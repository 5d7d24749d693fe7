"""Runs told from what their folders hold: listed, and compared setting by setting."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ossicle.errors import TrainingError, WorkflowError
from ossicle.workflow.files import claimed, read_json

__all__ = [
    "compare_runs",
    "find_runs",
    "list_runs",
    "read_asked",
    "read_history",
    "read_lines",
    "run_summary",
]

ASKED, HISTORY, BEST = "run.json", "history.jsonl", "best.ossicle"


def find_runs(folder: Path) -> list[Path]:
    """Every run in a folder and below it, itself included.

    Raises
    ------
    TrainingError
        If there is none.
    """
    found = sorted(path.parent for path in folder.rglob(ASKED)) if folder.is_dir() else []
    if not found:
        raise TrainingError(
            f"{folder} holds no run (a folder with {ASKED}); name the folder that was --out of a "
            "training"
        )
    return found


def read_asked(run: Path) -> dict[str, Any]:
    """What a run was asked for.

    Raises
    ------
    TrainingError
        If the folder holds no run, or what another program has written.
    """
    if not (run / ASKED).is_file():
        raise TrainingError(f"{run} is no run: there is no {ASKED} in it; ossicle runs lists them")
    try:
        about = read_json(run / ASKED)
    except WorkflowError as error:
        raise TrainingError(f"{run} is no run: {error}") from error
    if not _is_asked(about):
        raise TrainingError(
            f"{run} is no run of ossicle: {ASKED} in it does not tell tasks, front end and "
            "settings; was it edited, or written by another program?"
        )
    return dict(about)


def read_history(run: Path) -> list[dict[str, Any]]:
    """The record of each epoch; none if there is no file.

    Raises
    ------
    TrainingError
        If a line is damaged, or no record of an epoch.
    """
    records = read_lines(run / HISTORY)
    for number, record in enumerate(records, start=1):
        if not _is_record(record, number):
            raise TrainingError(
                f"{run / HISTORY} is damaged (line {number} is no record of epoch {number}); train "
                "in another folder"
            )
    return records


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The records of a file that has one on each line; none if there is no file.

    Raises
    ------
    TrainingError
        If a line is damaged.
    """
    if not path.is_file():
        return []
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError, RecursionError) as error:
        raise TrainingError(f"{path} is damaged ({error}); train in another folder") from error


def list_runs(folder: Path) -> list[dict[str, Any]]:
    """What each run in a folder is and how far it came, damaged or not; see `run_summary`."""
    return [_summary_or_damage(run, _name(run, folder)) for run in find_runs(folder)]


def run_summary(run: Path, *, name: str = "") -> dict[str, Any]:
    """What a run is and how far it came.

    Returns
    -------
    dict
        ``run, tasks, model, figure`` (of the best epoch on the validation part, mean over the
        tasks), ``best_epoch, epochs, state``.

    Raises
    ------
    TrainingError
        If the folder holds no run.
    """
    about, history = read_asked(run), read_history(run)
    best = history[-1]["best_epoch"] if history else 0
    return {
        "run": name or str(run),
        "tasks": ", ".join(_task_names(about)),
        "model": _model(about),
        "figure": _mean_figure(history[best - 1]) if best else None,
        "best_epoch": best,
        "epochs": len(history),
        "state": _state(run, about, history),
    }


def compare_runs(runs: Sequence[Path]) -> dict[str, Any]:
    """Figures of several runs side by side, and the settings in which they differ.

    Returns
    -------
    dict
        ``runs`` (a summary each), ``figures`` (for each task and figure, the value of each run at
        its best epoch, None where it has none), ``differs`` (setting to the value of each run).

    Raises
    ------
    TrainingError
        If a folder holds no run.
    """
    abouts, histories = [read_asked(run) for run in runs], [read_history(run) for run in runs]
    figures = [_best_figures(history) for history in histories]
    names = dict.fromkeys(name for each in figures for name in each)
    settings = [
        _flat(about["settings"]) | _flat(about["front_end"], "front_end.") for about in abouts
    ]
    keys = dict.fromkeys(key for each in settings for key in each)
    values = {key: [each.get(key) for each in settings] for key in keys}
    return {
        "runs": [run_summary(run) for run in runs],
        "figures": {name: [each.get(name) for each in figures] for name in names},
        "differs": {key: each for key, each in values.items() if any(v != each[0] for v in each)},
    }


def _name(run: Path, folder: Path) -> str:
    return run.relative_to(folder).as_posix() if run != folder else folder.name


def _summary_or_damage(run: Path, name: str) -> dict[str, Any]:
    try:
        return run_summary(run, name=name)
    except TrainingError:
        unknown = {"run": name, "tasks": "", "model": "", "figure": None}
        return {**unknown, "best_epoch": 0, "epochs": 0, "state": "damaged"}


def _is_asked(about: Any) -> bool:
    """Whether it tells what a run was asked for."""
    if not _holds(about, tasks=list, front_end=dict, settings=dict):
        return False
    model, settings = about["settings"].get("model"), about["settings"]
    return (
        all(_holds(task, name=str) for task in about["tasks"])
        and _holds(settings, epochs=int)
        and (isinstance(model, str) or _holds(model, name=str))
    )


def _is_record(record: Any, epoch: int) -> bool:
    """Whether it tells how an epoch went."""
    if not _holds(
        record, epoch=int, best_epoch=int, learning_rate=float, train=dict, validation=dict
    ):
        return False
    judged = record["validation"]
    return (
        record["epoch"] == epoch
        and 0 <= record["best_epoch"] <= epoch
        and _holds(record["train"], combined=float, loss=dict)
        and _holds(judged, loss=dict, figures=dict)
        and all(isinstance(each, dict) for each in judged["figures"].values())
    )


def _holds(value: Any, **kinds: type) -> bool:
    """Whether it is a mapping with these keys and kinds of values; a float may be whole."""
    return isinstance(value, dict) and all(
        isinstance(value.get(name), (int, float) if kind is float else kind)
        for name, kind in kinds.items()
    )


def _task_names(about: Mapping[str, Any]) -> list[str]:
    return [task["name"] for task in about["tasks"]]


def _model(about: Mapping[str, Any]) -> str:
    model = about["settings"]["model"]
    return model if isinstance(model, str) else str(model["name"])


def _mean_figure(record: Mapping[str, Any]) -> float | None:
    """Mean over the tasks of the first figure of each, of those that were measured."""
    figures = record["validation"]["figures"].values()
    first = [value for each in figures for value in [*each.values()][:1] if value is not None]
    return float(sum(first) / len(first)) if first else None


def _best_figures(history: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    if not history:
        return {}
    record = history[history[-1]["best_epoch"] - 1]
    loss = {f"{task}: loss": value for task, value in record["validation"]["loss"].items()}
    figures = record["validation"]["figures"].items()
    return {f"{task}: {name}": v for task, each in figures for name, v in each.items()} | loss


def _state(run: Path, about: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> str:
    if (run / BEST).is_file():
        return "finished"
    try:
        with claimed(run):
            return f"stopped at epoch {len(history)} of {about['settings']['epochs']}"
    except WorkflowError:
        return f"running, epoch {len(history) + 1} of {about['settings']['epochs']}"


def _flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested mappings as dotted names and values."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{before}{key}.")
        else:
            found[f"{before}{key}"] = value
    return found
