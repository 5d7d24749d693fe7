"""``ossicle store list``: what is kept."""

from pathlib import Path

import click

from ossicle.cli.store.place import opened, size_text, store_option
from ossicle.cli.terminal import as_json, emit, table

__all__ = ["list_"]

COLUMNS = ("key", "step", "made", "size", "pin", "flag")


@click.command("list")
@store_option
@as_json
def list_(place: Path, as_json: bool) -> None:
    """List every artifact, the last made first.

    A flag says that the same recipe has given different bytes.

    \b
    ossicle store list
    """
    from ossicle.workflow.lineage import listed

    rows = listed(opened(place))
    shown = [
        {
            "key": row["key"][:12],
            "step": row["step"],
            "made": row["made"],
            "size": size_text(row["bytes"]),
            "pin": ", ".join(row["pins"]),
            "flag": "differs" if row["flagged"] else "",
        }
        for row in rows
    ]
    total = sum(row["bytes"] for row in rows)
    text = f"{len(rows)} artifact(s), {size_text(total)}"
    emit(rows, f"{table(shown, COLUMNS)}\n{text}" if rows else text, as_json=as_json)
