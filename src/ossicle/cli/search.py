"""``ossicle search``: grid, leave-k-out, Pareto front, and the classifier chosen."""

from pathlib import Path
from typing import Any

import click

from ossicle.cli.grid_options import grid_of
from ossicle.cli.terminal import (
    SECONDS,
    as_json,
    emit,
    jobs_option,
    progress_bars,
    settings,
    table,
    typed,
    where_option,
)

__all__ = ["search"]

HIDDEN = ("id", "fpr_std", "tpr_std", "mae_std", "r2_std", "train_ms")
"""Columns of the table that a terminal has no room for."""
SHOWN = 5
"""Most clips left out that are named."""


def _leave_out(text: str | None) -> float | int | None:
    if text is None:
        return None
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        message = f"{text!r} is neither a share such as 0.1 nor a number of groups such as 5"
        raise click.BadParameter(message, param_hint="--leave-out") from None


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the run.")
@click.option("--grid", type=click.Path(path_type=Path), help="Grid as TOML or JSON file.")
@click.option(
    "--front-end",
    multiple=True,
    help="log_mel, mfcc, short_term, ...; yamnet, speech_embedding; may be repeated.",
)
@click.option("--integration", multiple=True, help="mean, meanvar, stack, ...; may be repeated.")
@click.option(
    "--model", multiple=True, help="svm, logreg, knn, forest, network, ...; may be repeated."
)
@click.option(
    "--set",
    "set_",
    multiple=True,
    metavar="NAME=V1,V2",
    help="Values of a parameter, C=1,10; with --draw also a range, C=0.1..1000 (C=1..99:linear).",
)
@click.option("--draw", type=click.IntRange(min=1), help="Judge this many, drawn from the grid.")
@click.option(
    "--halving",
    type=click.IntRange(min=2),
    help="Judge all on a few recordings, then one in this many on as many times more.",
)
@click.option("--window", type=SECONDS, help="Seconds a window; by default a clip is one window.")
@click.option("--window-hop", type=SECONDS, help="Seconds between windows; half the window.")
@click.option("--leave-out", help="Groups held out at a time: 0.1 of them, or 5 of them.")
@click.option(
    "--test",
    type=click.Choice(["auto", "split", "holdout", "folds", "groups", "none"]),
    default="auto",
    show_default=True,
    help="What is judged once at the end: the official split, a fifth of the groups, each fold "
    "in turn, each group in turn, nothing. auto: split if there is one, else holdout.",
)
@click.option("--layout", help="Read it as this layout instead of detecting it.")
@click.option("--task", help="Column of the table that is the label; bpm:regression.")
@where_option
@click.option(
    "--max-fpr",
    type=click.FloatRange(0.0, 1.0),
    help="Choose the best below this false positive rate.",
)
@click.option("--paper-protocol", is_flag=True, help="Also select again on the test recordings.")
@jobs_option
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of everything random."
)
@as_json
def search(
    path: Path,
    out: Path,
    grid: Path | None,
    front_end: tuple[str, ...],
    integration: tuple[str, ...],
    model: tuple[str, ...],
    set_: tuple[str, ...],
    draw: int | None,
    halving: int | None,
    window: float | None,
    window_hop: float | None,
    leave_out: str | None,
    test: str,
    layout: str | None,
    task: str | None,
    where: tuple[str, ...],
    max_fpr: float | None,
    paper_protocol: bool,
    jobs: int,
    seed: int,
    as_json: bool,
) -> None:
    """Choose, train and judge a classifier.

    Judged once, on recordings that took no part in choosing; a killed run goes on where it
    stopped.

    \b
    ossicle search recordings/ --out run/
    ossicle search recordings/ --out run/ --model svm --set C=1,10,100 --window 2
    ossicle search recordings/ --out run/ --model svm --set C=0.1..1000 --draw 30 --halving 3
    ossicle search recordings/ --out run/ --front-end yamnet --model logreg --model network
    """
    from ossicle.steps import search_dataset

    with progress_bars() as progress:
        outcome = search_dataset(
            path,
            out=out,
            grid=grid_of(grid, front_end, integration, model, set_),
            draw=draw,
            halving=halving,
            window=window,
            window_hop=window_hop,
            leave_out=_leave_out(leave_out),
            test=test,
            layout=layout,
            task=task,
            where=settings(where, option="--where"),
            limits={} if max_fpr is None else {"max_fpr": max_fpr},
            paper_protocol=paper_protocol,
            command=typed(),
            n_jobs=jobs,
            seed=seed,
            progress=progress,
        )
    emit(outcome, _text(outcome), as_json=as_json)


