"""``ossicle runs``: trainings listed, compared, drawn and judged again."""

from pathlib import Path
from string import ascii_lowercase
from typing import Any

import click

from ossicle.cli.terminal import as_json, emit, settings, table, typed, where_option
from ossicle.errors import nearest

__all__ = ["runs"]

FOLDER = click.Path(path_type=Path)


class Runs(click.Group):
    """A group whose verbs may be left out: what is no verb is the folder to list."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the word ``list`` before a folder that stands alone, or nothing at all."""
        word = args[0] if args else ""
        if word in (*self.commands, "--help", "-h"):
            return super().parse_args(ctx, args)
        if word and not word.startswith("-") and not Path(word).exists():
            ctx.fail(f"{word!r} is neither a verb nor a folder; {nearest(word, self.commands)}")
        return super().parse_args(ctx, ["list", *args])


@click.group(cls=Runs)
def runs() -> None:
    """List, compare, draw and judge trainings.

    \b
    ossicle runs runs/                                   what is there, and how far
    ossicle runs compare runs/a runs/b                   figures, and settings that differ
    ossicle runs plot runs/a runs/b --out curves.png     learning curves in one
    ossicle runs evaluate runs/a sounds/ --epoch 12      judge the weights of an epoch
    ossicle runs tensorboard runs/a                      event files of a finished run
    """


@runs.command("list")
@click.argument("folder", default=Path("runs"), type=FOLDER)
@as_json
def list_(folder: Path, as_json: bool) -> None:
    """List every run below FOLDER: task, model, best figure, epochs, state.

    \b
    ossicle runs list runs/
    """
    from ossicle.training.comparing import list_runs

    found = list_runs(folder)
    emit(found, table(found, list(found[0])), as_json=as_json)


@runs.command()
@click.argument("paths", nargs=-1, required=True, type=FOLDER)
@as_json
def compare(paths: tuple[Path, ...], as_json: bool) -> None:
    """Compare runs: figures at their best epochs, and the settings that differ.

    \b
    ossicle runs compare runs/a runs/b
    """
    from ossicle.training.comparing import compare_runs, find_runs

    found = [run for path in paths for run in find_runs(path)]
    compared = compare_runs(found)
    emit(compared, _compared(compared), as_json=as_json)


def _compared(compared: dict[str, Any]) -> str:
    """One column a run, under a letter or number that a list explains."""
    n_runs = len(compared["runs"])
    names = list(ascii_lowercase[:n_runs]) if n_runs <= 26 else [str(n + 1) for n in range(n_runs)]
    lines = [
        f"{name}  {run['run']}: {run['state']}"
        for name, run in zip(names, compared["runs"], strict=True)
    ]
    for title in ("figures", "differs"):
        rows = [
            {title: what, **dict(zip(names, map(_said, values), strict=True))}
            for what, values in compared[title].items()
        ]
        lines += ["", table(rows, [title, *names]) if rows else "the same settings throughout"]
    return "\n".join(lines)


def _said(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "–" if value is None else str(value)


@runs.command()
@click.argument("paths", nargs=-1, required=True, type=FOLDER)
@click.option("--out", required=True, type=FOLDER, help="Write the picture here, as PNG.")
@as_json
def plot(paths: tuple[Path, ...], out: Path, as_json: bool) -> None:
    """Draw the learning curves of one run, or of several in one picture.

    \b
    ossicle runs plot runs/a runs/b --out curves.png
    """
    from ossicle.steps import plot_run_curves

    drawn = plot_run_curves(paths, out=out)
    emit({"out": str(out), "runs": drawn}, f"{len(drawn)} run(s) in {out}", as_json=as_json)


@runs.command()
@click.argument("run", type=FOLDER)
@click.argument("path", type=FOLDER)
@click.option(
    "--epoch", type=click.IntRange(min=1), help="One that has a checkpoint; the best by default."
)
@click.option("--out", type=FOLDER, help="Write an HTML report here.")
@click.option("--layout", help="Read the data set as this layout.")
@click.option("--task", help="Column of the table that is the label.")
@where_option
@as_json
def evaluate(
    run: Path,
    path: Path,
    epoch: int | None,
    out: Path | None,
    layout: str | None,
    task: str | None,
    where: tuple[str, ...],
    as_json: bool,
) -> None:
    """Judge the weights of any epoch that was kept on the recordings in PATH.

    \b
    ossicle runs evaluate runs/a recordings/ --where split=test --epoch 12
    """
    from ossicle.steps import evaluate_run

    reports = evaluate_run(
        run,
        path,
        epoch=epoch or "best",
        out=out,
        layout=layout,
        task=task,
        where=settings(where, option="--where"),
        command=typed(),
    )
    text = "\n\n".join(report.text() for report in reports.values())
    written = f"\n\nreport: {out}" if out else ""
    value = {name: report.to_dict() for name, report in reports.items()}
    emit(value, text + written, as_json=as_json)


@runs.command()
@click.argument("run", type=FOLDER)
@as_json
def tensorboard(run: Path, as_json: bool) -> None:
    """Write the event files of a run from its history, confusion on validation included.

    \b
    ossicle runs tensorboard runs/a
    tensorboard --logdir runs/
    """
    from ossicle.steps import write_run_events

    folder = write_run_events(run)
    emit({"written": str(folder)}, f"{folder}", as_json=as_json)
