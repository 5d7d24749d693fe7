"""The recordings, and which of them train and which test: no source is on both sides."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ossicle import Clip, Dataset, DatasetError, info, read_dataset
from ossicle.datasets import make_task
from studies.alarm.settings import ALARMS, KINDS, ROOMS, SIGNIFICANT

__all__ = ["TEST_SHARE", "TRAIN_SHARE", "Sounds", "data_folder", "read_sounds"]

TEST_FOLD = 5
TRAIN_SHARE, TEST_SHARE = 0.55, 0.35
"""Of a background recording of which there is one, from its beginning and from its end."""


@dataclass(frozen=True)
class Sounds:
    """What the mixes of one side are made of."""

    alarms: Dataset
    significant: Dataset
    places: Mapping[str, Dataset]

    def __iter__(self) -> Iterator[Dataset]:
        return iter((self.alarms, self.significant, *self.places.values()))

    @property
    def clips(self) -> tuple[Clip, ...]:
        """All of them."""
        return tuple(clip for dataset in self for clip in dataset)


def data_folder() -> Path:
    """Where the real recordings lie.

    Raises
    ------
    DatasetError
        If they do not, with what is missing.
    """
    named = os.environ.get("OSSICLE_DATA", "")
    if not named:
        raise DatasetError(
            "the study needs real recordings: set OSSICLE_DATA to a folder with esc50/ (ESC-50 as "
            f"16 kHz Ogg with its meta.csv) and background/ ({', '.join(ROOMS)})"
        )
    missing = [name for name in ("esc50", "background") if not (Path(named) / name).is_dir()]
    if missing:
        raise DatasetError(f"OSSICLE_DATA={named} has no folder {' and no folder '.join(missing)}")
    return Path(named)


def read_sounds(root: Path) -> tuple[Sounds, Sounds]:
    """The training and the test side.

    ESC-50 is parted by its official folds, 5 tests; a source that also lies in fold 5 trains
    nothing. Of a background recording the beginning trains and the end tests.

    Raises
    ------
    DatasetError
        If a recording is missing, or a source is on both sides.
    """
    esc50 = read_dataset(root / "esc50")
    is_test = [clip.fold == TEST_FOLD for clip in esc50]
    tested = {clip.group for clip in esc50 if clip.fold == TEST_FOLD}
    is_train = [clip.group not in tested for clip in esc50]
    rooms = _rooms(read_dataset(root / "background"))
    train = _side(esc50.subset(_places(is_train)), {name: r[0] for name, r in rooms.items()})
    test = _side(esc50.subset(_places(is_test)), {name: r[1] for name, r in rooms.items()})
    _check_disjoint(train, test)
    return train, test


def _places(mask: Sequence[bool]) -> list[int]:
    return [place for place, is_true in enumerate(mask) if is_true]


def _side(esc50: Dataset, rooms: Mapping[str, Dataset]) -> Sounds:
    kinds = {name: esc50.where(label=name) for name in KINDS}
    return Sounds(esc50.where(label=ALARMS), esc50.where(label=SIGNIFICANT), {**rooms, **kinds})


def _rooms(recordings: Dataset) -> dict[str, tuple[Dataset, Dataset]]:
    """Of each recording its beginning and its end, labelled with its name."""
    of_name = {clip.path.stem: clip for clip in recordings}
    missing = sorted(set(ROOMS) - of_name.keys())
    if missing:
        raise DatasetError(f"{recordings.name} lacks the recordings {', '.join(missing)}")
    return {name: _cut_in_time(of_name[name]) for name in ROOMS}


def _cut_in_time(clip: Clip) -> tuple[Dataset, Dataset]:
    name, length = clip.path.stem, info(clip.path).duration
    spans = (0.0, TRAIN_SHARE * length), ((1.0 - TEST_SHARE) * length, length)
    parts = [
        replace(clip, start=round(start, 3), end=round(end, 3), labels={"label": name})
        for start, end in spans
    ]
    begin, end = (Dataset((part,), (make_task("label", [name]),), name=name) for part in parts)
    return begin, end


def _check_disjoint(train: Sounds, test: Sounds) -> None:
    """No group on both sides, and of files on both only stretches that do not touch."""
    shared = {clip.group for clip in train.clips if clip.group} & {c.group for c in test.clips}
    ends = {clip.path: clip.end for clip in train.clips}
    touching = [c.id for c in test.clips if c.path in ends and c.start <= (ends[c.path] or c.start)]
    if shared or touching:
        raise DatasetError(f"sources on both sides: {sorted(shared) + touching}")
