"""``ossicle demo``: the whole way, offline, in a minute or two."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ossicle.cli.annotations import clock
from ossicle.cli.terminal import as_json, emit, progress_bars, table, typed
from ossicle.types import Event

__all__ = ["demo"]

WIDTH = 60
"""Characters of the timeline."""

COLUMNS = ("front_end", "integration", "model", "tpr", "fpr", "accuracy", "bytes", "latency_ms")


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Folder of everything that is made.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Your own sounds: a folder with alarms/, background/ and perhaps significant/.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=-1),
    default=-1,
    show_default=True,
    help="Processes; -1: all cores.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Other mixes, other scene.",
)
@as_json
def demo(out: Path, data: Path | None, jobs: int, seed: int, as_json: bool) -> None:
    """See the whole way, on made or on your sounds.

    Mixes, searches, judges, saves and detects, offline; a second run finds what is finished.

    \b
    ossicle demo
    ossicle demo --data recordings/ --out mine/
    """
    from ossicle.steps.demo import demo as run

    with progress_bars() as progress:
        made = run(out, data=data, n_jobs=jobs, seed=seed, command=typed(), progress=progress)
    emit(made.to_dict(), _text(made), as_json=as_json)


def _text(made: Any) -> str:
    """Front, choice, test, timeline and files."""
    from ossicle.selection.table import without_shared

    test = made.report
    paths = [f"  {what:10} {path}" for what, path in made.written.items()]
    duration = len(made.scene.samples) / made.scene.sample_rate
    truth = [event for event in made.scene.events if event.label == "alarm"]
    others = [event for event in made.scene.events if event.label != "alarm"]
    rows, shared = without_shared(made.front, "front_end")
    return "\n".join(
        [
            f"Sounds: {made.source}. {len(made.rows)} configurations; those on the front, judged",
            f"on mixes left out of training{f', all with {shared}' if shared else ''}:",
            "",
            table(rows, COLUMNS),
            "",
            f"Chosen: {made.chosen['model']} on {made.chosen['integration']} of "
            f"{made.chosen['front_end']}",
            f"Test, on sources in no training mix: {_tested(test)}",
            "",
            f"A scene of {_minutes(duration)} min, of sounds in no training mix:",
            *_timeline({"alarms": truth, "others": others}, made.prediction.events, duration),
            "",
            *paths,
            "",
            f"Next: ossicle predict {made.written['classifier']} YOUR.wav",
        ]
    )


def _tested(report: Any) -> str:
    low, high = report.accuracy_wilson
    return (
        f"accuracy {report.accuracy:.3f} (95 % interval {low:.3f} to {high:.3f}, "
        f"{report.n_clips} mixes), TPR {report.tpr:.3f}, FPR {report.fpr:.3f}"
    )


def _timeline(truth: dict[str, list[Event]], heard: Sequence[Event], duration: float) -> list[str]:
    """Bars over time, then the events in words."""
    rows = {**truth, "heard": list(heard)}
    lines = [f"  {name:7} {_bar(events, duration)}" for name, events in rows.items()]
    ticks = [_minutes(duration * part / 4).ljust(WIDTH // 4) for part in range(4)]
    lines.append(" " * 10 + "".join(ticks) + _minutes(duration))
    for event in heard:
        limits = f"{clock(event.start)} to {clock(event.end)}"
        lines.append(f"  {limits:18} {event.label}  {event.score:.2f}")
    return lines


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _bar(events: Sequence[Event], duration: float) -> str:
    cells = ["·"] * WIDTH
    for event in events:
        first = int(event.start / duration * WIDTH)
        last = max(first + 1, round(event.end / duration * WIDTH))
        cells[first:last] = "█" * (min(last, WIDTH) - first)
    return "".join(cells)
