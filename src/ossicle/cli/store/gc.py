"""``ossicle store gc``: what was not used for long is removed."""

from pathlib import Path

import click

from ossicle.cli.store.place import SIZE, opened, size_text, store_option
from ossicle.cli.terminal import as_json, counted, emit
from ossicle.errors import WorkflowError

__all__ = ["gc"]


@click.command()
@click.option(
    "--older", type=click.FloatRange(min=0), metavar="DAYS", help="Last used before so many days."
)
@click.option("--max-size", type=SIZE, help="Until the store is no larger, e.g. 2GB.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@store_option
@as_json
def gc(
    older: float | None, max_size: int | None, dry_run: bool, place: Path, as_json: bool
) -> None:
    """Remove what was not used for long; never what is pinned, nor while an execution runs.

    Without --older and --max-size only what killed processes left behind goes.

    \b
    ossicle store gc --older 30 --dry-run
    ossicle store gc --max-size 2GB
    """
    store = opened(place)
    try:
        gone = store.gc(older=older, max_bytes=max_size, dry_run=dry_run)
    except WorkflowError as error:
        if " is in use" not in str(error):
            raise
        why = "an execution is running; wait for its end"
        raise WorkflowError(f"{store.root} is in use: {why}") from error
    rows = [{"key": each.key, "step": each.step, "bytes": each.n_bytes} for each in gone]
    total = size_text(sum(each.n_bytes for each in gone))
    lines = [f"{each.key[:12]}  {each.step}  {size_text(each.n_bytes)}" for each in gone]
    lines.append(f"{counted(len(rows), 'artifact')}, {total} {'would go' if dry_run else 'gone'}")
    emit({"dry_run": dry_run, "removed": rows}, "\n".join(lines), as_json=as_json)
