"""``ossicle store import``: artifacts out of a tar file, if all are whole."""

from pathlib import Path

import click

from ossicle.cli.store.place import opened, store_option
from ossicle.cli.terminal import as_json, emit

__all__ = ["import_"]


@click.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@store_option
@as_json
def import_(path: Path, place: Path, as_json: bool) -> None:
    """Take the artifacts of a tar file into the store: all that it holds, or nothing.

    \b
    ossicle store import alarm.tar
    """
    from ossicle.workflow.archive import read_archive

    taken = read_archive(opened(place, is_new=True), path)
    emit({"keys": taken}, f"{len(taken)} artifact(s) from {path}", as_json=as_json)
