"""The Free Spoken Digit Dataset as published: ``recordings/{digit}_{speaker}_{take}.wav``.

Z. Jackson and others, https://github.com/Jakobovski/free-spoken-digit-dataset. Licence of the set:
CC BY-SA 4.0. Official split: takes 0 to 4 of each digit and speaker test, all others train. The
speaker is the group, which the official split crosses: it asks for known voices.
"""

import re
from collections.abc import Sequence
from types import MappingProxyType

from ossicle.datasets.dataset import Dataset
from ossicle.datasets.files import Found
from ossicle.datasets.layouts.layout import Layout, labelled_dataset, one_task
from ossicle.errors import DatasetError
from ossicle.types import Clip, Recording

__all__ = ["FSDD"]

FOLDER = "recordings"
LICENCE = "CC BY-SA 4.0"
N_TEST = 5

_NAME = re.compile(rf"(?:{FOLDER}/)?(\d)_([^/_]+)_(\d+)\.\w+")


def _matches(found: Found) -> bool:
    inside = [name for name in found.sounds if name.startswith(f"{FOLDER}/")]
    return bool(inside) and all(_NAME.fullmatch(name) for name in inside)


def _read(found: Found, tasks: Sequence[str] | None) -> Dataset:
    task, kind = one_task(found, tasks)
    clips = []
    for name in found.sounds:
        if spoken := _NAME.fullmatch(name):
            digit, speaker, take = spoken.groups()
            clips.append(
                Clip(
                    Recording(found.root / name, licence=LICENCE),
                    labels=MappingProxyType({task: digit}),
                    group=speaker,
                    split="test" if int(take) < N_TEST else "train",
                    metadata=MappingProxyType({"take": take}),
                )
            )
    if not clips:
        raise DatasetError(f"{found.root} has no files called like {FOLDER}/7_jackson_32.wav")
    return labelled_dataset(found, clips, (task, kind))


FSDD = Layout("fsdd", f"{FOLDER}/{{digit}}_{{speaker}}_{{take}}.wav", _matches, _read)
