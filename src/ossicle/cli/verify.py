"""``ossicle verify``: does a classifier give its golden answers here?"""

from dataclasses import asdict
from pathlib import Path

import click

from ossicle.cli.terminal import as_json, emit

__all__ = ["verify"]


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@as_json
@click.pass_context
def verify(context: click.Context, bundle: Path, as_json: bool) -> None:
    """Check a classifier against its golden answers.

    It must be undamaged and give them on this machine; if not, the exit status is 1.

    \b
    ossicle verify alarm.ossicle
    """
    from ossicle.classifier import verify as verify_bundle

    report = verify_bundle(bundle)
    emit({**asdict(report), "ok": report.ok}, str(report), as_json=as_json)
    context.exit(0 if report.ok else 1)
