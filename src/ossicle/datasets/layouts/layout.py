"""What a layout is: a name, how to know it, how to read it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ossicle.datasets.dataset import Dataset
from ossicle.datasets.files import Found
from ossicle.datasets.table import read_table

__all__ = ["Layout", "read_tabled"]


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
    """

    name: str
    looks_like: str
    matches: Callable[[Found], bool]
    read: Callable[[Found, Sequence[str] | None], Dataset]


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
    other_tables = () if found.only else tuple(name for name in found.tables if name != table)
    skipped = (
        *content.skipped,
        *((name, f"not named in {table}") for name in unnamed),
        *((name, f"another table than {table}") for name in other_tables),
        *(pair for pair in found.others if pair[0] not in companions),
    )
    name = Path(table).stem if found.only else found.root.name
    return Dataset(content.clips, content.tasks, skipped, name)
