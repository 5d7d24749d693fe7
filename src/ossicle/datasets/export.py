"""Data sets as folders that stand for themselves: sounds copied, names kept, none outside."""

import filecmp
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ossicle.audio import read_audio, write_audio
from ossicle.datasets.dataset import Dataset
from ossicle.datasets.shown import shown
from ossicle.errors import DatasetError
from ossicle.types import Clip
from ossicle.workflow.files import replacing

__all__ = ["export_folder", "export_names", "untaken"]

_RESERVED = ("recordings.csv", "metadata.csv", "events.tsv", "clips.csv")


def export_folder(
    dataset: Dataset, folder: Path, *, copied: bool, by_split: bool = False, cut: bool = False
) -> Dataset:
    """The data set as it will lie in a folder.

    Parameters
    ----------
    dataset : Dataset
    folder : Path
    copied : bool
        Copy the sounds there, byte for byte.
    by_split : bool
        Into a folder for each official part.
    cut : bool
        Write each excerpt as a WAV file of its own instead of copying its recording.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - Path.absolute keeps ".."
    names = export_names(dataset.clips)
    clips: list[Clip] = []
    taken: dict[Path, Path] = {}
    for number, clip in enumerate(dataset.clips):
        is_cut = cut and (clip.start > 0.0 or clip.end is not None)
        name = f"{names[clip.path]}.{number:05}.wav" if is_cut else names[clip.path]
        place = folder / (clip.split if by_split else "") / name
        if taken.setdefault(place, clip.path) != clip.path:
            raise DatasetError(
                f"{taken[place]} and {clip.path} would both be {place}; rename one of them"
            )
        if copied:
            _cut(clip, place) if is_cut else _copy(clip.path, place)
        placed = replace(clip, recording=replace(clip.recording, path=place))
        clips.append(_excerpt(placed, names[clip.path]) if is_cut else placed)
    return replace(dataset, clips=tuple(clips))


@contextmanager
def untaken(path: Path) -> Iterator[Path]:
    """Write a file whole or not at all, and never over one that holds something else.

    Raises
    ------
    DatasetError
        If there is another file of that name.
    """
    with replacing(path) as temporary:
        yield temporary
        if path.is_file() and not filecmp.cmp(path, temporary, shallow=False):
            raise DatasetError(
                f"{path} holds something else and would be lost; give a new or empty folder"
            )


def export_names(clips: Sequence[Clip]) -> dict[Path, str]:
    """A name for each recording: its path below the folder that all of them share.

    Raises
    ------
    DatasetError
        If a name has characters that a table of labels cannot hold.
    """
    paths = list(dict.fromkeys(clip.path for clip in clips))
    if not paths:
        return {}
    root = Path(os.path.commonpath([path.parent for path in paths]))
    names = {path: path.relative_to(root).as_posix() for path in paths}
    for path, name in names.items():
        if shown(name) != name or name in _RESERVED:
            raise DatasetError(f"{str(path)!r} cannot be exported under its name; rename it")
    return names


def _copy(source: Path, place: Path) -> None:
    if source == place:
        return
    with untaken(place) as temporary:
        try:
            shutil.copyfile(source, temporary)
        except FileNotFoundError as error:
            raise DatasetError(f"cannot copy {source}: {error.strerror}") from error


def _excerpt(clip: Clip, recording: str) -> Clip:
    """A clip that is a file now; it stays in the group of its recording."""
    return replace(clip, start=0.0, end=None, group=clip.group or recording)


def _cut(clip: Clip, place: Path) -> None:
    samples, sample_rate = read_audio(clip.path, start=clip.start, end=clip.end, mono=False)
    with untaken(place) as temporary:
        write_audio(temporary, samples, sample_rate, subtype="FLOAT")
