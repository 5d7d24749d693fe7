"""The page of a training: figures of each task, the networks side by side, curves, details."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ossicle.evaluation import Picture, Section, Table, write_html
from ossicle.evaluation.html import measured
from ossicle.evaluation.plots.learning import plot_learning, plot_runs
from ossicle.evaluation.sections import made_by, pictures
from ossicle.steps.task_figures import figures_of, whole_report
from ossicle.types import Task

__all__ = ["named_sections", "write_train_report"]

Reports = Mapping[str, Any]
"""Name of a test part to the report on it."""
History = Sequence[Mapping[str, Any]]


def write_train_report(
    path: Path,
    *,
    title: str,
    nets: Sequence[Mapping[str, Any]],
    tried: Sequence[Mapping[str, Any]],
    tests: Mapping[Task, Reports],
    histories: Mapping[str, History],
    shipped: str,
    left_out: int,
    command: str,
    provenance: Mapping[str, Any],
) -> None:
    """Write the page.

    Parameters
    ----------
    path : Path
    title : str
    nets : sequence of mapping
        One row a network and task.
    tried : sequence of mapping
        What the network that ships was chosen among, best first; may be empty.
    tests : mapping of task to reports
        On each part that was held out of the network that ships, by name.
    histories : mapping of run to history
    shipped : str
        The run whose classifier is kept.
    left_out : int
        Clips that did not train because their recording is tested.
    command : str
        What made the page.
    provenance : mapping
        Of the classifier that is kept.
    """
    sections = [
        _nets(nets, left_out),
        *([_tried(tried)] if tried else []),
        *(section for task, reports in tests.items() for section in _task(task, reports)),
        _curves(histories, shipped),
        made_by(command, provenance),
    ]
    write_html(path, title, sections)


def _nets(nets: Sequence[Mapping[str, Any]], left_out: int) -> Section:
    """Networks side by side, the figures of the one that ships as tiles."""
    columns = ("net", "task", "figure", "", "95\u00a0%", "parameters", "KiB", "seconds")
    rows = [
        (
            *(row["net"], row["task"], row["of"], row["figure"]),
            "" if row["low"] is None else f"{row['low']:.3f}\u00a0to\u00a0{row['high']:.3f}",
            *(row["parameters"], round(row["bytes"] / 1024), round(row["seconds"])),
        )
        for row in nets
    ]
    note = (
        f" {left_out} clips did not train, since a test part holds their recording."
        if left_out
        else ""
    )
    text = (
        "Judged once, on recordings that took no part in training or in choosing the epoch. The "
        f"classifier that is kept is the first.{note}"
    )
    tiles = [
        (str(row["task"]), measured(row["figure"]), str(row["of"]))
        for row in nets
        if row["net"] == nets[0]["net"]
    ]
    return Section("Networks", text, tiles=tiles, tables=[Table(columns, rows)])


def _tried(tried: Sequence[Mapping[str, Any]]) -> Section:
    """What was tried for the network that ships, and that no test clip chose it."""
    columns = ("name", "front_end", "validation", "loss", "epoch", "parameters")
    trained = [row for row in tried if "error" not in row]
    text = (
        f"{trained[0]['name']} was chosen among {len(trained)} by the validation part alone, "
        "so what it did there is a little too good; the test part took no part in it."
    )
    refused = "".join(f" {each['name']}: {each['error']}." for each in tried if "error" in each)
    rows = [tuple(row[name] for name in columns) for row in trained]
    return Section("What was tried", text + refused, tables=[Table(columns, rows)])


def _task(task: Task, reports: Reports) -> list[Section]:
    """All figures of one task: those of the parts together, and each part's."""
    if not reports:
        return []
    parts = [_parts(task, reports)] if len(reports) > 1 else []
    whole = whole_report(reports)
    if whole is None:
        return parts
    # Where the classifier came from is told once, at the end.
    first, *others = named_sections(task, whole)
    return [replace(first, title=f"{task.name}: test, on recordings held out"), *parts, *others]


def named_sections(task: Task, report: Any) -> list[Section]:
    """All sections of a report on one task, with its name, but for what made the classifier."""
    sections = figures_of(task).sections(report)[:-1]
    return [replace(each, title=f"{task.name}: {each.title.lower()}") for each in sections]


def _parts(task: Task, reports: Reports) -> Section:
    names = figures_of(task).qualities
    rows = [
        (name, report.n_clips, *(getattr(report, quality) for quality in names))
        for name, report in reports.items()
    ]
    text = "Each part was judged once, by a network trained on the others."
    return Section(f"{task.name}: parts", text, tables=[Table(("part", "clips", *names), rows)])


def _curves(histories: Mapping[str, History], shipped: str) -> Section:
    text = (
        "Losses of training windows as they were varied, and of the validation part as the "
        "classifier hears it. The weights kept are those of the best epoch."
    )
    drawn, sentence = _drawn(histories, shipped)
    return Section("Learning curves", f"{text} {sentence}".strip(), pictures=drawn)


def _drawn(histories: Mapping[str, History], shipped: str) -> tuple[list[Picture], str]:
    history = histories[shipped]
    best = history[-1]["best_epoch"] if history else None
    draw = [(lambda: plot_learning(history, best=best, title=shipped), "Learning curves", "")]
    if len(histories) > 1:
        draw.append((lambda: plot_runs(histories), "Learning curves of all runs", ""))
    return pictures(draw)
