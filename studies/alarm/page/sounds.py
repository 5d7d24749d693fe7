"""The recordings in words: what trains, what tests, and under which licences."""

from collections import Counter

from ossicle import Dataset
from studies.alarm.mixes import DURATION, LEVEL
from studies.alarm.page.markdown import decibels, listed, name, percent, table
from studies.alarm.settings import ALARMS, KINDS, ROOMS, SIGNIFICANT, SNRS
from studies.alarm.sounds import TEST_SHARE, TRAIN_SHARE, Sounds

__all__ = ["licences_section", "sounds_section"]


def sounds_section(train: Sounds, test: Sounds) -> str:
    """What the mixes are made of, and how."""
    return "\n\n".join(
        [
            "## The sounds",
            'All are real recordings: ESC-50 (K. J. Piczak, "ESC: Dataset for Environmental '
            'Sound Classification", 2015) in a **16 kHz copy** (Ogg Vorbis, mono, 5 s), and four '
            "recordings of a home, 16 kHz, from the background noises of Speech Commands. The "
            "mixes are synthetic: what is heard together was not recorded together. Figures on "
            "the original 44.1 kHz ESC-50 may differ.",
            table(["role", "sounds", "train", "test"], _counts(train, test), words=2),
            "Clips, and in brackets source recordings. ESC-50 is parted by its official folds: 1 "
            "to 4 train, 5 tests; a source recording that is in fold 5 as well as in others "
            "trains nothing. Of a background recording of which there is one, the first "
            f"{percent(TRAIN_SHARE)} ({_seconds(train)}) trains and the last {percent(TEST_SHARE)} "
            f"({_seconds(test)}) tests, with a gap between. That no source recording is on "
            "both sides is checked each time.",
            f"A mix lasts {DURATION:g} s. Its background is brought to {decibels(LEVEL)} dBFS; the "
            "eight places come equally often. Mixes come in pairs with the same other sounds (none "
            "or one), one of the two with an alarm, so that a second sound says nothing. The "
            "signal-to-noise ratio, measured where the sound is, is "
            f"{listed([decibels(each) for each in SNRS])} dB, each equally often, "
            "for alarms and for other sounds alike. `ossicle.mix_dataset` says the rest.",
        ]
    )


def _seconds(side: Sounds) -> str:
    """How long the stretches of the rooms are."""
    clips = [clip for room in ROOMS for clip in side.places[room]]
    lengths = [(clip.end or clip.start) - clip.start for clip in clips]
    return f"{min(lengths):.0f} to {max(lengths):.0f} s"


def _counts(train: Sounds, test: Sounds) -> list[list[str]]:
    rows = [
        ["alarms", listed(list(map(name, ALARMS))), train.alarms, test.alarms],
        ["other sounds", listed(list(map(name, SIGNIFICANT))), train.significant, test.significant],
    ]
    for role, names in (("background, rooms", ROOMS), ("background, kinds", KINDS)):
        sides = [[side.places[each] for each in names] for side in (train, test)]
        rows.append([role, listed(list(map(name, names))), *map(_joined, sides)])
    return [[role, words, _count(mine), _count(theirs)] for role, words, mine, theirs in rows]


def _joined(parts: list[Dataset]) -> Dataset:
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + part
    return whole


def _count(dataset: Dataset) -> str:
    return f"{len(dataset)} ({len(set(dataset.groups.tolist()))})"


def licences_section(train: Sounds, test: Sounds) -> str:
    """Licences of what was used."""
    esc50 = [clip for clip in (*train.clips, *test.clips) if clip.group]
    counts = Counter(clip.recording.licence or "not stated" for clip in esc50)
    rows = [[licence, counts[licence]] for licence in sorted(counts)]
    return "\n\n".join(
        [
            "## Licences",
            "ESC-50 as a set is CC BY-NC 3.0 (K. J. Piczak), its clips are by authors of "
            "Freesound under the licences below; the background recordings are CC BY 4.0 (Speech "
            "Commands, Google). No sound, no mix and no trained classifier of this study is part "
            "of ossicle. The folder of the mixes keeps licence and authors of every mix in "
            "`clips.csv` and `mixes.jsonl`.",
            table(["licence of the ESC-50 clips used", "clips"], rows),
        ]
    )
