"""``ossicle data info``: what is in a data set."""

from pathlib import Path

import click

from ossicle.cli.terminal import as_json, emit, settings, where_option

__all__ = ["info"]


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--layout", help="Read it as this layout instead of detecting it.")
@where_option
@as_json
def info(path: Path, layout: str | None, where: tuple[str, ...], as_json: bool) -> None:
    """What is in a data set: every file accounted for.

    \b
    ossicle data info recordings/
    ossicle data info esc50/ --where esc10=True
    """
    from ossicle.steps import open_dataset

    dataset = open_dataset(path, layout=layout, where=settings(where, option="--where"))
    report = dataset.check()
    emit(report.to_dict(), str(report), as_json=as_json)
