"""What all layouts of strong labels share: recordings, their events, and ``recordings.csv``.

Formats of labels have no place for licence, author, source, device, place, group, fold and split:
``recordings.csv`` beside them has one row a recording with these, a table like every other.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from ossicle.datasets.dataset import Dataset
from ossicle.datasets.export import export_folder, untaken
from ossicle.datasets.files import Found
from ossicle.datasets.layouts.layout import labelled_dataset
from ossicle.datasets.shown import shown
from ossicle.datasets.strong import by_recording, clip_event, whole_recordings
from ossicle.datasets.table import read_table, write_table
from ossicle.errors import DatasetError
from ossicle.types import Clip, Event, Recording, TaskKind

__all__ = [
    "Marks",
    "annotated_dataset",
    "annotations",
    "companion_of",
    "described",
    "seconds",
]

COMPANION = "recordings.csv"


@dataclass(frozen=True)
class Marks:
    """What the label files of a folder say.

    Parameters
    ----------
    of_sound : mapping of name of a sound to list of (start, end, label)
        Without any: looked at, and nothing heard.
    skipped : list of (str, str)
        Lines that are no event, and why.
    """

    of_sound: dict[str, list[tuple[float, float, str]]]
    skipped: list[tuple[str, str]]

    def add(self, sound: str, place: str, start: float, end: float, label: str) -> None:
        """One line of a label file; a point in time, or a blank label, is no event."""
        marks = self.of_sound.setdefault(sound, [])
        if start < 0.0 or end < start:
            raise DatasetError(
                f"{place}: from {start:g} s to {end:g} s; seconds from 0, the end after the start, "
                "are allowed"
            )
        if end == start or not label:
            self.skipped.append((place, "a point in time" if label else "no label"))
        else:
            marks.append((start, end, label))


def annotated_dataset(
    found: Found, marks: Marks, task: tuple[str, TaskKind | None], *, label_files: Sequence[str]
) -> Dataset:
    """The data set of recordings with events; one without any is a clip without a label."""
    clips: list[Clip] = []
    for sound, events in marks.of_sound.items():
        recording = Recording(found.root / sound)
        clips += [
            Clip(recording, start, end, MappingProxyType({task[0]: label}))
            for start, end, label in events
        ] or [Clip(recording)]
    return labelled_dataset(
        found,
        described(found, clips),
        task,
        skipped=marks.skipped,
        companions=[*label_files, *companion_of(found)],
    )


def seconds(text: str, place: str) -> float:
    """A time of a label file; some write a decimal comma."""
    try:
        time = float(text.strip().replace(",", "."))
    except ValueError:
        time = math.nan
    if not math.isfinite(time):
        raise DatasetError(f"{place}: {text!r} is no time; seconds are needed")
    return time


def companion_of(found: Found) -> list[str]:
    """The name of ``recordings.csv``, if it is there."""
    there = COMPANION in found.tables or (found.only and (found.root / COMPANION).is_file())
    return [COMPANION] if there else []


def described(found: Found, clips: Sequence[Clip]) -> list[Clip]:
    """The clips with what ``recordings.csv`` says of their recordings."""
    if not companion_of(found):
        return list(clips)
    table = read_table(found.root / COMPANION, root=found.root, tasks=(), inside=True)
    known = {about.path: about for about in table.clips}
    return [_described(clip, known.get(clip.path, clip)) for clip in clips]


def _described(clip: Clip, about: Clip) -> Clip:
    return replace(
        clip, recording=about.recording, group=about.group, fold=about.fold, split=about.split
    )


def annotations(dataset: Dataset, folder: Path, *, copied: bool) -> Mapping[str, list[Event]]:
    """Write the sounds and ``recordings.csv``; gives the events of each sound by its name there.

    Raises
    ------
    DatasetError
        If a label cannot stand on one line, or a recording has no one group, fold or split.
    """
    asked = dataset.task()
    for label in asked.labels:
        if shown(label) != label or label != label.strip():
            raise DatasetError(f"the label {label!r} cannot stand on a line of labels; rename it")
    abouts = whole_recordings(dataset.clips)
    ours = replace(dataset, clips=tuple(abouts))
    placed = export_folder(ours, folder, copied=copied)
    with untaken(folder / COMPANION) as temporary:
        write_table(temporary, placed.clips, ())
    clips = by_recording(dataset.clips)
    root = Path(folder).absolute()
    return {
        new.path.relative_to(root).as_posix(): [
            clip_event(clip, asked) for clip in clips[old.path] if asked.name in clip.labels
        ]
        for old, new in zip(abouts, placed.clips, strict=True)
    }
