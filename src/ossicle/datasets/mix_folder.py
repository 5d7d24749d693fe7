"""The folder that mixes lie in: whole or absent, never another's."""

import contextlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ossicle.errors import DatasetError
from ossicle.workflow.files import claimed, read_json

__all__ = ["file_names", "filling", "is_finished", "kept"]

UNFINISHED = ".unfinished"
FILES = ("audio", "mixes.jsonl", "events.csv", "clips.csv", "recipe.json")
"""What a finished folder holds; the last one says that it is finished."""


def is_finished(out: Path, written: Mapping[str, Any]) -> bool:
    """Whether the folder holds the result; False where it is free, an error where it is not."""
    names = {path.name for path in out.iterdir()}
    if UNFINISHED in names and names <= {UNFINISHED, *FILES}:
        return False
    if "recipe.json" in names:
        held = read_json(out / "recipe.json")
        if isinstance(held, dict) and held.get("digest") == written["digest"]:
            return _is_whole(out, file_names(written["n"])) and names.issuperset(FILES)
        raise DatasetError(
            f"{out} holds mixes of another recipe, or of another version of ossicle; "
            "remove it or choose another out"
        )
    if names:
        raise DatasetError(
            f"{out} is not empty, it holds {min(names)}; give a new or empty folder for the mixes"
        )
    return False


def _is_whole(out: Path, wanted: Sequence[str]) -> bool:
    """Whether all mixes of a finished folder are still there; an error if it holds strangers too.

    What has lost some is made again, which would remove the strangers.
    """
    audio = out / "audio"
    there = {path.name for path in audio.iterdir() if path.is_file()} if audio.is_dir() else set()
    lost, strangers = set(wanted) - there, there - set(wanted)
    if lost and strangers:
        raise DatasetError(
            f"{out} lacks audio/{min(lost)} and holds audio/{min(strangers)}, which is no mix; "
            "remove it or choose another out"
        )
    return not lost


def file_names(n: int) -> list[str]:
    """Name of each mix."""
    width = max(4, len(str(n - 1)))
    return [f"{number:0{width}}.flac" for number in range(n)]


@contextlib.contextmanager
def kept(out: Path) -> Iterator[None]:
    """The folder for this run alone, made if need be; a new one that stays empty goes again."""
    is_new = not out.exists()
    if not is_new and not out.is_dir():
        raise DatasetError(f"{out} is a file; give a new or empty folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
        with claimed(out):
            yield
    except OSError as error:
        raise DatasetError(f"cannot write mixes to {out}: {error}") from error
    finally:
        if is_new:
            with contextlib.suppress(OSError):
                out.rmdir()


@contextlib.contextmanager
def filling(out: Path) -> Iterator[Path]:
    """A folder inside ``out`` to fill; its files move up when all are there."""
    unfinished = out / UNFINISHED
    try:
        _remove(out, UNFINISHED, *FILES)  # of a killed run: the folder is known to be no other's
        unfinished.mkdir(parents=True)
        yield unfinished
        for name in FILES:
            (unfinished / name).rename(out / name)
        unfinished.rmdir()
    except BaseException:
        with contextlib.suppress(OSError):
            _remove(out, UNFINISHED, *FILES)
        raise


def _remove(folder: Path, *names: str) -> None:
    for path in (folder / name for name in names):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
