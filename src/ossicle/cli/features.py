"""``ossicle features``: describe a data set into a feature store."""

from pathlib import Path

import click

from ossicle.cli.grid_options import single_parameters
from ossicle.cli.terminal import (
    SECONDS,
    as_json,
    emit,
    jobs_option,
    progress_bars,
    settings,
    where_option,
)

__all__ = ["features"]


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The feature store.")
@click.option(
    "--front-end",
    default="log_mel",
    show_default=True,
    help="log_mel, mfcc, short_term, ...; yamnet, speech_embedding.",
)
@click.option(
    "--set", "set_", multiple=True, metavar="NAME=VALUE", help="A parameter, e.g. n_mels=40."
)
@click.option("--window", type=SECONDS, help="Seconds; by default each clip is one window.")
@click.option("--window-hop", type=SECONDS, help="Seconds; by default half the window.")
@where_option
@jobs_option
@as_json
@click.pass_context
def features(
    context: click.Context,
    path: Path,
    out: Path,
    front_end: str,
    set_: tuple[str, ...],
    window: float | None,
    window_hop: float | None,
    where: tuple[str, ...],
    jobs: int,
    as_json: bool,
) -> None:
    """Describe every clip, once.

    A killed run goes on where it stopped.

    \b
    ossicle features recordings/ --out features/ --front-end mfcc --set n_mfcc=13
    """
    from ossicle.steps import extract_features

    with progress_bars() as progress:
        summary = extract_features(
            path,
            out=out,
            front_end={"name": front_end, **single_parameters(set_)},
            window=window,
            window_hop=window_hop,
            where=settings(where, option="--where"),
            n_jobs=jobs,
            progress=progress,
        )
    lines = [
        f"{summary['n_windows']} windows of {summary['n_clips']} clips in {out}",
        f"{summary['n_frames']} frames x {summary['n_bands']} bands",
        *(f"skipped {path}: {why}" for path, why in summary["skipped"]),
    ]
    emit(summary, "\n".join(lines), as_json=as_json)
    context.exit(0 if summary["n_clips"] else 1)
