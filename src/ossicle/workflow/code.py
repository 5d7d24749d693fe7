"""Which code made a result: a digest of sources and versions, to be part of a result's name."""

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from ossicle.errors import WorkflowError
from ossicle.workflow.files import digest
from ossicle.workflow.imports import forget, source_digests

__all__ = ["code_digest", "forget_sources", "library_versions", "source_digest"]

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


def source_digest(module: str, *, entries: Sequence[str] = ()) -> str:
    """Name the sources that a module is made of: its own and all that it imports, at any depth.

    Imports inside functions and for type checking count. Followed are those inside the module's
    top-level package; of a lone file, those that lie beside it. Of packages that are only on the
    way to a module, the ``__init__`` counts and not what it imports.

    Computed once per process, as the code itself is loaded once; see `forget_sources`.

    Parameters
    ----------
    module : str
        Dotted name, for example a function's ``__module__``.
    entries : sequence of str
        Further modules, or folders of them, that are reached by name only, as through a registry.

    Returns
    -------
    str
        32 hexadecimal digits; the order of entries is of no account.

    Raises
    ------
    WorkflowError
        If the source of the module or of an entry is not found.

    >>> source_digest("ossicle.workflow.code") == source_digest("ossicle.errors")
    False
    """
    return _source_digest(module, tuple(sorted(set(entries))))


@cache
def _source_digest(module: str, entries: tuple[str, ...]) -> str:
    found = source_digests(module, entries)
    return digest(*(piece for name in sorted(found) for piece in (name, found[name])))


def forget_sources() -> None:
    """Read sources anew when they are next asked for, as after a module was loaded again."""
    _source_digest.cache_clear()
    forget()


def library_versions(libraries: Iterable[str]) -> dict[str, str]:
    """The installed version of each library, called as in the package index.

    Raises
    ------
    WorkflowError
        If one is not installed.

    >>> list(library_versions(["numpy"]))
    ['numpy']
    """
    try:
        return dict(_versions(tuple(sorted(set(libraries)))))
    except WorkflowError as error:
        words = str(error).partition(";")[0]
        raise WorkflowError(f"{words}; is it called so in the package index?") from error


@cache
def _versions(libraries: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((library, _version(library).partition("==")[2]) for library in libraries)


def _version(library: str) -> str:
    from importlib import metadata

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
