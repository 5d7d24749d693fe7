"""Which source files a module is made of: those that it imports, wherever, inside its own package.

Imports are found by a scan of the text, in a hundredth of the time that parsing takes. It reads
every import statement, and also what only looks like one: a file too many is the safe side.
"""

import importlib.util
import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ossicle.errors import WorkflowError
from ossicle.workflow.files import digest

__all__ = ["Source", "forget", "sources"]

_SITES = ("site-packages", "dist-packages")
_CONTINUED = re.compile(r"\\\r?\n")
_FROM = re.compile(r"from([ \t\f.\w]+?)import\b[ \t\f]*(?=(\((?:[^)#]|#[^\n]*)*|[^\n;]*))")
_IMPORT = re.compile(r"import[ \t\f]+(?=([^\n;#]*))")
_COMMENT = re.compile("#[^\n]*")
_WORD = re.compile(r"[\s(]*([\w.]+|\*)")


@dataclass(frozen=True)
class _Place:
    """Folders in which a package lies; without a name, what lies beside a lone file."""

    folders: tuple[Path, ...]
    package: str = ""

    def file(self, module: str) -> Path | None:
        """The file of a module, None if it is none of ours."""
        return _file(self, module)

    def modules(self, package: str) -> Iterator[str]:
        """A module, or every module of a folder, however deep."""
        if self.file(package) is not None:
            yield package
        for folder in self.folders:
            for path in sorted(folder.joinpath(*package.split(".")).rglob("*.py")):
                name = ".".join(path.relative_to(folder).with_suffix("").parts)
                yield name.removesuffix(".__init__")


@dataclass(frozen=True)
class Source:
    """A source file as it was read: its digest, what it imports as (module, name), its words."""

    path: Path
    edited: int
    digest: str
    imports: tuple[tuple[str, str], ...]
    text: str

    def is_changed(self) -> bool:
        """Whether it has been edited or removed since."""
        try:
            return self.path.stat().st_mtime_ns != self.edited
        except OSError:
            return True


def sources(module: str, entries: Iterable[str] = ()) -> dict[str, Source]:
    """Every module that one is made of, with its source; entries are followed too.

    Of a package that is only on the way to a module, the ``__init__`` counts, and not what it
    imports.

    Raises
    ------
    WorkflowError
        If there is no source of the module or of an entry.

    >>> sorted(sources("ossicle.workflow.files"))
    ['ossicle', 'ossicle.errors', 'ossicle.workflow', 'ossicle.workflow.files']
    """
    try:
        place, first = _home(module)
    except WorkflowError:  # perhaps written since we looked
        forget()
        place, first = _home(module)
    if place.file(first) is None:
        forget()
    if place.file(first) is None:
        raise _missing(module)
    followed = _closure(place, [first])
    for entry in entries:
        followed |= _entered(place, entry)
    return {name: _source(path, name) for name, path in followed.items()}


def forget() -> None:
    """Forget which files there are, and what they hold."""
    for known in (_next, _source, _file, _names):
        known.cache_clear()


def _entered(place: _Place, entry: str) -> dict[str, Path]:
    """What an entry is made of: one beside the module, or one of any other package."""
    own = list(place.modules(entry))
    if not own:
        place, name = _home(entry)
        own = list(place.modules(name))
    if not own:
        raise _missing(entry)
    return _closure(place, own)


def _missing(module: str) -> WorkflowError:
    cure = "is it importable?"
    if module == "__main__":
        cure = "what is typed in has none; write its steps into a module of their own"
    return WorkflowError(f"no source file of module {module!r} is found; {cure}")


def _closure(place: _Place, waiting: list[str]) -> dict[str, Path]:
    """The files of these modules, of all they import, and of the packages around them."""
    followed: dict[str, Path] = {}
    while waiting:
        name = waiting.pop()
        if name not in followed and (path := place.file(name)) is not None:
            followed[name] = path
            waiting += _next(place, name)
    for package in {package for name in followed for package in _around(name)}:
        if (path := place.file(package)) is not None:
            followed.setdefault(package, path)
    return followed


