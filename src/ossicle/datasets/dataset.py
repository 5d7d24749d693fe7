"""The data set: an immutable table of clips, and the views that cost nothing."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ossicle.datasets.checks import CheckReport, check_clips
from ossicle.datasets.columns import COLUMNS, OF_RECORDING
from ossicle.datasets.fingerprints import clips_digest
from ossicle.datasets.labelled import LabelledClips
from ossicle.datasets.licences import is_allowed, licensed
from ossicle.datasets.limits import draw, label_limits, without_labels
from ossicle.datasets.splits import fifths, grouped_folds, grouped_split, leave_k_out
from ossicle.datasets.strong import window_clips
from ossicle.datasets.table import write_table
from ossicle.datasets.tasks import (
    heard_labels,
    joined_task,
    labels_of,
    make_task,
    renamed_labels,
    task_named,
)
from ossicle.errors import DatasetError, nearest
from ossicle.types import Clip

__all__ = ["SPLITS", "Dataset"]

SPLITS = ("train", "validation", "test")
N_FOLDS = 5

LONGEST_NAME = 60
"""Characters of a group's name that a file's name may take: at most 240 of 255 bytes."""


@dataclass(frozen=True, repr=False)
class Dataset(LabelledClips):
    """An immutable table of clips; its views share them.

    Parameters
    ----------
    clips : tuple of Clip
    tasks : tuple of Task
        Questions the clips answer; none for recordings without labels.
    skipped : tuple of (str, str)
        Files that were found and not used, and why.
    name : str

    >>> from ossicle.types import Recording
    >>> clips = tuple(Clip(Recording(Path(f"{i}.wav")), labels={"label": "ab"[i % 2]},
    ...               group=f"source {i // 2}") for i in range(6))
    >>> dataset = Dataset(clips, (make_task("label", "ab"),), name="six")
    >>> dataset
    <Dataset 'six': 6 clips in 3 groups, label: a, b>
    >>> train, test = dataset.split((0.7, 0.3))
    >>> len(train), len(test), test.labels().tolist()
    (4, 2, ['a', 'b'])
    """

    @overload
    def __getitem__(self, index: int) -> Clip: ...
    @overload
    def __getitem__(self, index: slice) -> "Dataset": ...
    def __getitem__(self, index: int | slice) -> "Clip | Dataset":
        if isinstance(index, slice):
            return self._with(self.clips[index])
        return self.clips[index]

    def __add__(self, other: "Dataset") -> "Dataset":
        """All clips of both; tasks of one name become one, with the labels of both."""
        names = dict.fromkeys(task.name for task in (*self.tasks, *other.tasks))
        return Dataset(
            self.clips + other.clips,
            tuple(joined_task(name, self.tasks + other.tasks) for name in names),
            tuple(dict.fromkeys(self.skipped + other.skipped)),
            self.name if self.name == other.name else f"{self.name} + {other.name}",
        )

    def __repr__(self) -> str:
        tasks = "".join(f", {task.name}: {_few(task.labels)}" for task in self.tasks)
        groups = len(set(self.groups.tolist()))
        return f"<Dataset {self.name!r}: {len(self)} clips in {groups} groups{tasks}>"

    # --- views ------------------------------------------------------------------------------------

    def subset(self, indices: ArrayLike) -> "Dataset":
        """The clips at some positions (or where a mask is true), in that order; same tasks."""
        chosen = np.asarray(indices)
        if chosen.dtype == np.bool_:
            chosen = np.flatnonzero(chosen)
        return self._with(tuple(self.clips[i] for i in chosen.tolist()))

    def where(self, **columns: Any) -> "Dataset":
        """The clips whose columns have a value, or one of several.

        A column is a task, a field of the clip or its recording, or metadata. Labels that no longer
        occur leave the tasks, unless only fold, split or group were asked for: the parts of one
        data set keep the same labels.

        Raises
        ------
        DatasetError
            If no clip has such a column.
        """
        kept = self.clips
        for name, wanted in columns.items():
            self._check_column(name)
            several = isinstance(wanted, Iterable) and not isinstance(wanted, str)
            values = set(map(str, wanted)) if several else {str(wanted)}
            kept = tuple(clip for clip in kept if _cell(clip, name) in values)
        parts = {name for role in ("fold", "split", "group") for name in COLUMNS[role]}
        return self._with(kept, same_tasks=columns.keys() <= parts)

    def labelled(self, task: str | None = None) -> "Dataset":
        """The clips that have a label."""
        return self.subset(self.labels(task) != "")

    def licensed(self, allow: Collection[str]) -> "Dataset":
        """The clips whose licence is one of some, however it is written.

        Parameters
        ----------
        allow : collection of str
            As ``("CC0", "CC BY")``, which is CC BY of every version and nothing stricter;
            ``"not stated"`` allows recordings that tell none.

        >>> from ossicle.types import Recording
        >>> clips = tuple(Clip(Recording(Path(f"{i}.wav"), licence=name))
        ...               for i, name in enumerate(("CC-BY-3.0", "CC BY-NC", "cc0")))
        >>> [clip.id for clip in Dataset(clips).licensed(("CC0", "CC BY"))]
        ['0.wav', '2.wav']
        """
        kept = (clip for clip in self.clips if is_allowed(clip.recording.licence, allow))
        return self._with(tuple(kept), same_tasks=False)

    def with_licence(self, licence: str, *, author: str = "") -> "Dataset":
        """With a licence, and an author, for every recording that tells none."""
        return replace(self, clips=tuple(licensed(clip, licence, author) for clip in self.clips))

    def windows(
        self,
        length: float,
        hop: float | None = None,
        *,
        min_overlap: float = 0.5,
        background: str | None = "background",
        task: str | None = None,
    ) -> "Dataset":
        """Windows of fixed length over whole recordings, labelled by the events in them.

        Where a window has several labels, the one that covers most of it counts; where events only
        just reach into it, it is left out. All windows of a recording are in its group.

        Parameters
        ----------
        length, hop : float
            Seconds of a window, and from one to the next (``length`` by default). A recording
            that is shorter is one window.
        min_overlap : float
            Share of the window or of the event, whichever is shorter, that they need to have in
            common; see `ossicle.datasets.window_labels`.
        background : str or None
            Label of windows without any event; None: these are left out.
        task : str, optional

        Raises
        ------
        DatasetError
            If a length is not above 0, or one recording is in two groups, folds or splits.

        >>> import tempfile
        >>> from ossicle.audio import write_audio
        >>> from ossicle.types import Recording
        >>> path = Path(tempfile.mkdtemp()) / "1.wav"
        >>> write_audio(path, np.zeros(24_000), 8_000)
        >>> clip = Clip(Recording(path), 1.0, 2.0, {"label": "bell"})
        >>> Dataset((clip,), (make_task("label", ["bell"]),)).windows(1.0).labels().tolist()
        ['background', 'bell', 'background']
        """
        asked = self.task(task)
        clips = window_clips(
            self.clips,
            asked,
            length=length,
            hop=length if hop is None else hop,
            min_overlap=min_overlap,
            background=background,
        )
        labels = {clip.labels[asked.name] for clip in clips}
        quiet = {*asked.background, *filter(None, [background])}
        made = make_task(asked.name, labels, background=quiet)
        return Dataset(clips, (made,) if labels else (), self.skipped, self.name)

    def drop_label(self, *labels: str, task: str | None = None) -> "Dataset":
        """Without the clips of some labels, and without the labels."""
        asked = self.task(task)
        for label in labels:
            if label not in asked.labels:
                raise DatasetError(f"no label {label!r}; {nearest(label, asked.labels)}")
        texts = self.labels(task).tolist()
        kept = tuple(
            clip
            for clip, text in zip(self.clips, texts, strict=True)
            if not set(labels).intersection(labels_of(text, asked))
        )
        return self._with(kept, same_tasks=False)

    def at_most(
        self, n: int | Mapping[str, int], *, seed: int = 0, task: str | None = None
    ) -> "Dataset":
        """At most ``n`` clips of each label, or of some: ``{label: n}``; drawn, in their order.

        A label with ``{label: 0}`` leaves the task, with the clips that have no other. A clip with
        several labels stays while none of them has ``n`` clips, so a label may end below ``n``.

        Raises
        ------
        DatasetError
            If there is no such label, or ``n`` is no whole number from 0.
        """
        asked = self.task(task)
        limits = label_limits(n, asked)
        gone = {label for label in limits if not limits[label]} if isinstance(n, Mapping) else set()
        clips = without_labels(self.clips, asked, gone)
        kept = draw([clip.labels.get(asked.name, "") for clip in clips], asked, limits, seed=seed)
        return self._with(tuple(clips[i] for i in kept.tolist()), same_tasks=not gone)

    def rename_task(self, old: str, new: str) -> "Dataset":
        """With another name for a task, so that two data sets ask the same question, or not.

        Raises
        ------
        DatasetError
            If there is no task ``old``, or another is called ``new``.
        """
        asked = self.task(old)
        if not new or new in {task.name for task in self.tasks if task is not asked}:
            raise DatasetError(f"{self.name}: {new!r} cannot name a task; a name not in use can")
        tasks = tuple(task_named(task, new) if task is asked else task for task in self.tasks)
        return replace(self, clips=renamed_labels(self.clips, {old: new}), tasks=tasks)

    def _with(self, clips: tuple[Clip, ...], *, same_tasks: bool = True) -> "Dataset":
        tasks = (
            self.tasks if same_tasks else tuple(heard_labels(task, clips) for task in self.tasks)
        )
        return Dataset(clips, tuple(t for t in tasks if t.labels), self.skipped, self.name)

    def _check_column(self, name: str) -> None:
        fields = {"path", "start", "end", "group", "fold", "split", *OF_RECORDING}
        known = fields.union(*(clip.metadata for clip in self.clips), [t.name for t in self.tasks])
        if name not in known:
            raise DatasetError(f"{self.name} has no column {name!r}; {nearest(name, known)}")

    # --- parts ------------------------------------------------------------------------------------

    def split(
        self,
        fractions: Sequence[float] = (0.7, 0.15, 0.15),
        *,
        seed: int = 0,
        task: str | None = None,
    ) -> tuple["Dataset", ...]:
        """Parts with no group cut and a task's labels spread alike; see `grouped_split`."""
        parts = grouped_split(self.groups, self._strata(task), fractions, seed=seed)
        return tuple(self.subset(part) for part in parts)

    def folds(
        self, n: int | None = None, *, seed: int = 0
    ) -> Iterator[tuple[int, "Dataset", "Dataset"]]:
        """Fold number, training and test part of each cross-validation fold.

        The official folds, as they are, if there are any and ``n`` is None or their number. Else
        ``n`` folds (5 by default) with no group cut and the labels spread alike.

        Raises
        ------
        DatasetError
            If only some clips have an official fold, or there are fewer groups than folds.
        """
        for number, train, test in self.fold_indices(n, seed=seed):
            yield number, self.subset(train), self.subset(test)

    def fold_indices(
        self, n: int | None = None, *, seed: int = 0
    ) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int64]]]:
        """Fold number, and positions of its training and test clips; as `folds`."""
        official = sorted({clip.fold for clip in self.clips if clip.fold is not None})
        if official and n in (None, len(official)):
            of_clip = np.array(self.official("fold"))
            for number in official:
                yield number, np.flatnonzero(of_clip != number), np.flatnonzero(of_clip == number)
        else:
            made = grouped_folds(self.groups, self._strata(), n or N_FOLDS, seed=seed)
            for number, (train, test) in enumerate(made, start=1):
                yield number, train, test

    def official_split(self) -> tuple["Dataset", "Dataset", "Dataset"]:
        """The official training, validation and test parts, as they are; some may be empty.

        Raises
        ------
        DatasetError
            If a clip is in none of them.
        """
        of_clip = np.array(self.official("split"))
        train, validation, test = (self.subset(of_clip == name) for name in SPLITS)
        return train, validation, test

    def leave_k_out(
        self, k: int | float = 0.1, *, seed: int = 0, exhaustive: bool = False
    ) -> Iterator[tuple["Dataset", "Dataset"]]:
        """Training and test part of each fold that leaves ``k`` groups out; see `leave_k_out`."""
        for train, test in leave_k_out(self.groups, k, seed=seed, exhaustive=exhaustive):
            yield self.subset(train), self.subset(test)

    def leave_one_group_out(self) -> Iterator[tuple[str, "Dataset", "Dataset"]]:
        """Name, training and test part of each group left out, in the order of the clips.

        Names are safe as names of files.
        """
        groups = self.groups
        if len(groups) and groups.max() < 1:
            raise DatasetError(f"{self.name} has one group; leaving it out leaves nothing to train")
        first = np.unique(groups, return_index=True)[1]
        called = [self.clips[i].group or self.clips[i].id for i in first]
        names = [re.sub(r"[^\w.-]+", "_", name)[:LONGEST_NAME] for name in called]
        for number, name in enumerate(names):
            unique = name if names.count(name) == 1 else f"{name}-{number}"
            yield unique, self.subset(groups != number), self.subset(groups == number)

    def _strata(self, task: str | None = None) -> ArrayLike:
        if not self.tasks:
            return np.zeros(len(self), np.int64)
        if self.task(task).kind == "regression":
            return fifths(self.values(task))
        if self.task(task).kind == "multilabel":
            return self.indicators(task)
        return self.labels(task)

    def official(self, column: str) -> list[str | int]:
        """The official ``"fold"`` or ``"split"`` of each clip.

        Raises
        ------
        DatasetError
            If a clip has none.
        """
        values = [getattr(clip, column) for clip in self.clips]
        without = [
            clip.id for clip, value in zip(self.clips, values, strict=True) if value in (None, "")
        ]
        if without:
            raise DatasetError(
                f"{self.name}: {len(without)} of {len(self)} clips have no {column}, such as "
                f"{without[0]}; every clip needs one"
            )
        return values

    # --- the whole --------------------------------------------------------------------------------

    def to_csv(self, path: str | Path) -> None:
        """Write the table; reading it gives the clips and the labels that occur back.

        Paths below the CSV's folder are relative to it, others absolute. With tasks other than
        ``label``, read it with ``tasks=``.
        """
        write_table(Path(path), self.clips, self.tasks)

    def check(self) -> CheckReport:
        """Open every file and look for what spoils figures: see `CheckReport`."""
        return check_clips(self.clips, self.tasks, skipped=self.skipped, name=self.name)

    def fingerprint(self) -> str:
        """Digest of the table and the bytes of its files, wherever these lie.

        A file that cannot be read counts as such; `check` names it.
        """
        return clips_digest(self.clips, self.tasks)


def _cell(clip: Clip, name: str) -> str:
    if name in clip.labels:
        return clip.labels[name]
    if name in OF_RECORDING:
        return str(getattr(clip.recording, name))
    if name in clip.metadata:
        return clip.metadata[name]
    value = getattr(clip, name, None) if name in COLUMNS else None
    return "" if value is None else str(value)


def _few(labels: Sequence[str]) -> str:
    return ", ".join(labels) if len(labels) <= 4 else f"{len(labels)} labels"
