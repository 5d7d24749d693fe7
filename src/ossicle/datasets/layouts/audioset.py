"""AudioSet's lists of segments: ``YTID, start_seconds, end_seconds, positive_labels``.

J. F. Gemmeke and others, "Audio Set: An ontology and human-labeled dataset for audio events",
ICASSP 2017, https://research.google.com/audioset/download.html; the lists are CC BY 4.0, the sounds
belong to their makers, so their licence is not stated. A segment is the file called
``{YTID}_{start}`` (seconds, as ``420`` or ``420.000``, or milliseconds, as ``420000``) in any
folder. A segment has one or several labels: the task is multilabel. The video is the group.
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from ossicle.datasets.columns import SPLIT_NAMES
from ossicle.datasets.dataset import Dataset
from ossicle.datasets.files import Found
from ossicle.datasets.layouts.layout import Layout, labelled_dataset, one_task
from ossicle.datasets.tasks import join_labels
from ossicle.errors import DatasetError
from ossicle.types import Clip, Recording

__all__ = ["AUDIOSET"]

HEADER = "YTID,start_seconds,end_seconds,positive_labels"
N_COMMENTS = 5
"""Lines in which the header is looked for."""

SOURCE = "https://www.youtube.com/watch?v="


def _is_list(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            heads = [file.readline(1_000) for _ in range(N_COMMENTS)]
    except OSError:
        return False
    return any(h.startswith("#") and HEADER in h.replace(" ", "") for h in heads)


def _lists(found: Found) -> list[str]:
    return [name for name in found.tables if _is_list(found.root / name)]


def _matches(found: Found) -> bool:
    return bool(_lists(found))


def _read(found: Found, tasks: Sequence[str] | None) -> Dataset:
    lists, (task, _) = _lists(found), one_task(found, tasks)
    if not lists:
        raise DatasetError(f"{found.root} has no CSV with the comment '# {HEADER}'")
    files = {PurePosixPath(name).stem: name for name in found.sounds}
    clips, skipped = [], []
    for table in lists:
        for line, (video, start, labels) in _segments(found.root / table):
            name = next((files[n] for n in _names(video, start) if n in files), None)
            if name is None:
                missing = f"{video}_{start:g}"
                skipped.append((missing, f"{table}, line {line}: no such file"))
                continue
            recording = Recording(found.root / name, source=SOURCE + video)
            text = MappingProxyType({task: join_labels(labels)})
            clips.append(Clip(recording, labels=text, group=video, split=_split(table)))
    return labelled_dataset(found, clips, (task, "multilabel"), skipped=skipped, companions=lists)


def _segments(path: Path) -> Iterator[tuple[int, tuple[str, float, list[str]]]]:
    """Line number, and video, start and labels of each segment."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        for line, cells in enumerate(csv.reader(file, skipinitialspace=True), start=1):
            if not cells or cells[0].startswith("#"):
                continue
            try:
                video, start, _, labels = cells
                yield line, (video, float(start), [each for each in labels.split(",") if each])
            except ValueError:
                raise DatasetError(f"{path}, line {line}: {cells}; {HEADER} are needed") from None


def _names(video: str, start: float) -> tuple[str, ...]:
    """What the file of a segment may be called, without its ending."""
    times = (f"{start:g}", f"{start:.1f}", f"{start:.3f}", f"{round(start * 1000)}")
    return tuple(f"{prefix}{video}_{time}" for time in times for prefix in ("", "Y"))


def _split(table: str) -> str:
    words = PurePosixPath(table).stem.lower().split("_")
    return next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), "")


AUDIOSET = Layout("audioset", f"a CSV with the comment '# {HEADER}'", _matches, _read)
