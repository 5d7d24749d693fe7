"""``ossicle store unpin``: a name is taken away."""

from pathlib import Path

import click

from ossicle.cli.store.place import opened, store_option
from ossicle.cli.terminal import as_json, emit

__all__ = ["unpin"]


@click.command()
@click.argument("name")
@store_option
@as_json
def unpin(name: str, place: Path, as_json: bool) -> None:
    """Take a name away; its artifact stays until it is cleared.

    \b
    ossicle store unpin kitchen-alarm
    """
    opened(place).unpin(name)
    emit({"name": name}, f"{name} names nothing any more", as_json=as_json)
