"""``ossicle level``: how loud recordings are."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import click

from ossicle.cli.terminal import as_json, emit, table

__all__ = ["level"]

COLUMNS = ("recording", "start", "leq", "lmax", "l10", "l50", "l90", "peak")


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--weighting",
    type=click.Choice(["A", "Z"]),
    default="A",
    show_default=True,
    help="A: as people hear; Z: every frequency alike.",
)
@click.option(
    "--calibration",
    type=click.FloatRange(-300.0, 300.0),
    default=0.0,
    show_default=True,
    help="dB to add: the sound pressure level of 0 dBFS.",
)
@click.option(
    "--every",
    type=click.FloatRange(min=0.125),
    help="Seconds of one reading; the whole recording by default.",
)
@as_json
@click.pass_context
def level(
    context: click.Context,
    files: tuple[Path, ...],
    weighting: Literal["A", "Z"],
    calibration: float,
    every: float | None,
    as_json: bool,
) -> None:
    """Say how loud recordings are, in dB.

    leq is the equivalent level, lmax the largest (fast), l10, l50 and l90 are exceeded in a
    tenth, half and nine tenths of the time, peak is that of the largest sample.

    \b
    ossicle level kitchen.wav
    ossicle level night/*.wav --calibration 94 --every 60
    """
    from ossicle.steps.measuring import measure_files

    rows: list[dict[str, Any]] = []
    unread = 0
    for path, start, found in measure_files(
        files, weighting=weighting, calibration=calibration, every=every
    ):
        if isinstance(found, str):
            click.echo(f"skipped {path}: {found}", err=True)
            unread += 1
        else:
            rows.append({"recording": str(path), "start": start, **asdict(found)})
    if rows:
        emit(rows, table(rows, COLUMNS), as_json=as_json)
    context.exit(1 if unread else 0)
