"""One folder per label, below folders train, validation and test where there are such.

    recordings/siren/1.wav  recordings/other/a/2.wav            the folder at the top is the label
    recordings/train/siren/1.wav  recordings/test/siren/2.wav   the one below it is

Folders further down only sort files.
"""

from collections.abc import Sequence
from types import MappingProxyType

from ossicle.datasets.columns import SPLIT_NAMES
from ossicle.datasets.dataset import Dataset
from ossicle.datasets.files import Found
from ossicle.datasets.layouts.layout import Layout, one_task
from ossicle.datasets.tasks import make_task
from ossicle.errors import DatasetError
from ossicle.types import Clip, Recording

__all__ = ["FOLDERS"]

NO_LABELS = {"audio", "clips", "recordings", "sounds", "wav", "wavs"}
"""Folders, in lower case, that hold all sounds when they are the only one."""


def _splits_come_first(found: Found) -> bool:
    """Whether the folders at the top are official parts with folders in them."""
    inner = [parts for name in found.sounds if len(parts := name.split("/")) > 1]
    return all(parts[0].lower() in SPLIT_NAMES for parts in inner) and any(
        len(parts) > 2 for parts in inner
    )


def _matches(found: Found) -> bool:
    level = int(_splits_come_first(found))
    parts = [name.split("/") for name in found.sounds]
    labels = {names[level].lower() for names in parts if len(names) > level + 1}
    loose = any(len(names) <= level + 1 for names in parts)
    return len(labels) > 1 or (len(labels) == 1 and not loose and not labels <= NO_LABELS)


def _read(found: Found, tasks: Sequence[str] | None) -> Dataset:
    task, kind = one_task(found, tasks)
    level = int(_splits_come_first(found))
    clips, loose = [], []
    for name in found.sounds:
        parts = name.split("/")
        if len(parts) > level + 1:
            split = SPLIT_NAMES[parts[0].lower()] if level else ""
            labels = MappingProxyType({task: parts[level]})
            clips.append(Clip(Recording(found.root / name), labels=labels, split=split))
        else:
            loose.append((name, "not in the folder of a label"))
    if not clips:
        raise DatasetError(f"{found.root} holds no folder with sounds; put them in one per label")
    others = (*loose, *((name, "a table that names no sounds") for name in found.tables))
    made = make_task(task, {clip.labels[task] for clip in clips}, kind)
    return Dataset(tuple(clips), (made,), (*others, *found.others), found.root.name)


FOLDERS = Layout("folders", "one folder per label", _matches, _read)
