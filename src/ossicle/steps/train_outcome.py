"""What a training gives: its classifier with figures, the networks side by side, curves, page."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from ossicle.classifier import Classifier, load
from ossicle.errors import MissingExtraError
from ossicle.evaluation import save_png
from ossicle.evaluation.plots.learning import plot_learning, plot_runs
from ossicle.selection.table import storable
from ossicle.steps.learning import Job, Learnt
from ossicle.steps.rounds import ALL
from ossicle.steps.task_figures import HEADLINES, figures_of
from ossicle.steps.train_report import write_train_report
from ossicle.training.comparing import read_history
from ossicle.types import Task

__all__ = ["FILES", "write_outcome"]

FILES = {"classifier": "best.ossicle", "curves": "curves.png", "report": "report.html"}


def write_outcome(
    jobs: Sequence[Job], learnt: Sequence[Learnt], *, out: Path, command: str
) -> dict[str, Any]:
    """Write the classifier, the curves and the page, and give what they say.

    Parameters
    ----------
    jobs, learnt : sequence of Job and Learnt
        The rounds of the network that is kept first, what trains on everything at their end.
    out : Path
    command : str
        What made the page.
    """
    pairs = list(zip(jobs, learnt, strict=True))
    shipped, kept = [pair for pair in pairs if pair[0].round.net == jobs[0].round.net][-1]
    classifier = load(kept.run / FILES["classifier"])
    tests = _tests(jobs, learnt, jobs[0].round.net)
    summaries = {
        task.name: storable(figures_of(task).summary(reports)) if reports else {"clips": 0}
        for task, reports in _by_task(classifier, tests).items()
    }
    name = "nested_test" if shipped.round.name == ALL else "test"
    figures = {name: summaries} if any(each["clips"] for each in summaries.values()) else {}
    written = {what: out / file for what, file in FILES.items()}
    replace(classifier, metrics={**classifier.metrics, **figures}).save(written["classifier"])
    nets = _nets(jobs, learnt)
    histories = {job.round.folder: read_history(each.run) for job, each in pairs}
    tried = {job.round.folder: [_tried(row) for row in each.tried] for job, each in pairs}
    left_out = max(job.round.left_out for job in jobs)
    write_train_report(
        written["report"],
        title=f"Training on {' + '.join(each.name for each in jobs[0].round.train)}",
        nets=nets,
        tried=tried[shipped.round.folder],
        tests=_by_task(classifier, tests),
        histories=histories,
        shipped=shipped.round.folder,
        left_out=left_out,
        command=command,
        provenance=classifier.provenance,
    )
    with suppress(MissingExtraError):  # the page says that there are no plots, and what adds them
        _save_curves(written["curves"], histories, shipped.round.folder)
    return {
        "tasks": summaries,
        "nets": nets,
        "tried": {name: rows for name, rows in tried.items() if rows},
        "runs": {job.round.folder: str(each.run) for job, each in pairs},
        "left_out": left_out,
        "skipped": [list(pair) for pair in _skipped(learnt)],
        "written": {what: str(path) for what, path in written.items() if path.is_file()},
    }


def _tests(jobs: Sequence[Job], learnt: Sequence[Learnt], net: str) -> dict[str, dict[str, Any]]:
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


def _nets(jobs: Sequence[Job], learnt: Sequence[Learnt]) -> list[dict[str, Any]]:
    """One row a network and task: its figure, size and time."""
    rows = []
    for net in dict.fromkeys(job.round.net for job in jobs):
        own = [each for job, each in zip(jobs, learnt, strict=True) if job.round.net == net]
        bundle = own[-1].run / FILES["classifier"]
        classifier = load(bundle)
        costs = {
            "parameters": classifier.provenance["parameters"],
            "bytes": bundle.stat().st_size,
            "seconds": sum(each.seconds for each in own),
        }
        for task, reports in _by_task(classifier, _tests(jobs, learnt, net)).items():
            rows.append({"net": net, "task": task.name, **_figure(task, reports), **costs})
    return rows


def _tried(row: Mapping[str, Any]) -> dict[str, Any]:
    """What is shown of a network that was tried; one that could not be says why."""
    if "error" in row:
        return {"name": row["name"], "error": row["error"]}
    figures, losses = row["figures"].values(), row["loss"].values()
    classifier = load(Path(row["path"]) / FILES["classifier"])
    return {
        **{name: row[name] for name in ("name", "front_end")},
        "validation": _mean(next(iter(each.values())) for each in figures),
        "loss": _mean(losses),
        "epoch": row["epoch"],
        "parameters": classifier.provenance["parameters"],
        "run": row["path"],
    }


def _mean(values: Iterable[float | None]) -> float | None:
    """Of what was measured."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _figure(task: Task, reports: Mapping[str, Any]) -> dict[str, Any]:
    """The figure that a task is known by, with its interval where it has one."""
    if not reports:
        return {"of": "not tested", "figure": None, "low": None, "high": None}
    summary = storable(figures_of(task).summary(reports))
    name = next(name for name in HEADLINES if name in summary)
    low, high = summary.get("interval", (None, None))
    return {"of": name, "figure": summary[name], "low": low, "high": high}


def _save_curves(path: Path, histories: Mapping[str, Any], shipped: str) -> None:
    """All runs where there are several, else the one there is."""
    if len(histories) > 1:
        save_png(plot_runs(histories), path)
        return
    history = histories[shipped]
    save_png(plot_learning(history, best=history[-1]["best_epoch"], title=shipped), path)


def _skipped(learnt: Sequence[Learnt]) -> dict[tuple[str, str], None]:
    """Every file that was left out of a test, once, with the reason."""
    reports = (report for each in learnt for report in each.reports.values())
    return dict.fromkeys((name, why) for report in reports for name, why in report.skipped)
