"""What a store keeps and what it lets go: pins, which are names, flags, what is old."""

import contextlib
import re
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ossicle.errors import WorkflowError, nearest
from ossicle.workflow.claims import is_held
from ossicle.workflow.files import read_json, replacing, write_json

__all__ = [
    "DAY",
    "Kept",
    "add_flag",
    "add_pin",
    "held",
    "read_flags",
    "read_pins",
    "remove_pin",
    "superfluous",
    "sweep",
]

DAY = 24 * 3600.0
_RESUMABLE_FOR = 30 * DAY
"""How long an unfinished folder that is named by a key waits for who goes on with it."""

_KEY = re.compile("[0-9a-f]{32}")
_NAME = re.compile(r"\w[\w.-]{0,99}")
_LIKE_A_KEY = re.compile("[0-9a-f]{4,32}")


@dataclass(frozen=True, slots=True)
class Kept:
    """What decides whether an artifact stays: ``used`` is a time in seconds since 1970."""

    key: str
    used: float
    n_bytes: int
    step: str = ""
    is_pinned: bool = False


def superfluous(
    kept: Iterable[Kept], *, now: float, older: float | None = None, max_bytes: int | None = None
) -> list[Kept]:
    """What may go, least recently used first; never of what is pinned.

    Parameters
    ----------
    kept : iterable of Kept
    now : float
        Seconds since 1970.
    older : float, optional
        What was not used for this many days goes.
    max_bytes : int, optional
        Then what was used longest ago, until all that stays has this size or less.

    >>> old, new = Kept("a" * 32, used=0.0, n_bytes=5), Kept("b" * 32, used=9.0, n_bytes=5)
    >>> superfluous([new, old], now=10.0, max_bytes=7) == [old]
    True
    """
    ordered = sorted(kept, key=lambda each: (each.used, each.key))
    left, going = sum(each.n_bytes for each in ordered), []
    for each in ordered:
        is_old = older is not None and each.used < now - older * DAY
        is_too_much = max_bytes is not None and left > max_bytes
        if not each.is_pinned and (is_old or is_too_much):
            going.append(each)
            left -= each.n_bytes
    return going


def read_pins(folder: Path) -> dict[str, str]:
    """Each name and the key it stands for, by name."""
    return {
        path.name: path.read_text(encoding="ascii", errors="replace").strip()
        for path in sorted(folder.glob("*"))
        if _NAME.fullmatch(path.name) and path.is_file()
    }


def add_pin(folder: Path, name: str, key: str) -> None:
    """Give a key a name.

    Raises
    ------
    WorkflowError
        If the name is none, could be taken for a key, or stands for another key.
    """
    if not _NAME.fullmatch(name) or _LIKE_A_KEY.fullmatch(name):
        raise WorkflowError(
            f"{name!r} cannot be a pin's name: letters, digits, '_', '-' and '.' are allowed, "
            "and it must not look like a key"
        )
    there = read_pins(folder).get(name, key)
    if there != key:
        raise WorkflowError(f"{name!r} is pinned to {there[:12]} already; unpin it first")
    with replacing(folder / name) as temporary:
        temporary.write_text(f"{key}\n", encoding="ascii")


def remove_pin(folder: Path, name: str) -> None:
    """Take a name away.

    Raises
    ------
    WorkflowError
        If nothing is pinned under it.
    """
    if name not in read_pins(folder):
        raise WorkflowError(f"nothing is pinned as {name!r}; {nearest(name, read_pins(folder))}")
    (folder / name).unlink()


def read_flags(folder: Path) -> dict[str, dict[str, Any]]:
    """Flags by key, as far as they are ones."""
    told = {path.stem: read_json(path) for path in sorted(folder.glob("[0-9a-f]*.json"))}
    return {
        key: each
        for key, each in told.items()
        if isinstance(each, dict) and isinstance(each.get("files"), list)
    }


def add_flag(folder: Path, key: str, *, kept: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    """Write down which content of a key is kept, which was dropped, and which files differ."""
    before, after = kept["files"], other["files"]
    differs = sorted(n for n in before.keys() | after.keys() if before.get(n) != after.get(n))
    contents = {"kept": kept["content"], "other": other["content"]}
    write_json(folder / f"{key}.json", {**contents, "files": differs})


def held(folder: Path) -> Path:
    """The file that is locked while a folder is filled; the folder itself is left to the filler."""
    return folder.with_name(f"{folder.name}.held")


def sweep(unfinished: Path) -> None:
    """Remove what killed processes left behind long ago, and nobody holds."""
    now = time.time()
    for path in [*unfinished.glob("*")]:
        patience = _RESUMABLE_FOR if _KEY.fullmatch(path.name) else DAY
        with contextlib.suppress(OSError):  # others sweep too
            if now - path.lstat().st_mtime > patience and not _is_busy(path):
                is_folder = path.is_dir() and not path.is_symlink()
                shutil.rmtree(path, ignore_errors=True) if is_folder else path.unlink()


def _is_busy(path: Path) -> bool:
    return is_held(path) or is_held(held(path))
