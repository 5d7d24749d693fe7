"""``ossicle bench``: quality, size, time and memory of a classifier on this machine."""

from pathlib import Path

import click

from ossicle.cli.terminal import as_json, emit, progress_bars, settings, where_option

__all__ = ["bench"]


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Write the JSON here too.")
@click.option("--layout", help="Read the data set as this layout.")
@click.option("--task", help="Column of the table that is the label.")
@where_option
@click.option(
    "--runs", type=click.IntRange(min=1), default=200, show_default=True, help="Windows timed."
)
@click.option(
    "--warmup",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="Windows before them that are not.",
)
@as_json
def bench(
    bundle: Path,
    path: Path | None,
    out: Path | None,
    layout: str | None,
    task: str | None,
    where: tuple[str, ...],
    runs: int,
    warmup: int,
    as_json: bool,
) -> None:
    """Measure a classifier on this machine.

    Size, operations, time and memory, in a process of its own on one thread; with a data set
    (PATH) its accuracy on it too.

    \b
    ossicle bench alarm.ossicle
    ossicle bench alarm.ossicle recordings/ --where split=test --out bench.json
    """
    from ossicle.steps import benchmark_bundle
    from ossicle.workflow.files import write_json

    with progress_bars() as progress:
        made = benchmark_bundle(
            bundle,
            path,
            layout=layout,
            task=task,
            where=settings(where, option="--where"),
            runs=runs,
            warmup=warmup,
            progress=progress,
        )
    if out is not None:
        write_json(out, made.to_dict())
    written = f"\nwritten     {out}" if out else ""
    emit(made.to_dict(), made.text() + written, as_json=as_json)
