"""``ossicle info``: the card of a classifier."""

from pathlib import Path

import click

from ossicle.cli.terminal import as_json, emit

__all__ = ["info"]


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@as_json
def info(bundle: Path, as_json: bool) -> None:
    """Show the card of a classifier.

    What it hears, how it was made and how well it does.

    \b
    ossicle info alarm.ossicle
    """
    from ossicle.classifier import load
    from ossicle.classifier.card import card_text
    from ossicle.classifier.description import describe

    classifier = load(bundle)
    emit(describe(classifier), card_text(classifier), as_json=as_json)
