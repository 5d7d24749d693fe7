"""``ossicle data info``: what is in a data set."""

from pathlib import Path

import click

from ossicle.cli.data.licence_option import licence_option
from ossicle.cli.terminal import as_json, emit, settings, where_option

__all__ = ["info"]


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--layout", help="Read it as this layout instead of detecting it.")
@where_option
@licence_option
@click.option("--attribution", is_flag=True, help="Print author, source and licence of each file.")
@as_json
def info(
    path: Path,
    layout: str | None,
    where: tuple[str, ...],
    licences: tuple[str, ...],
    attribution: bool,
    as_json: bool,
) -> None:
    """What is in a data set: every file accounted for.

    \b
    ossicle data info recordings/
    ossicle data info esc50/ --where esc10=True
    ossicle data info esc50/ --licence CC0 --licence "CC BY" --attribution
    """
    from ossicle.steps import open_dataset

    kept = settings(where, option="--where")
    dataset = open_dataset(path, layout=layout, where=kept, licences=licences)
    if attribution:
        text = dataset.attribution()
        emit(text.splitlines(), text, as_json=as_json)
        return
    report = dataset.check()
    emit(report.to_dict(), str(report), as_json=as_json)
