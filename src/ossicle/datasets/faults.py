"""What to mend in a data set before it is learnt from: every sound heard, every fault named.

=============  =====================================================================================
``unreadable``  a file that cannot be decoded to its end, a clip past the end of its file
``silent``      a clip whose peak is below -60 dB of full scale; not one labelled as background
``clipped``     a clip with 0.1 % of its samples or more in runs of three at its full scale
``length``      a clip shorter than 20 ms, or shorter or longer than the median ten times over
``rates``       recordings of several sample rates: a model may tell labels by them
``labels``      a label with fewer than 5 clips or 5 groups, labels alike but for case, one only
``crossing``    a group in several folds or splits
``duplicates``  the same bytes, or the same samples, under several names
=============  =====================================================================================
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ossicle.audio import read_audio
from ossicle.datasets.checks import FEW, CheckReport
from ossicle.datasets.dataset import Dataset
from ossicle.datasets.strong import by_recording
from ossicle.errors import AudioError
from ossicle.types import Clip, Samples
from ossicle.workflow.files import digest, file_digests

__all__ = ["FAULTS", "Fault", "find_faults"]

FAULTS = (
    *("unreadable", "silent", "clipped", "length", "rates", "labels", "crossing", "duplicates"),
)
"""Kinds of faults."""

SILENT = 1e-3
FULL_SCALE = 0.999
RUN = 3
CLIPPED = 1e-3
SHORTEST = 0.02
TIMES = 10.0


@dataclass(frozen=True)
class Fault:
    """One thing to mend.

    Parameters
    ----------
    kind : str
        One of `FAULTS`.
    name : str
        Of the clip, file, group, label or task.
    reason : str
    """

    kind: str
    name: str
    reason: str

    def to_dict(self) -> dict[str, str]:
        """The fault as plain values, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}: {self.reason}"


@dataclass(frozen=True)
class _Heard:
    """What one clip sounds like."""

    clip: Clip
    seconds: float
    peak: float
    clipped: float
    samples: str


def find_faults(
    dataset: Dataset, *, progress: Callable[[int, int], None] | None = None
) -> tuple[Fault, ...]:
    """Hear every clip of a data set and name what spoils learning or judging.

    Parameters
    ----------
    dataset : Dataset
    progress : function of (done, total), optional

    Returns
    -------
    tuple of Fault
        In the order of `FAULTS`; empty: nothing was found.

    >>> import tempfile
    >>> from ossicle.audio import write_audio
    >>> from ossicle.datasets import read_dataset
    >>> folder = Path(tempfile.mkdtemp())
    >>> for number, level in enumerate((0.5, 0.4, 0.3, 0.2, 0.0)):
    ...     write_audio(folder / f"{number}.wav", np.full(8_000, level), 8_000)
    >>> print(*find_faults(read_dataset(folder)))
    silent: 4.wav: its peak is below -60 dB of full scale
    """
    heard, unreadable = _hear(dataset, progress)
    report = dataset.check()
    faults = [
        *unreadable,
        *_told(report),
        *(fault for each in heard for fault in _of_sound(each, dataset)),
        *_lengths(heard),
        *_labels(dataset),
        *_same(heard),
    ]
    unique = dict.fromkeys(faults)
    return tuple(sorted(unique, key=lambda fault: FAULTS.index(fault.kind)))


# --- hearing --------------------------------------------------------------------------------------


def _hear(
    dataset: Dataset, progress: Callable[[int, int], None] | None
) -> tuple[list[_Heard], list[Fault]]:
    """What each clip sounds like, and which files cannot be decoded."""
    heard: list[_Heard] = []
    faults: list[Fault] = []
    recordings = by_recording(dataset.clips)
    for number, (path, clips) in enumerate(recordings.items(), start=1):
        try:
            heard += [_listen(clip) for clip in clips]
        except AudioError as error:
            faults.append(Fault("unreadable", path.name, str(error)))
        if progress is not None:
            progress(number, len(recordings))
    return heard, faults


def _listen(clip: Clip) -> _Heard:
    samples, rate = read_audio(clip.path, start=clip.start, end=clip.end, mono=False)
    return _Heard(
        clip,
        samples.shape[-1] / rate,
        float(np.abs(samples).max(initial=0.0)),
        clipped_share(samples),
        digest(str((samples.shape, rate)), samples.tobytes()),
    )


