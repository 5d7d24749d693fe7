"""The files of a folder: which are sounds, and why the others are not used."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from ossicle.errors import DatasetError

__all__ = ["SOUND_ENDINGS", "Found", "find"]

SOUND_ENDINGS = frozenset(
    {".aif", ".aifc", ".aiff", ".au", ".caf", ".flac", ".mp3"}
    | {".oga", ".ogg", ".opus", ".rf64", ".snd", ".w64", ".wav"}
    | {".3gp", ".aac", ".amr", ".m4a", ".m4b", ".mka", ".mkv", ".mov", ".mp4", ".webm"}
    | {".wma", ".wv"}
)
"""Endings, in lower case, of files taken for sounds; the content then decides the format."""

TABLE_ENDING = ".csv"
NOT_SOUND = "not a sound file"
LABEL_ENDINGS = frozenset({".jsonl", ".tsv", ".txt"})
"""Endings, in lower case, of other files that may hold labels."""


@dataclass(frozen=True)
class Found:
    """What lies in a folder, every name relative to it and with forward slashes.

    Parameters
    ----------
    root : Path
        Absolute.
    sounds : tuple of str
        In the order of their names.
    tables : tuple of str
        CSV files.
    others : tuple of (str, str)
        Everything else, and why it is not used.
    only : bool
        The user named the one file here; its neighbours do not matter.
    """

    root: Path
    sounds: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    others: tuple[tuple[str, str], ...] = ()
    only: bool = False

    @property
    def label_file(self) -> bool:
        """Whether the user named a file of labels, not a folder, a CSV or a sound."""
        return self.only and bool(self.others)

    def named(self, *endings: str) -> list[str]:
        """The other files, as far as they can be read, with one of some endings."""
        return [
            name for name, why in self.others if why == NOT_SOUND and name.lower().endswith(endings)
        ]


def find(path: Path) -> Found:
    """Look at a folder and all below it, or at one file.

    Raises
    ------
    DatasetError
        If there is no such file or folder, or it cannot be looked into.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100 - Path.absolute keeps ".."
    if path.is_file():
        return _one_file(path)
    if not path.is_dir():
        fault = "is a device or pipe" if path.exists() else "does not exist"
        raise DatasetError(f"{path} {fault}; a folder of recordings or a CSV is allowed")
    sounds, tables = [], []
    others: list[tuple[str, str]] = []
    for name in _walk(path, others):
        suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 - thousands of names
        if suffix in SOUND_ENDINGS:
            sounds.append(name)
        elif suffix == TABLE_ENDING:
            tables.append(name)
        else:
            others.append((name, NOT_SOUND))
    unused = sorted((_utf8(name), why) for name, why in others)
    return Found(path, tuple(sounds), tuple(tables), tuple(unused))


def _one_file(path: Path) -> Found:
    if path.suffix.lower() in SOUND_ENDINGS:
        return Found(path.parent, sounds=(path.name,), only=True)
    if path.suffix.lower() == TABLE_ENDING:
        return Found(path.parent, tables=(path.name,), only=True)
    if path.suffix.lower() in LABEL_ENDINGS:
        beside = find(path.parent).sounds
        return Found(path.parent, sounds=beside, others=((path.name, NOT_SOUND),), only=True)
    if path.suffix.lower() in (".h5", ".hdf5"):
        raise DatasetError(f"{path} holds arrays, not recordings; read it with read_tensor()")
    raise DatasetError(
        f"{path} is neither a folder, a table nor a sound; endings of tables are "
        f"{' '.join(sorted({TABLE_ENDING, *LABEL_ENDINGS}))}, of sounds "
        f"{' '.join(sorted(SOUND_ENDINGS))}"
    )


def _walk(root: Path, others: list[tuple[str, str]]) -> list[str]:
    """Relative names of all files, sorted; what is hidden or linked goes to ``others``."""

    def refused(error: OSError) -> None:
        name = os.path.relpath(error.filename, root)
        others.append((name, f"cannot be looked into: {error.strerror}"))

    names: list[str] = []
    for folder, folders, files in os.walk(root, onerror=refused):
        inner = "" if folder == str(root) else Path(folder).relative_to(root).as_posix() + "/"
        hidden = {name for name in (*folders, *files) if name.startswith(".")}
        links = {name for name in folders if name not in hidden and Path(folder, name).is_symlink()}
        others.extend((inner + name, "hidden") for name in hidden)
        others.extend((inner + name, "a link to a folder, not followed") for name in links)
        folders[:] = [name for name in folders if name not in hidden]
        for name in files:
            if name in hidden:
                continue
            if why := _unusable(inner + name, Path(folder, name)):
                others.append((inner + name, why))
            else:
                names.append(inner + name)
    return sorted(names)


def _unusable(name: str, path: Path) -> str:
    """Why no sound or table can be read under this name; empty if one can."""
    if _utf8(name) != name:
        return "the name is not UTF-8; rename it"
    try:
        mode = path.stat().st_mode
    except OSError as error:
        fault = f"cannot be looked at: {error.strerror}"
        return "a link that leads nowhere" if path.is_symlink() else fault
    return "" if stat.S_ISREG(mode) else "a device or pipe, not a file"


def _utf8(name: str) -> str:
    """The name with each byte that is not UTF-8 written out, as ``\\xff``."""
    return os.fsencode(name).decode(errors="backslashreplace")
