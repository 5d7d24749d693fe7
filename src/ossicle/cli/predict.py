"""``ossicle predict``: labels and events of recordings."""

from pathlib import Path

import click

from ossicle.cli.annotations import FORMATS

__all__ = ["predict"]


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("sounds", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "format_",
    type=click.Choice(list(FORMATS)),
    default="table",
    show_default=True,
    help="table and json hold labels and events; csv, audacity and raven the events.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--out", type=click.Path(path_type=Path), help="Write here instead of printing.")
@click.pass_context
def predict(
    context: click.Context,
    bundle: Path,
    sounds: tuple[Path, ...],
    format_: str,
    as_json: bool,
    out: Path | None,
) -> None:
    """Say what is heard in files or folders.

    \b
    ossicle predict alarm.ossicle kitchen.wav
    ossicle predict alarm.ossicle night/ --format audacity --out night.txt
    """
    from ossicle.steps import predict_files
    from ossicle.workflow.files import replacing

    found = predict_files(bundle, sounds)
    text = FORMATS["json" if as_json else format_](found.predictions)
    if out is None:
        click.echo(text, nl=bool(text))
    else:
        with replacing(out) as temporary:
            temporary.write_text(f"{text}\n" if text else "", encoding="utf-8")
        click.echo(f"{len(found.predictions)} recordings in {out}", err=True)
    for path, why in found.skipped:
        click.echo(f"skipped {path}: {why}", err=True)
    context.exit(1 if found.skipped and not found.predictions else 0)