def clipped_share(samples: Samples) -> float:
    """Share of the samples that lie in runs of three or more at full scale.

    >>> clipped_share(np.array([0.0, 1.0, 1.0, 1.0, 0.5, -1.0], np.float32))
    0.5
    """
    full = np.atleast_2d(np.abs(samples) >= FULL_SCALE)
    if full.shape[-1] < RUN:
        return 0.0
    begins = full[:, :-2] & full[:, 1:-1] & full[:, 2:]
    inside = np.zeros_like(full)
    for shift in range(RUN):
        inside[:, shift : full.shape[-1] - RUN + 1 + shift] |= begins
    return float(inside.mean())


# --- judging --------------------------------------------------------------------------------------


def _told(report: CheckReport) -> list[Fault]:
    """What the look at the headers and the table found."""
    faults = [Fault("unreadable", *pair) for pair in report.unreadable]
    faults += [Fault("crossing", *pair) for pair in report.crossing]
    if len(report.rates) > 1:
        counts = ", ".join(f"{n} at {rate} Hz" for rate, n in report.rates.items())
        faults.append(Fault("rates", report.name, f"clips of several sample rates: {counts}"))
    alike = (text.split(": ", 1) for text in report.warnings if "differ in case" in text)
    faults += [Fault("labels", task, why) for task, why in alike]
    return faults


def _of_sound(heard: _Heard, dataset: Dataset) -> list[Fault]:
    quiet = {label for task in dataset.tasks for label in task.background}
    faults = []
    if heard.peak < SILENT and not quiet.intersection(heard.clip.labels.values()):
        reason = "its peak is below -60 dB of full scale"
        faults.append(Fault("silent", heard.clip.id, reason))
    if heard.clipped >= CLIPPED:
        reason = f"{heard.clipped:.1%} of its samples are cut off at full scale"
        faults.append(Fault("clipped", heard.clip.id, reason))
    return faults


def _lengths(heard: Sequence[_Heard]) -> list[Fault]:
    if not heard:
        return []
    median = float(np.median([each.seconds for each in heard]))
    low, high = max(SHORTEST, median / TIMES), median * TIMES
    return [
        Fault("length", h.clip.id, f"{h.seconds:.3f} s; {low:.3f} to {high:.1f} s are usual here")
        for h in heard
        if not low <= h.seconds <= high
    ]


def _labels(dataset: Dataset) -> list[Fault]:
    faults = []
    groups = dataset.groups
    for task in dataset.tasks:
        if task.kind == "regression":
            continue
        if len(task.labels) == 1 and task.kind != "multilabel":
            faults.append(Fault("labels", task.name, f"one label only ({task.labels[0]})"))
        for label, has in zip(task.labels, dataset.indicators(task.name).T, strict=True):
            n_clips, n_groups = int(has.sum()), len(set(groups[has].tolist()))
            if n_groups < FEW:
                reason = f"{n_clips} clips in {n_groups} groups; at least {FEW} groups are needed"
                faults.append(Fault("labels", label, reason))
    return faults


def _same(heard: Sequence[_Heard]) -> list[Fault]:
    """Files with the same bytes, and clips with the same samples."""
    files = file_digests({each.clip.path for each in heard})
    by_bytes: dict[str, set[Path]] = defaultdict(set)
    for path, file in files.items():
        if isinstance(file, str):
            by_bytes[file].add(path)
    first = {path: min(paths) for paths in by_bytes.values() for path in paths}
    by_samples: dict[str, set[str]] = defaultdict(set)
    for each in heard:
        if first.get(each.clip.path, each.clip.path) == each.clip.path and each.peak >= SILENT:
            by_samples[each.samples].add(f"{each.clip.path.parent.name}/{each.clip.id}")
    names = [[f"{p.parent.name}/{p.name}" for p in sorted(paths)] for paths in by_bytes.values()]
    faults = [_copies(copies, "the same bytes") for copies in names]
    faults += [_copies(sorted(ids), "the same samples") for ids in by_samples.values()]
    return [fault for fault in faults if fault is not None]


def _copies(names: Sequence[str], reason: str) -> Fault | None:
    return Fault("duplicates", " = ".join(names), reason) if len(names) > 1 else None
