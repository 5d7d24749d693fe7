"""``ossicle store export``: artifacts as one tar file."""

from pathlib import Path

import click

from ossicle.cli.store.place import opened, size_text, store_option
from ossicle.cli.terminal import as_json, emit

__all__ = ["export"]


@click.command()
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="The tar file to write."
)
@click.option("--alone", is_flag=True, help="Without what their inputs came from.")
@store_option
@as_json
def export(keys: tuple[str, ...], out: Path, alone: bool, place: Path, as_json: bool) -> None:
    """Write artifacts to a tar file, with all that they were made from.

    \b
    ossicle store export kitchen-alarm --out alarm.tar
    """
    from ossicle.workflow.archive import write_archive

    written = write_archive(opened(place), keys, out, with_inputs=not alone)
    size = out.stat().st_size
    text = f"{len(written)} artifact(s) in {out}, {size_text(size)}"
    emit({"keys": written, "out": str(out), "bytes": size}, text, as_json=as_json)
