"""The option ``--licence``, which several verbs share."""

import click

__all__ = ["licence_option"]

licence_option = click.option(
    "--licence",
    "licences",
    multiple=True,
    metavar="NAME",
    help="Keep only clips with this licence, e.g. CC0 or 'CC BY'; may be given again.",
)
