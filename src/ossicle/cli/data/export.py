"""``ossicle data export``: a data set as other programs read it."""

from pathlib import Path

import click

from ossicle.cli.data.licence_option import licence_option
from ossicle.cli.terminal import as_json, emit, settings, where_option

__all__ = ["export"]


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--to",
    required=True,
    type=click.Choice(["audacity", "audiofolder", "csv", "dcase", "raven", "tensor"]),
    help="Layout to write.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder; a file for tensor, and for csv if it ends in .csv.",
)
@click.option("--layout", help="Read it as this layout instead of detecting it.")
@click.option("--task", help="Column that is the task, if not label; 'bpm:regression' for numbers.")
@where_option
@licence_option
@click.option("--window", type=float, help="Write windows of this many seconds, by their events.")
@click.option("--window-hop", type=float, help="Seconds from one to the next, if not the same.")
@click.option("--no-sounds", is_flag=True, help="Write the labels only; copy no sounds.")
@as_json
def export(
    path: Path,
    to: str,
    out: Path,
    layout: str | None,
    task: str | None,
    where: tuple[str, ...],
    licences: tuple[str, ...],
    window: float | None,
    window_hop: float | None,
    no_sounds: bool,
    as_json: bool,
) -> None:
    """Write a data set as label tracks, tables or one array; licences go along.

    \b
    ossicle data export birds/ --to audacity --out tracks/
    ossicle data export recordings/ --to audiofolder --out hub/ --licence CC0
    ossicle data export birds/ --window 1 --to csv --out windows.csv
    """
    from ossicle.steps import export_dataset

    done = export_dataset(
        path,
        out=out,
        to=to,
        layout=layout,
        task=task,
        where=settings(where, option="--where"),
        licences=licences,
        window=window,
        window_hop=window_hop,
        copy=not no_sounds,
    )
    told = ", ".join(f"{name}: {count}" for name, count in done["licences"].items())
    lines = [f"{done['n_clips']} clips written to {out} ({told})"]
    if done["lost"]:
        lines.append(
            f"no window bears {', '.join(done['lost'])}: others fill more of each; shorten --window"
        )
    emit(done, "\n".join(lines), as_json=as_json)
