"""Which code made a result: a digest of sources and versions, to be part of a result's name."""

from functools import cache
from importlib import metadata
from pathlib import Path

from ossicle.errors import WorkflowError
from ossicle.workflow.files import digest

__all__ = ["code_digest"]

_PACKAGE = Path(__file__).resolve().parents[1]


@cache
def code_digest(*parts: str, libraries: tuple[str, ...] = ()) -> str:
    """Name the sources of some parts of ossicle, and the versions of what decides their numbers.

    Editing any file in them or installing another version of a library changes the name.

    Computed once per process, as the code itself is loaded once.

    Parameters
    ----------
    *parts : str
        Folders (``"features"``) or modules (``"features.scaling"``, ``"types"``).
    libraries : tuple of str
        As they are called in the package index.

    Returns
    -------
    str
        32 hexadecimal digits; the order of parts and of libraries is of no account.

    Raises
    ------
    WorkflowError
        If there is no such part, or a library is not installed.

    >>> code_digest("workflow", "types") == code_digest("types", "workflow")
    True
    """
    sources = {source for part in parts for source in _sources(part)}
    named = sorted((source.relative_to(_PACKAGE).as_posix(), source) for source in sources)
    written = [piece for name, source in named for piece in (name, source.read_bytes())]
    return digest(*written, *(_version(library) for library in sorted(set(libraries))))


def _version(library: str) -> str:
    try:
        return f"{library}=={metadata.version(library)}"
    except metadata.PackageNotFoundError as error:
        raise WorkflowError(
            f"{library} is not installed; run: pip install 'ossicle[search]'"
        ) from error


def _sources(part: str) -> list[Path]:
    """The Python files of a folder, or of a module."""
    place = _PACKAGE.joinpath(*part.split("."))
    module = place.with_name(place.name + ".py")
    found = [module] if module.is_file() else sorted(place.rglob("*.py"))
    if not found:
        raise WorkflowError(f"ossicle has no part {part!r}; name a folder or a module of it")
    return found