@cache
def _next(place: _Place, module: str) -> tuple[str, ...]:
    """The modules that one takes something from."""
    path = place.file(module)
    imports = () if path is None else _source(path, module).imports
    reached = {name for base, asked in imports for name in _reached(place, base, asked)}
    return tuple(name for name in reached if place.file(name) is not None)


def _reached(place: _Place, base: str, asked: str) -> Iterable[str]:
    """The modules that ``from base import asked``, or ``import base``, takes something from."""
    path = place.file(base)
    if not asked:
        return [*_around(base), base] if path is not None else _around(base)
    if asked == "*":
        return [base, *place.modules(base)] if path is not None else []
    inner = f"{base}.{asked}"
    if path is None or place.file(inner) is None:
        return [base, inner]
    is_named = re.search(rf"\b{re.escape(asked)}\b", _source(path, base).text)
    return [base, inner] if is_named else [inner]


def _around(module: str) -> list[str]:
    """The packages that a module lies in, outermost first."""
    parts = module.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts))]


@cache
def _source(path: Path, module: str) -> Source:
    edited, data = path.stat().st_mtime_ns, path.read_bytes()
    text = data.decode("utf-8", "replace")
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return Source(path, edited, digest(data), tuple(dict.fromkeys(_imports(text, package))), text)


def _imports(text: str, package: str) -> Iterator[tuple[str, str]]:
    """What a text imports: (module, name), without a name for a whole module."""
    text = _CONTINUED.sub(" ", text)
    for written, names in _FROM.findall(text):
        base = _absolute("".join(written.split()), package)
        for name in _words(names):
            yield base, name
    for names in _IMPORT.findall(text):
        for name in _words(names):
            yield name, ""


def _words(names: str) -> Iterator[str]:
    for name in _COMMENT.sub("", names).split(","):
        if found := _WORD.match(name):
            yield found[1]


def _absolute(written: str, package: str) -> str:
    """``..audio`` inside ``ossicle.features`` is ``ossicle.audio``."""
    name = written.lstrip(".")
    level = len(written) - len(name)
    if not level:
        return name
    parts = package.split(".")
    return ".".join(filter(None, [*parts[: len(parts) - level + 1], name]))


@cache
def _file(place: _Place, module: str) -> Path | None:
    *way, name = module.split(".")
    if place.package not in ("", way[0] if way else name):
        return None
    for folder in place.folders:
        around = "/".join((str(folder), *way))
        inside = _names(around)
        if name in inside and "__init__.py" in _names(f"{around}/{name}"):
            return Path(f"{around}/{name}/__init__.py")
        if f"{name}.py" in inside:
            return Path(f"{around}/{name}.py")
    return None


@cache
def _names(folder: str) -> frozenset[str]:
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries)
    except OSError:
        return frozenset()


def _home(module: str) -> tuple[_Place, str]:
    """Where a module lies with what belongs to it, and its name there."""
    loaded = sys.modules.get(module)
    spec = getattr(loaded, "__spec__", None)
    name = spec.name if spec is not None else module
    top = _spec(name.partition(".")[0])
    if top is not None and top.submodule_search_locations:
        folders = tuple(Path(each).absolute().parent for each in top.submodule_search_locations)
        return _Place(folders, top.name), name
    source = getattr(loaded, "__file__", None) or (top.origin if top is not None else None)
    path = Path(source or "").resolve()
    if path.suffix != ".py" or not path.is_file():
        raise _missing(module)
    is_installed = path.parent.name in _SITES
    return _Place((path.parent,), path.stem if is_installed else ""), path.stem


def _spec(top: str) -> importlib.machinery.ModuleSpec | None:
    spec = getattr(sys.modules.get(top), "__spec__", None)
    if spec is not None or top in sys.modules:
        return spec
    try:
        return importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
