"""``ossicle train``: networks from a recipe file or from folders, judged on what was held out."""

from pathlib import Path
from typing import Any

import click

from ossicle.cli.terminal import (
    SECONDS,
    as_json,
    emit,
    jobs_option,
    note,
    note_files,
    progress_bars,
    settings,
    table,
    typed,
    where_option,
)
from ossicle.cli.training_options import recipe_words

__all__ = ["train"]

SHOWN = 5
"""Most clips left out that are named."""


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the training.")
@click.option(
    "--resume", type=click.Path(path_type=Path), help="Go on with the training in this folder."
)
@click.option("--check", is_flag=True, help="Look everything over, train nothing.")
@click.option("--data", type=click.Path(path_type=Path), help="Where the recipe's data sets are.")
@click.option(
    "--model", help="ds_cnn, cnn, dnn, resnet, tc_net; auto tries several.  [default: ds_cnn]"
)
@click.option(
    "--front-end",
    help="log_mel, mfcc, waveform, ...; yamnet, speech_embedding.  [default: log_mel]",
)
@click.option("--epochs", type=click.IntRange(min=1), help="[default: 40]")
@click.option("--batch-size", type=click.IntRange(min=1), help="Windows a step.  [default: 64]")
@click.option(
    "--learning-rate",
    type=click.FloatRange(min=0.0, min_open=True),
    help="Its highest value.  [default: 0.001]",
)
@click.option("--window", type=SECONDS, help="Seconds seen at a time; the median clip's length.")
@click.option("--patience", type=click.IntRange(min=1), help="Epochs to wait for a better one.")
@click.option(
    "--validation",
    type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True),
    help="Share of what is learnt from that chooses the epoch.  [default: 0.15]",
)
@click.option(
    "--test",
    metavar="WHAT",
    help="What is judged once at the end: auto, split, holdout, folds, groups, none, or "
    "COLUMN=VALUE as fold=1. auto: the official split if there is one, else a fifth of the groups.",
)
@click.option(
    "--set",
    "set_",
    multiple=True,
    metavar="NAME=VALUE",
    help="Any key of [training], or model.width=64, front_end.n_mels=40, augmentation.mixup=0.2.",
)
@click.option(
    "--compare-single-tasks", is_flag=True, help="Also train one network on each data set alone."
)
@click.option("--layout", help="Read the data sets as this layout instead of detecting it.")
@click.option("--task", "tasks", multiple=True, help="Column that is a task; may be repeated.")
@where_option
@click.option("--tensorboard", is_flag=True, help="Write event files too.")
@jobs_option
@click.option("--seed", type=click.IntRange(min=0), help="Of everything random.  [default: 0]")
@as_json
def train(
    paths: tuple[Path, ...],
    out: Path | None,
    resume: Path | None,
    check: bool,
    data: Path | None,
    model: str | None,
    front_end: str | None,
    epochs: int | None,
    batch_size: int | None,
    learning_rate: float | None,
    window: float | None,
    patience: int | None,
    validation: float | None,
    test: str | None,
    set_: tuple[str, ...],
    compare_single_tasks: bool,
    layout: str | None,
    tasks: tuple[str, ...],
    where: tuple[str, ...],
    tensorboard: bool,
    jobs: int,
    seed: int | None,
    as_json: bool,
) -> None:
    """Train a network on one or several data sets, and judge it.

    Judged once, on recordings that took no part; a killed training goes on where it stopped when
    the same words are typed again, or with --resume.

    \b
    ossicle train recordings/ --model ds_cnn --epochs 40 --out runs/first
    ossicle train esc50/ keywords/ --compare-single-tasks --out runs/both
    ossicle train recordings/ --model auto --out runs/tried
    ossicle train recipe.toml --data sounds/ --out runs/recipe
    ossicle train recipe.toml --check
    ossicle train --resume runs/first
    """
    from ossicle.steps import check_training, resumed_words, train_dataset

    given = {
        "model": model,
        "front_end.name": front_end,
        "training.epochs": epochs,
        "training.batch_size": batch_size,
        "training.learning_rate": learning_rate,
        "training.window": window,
        "training.patience": patience,
        "training.validation": validation,
        "training.seed": seed,
        "test.how": test,
        "compare_single_tasks": compare_single_tasks or None,
    }
    source = {"layout": layout, "tasks": list(tasks), "where": settings(where, option="--where")}
    _check_words(paths, out, resume, check=check, others=[*given.values(), *source.values(), *set_])
    if resume is not None:
        words, out = resumed_words(resume), resume
    else:
        words = recipe_words(paths, data=data, given=given, source=source, pairs=set_)
    with progress_bars() as progress:
        if out is None or check:
            checked = check_training(words, progress=progress)
        else:
            outcome = train_dataset(
                words,
                out=out,
                n_jobs=jobs,
                tensorboard=tensorboard,
                command=typed(),
                progress=progress,
            )
    if out is None or check:
        emit(checked.to_dict(), checked.text(), as_json=as_json)
        raise SystemExit(0 if checked.ok else 1)
    for warning in outcome["warnings"]:
        note(f"warning: {warning}")
    note_files(outcome["skipped"], most=SHOWN)
    emit(outcome, _text(outcome), as_json=as_json)


