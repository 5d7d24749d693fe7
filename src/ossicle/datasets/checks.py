"""Looking a data set over: every file opened, everything that spoils figures named."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ossicle.audio import AudioInfo, info
from ossicle.datasets.groups import group_names
from ossicle.datasets.tasks import labels_of
from ossicle.errors import AudioError
from ossicle.types import Clip, Task
from ossicle.workflow.files import file_digests

__all__ = ["CheckReport", "check_clips"]

FEW = 5
"""Groups below which a label cannot be judged."""

_SHOWN = 8
_ROUNDING = 0.05  # seconds by which a written end may pass the file's


@dataclass(frozen=True)
class CheckReport:
    """What is in a data set and what is wrong with it.

    Parameters
    ----------
    name : str
    n_clips, n_groups : int
    seconds : float
        Of all clips that can be read.
    labels : mapping of task to mapping of label to number of clips
    rates, channels, formats, licences, folds, splits : mapping to number of clips
        A licence that is not stated counts as ``"not stated"``.
    unreadable : tuple of (str, str)
        Files that cannot be opened and clips that pass the end of theirs, and why.
    skipped : tuple of (str, str)
        Files that are not used, and why.
    crossing : tuple of (str, str)
        Groups in more than one official fold or split, and in which.
    duplicates : tuple of (str, str)
        Files with the same bytes as another one in a different fold, split or label, and where.
    warnings : tuple of str
        Everything else worth a thought.
    """

    name: str
    n_clips: int
    n_groups: int
    seconds: float
    labels: Mapping[str, Mapping[str, int]]
    rates: Mapping[int, int]
    channels: Mapping[int, int]
    formats: Mapping[str, int]
    licences: Mapping[str, int]
    folds: Mapping[int, int]
    splits: Mapping[str, int]
    unreadable: tuple[tuple[str, str], ...]
    skipped: tuple[tuple[str, str], ...]
    crossing: tuple[tuple[str, str], ...]
    duplicates: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, for JSON."""
        return asdict(self)

    def lines(self) -> list[str]:
        """The report as text."""
        return [
            f"{self.name}: {self.n_clips} clips in {self.n_groups} groups, {_time(self.seconds)}",
            *(f"  {task}: {_labels(counts)}" for task, counts in self.labels.items()),
            *_counted("sound", self.formats, self.rates, self.channels),
            *(f"  {word}: {_counts(counts)}" for word, counts in self._tables() if counts),
            *_listed("unreadable", self.unreadable),
            *_listed("not used", self.skipped),
            *_listed("group in several parts", self.crossing),
            *_listed("same bytes", self.duplicates),
            *(f"  warning: {warning}" for warning in self.warnings),
        ]

    def _tables(self) -> list[tuple[str, Mapping[Any, int]]]:
        return [("licence", self.licences), ("folds", self.folds), ("split", self.splits)]

    def __str__(self) -> str:
        return "\n".join(self.lines())


def check_clips(
    clips: Sequence[Clip],
    tasks: Sequence[Task],
    *,
    skipped: Sequence[tuple[str, str]] = (),
    name: str = "",
) -> CheckReport:
    """Open every file of some clips and report.

    Parameters
    ----------
    clips, tasks, skipped, name
        Of the data set.
    """
    probed, unreadable = _probe({clip.path for clip in clips})
    heard = [(clip, probed[clip.path]) for clip in clips if clip.path in probed]
    unreadable += [problem for clip, about in heard if (problem := _past_the_end(clip, about))]
    return CheckReport(
        name=name,
        n_clips=len(clips),
        n_groups=len(set(group_names(clips))),
        seconds=sum(_seconds(clip, about) for clip, about in heard),
        labels={task.name: _label_counts(clips, task) for task in tasks},
        rates=_count(about.sample_rate for _, about in heard),
        channels=_count(about.n_channels for _, about in heard),
        formats=_count(f"{about.format} {about.subtype}" for _, about in heard),
        licences=_count(clip.recording.licence or "not stated" for clip in clips),
        folds=_count(clip.fold for clip in clips if clip.fold is not None),
        splits=_count(clip.split for clip in clips if clip.split),
        unreadable=tuple(unreadable),
        skipped=tuple(skipped),
        crossing=tuple(_crossing(clips)),
        duplicates=tuple(_duplicates(clips, probed)),
        warnings=tuple(_warnings(clips, tasks)),
    )


# --- looking ------------------------------------------------------------------------------------


def _probe(paths: set[Path]) -> tuple[dict[Path, AudioInfo], list[tuple[str, str]]]:
    """What the headers say, and which files have none that can be read."""
    probed, unreadable = {}, []
    for path in sorted(paths):
        try:
            probed[path] = info(path)
        except AudioError as error:
            unreadable.append((path.name, str(error)))
    return probed, unreadable


def _seconds(clip: Clip, about: AudioInfo) -> float:
    end = about.duration if clip.end is None else min(clip.end, about.duration)
    return max(0.0, end - clip.start)


