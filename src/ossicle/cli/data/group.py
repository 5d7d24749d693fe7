"""The verb ``data`` and its own verbs."""

import click

from ossicle.cli.verbs import Verbs

__all__ = ["DATA_VERBS", "data"]

DATA_VERBS = ("info", "mix", "split", "convert")


@click.command(cls=Verbs, package="ossicle.cli.data", words=DATA_VERBS)
def data() -> None:
    """Look at, mix, split and convert data sets.

    \b
    ossicle data info recordings/
    """
