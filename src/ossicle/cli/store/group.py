"""The verb ``store`` and its own verbs."""

import click

from ossicle.cli.verbs import Verbs

__all__ = ["STORE_VERBS", "store"]

STORE_VERBS = ("list", "show", "gc", "pin", "unpin", "export", "import")


@click.command(cls=Verbs, package="ossicle.cli.store", words=STORE_VERBS)
def store() -> None:
    """List, show, keep, clear, export and import what steps have made.

    \b
    ossicle store list
    """