def _past_the_end(clip: Clip, about: AudioInfo) -> tuple[str, str] | None:
    last = clip.start if clip.end is None else clip.end
    if about.n_samples and last <= about.duration + _ROUNDING:
        return None
    return clip.id, f"its file has {about.duration:.3f} s; are times in milliseconds?"


def _label_counts(clips: Sequence[Clip], task: Task) -> dict[str, int]:
    """Clips of each label; of a regression, of the range of its values."""
    texts = [clip.labels.get(task.name, "") for clip in clips]
    missing = {"(no label)": texts.count("")} if "" in texts else {}
    if task.kind == "regression":
        values = [float(text) for text in texts if text]
        span = {f"{min(values):g} to {max(values):g}": len(values)} if values else {}
        return span | missing
    found = Counter(label for text in texts for label in labels_of(text, task))
    return {label: found[label] for label in task.labels} | missing


def _crossing(clips: Sequence[Clip]) -> list[tuple[str, str]]:
    """Groups that official folds or splits cut."""
    crossing = []
    names = group_names(clips)
    for word, values in _parts(clips):
        of_group: dict[tuple[str, str], set[Any]] = defaultdict(set)
        for name, value in zip(names, values, strict=True):
            if value not in (None, ""):
                of_group[name].add(value)
        crossing += [
            (group, f"{word} {', '.join(map(str, sorted(found)))}")
            for (_, group), found in of_group.items()
            if len(found) > 1
        ]
    return crossing


def _duplicates(clips: Sequence[Clip], readable: Iterable[Path]) -> list[tuple[str, str]]:
    """Files with the same bytes under different names where it matters."""
    digests = file_digests(readable)
    same: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        if isinstance(file := digests.get(clip.path), str):
            same[file].append(clip)
    found = []
    for copies in same.values():
        places = [*_parts(copies), ("labels", [tuple(clip.labels.values()) for clip in copies])]
        crossed = [word for word, values in places if len(set(values)) > 1]
        names = list(dict.fromkeys(f"{c.path.parent.name}/{c.path.name}" for c in copies))
        if crossed and len(names) > 1:
            found.append((" = ".join(names), f"in different {' and '.join(crossed)}"))
    return found


def _parts(clips: Sequence[Clip]) -> list[tuple[str, list[Any]]]:
    return [("folds", [clip.fold for clip in clips]), ("splits", [clip.split for clip in clips])]


def _warnings(clips: Sequence[Clip], tasks: Sequence[Task]) -> list[str]:
    """What makes learning or judging hard."""
    warnings = []
    names = group_names(clips)
    for task in tasks:
        if task.kind == "regression":
            continue
        groups: dict[str, set[tuple[str, str]]] = {label: set() for label in task.labels}
        for clip, name in zip(clips, names, strict=True):
            for label in labels_of(clip.labels.get(task.name, ""), task):
                groups.get(label, set()).add(name)
        heard = [label for label, found in groups.items() if found]
        alike = Counter(label.strip().casefold() for label in heard)
        if close := [label for label in heard if alike[label.strip().casefold()] > 1]:
            names_shown = ", ".join(map(repr, close[:_SHOWN]))
            warnings.append(f"{task.name}: labels that differ in case or spaces: {names_shown}")
        if len(heard) < 2:
            warnings.append(f"{task.name}: one label only ({', '.join(heard) or 'none'})")
        scarce = [f"{label} ({len(groups[label])})" for label in heard if len(groups[label]) < FEW]
        if scarce:
            warnings.append(f"{task.name}: fewer than {FEW} groups: {_first(scarce)}")
    if not tasks:
        warnings.append("no labels: these recordings can be listened to or mixed, not learnt from")
    return warnings


def _count(values: Iterable[Any]) -> dict[Any, int]:
    return dict(sorted(Counter(values).items()))


# --- telling ------------------------------------------------------------------------------------


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{seconds:.1f} s"


def _labels(counts: Mapping[str, int]) -> str:
    """Few labels one by one, many with their range."""
    if len(counts) <= 2 * _SHOWN:
        return _counts(counts)
    least, most = min(counts.values()), max(counts.values())
    each = f"{least} clips each" if least == most else f"{least} to {most} clips each"
    return f"{len(counts)} labels, {each}: {_first(list(counts))}"


def _counted(word: str, *tables: Mapping[Any, int]) -> list[str]:
    units = ("", " Hz", " channel(s)")
    words = [_counts(table, unit) for table, unit in zip(tables, units, strict=True) if table]
    return [f"  {word}: {'; '.join(words)}"] if words else []


def _counts(counts: Mapping[Any, int], unit: str = "") -> str:
    return ", ".join(f"{key}{unit}: {n}" for key, n in counts.items())


def _listed(word: str, pairs: Sequence[tuple[str, str]]) -> list[str]:
    """One line for each reason, with the first names it holds for."""
    reasons: dict[str, list[str]] = defaultdict(list)
    for name, reason in pairs:
        reasons[reason].append(name)
    return [f"  {word}: {_first(names)}: {reason}" for reason, names in reasons.items()]


def _first(names: Sequence[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
