"""Which code made a result: a digest of the sources, to be part of a result's name."""

from functools import cache
from pathlib import Path

from ossicle.errors import WorkflowError
from ossicle.workflow.files import digest

__all__ = ["code_digest"]

_PACKAGE = Path(__file__).resolve().parents[1]


@cache
def code_digest(*parts: str) -> str:
    """Name the sources of some parts of ossicle: editing any file in them changes the name.

    Computed once per process, as the code itself is loaded once.

    Parameters
    ----------
    *parts : str
        Folders (``"features"``) or modules (``"features.scaling"``, ``"types"``).

    Returns
    -------
    str
        32 hexadecimal digits; the order of the parts is of no account.

    Raises
    ------
    WorkflowError
        If there is no such part.

    >>> code_digest("workflow", "types") == code_digest("types", "workflow")
    True
    """
    sources = {source for part in parts for source in _sources(part)}
    named = sorted((source.relative_to(_PACKAGE).as_posix(), source) for source in sources)
    return digest(*(piece for name, source in named for piece in (name, source.read_bytes())))


def _sources(part: str) -> list[Path]:
    """The Python files of a folder, or of a module."""
    place = _PACKAGE.joinpath(*part.split("."))
    module = place.with_name(place.name + ".py")
    found = [module] if module.is_file() else sorted(place.rglob("*.py"))
    if not found:
        raise WorkflowError(f"ossicle has no part {part!r}; name a folder or a module of it")
    return found
