"""What a layout is: a name, how to know it, how to read it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from ossicle.datasets.dataset import Dataset
from ossicle.datasets.files import Found
from ossicle.datasets.table import read_table
from ossicle.datasets.tasks import make_task, named_task
from ossicle.errors import DatasetError, nearest
from ossicle.types import Clip, TaskKind

__all__ = ["Layout", "labelled_dataset", "one_task", "read_tabled"]


@dataclass(frozen=True)
class Layout:
    """One way for a data set to lie on disk.

    Parameters
    ----------
    name : str
        What users call it.
    looks_like : str
        In words, for error messages.
    matches : function of Found
        Whether a folder looks like it.
    read : function of (Found, tasks or None)
        The data set; every file found is in it or in its ``skipped``.
    write : function of (Dataset, folder, whether sounds are copied), optional
        Makes a folder, or for a CSV the file, that reads back.
    by_labels : bool
        Whether its file of labels may be named in place of the folder.
    """

    name: str
    looks_like: str
    matches: Callable[[Found], bool]
    read: Callable[[Found, Sequence[str] | None], Dataset]
    write: Callable[[Dataset, Path, bool], None] | None = None
    by_labels: bool = False


def one_task(found: Found, tasks: Sequence[str] | None) -> tuple[str, TaskKind | None]:
    """Name and kind of the one task that a layout answers.

    Raises
    ------
    DatasetError
        If several were asked for, or the kind is none.
    """
    if tasks is not None and len(tasks) != 1:
        raise DatasetError(
            f"{found.root}: tasks={tuple(tasks)}; this layout answers one task; it may be named"
        )
    name, kind = named_task(tasks[0]) if tasks else ("label", None)
    if ":" in name:
        hint = nearest(name.rpartition(":")[2], get_args(TaskKind))
        raise DatasetError(f"{found.root}: task {name!r} is of no kind that is known; {hint}")
    return name, kind


def labelled_dataset(
    found: Found,
    clips: Sequence[Clip],
    task: tuple[str, TaskKind | None],
    *,
    skipped: Sequence[tuple[str, str]] = (),
    companions: Collection[str] = (),
) -> Dataset:
    """The data set of clips that a layout made itself; every other file is listed.

    Parameters
    ----------
    found : Found
    clips : sequence of Clip
    task : (str, kind)
        As `one_task` gives it.
    skipped : sequence of (str, str)
        What the layout left out, and why.
    companions : collection of str
        Files that the layout read.
    """
    used = {clip.path for clip in clips}
    told = {name for name, _ in skipped}
    rest = () if found.only else (*found.sounds, *found.tables)
    unused = (
        (name, "a table that names no sounds" if name in found.tables else "belongs to no label")
        for name in rest
        if found.root / name not in used and name not in told and name not in companions
    )
    others = (pair for pair in found.others if pair[0] not in companions and not found.only)
    labels = [clip.labels[task[0]] for clip in clips if clip.labels]
    tasks = (make_task(task[0], labels, task[1]),) if labels else ()
    return Dataset(tuple(clips), tasks, (*skipped, *unused, *others), found.root.name)


def read_tabled(
    found: Found,
    table: str,
    *,
    root: Path,
    tasks: Sequence[str] | None,
    inside: bool,
    companions: Sequence[str] = (),
) -> Dataset:
    """The data set of a table; files that it does not name are left out and listed.

    Parameters
    ----------
    found : Found
    table : str
        Name of the CSV.
    root : Path
        Where the table's relative paths begin.
    tasks : sequence of str or None
    inside : bool
        Refuse paths that leave ``root``.
    companions : sequence of str
        Other files that belong to the table.
    """
    content = read_table(found.root / table, root=root, tasks=tasks, inside=inside)
    used = {str(clip.path) for clip in content.clips}
    base = f"{found.root}/".replace("//", "/")
    unnamed = [] if found.only else [name for name in found.sounds if base + name not in used]
    other_tables = (
        ()
        if found.only
        else tuple(name for name in found.tables if name != table and name not in companions)
    )
    skipped = (
        *content.skipped,
        *((name, f"not named in {table}") for name in unnamed),
        *((name, f"another table than {table}") for name in other_tables),
        *(pair for pair in found.others if pair[0] not in companions),
    )
    name = Path(table).stem if found.only else found.root.name
    return Dataset(content.clips, content.tasks, skipped, name)
