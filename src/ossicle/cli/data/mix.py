"""``ossicle data mix``: a labelled data set from alarms, other sounds and rooms."""

from functools import partial
from pathlib import Path

import click

from ossicle.cli.terminal import as_json, emit, progress_bars

__all__ = ["mix"]


@click.command()
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
