"""``ossicle data convert``: sounds at another rate, in another format, cut into clips."""

from functools import partial
from pathlib import Path
from typing import Literal

import click

from ossicle.cli.terminal import as_json, emit, progress_bars

__all__ = ["convert"]


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to fill.")
@click.option("--sample-rate", type=int, help="Hz; as it is by default.")
@click.option(
    "--channels",
    type=click.Choice(["mono", "keep"]),
    default="mono",
    show_default=True,
    help="mono: their average.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["wav", "flac", "ogg"]),
    default="wav",
    show_default=True,
    help="wav and flac: 16 bit; ogg: Vorbis.",
)
@click.option("--cut", type=float, help="Seconds of a clip; whole sounds by default.")
@click.option(
    "--min",
    "shortest",
    type=float,
    default=0.0,
    show_default=True,
    help="Seconds; a shorter rest or sound is left out.",
)
@click.option("--layout", help="Read it as this layout instead of detecting it.")
@click.option("--jobs", type=int, default=1, show_default=True, help="Processes; -1: all cores.")
@as_json
@click.pass_context
def convert(
    context: click.Context,
    source: Path,
    out: Path,
    sample_rate: int | None,
    channels: Literal["mono", "keep"],
    format_: str,
    cut: float | None,
    shortest: float,
    layout: str | None,
    jobs: int,
    as_json: bool,
) -> None:
    """Write a sound, a folder or a data set anew; labels and licences go with it.

    \b
    ossicle data convert recordings/ --out clips/ --sample-rate 16000 --cut 5 --min 1

    Run again, it does only what is new or has changed. Exit status 1: some could not be read.
    """
    from ossicle.audio import Conversion
    from ossicle.steps.converting import convert_dataset

    conversion = Conversion(
        sample_rate=sample_rate, mono=channels == "mono", cut=cut, shortest=shortest
    )
    with progress_bars() as progress:
        made = convert_dataset(
            source,
            out=out,
            conversion=conversion,
            format=format_,
            layout=layout,
            n_jobs=jobs,
            progress=partial(progress, "converting"),
        )
    for path, why in made.failed:
        click.echo(f"skipped {path}: {why}", err=True)
    found = {"n_clips": len(made.dataset), "n_written": made.n_written, "failed": made.failed}
    text = f"{len(made.dataset)} clips in {out}, {made.n_written} of them written now"
    emit(found, text, as_json=as_json)
    context.exit(1 if made.failed else 0)
