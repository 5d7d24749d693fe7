"""Which store a verb works on, and how sizes are written."""

import re
from pathlib import Path
from typing import Any

import click

from ossicle.errors import WorkflowError
from ossicle.workflow import Store

__all__ = ["SIZE", "opened", "size_text", "store_option"]

_SIZE = re.compile(r"(\d+(?:\.\d+)?) *(B|[kMGT]B|)", re.IGNORECASE)
_UNITS = ("B", "kB", "MB", "GB", "TB")

store_option = click.option(
    "--store",
    "place",
    type=click.Path(path_type=Path),
    default=".ossicle",
    show_default=True,
    envvar="OSSICLE_STORE",
    show_envvar=True,
    help="Folder of executions and what they made.",
)


def opened(place: Path, *, is_new: bool = False) -> Store:
    """The store below a folder, which must be there unless it may be made."""
    store = Store(place / "store")
    if not (is_new or Path(store.root).is_dir()):
        raise WorkflowError(f"there is no store in {place}; name its folder with --store")
    return store


class Size(click.ParamType[int]):
    """A number of bytes, as ``2GB`` or ``500 MB``."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Bytes from number and unit."""
        read = _SIZE.fullmatch(str(value))
        if read is None:
            self.fail(f"{value!r} is no size; write it as 2GB or 500MB", param, ctx)
        return int(float(read[1]) * 1000 ** "bkmgt".index(read[2][:1].lower() or "b"))


SIZE = Size()


def size_text(n_bytes: float) -> str:
    """Bytes with the unit that suits them.

    >>> size_text(70), size_text(2_500_000)
    ('70 B', '2.5 MB')
    """
    for unit in _UNITS:
        if n_bytes < 1000 or unit == _UNITS[-1]:
            break
        n_bytes /= 1000
    return f"{n_bytes:.0f} {unit}" if unit == "B" else f"{n_bytes:.1f} {unit}"
