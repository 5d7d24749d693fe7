"""``ossicle data split``: train, validation and test, no recording in two of them."""

from pathlib import Path

import click

from ossicle.cli.terminal import as_json, emit

__all__ = ["split"]


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder of clips.csv and the lists.",
)
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
    ossicle search lists/clips.csv --test split --out run/
    """
    from ossicle.steps import split_dataset

    parts = split_dataset(path, out=out, fractions=fractions, seed=seed)
    lines = [f"{name:12} {count:6} clips  {out / name}.csv" for name, count in parts.items()]
    lines += ["", f"Next: ossicle search {out / 'clips.csv'} --test split --out run/"]
    emit(parts, "\n".join(lines), as_json=as_json)
