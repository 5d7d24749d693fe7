"""A look before the long work: labels and clips of each part, leaks, features, one batch, time."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ossicle.datasets import Combined, Dataset, combine
from ossicle.datasets.groups import group_names
from ossicle.errors import OssicleError
from ossicle.features import FeatureStore
from ossicle.training.assembling import Ready, make_ready
from ossicle.training.examples import Examples
from ossicle.training.plan import make_plan
from ossicle.training.trial import STEPS, Trial, try_out
from ossicle.workflow.files import file_digests

__all__ = ["Health", "PartHealth", "check_health"]

LOOKED_AT = 128
"""Windows whose features are looked at."""

FEW = 5
"""Clips of a label below which learning or judging it is doubtful."""

NAMED = 5
SHOWN = 16
"""Labels that are shown one by one."""

UNKNOWN = float("nan")


@dataclass(frozen=True, slots=True)
class PartHealth:
    """What is in the training, validation or test part.

    Parameters
    ----------
    name : str
    n_clips : int
    n_windows : int, optional
        Of training, those that an epoch goes through; None where they are not cut yet.
    labels : mapping of task to mapping of label to number of clips
        Of a regression, the number of clips under ``"numbers"``.
    skipped : tuple of (str, str)
        Clips that are not used, and why.
    """

    name: str
    n_clips: int
    n_windows: int | None
    labels: Mapping[str, Mapping[str, int]]
    skipped: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Health:
    """What was found before a training.

    Parameters
    ----------
    parts : tuple of PartHealth
    shape : tuple of int
        Frames and bands of a window.
    window : float
        Seconds.
    n_parameters : int
    first_loss, last_loss : float
        Of one batch, before and after it was learnt by heart.
    epoch_seconds : float
        Estimated from a few batches, on this machine as busy as it is.
    epochs : int
        Most epochs there will be.
    errors, warnings : tuple of str
        What makes training impossible, and what is worth a thought.
    """

    parts: tuple[PartHealth, ...] = ()
    shape: tuple[int, int] = (0, 0)
    window: float = UNKNOWN
    n_parameters: int = 0
    first_loss: float = UNKNOWN
    last_loss: float = UNKNOWN
    epoch_seconds: float = UNKNOWN
    epochs: int = 0
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing makes training impossible."""
        return not self.errors

    @property
    def seconds(self) -> float:
        """Of the whole training, if no patience ends it."""
        return self.epoch_seconds * self.epochs

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, for JSON."""
        return {"ok": self.ok, **asdict(self), "seconds": self.seconds}

    def text(self) -> str:
        """For the terminal: a table of labels and parts, what was tried, errors and warnings."""
        return "\n".join([*_table(self.parts), *_tried(self), *_told(self)])


def check_health(
    train: Sequence[Dataset],
    *,
    validation: Sequence[Dataset],
    tests: Sequence[Dataset] = (),
    front_end: str | Mapping[str, Any],
    features: Path,
    progress: Callable[[str, int, int], None] | None = None,
    **settings: Any,
) -> Health:
    """Look a training over before it begins.

    Parameters
    ----------
    train, validation, tests : sequence of Dataset
        Parts that should share no recording; tests may be empty.
    front_end : str or mapping
    features : Path
        Folder of the feature store, where the training finds what is read here.
    progress : callable, optional
    **settings
        Fields of `Settings`.

    Returns
    -------
    Health
        With errors where the training would be refused: nothing is raised for these.
    """
    given = {"train": train, "validation": validation, "test": tests}
    sides = {name: combine(list(side)) for name, side in given.items() if len(side)}
    errors, warnings = _shared_clips(given), [*_shared_groups(given), *_shared_bytes(sides)]
    try:
        plan = make_plan(train, front_end=front_end, validation=validation, settings=settings)
        ready = make_ready(plan, FeatureStore(features), progress=progress)
    except OssicleError as error:
        parts = tuple(_part(name, side) for name, side in sides.items())
        return Health(parts, errors=(*errors, str(error)), warnings=tuple(warnings))
    parts = tuple(_part(name, side, ready) for name, side in sides.items())
    wrong, doubtful = _features(ready.train)
    trial = None if errors or wrong else try_out(ready)
    warnings += [*_scarce(parts), *doubtful, *_not_learnt(trial)]
    return _health(ready, parts, trial, errors=[*errors, *wrong], warnings=warnings)


def _health(
    ready: Ready,
    parts: tuple[PartHealth, ...],
    trial: Trial | None,
    *,
    errors: Sequence[str],
    warnings: Sequence[str],
) -> Health:
    return Health(
        parts,
        (ready.train.n_frames, ready.train.n_bands),
        ready.train.window,
        trial.n_parameters if trial else 0,
        trial.first_loss if trial else UNKNOWN,
        trial.last_loss if trial else UNKNOWN,
        trial.epoch_seconds if trial else UNKNOWN,
        ready.plan.settings.epochs,
        tuple(errors),
        tuple(warnings),
    )


def _part(name: str, clips: Combined, ready: Ready | None = None) -> PartHealth:
    cut = {} if ready is None else {"train": ready.train, "validation": ready.validation}
    examples = cut.get(name)
    return PartHealth(
        name,
        len(clips),
        (len(ready.rows) if name == "train" else len(examples)) if ready and examples else None,
        {task.name: _counts(clips, place) for place, task in enumerate(clips.tasks)},
        () if examples is None else examples.skipped,
    )


def _counts(clips: Combined, place: int) -> dict[str, int]:
    """Clips of each label of a task, those without an answer left out."""
    task = clips.tasks[place]
    if task.kind == "regression":
        return {"numbers": int(clips.mask[:, place].sum())}
    counts = clips.targets(task.name).sum(axis=0).astype(int).tolist()
    return dict(zip(task.labels, counts, strict=True))


# --- telling --------------------------------------------------------------------------------------


def _table(parts: Sequence[PartHealth]) -> list[str]:
    """One row a label and one column a part; of many labels the range alone."""
    rows = [["clips", *(str(part.n_clips) for part in parts)]]
    rows.append(["windows", *("–" if p.n_windows is None else str(p.n_windows) for p in parts)])
    for task in dict.fromkeys(task for part in parts for task in part.labels):
        rows += _label_rows(task, [part.labels.get(task, {}) for part in parts])
    rows = [["", *(part.name for part in parts)], *rows]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _label_rows(task: str, counts: Sequence[Mapping[str, int]]) -> list[list[str]]:
    labels = list(dict.fromkeys(label for each in counts for label in each))
    if len(labels) <= SHOWN:
        return [[f"{task}: {k}", *(str(each.get(k, 0)) for each in counts)] for k in labels]
    ranges = (f"{min(n)} to {max(n)}" if (n := list(each.values())) else "–" for each in counts)
    return [[f"{task}: {len(labels)} labels, each", *ranges]]


def _tried(health: Health) -> list[str]:
    if not health.n_parameters:
        return []
    learnt = f"{health.first_loss:.3f} to {health.last_loss:.3f}"
    return [
        "",
        f"window      {health.window:g} s: {health.shape[0]} frames of {health.shape[1]} bands",
        f"network     {health.n_parameters:,} parameters",
        f"one batch   loss from {learnt} when learnt by heart",
        f"time        {_duration(health.epoch_seconds)} an epoch, {_duration(health.seconds)} for "
        f"{health.epochs} epochs (estimated here and now)",
    ]


def _told(health: Health) -> list[str]:
    errors = [f"error: {error}" for error in health.errors]
    warnings = [f"warning: {warning}" for warning in health.warnings]
    return ["", *errors, *warnings, *([] if errors or warnings else ["nothing to object to"])]


def _duration(seconds: float) -> str:
    """Seconds in words.

    >>> _duration(0.5), _duration(75.0), _duration(7_500.0)
    ('0.5 s', '1 min 15 s', '2 h 05 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{seconds:.1f} s"


# --- leaks ----------------------------------------------------------------------------------------


PAIRS = (("train", "validation"), ("train", "test"), ("validation", "test"))


def _shared_clips(given: Mapping[str, Sequence[Dataset]]) -> list[str]:
    """Clips on two sides."""
    marks = {
        name: {(str(c.path.resolve()), c.start, c.end): c.id for part in side for c in part}
        for name, side in given.items()
    }
    return [
        f"{len(both)} clips are in {first} and in {second}: {_first(both)}; the figures would say "
        "how well they are remembered"
        for first, second in PAIRS
        if (both := [marks[first][mark] for mark in sorted(marks[first].keys() & marks[second])])
    ]


def _shared_groups(given: Mapping[str, Sequence[Dataset]]) -> list[str]:
    """Recordings, speakers and other groups of one data set on two sides."""
    names = {
        name: {f"{part.name}: {group}" for part in side for _, group in group_names(part.clips)}
        for name, side in given.items()
    }
    return [
        f"{len(both)} recordings or groups are in {first} and in {second} ({_first(both)}); the "
        "figures speak of others like these, not of new ones"
        for first, second in PAIRS
        if (both := sorted(names[first] & names[second]))
    ]


def _shared_bytes(sides: Mapping[str, Combined]) -> list[str]:
    """Files of the same bytes on two sides under different names."""
    digests = file_digests({clip.path for side in sides.values() for clip in side})
    places: dict[str, dict[str, str]] = {}
    for name, side in sides.items():
        for clip in side:
            if isinstance(file := digests[clip.path], str):
                places.setdefault(file, {})[name] = f"{clip.path.parent.name}/{clip.path.name}"
    copies = [each for each in places.values() if len(set(each.values())) > 1]
    if not copies:
        return []
    told = "; ".join(" = ".join(f"{p} ({n})" for n, p in each.items()) for each in copies[:NAMED])
    return [f"{len(copies)} files have the same bytes on two sides: {told}"]


# --- doubts ---------------------------------------------------------------------------------------


def _scarce(parts: Sequence[PartHealth]) -> list[str]:
    """Labels that a part lacks, or nearly."""
    found = []
    for part in parts:
        for task, counts in part.labels.items():
            absent = [label for label, n in counts.items() if n == 0]
            few = [f"{label} ({n})" for label, n in counts.items() if 0 < n < FEW]
            if absent:
                found.append(f"{task}: no clip in {part.name} of {_first(absent)}")
            if few and part.name == "train":
                found.append(f"{task}: fewer than {FEW} clips in {part.name} of {_first(few)}")
        if part.skipped:
            name, why = part.skipped[0]
            found.append(
                f"{len(part.skipped)} of {part.n_clips} clips in {part.name} are not used, such as "
                f"{Path(name).name}: {why}"
            )
    return found


def _features(examples: Examples) -> tuple[list[str], list[str]]:
    """What is wrong with the features of some windows, and what is doubtful."""
    places = np.linspace(0, len(examples) - 1, min(LOOKED_AT, len(examples))).round().astype(int)
    windows = np.stack([examples.fixed(int(row)) for row in places])
    bad = np.flatnonzero(~np.isfinite(windows).all(axis=(1, 2)))
    if len(bad):
        clip = examples.combined.clips[int(examples.rows[places[bad[0]], 0])]
        return [f"features of {len(bad)} windows are not finite, such as those of {clip.id}"], []
    constant = np.flatnonzero(np.ptp(windows, axis=(0, 1)) == 0.0).tolist()
    if not constant:
        return [], []
    shown = ", ".join(map(str, constant[:NAMED]))
    return [], [
        f"{len(constant)} of {examples.n_bands} bands are constant ({shown}); do the recordings "
        "hold nothing there? A lower fmax or sample_rate leaves them out"
    ]


def _not_learnt(trial: Trial | None) -> list[str]:
    if trial is None or trial.learns:
        return []
    if not math.isfinite(trial.first_loss):
        return [f"the first loss is {trial.first_loss}; are there features far out of range?"]
    return [
        f"one batch was not learnt by heart: its loss went from {trial.first_loss:.3f} to "
        f"{trial.last_loss:.3f} in {STEPS} steps; is the network too small, or are labels mixed up?"
    ]


def _first(names: Sequence[str]) -> str:
    rest = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {rest} more" if rest > 0 else "")