def _check_words(
    paths: tuple[Path, ...],
    out: Path | None,
    resume: Path | None,
    *,
    check: bool,
    others: list[Any],
) -> None:
    """What goes with what."""
    if resume is not None and (paths or out or any(others)):
        raise click.UsageError(
            "--resume goes on with what the folder says; give it alone, or the whole words again"
        )
    if resume is None and not paths:
        raise click.UsageError("nothing to learn from; name a recipe.toml or folders of recordings")
    if resume is None and out is None and not check:
        raise click.UsageError("--out is missing: the folder of the training")


def _text(outcome: dict[str, Any]) -> str:
    """The networks side by side, each task's figures, and the files."""
    rows = [
        {
            **{name: row[name] for name in ("net", "task")},
            "figure": row["of"],
            "": row["figure"],
            "95 %": "" if row["low"] is None else f"{row['low']:.3f} to {row['high']:.3f}",
            "parameters": row["parameters"],
            "KiB": round(row["bytes"] / 1024),
            "seconds": round(row["seconds"]),
        }
        for row in outcome["nets"]
    ]
    lines = [table(rows, list(rows[0])), ""]
    for run, tried in outcome["tried"].items():
        lines += [*_tried_lines(run, tried), ""]
    for task, figures in outcome["tasks"].items():
        lines += _task_lines(task, figures)
    lines += ["", *(f"{what:10} {path}" for what, path in outcome["written"].items())]
    return "\n".join(lines)


def _tried_lines(run: str, tried: list[dict[str, Any]]) -> list[str]:
    """What one network was chosen among."""
    trained = [row for row in tried if "error" not in row]
    columns = ("name", "front_end", "validation", "loss", "epoch", "parameters")
    refused = [
        f"  {row['name']} was not trained: {row['error']}" for row in tried if "error" in row
    ]
    head = f"{run}: {trained[0]['name']}, the best of {len(trained)} on the validation part"
    return [head, *(f"  {line}" for line in table(trained, columns).splitlines()), *refused]


def _task_lines(task: str, figures: dict[str, Any]) -> list[str]:
    """Figures on what was held out, part by part where there are several."""
    from ossicle.steps import HEADLINES

    if not figures["clips"]:
        return [f"{task}: not tested: nothing was held out"]
    parts = next((value for value in figures.values() if isinstance(value, dict)), {})
    single = {name: value for name, value in figures.items() if isinstance(value, float)}
    first = next(name for name in HEADLINES if name in single)
    others = [
        f"{name.replace('_', ' ')} {value:.3f}"
        for name, value in single.items()
        if name != first and (name != "mean_of_tests" or len(parts) > 1)
    ]
    low, high = figures.get("interval", (None, None))
    interval = "" if low is None else f" (95 % interval {low:.3f} to {high:.3f})"
    head = f"{first.replace('_', ' ')} {single[first]:.3f} on {figures['clips']} clips{interval}"
    lines = [f"{task}: {head}", f"  {', '.join(others)}"]
    if len(parts) > 1:
        lines += [f"  {name:12} {value:.3f}" for name, value in parts.items()]
        lines += [f"  worst {figures['worst']}"] if "worst" in figures else []
    return lines
