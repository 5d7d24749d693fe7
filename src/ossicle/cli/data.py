"""``ossicle data``: look at, mix and split data sets."""

from functools import partial
from pathlib import Path

import click

from ossicle.cli.terminal import as_json, emit, progress_bars, settings, where_option

__all__ = ["data"]


@click.group()
def data() -> None:
    """Look at, mix and split data sets.

    \b
    ossicle data info recordings/
    """


@data.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--layout", help="Read it as this layout instead of detecting it.")
@where_option
@as_json
def info(path: Path, layout: str | None, where: tuple[str, ...], as_json: bool) -> None:
    """What is in a data set: every file accounted for.

    \b
    ossicle data info recordings/
    ossicle data info esc50/ --where esc10=True
    """
    from ossicle.steps import open_dataset

    dataset = open_dataset(path, layout=layout, where=settings(where, option="--where"))
    report = dataset.check()
    emit(report.to_dict(), str(report), as_json=as_json)


@data.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the lists.")
@click.option(
    "--fractions",
    nargs=3,
    type=float,
    default=(0.7, 0.15, 0.15),
    show_default=True,
    help="Of train, validation and test.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of everything random."
)
@as_json
def split(
    path: Path, out: Path, fractions: tuple[float, float, float], seed: int, as_json: bool
) -> None:
    """Split into train, validation and test, no recording in two of them.

    \b
    ossicle data split recordings/ --out lists/
    """
    from ossicle.steps import split_dataset

    parts = split_dataset(path, out=out, fractions=fractions, seed=seed)
    lines = [f"{name:12} {count:6} clips  {out / name}.csv" for name, count in parts.items()]
    emit(parts, "\n".join(lines), as_json=as_json)


@data.command()
@click.option("--alarms", required=True, type=click.Path(path_type=Path), help="Sounds to find.")
@click.option("--significant", type=click.Path(path_type=Path), help="Sounds to tell apart.")
@click.option("--background", required=True, type=click.Path(path_type=Path), help="The room.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Empty folder.")
@click.option(
    "--snr", nargs=2, type=float, default=(-5.0, 20.0), show_default=True, help="Range in dB."
)
@click.option("--clips", "n", type=int, default=300, show_default=True, help="Mixes to make.")
@click.option("--duration", type=float, default=5.0, show_default=True, help="Seconds of each.")
@click.option("--sample-rate", type=int, default=16_000, show_default=True, help="Hz.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of everything random."
)
@as_json
def mix(
    alarms: Path,
    significant: Path | None,
    background: Path,
    out: Path,
    snr: tuple[float, float],
    n: int,
    duration: float,
    sample_rate: int,
    seed: int,
    as_json: bool,
) -> None:
    """Mix alarms and other sounds into background recordings.

    \b
    ossicle data mix --alarms alarms/ --significant sounds/ --background room/ --out mixed/
    """
    from ossicle.datasets import mix_dataset

    with progress_bars() as progress:
        made = mix_dataset(
            alarms=alarms,
            significant=significant,
            background=background,
            out=out,
            snr=snr,
            n=n,
            duration=duration,
            sample_rate=sample_rate,
            seed=seed,
            progress=partial(progress, "mixing"),
        )
    report = made.check()
    emit(report.to_dict(), f"{report}\n\nNext: ossicle search {out} --out run/", as_json=as_json)
