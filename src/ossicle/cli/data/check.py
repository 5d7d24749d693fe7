"""``ossicle data check``: every sound heard, every fault named; fails if there is one."""

from pathlib import Path

import click

from ossicle.cli.terminal import as_json, emit, progress_bars, settings, where_option

__all__ = ["check"]

_SHOWN = 20


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--layout", help="Read it as this layout instead of detecting it.")
@click.option("--task", help="Column that is the task, if not label; 'bpm:regression' for numbers.")
@where_option
@click.option(
    "--allow",
    "allowed",
    multiple=True,
    metavar="KIND",
    help="Pass over this kind of fault, e.g. clipped; may be given again.",
)
@as_json
def check(
    path: Path,
    layout: str | None,
    task: str | None,
    where: tuple[str, ...],
    allowed: tuple[str, ...],
    as_json: bool,
) -> None:
    """Hear every clip; fail if something spoils learning or judging.

    \b
    ossicle data check recordings/
    ossicle data check recordings/ --allow clipped --allow rates

    \b
    unreadable   cannot be decoded to its end, or the clip passes it
    silent       the peak is below -60 dB of full scale, and the label no background
    clipped      0.1 % of the samples or more are cut off at full scale
    length       below 20 ms, or ten times shorter or longer than the median
    rates        several sample rates
    labels       one label only, fewer than 5 groups of one, or alike but for case
    crossing     a group in several folds or splits
    duplicates   the same bytes or samples under several names
    """
    from ossicle.steps import check_dataset

    with progress_bars() as progress:
        report = check_dataset(
            path,
            layout=layout,
            task=task,
            where=settings(where, option="--where"),
            allowed=allowed,
            progress=progress,
        )
    faults = report["faults"]
    lines = [f"  {fault['kind']}: {fault['name']}: {fault['reason']}" for fault in faults[:_SHOWN]]
    if len(faults) > _SHOWN:
        lines.append(f"  and {len(faults) - _SHOWN} more; --json lists all")
    head = f"{report['name']}: {report['n_clips']} clips, {len(faults)} fault(s)"
    emit(report, "\n".join([head, *lines]), as_json=as_json)
    if faults:
        raise SystemExit(1)
