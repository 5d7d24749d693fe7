"""``ossicle predict``: labels and events of recordings."""

from collections.abc import Sequence
from pathlib import Path

import click

from ossicle.cli.annotations import ENDINGS, FORMATS
from ossicle.cli.terminal import note, note_files
from ossicle.errors import WorkflowError
from ossicle.types import Prediction

__all__ = ["predict"]

NAMED = 5
"""Files that are no sounds, named one by one; the rest are counted."""


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
@click.option(
    "--out",
    type=click.Path(),
    help="Write here instead of printing; a folder, or a name that ends in /: one file a "
    "recording.",
)
@click.pass_context
def predict(
    context: click.Context,
    bundle: Path,
    sounds: tuple[Path, ...],
    format_: str,
    as_json: bool,
    out: str | None,
) -> None:
    """Say what is heard in files or folders.

    \b
    ossicle predict alarm.ossicle kitchen.wav
    ossicle predict alarm.ossicle night/ --format audacity --out labels/
    """
    from ossicle.steps import predict_files

    found = predict_files(bundle, sounds)
    form = "json" if as_json else format_
    if out is None:
        text = FORMATS[form](found.predictions)
        click.echo(text, nl=bool(text))
    else:
        files = _files(out, form, found.predictions)
        for path, predictions in files.items():
            _write(path, FORMATS[form](predictions))
        note(f"{len(found.predictions)} recordings in {out}")
    if form == "audacity" and len(found.predictions) > 1 and (out is None or len(files) == 1):
        note("one label track of several recordings; --out FOLDER/ writes one for each")
    note_files(found.skipped)
    note_files(found.passed_over, most=NAMED)
    context.exit(1 if found.skipped and not found.predictions else 0)


def _files(
    out: str, form: str, predictions: Sequence[Prediction]
) -> dict[Path, Sequence[Prediction]]:
    """What to write where: everything in one file, or one file a recording in a folder."""
    folder = Path(out)
    if not (folder.is_dir() or out.endswith("/")):
        return {folder: predictions}
    names = [f"{prediction.recording}{ENDINGS[form]}" for prediction in predictions]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise WorkflowError(
            f"two recordings would be written as {folder / twice[0]}; give the folder that holds "
            "both, or one file for all as --out"
        )
    return {folder / name: [one] for name, one in zip(names, predictions, strict=True)}


def _write(path: Path, text: str) -> None:
    from ossicle.workflow.files import replacing

    with replacing(path) as temporary:
        temporary.write_text(f"{text}\n" if text else "", encoding="utf-8")
