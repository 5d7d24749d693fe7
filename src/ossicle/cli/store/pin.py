"""``ossicle store pin``: an artifact gets a name and stays."""

from pathlib import Path

import click

from ossicle.cli.store.place import opened, store_option
from ossicle.cli.terminal import as_json, emit

__all__ = ["pin"]


@click.command()
@click.argument("key")
@click.argument("name")
@store_option
@as_json
def pin(key: str, name: str, place: Path, as_json: bool) -> None:
    """Give an artifact a name, under which it is found and never cleared.

    \b
    ossicle store pin 3f9ab2 kitchen-alarm
    """
    store = opened(place)
    store.pin(key, name)
    pinned = store.pins()[name]
    emit({"key": pinned, "name": name}, f"{pinned[:12]} is pinned as {name}", as_json=as_json)
