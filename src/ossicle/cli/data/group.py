"""The verb ``data`` and its own verbs."""

import click

from ossicle.cli.verbs import Verbs

__all__ = ["DATA_VERBS", "data"]

DATA_VERBS = ("info", "check", "mix", "split", "convert", "export", "get")


@click.command(cls=Verbs, package="ossicle.cli.data", words=DATA_VERBS)
def data() -> None:
    """Look at, check, mix, split, convert and export data sets; get networks.

    \b
    ossicle data info recordings/
    """
