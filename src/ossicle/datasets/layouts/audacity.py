"""Audacity's label tracks: one text file beside each recording, ``start  end  label`` by tabs.

https://manual.audacityteam.org/man/importing_and_exporting_labels.html. ``1.wav`` has its labels in
``1.txt`` or ``1.wav.txt``. Lines that begin with a backslash tell the frequencies of the label
above them and are passed over; a label at a point in time is listed, not used. An empty file says
that there is nothing to hear. Licence, author, group, fold and split come from ``recordings.csv``.
"""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from ossicle.datasets.dataset import Dataset
from ossicle.datasets.export import untaken
from ossicle.datasets.files import Found
from ossicle.datasets.layouts.annotations import Marks, annotated_dataset, annotations, seconds
from ossicle.datasets.layouts.layout import Layout, one_task
from ossicle.errors import DatasetError

__all__ = ["AUDACITY"]

ENDING = ".txt"


def _tracks(found: Found) -> dict[str, str]:
    """Label file: the sound that it lies beside."""
    files = set(found.named(ENDING))
    pairs: dict[str, str] = {}
    for sound in found.sounds:
        for track in (f"{sound}{ENDING}", str(PurePosixPath(sound).with_suffix(ENDING))):
            if track in files and pairs.setdefault(track, sound) != sound:
                raise DatasetError(f"{found.root}: {track} lies beside {pairs[track]} and {sound}")
    return pairs


def _looks_right(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8-sig") as file:
            cells = file.readline(1_000).split("\t")
        return len(cells) > 1 and seconds(cells[0], "") <= seconds(cells[1], "")
    except (OSError, UnicodeDecodeError, DatasetError):
        return False


def _matches(found: Found) -> bool:
    if not found.named(ENDING):
        return False
    return any(_looks_right(found.root / track) for track in _tracks(found))


def _read(found: Found, tasks: Sequence[str] | None) -> Dataset:
    tracks, task = _tracks(found), one_task(found, tasks)
    if not tracks:
        raise DatasetError(f"{found.root} has no file of labels ({ENDING}) beside a sound")
    marks = Marks({}, [])
    for track, sound in tracks.items():
        _read_track(found.root / track, track, sound, marks)
    return annotated_dataset(found, marks, task, label_files=list(tracks))


def _read_track(path: Path, track: str, sound: str, marks: Marks) -> None:
    marks.of_sound.setdefault(sound, [])
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"cannot read {path}: {error}; save it as UTF-8") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("\\"):
            continue
        place = f"{track}, line {number}"
        start, end, *label = line.split("\t", 2) if "\t" in line else (line, "")
        times = seconds(start, place), seconds(end, place)
        marks.add(sound, place, *times, "".join(label).strip())


def _write(dataset: Dataset, path: Path, copied: bool) -> None:
    """A file of labels beside each sound, and ``recordings.csv``."""
    found = annotations(dataset, path, copied=copied)
    tracks = [str(PurePosixPath(sound).with_suffix(ENDING)) for sound in found]
    longer = {f"{sound}{ENDING}" for sound in found}
    shared = {track for track in tracks if tracks.count(track) > 1 or track in longer}
    for (sound, events), track in zip(found.items(), tracks, strict=True):
        name = f"{sound}{ENDING}" if track in shared else track
        lines = [f"{event.start!r}\t{event.end!r}\t{event.label}\n" for event in events]
        with untaken(path / name) as temporary:
            temporary.write_text("".join(lines), encoding="utf-8")


AUDACITY = Layout(
    "audacity",
    "a label track (.txt) beside each recording",
    _matches,
    _read,
    _write,
    by_labels=True,
)
"""Label tracks as Audacity exports them."""