def _text(outcome: dict[str, Any]) -> str:
    """Table, choice, test figures and files."""
    from ossicle.selection.table import without_shared

    rows, shared = without_shared(outcome["rows"], "front_end")
    columns = [name for name in rows[0] if name not in HIDDEN]
    lines = [*([f"all with {shared}"] if shared else []), table(rows, columns), ""]
    lines.append(f"on the front: {', '.join(_place(outcome['rows'], outcome['front']))}")
    chosen = outcome["chosen"]
    lines.append(
        f"chosen: {chosen['model']} on {chosen['integration']} of {chosen['front_end']}\n"
        f"  left out of training: {_rates(chosen)}"
    )
    lines += _test_lines(outcome["test"])
    lines += [
        f"paper's protocol, optimistic: {name} {_plain(row)}"
        for name, row in outcome["paper"].items()
    ]
    lines += _skipped_lines(outcome["skipped"])
    lines += ["", *(f"{what:10} {path}" for what, path in outcome["written"].items())]
    return "\n".join(lines)


def _skipped_lines(skipped: list[tuple[str, str]]) -> list[str]:
    """The first clips left out, and how many more: a recording has many quiet windows."""
    lines = [f"skipped {name}: {why}" for name, why in skipped[:SHOWN]]
    rest = len(skipped) - SHOWN
    return [*lines, *([f"and {rest} more skipped; --json names all"] if rest > 0 else [])]


def _place(rows: list[dict[str, Any]], ids: list[str]) -> list[str]:
    """Line numbers in the table."""
    return [f"row {place + 1}" for place, row in enumerate(rows) if row["id"] in ids]


def _rates(row: dict[str, Any]) -> str:
    measured = {name for name, value in row.items() if value is not None}
    spreads = {name: f"{name}_std" for name in row if name in measured and f"{name}_std" in row}
    return ", ".join(f"{name} {row[name]:.3f} ± {row[std]:.3f}" for name, std in spreads.items())


def _plain(figures: dict[str, Any]) -> str:
    single = {name: value for name, value in figures.items() if isinstance(value, float)}
    return ", ".join(f"{name} {value:.3f}" for name, value in single.items())


def _test_lines(test: dict[str, Any]) -> list[str]:
    """Figures on what was held out, part by part where there are several."""
    if not test["clips"]:
        return ["  not tested: nothing was held out"]
    if "rmse" in test:
        errors = test["errors"] if len(test["errors"]) > 1 else {}
        return [
            f"test: {_plain(test)} on {test['clips']} clips",
            *(f"  {name:12} rmse {value:.3f}" for name, value in errors.items()),
        ]
    low, high = test["interval"]
    lines = [
        f"test: accuracy {test['accuracy']:.3f} on {test['clips']} clips "
        f"(95 % interval {low:.3f} to {high:.3f})"
    ]
    if len(test["accuracies"]) > 1:
        lines += [f"  {name:12} {value:.3f}" for name, value in test["accuracies"].items()]
        worst = test["worst"]
        lines.append(
            f"  mean {test['mean_of_tests']:.3f}, worst {worst} {test['accuracies'][worst]:.3f}"
        )
    return lines
