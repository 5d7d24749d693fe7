"""Speech Commands as published: one folder per word, ``{speaker}_nohash_{take}.wav`` in it.

P. Warden, "Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition",
https://arxiv.org/abs/1804.03209. Licence of the set: CC BY 4.0. ``validation_list.txt`` and
``testing_list.txt`` name the official parts; all other files train. Where the lists are absent, the
published rule decides, by a hash of the speaker: see `which_set`. The speaker is the group. The
recordings in ``_background_noise_`` are in no list.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType

from ossicle.datasets.dataset import Dataset
from ossicle.datasets.files import Found
from ossicle.datasets.layouts.layout import Layout, labelled_dataset, one_task
from ossicle.errors import DatasetError
from ossicle.types import Clip, Recording

__all__ = ["SPEECH_COMMANDS", "which_set"]

LISTS = {"validation_list.txt": "validation", "testing_list.txt": "test"}
BACKGROUND = "_background_noise_"
LICENCE = "CC BY 4.0"

_SPEAKER = re.compile(r"_nohash_.*$")
_LARGEST = 2**27 - 1


def which_set(name: str, *, validation: float = 10.0, testing: float = 10.0) -> str:
    """The part that a file belongs to, by the hash of its speaker.

    Parameters
    ----------
    name : str
        Of the file; what comes behind ``_nohash_`` does not matter.
    validation, testing : float
        Percent of the speakers.

    Source: Warden (2018), section 5: SHA-1 of the name, modulo 2²⁷, as a share of 2²⁷ - 1.

    >>> which_set("a_nohash_0.wav") == which_set("a_nohash_7.wav")
    True
    """
    speaker = _SPEAKER.sub("", Path(name).name)
    hashed = int(hashlib.sha1(speaker.encode(), usedforsecurity=False).hexdigest(), 16)
    percent = hashed % (_LARGEST + 1) * (100.0 / _LARGEST)
    if percent < validation:
        return "validation"
    return "test" if percent < validation + testing else "train"


def _sounds(found: Found) -> list[str]:
    """Sounds of the layout: speakers in the folder of a word, and background."""
    return [
        name
        for name in found.sounds
        if name.count("/") == 1 and ("_nohash_" in name or name.startswith(f"{BACKGROUND}/"))
    ]


def _matches(found: Found) -> bool:
    spoken = sum("_nohash_" in name for name in _sounds(found))
    return spoken > 0 and 2 * len(_sounds(found)) > len(found.sounds)


def _listed(found: Found) -> dict[str, str]:
    """Name of a file: the part it is in, as the lists say."""
    parts = {}
    for table, split in LISTS.items():
        if table in found.named(table):
            lines = (found.root / table).read_text(encoding="utf-8", errors="replace").split("\n")
            parts.update({line.strip(): split for line in lines if line.strip()})
    return parts


def _read(found: Found, tasks: Sequence[str] | None) -> Dataset:
    task, kind = one_task(found, tasks)
    sounds, listed = _sounds(found), _listed(found)
    if not sounds:
        raise DatasetError(
            f"{found.root} has no folders of words with files called like 0a7c2a8d_nohash_0.wav"
        )
    clips = [
        _clip(found.root, name, task, listed.get(name, "train") if listed else "")
        for name in sounds
    ]
    missing = sorted(listed.keys() - set(found.sounds))
    return labelled_dataset(
        found,
        clips,
        (task, kind),
        skipped=[(name, "in the official lists; no such file") for name in missing],
        companions=LISTS,
    )


def _clip(root: Path, name: str, task: str, split: str) -> Clip:
    """A word; without lists the rule says its part. Background is in no part but training."""
    word, _, file = name.partition("/")
    spoken = word != BACKGROUND
    return Clip(
        Recording(root / name, licence=LICENCE),
        labels=MappingProxyType({task: word}),
        group=_SPEAKER.sub("", file) if spoken else "",
        split=split or (which_set(file) if spoken else "train"),
    )


SPEECH_COMMANDS = Layout(
    "speech-commands", "folders of words with {speaker}_nohash_{take}.wav", _matches, _read
)
