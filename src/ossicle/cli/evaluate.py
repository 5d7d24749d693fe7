"""``ossicle evaluate``: figures of a classifier on a data set."""

from pathlib import Path

import click

from ossicle.cli.terminal import as_json, emit, progress_bars, settings, typed, where_option

__all__ = ["evaluate"]


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Write an HTML report here.")
@click.option("--layout", help="Read the data set as this layout.")
@click.option("--task", help="Column of the table that is the label.")
@where_option
@as_json
def evaluate(
    bundle: Path,
    path: Path,
    out: Path | None,
    layout: str | None,
    task: str | None,
    where: tuple[str, ...],
    as_json: bool,
) -> None:
    """Judge a classifier on other recordings.

    They must be labelled, and none of those it was trained on.

    \b
    ossicle evaluate alarm.ossicle recordings/ --where split=test --out report.html
    """
    from ossicle.steps import evaluate_bundle

    with progress_bars() as progress:
        report = evaluate_bundle(
            bundle,
            path,
            out=out,
            layout=layout,
            task=task,
            where=settings(where, option="--where"),
            command=typed(),
            progress=progress,
        )
    written = f"\n\nreport: {out}" if out else ""
    emit(report.to_dict(), report.text() + written, as_json=as_json)
