"""Clips and what they say: labels, numbers, groups, as arrays."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ossicle.datasets.groups import group_numbers
from ossicle.datasets.licences import attribution
from ossicle.datasets.strong import clip_event
from ossicle.datasets.tasks import labels_of, number
from ossicle.errors import DatasetError, nearest
from ossicle.types import Clip, Event, Recording, Task

__all__ = ["LabelledClips"]


@dataclass(frozen=True, repr=False)
class LabelledClips:
    """A table of clips and the questions they answer; see `Dataset`."""

    clips: tuple[Clip, ...]
    tasks: tuple[Task, ...] = ()
    skipped: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    name: str = field(default="", compare=False)

    def __len__(self) -> int:
        return len(self.clips)

    def __iter__(self) -> Iterator[Clip]:
        return iter(self.clips)

    def task(self, name: str | None = None) -> Task:
        """The task of this name; the first by default.

        Raises
        ------
        DatasetError
            If there is none.
        """
        names = [task.name for task in self.tasks]
        if not names and not len(self):
            raise DatasetError(
                f"{self.name} holds no clips; what was chosen before, such as a licence or a "
                "column, left none"
            )
        if not names:
            raise DatasetError(
                f"{self.name}: the {len(self)} recordings have no labels; put them in one folder "
                "per label, or name the column of the labels with tasks="
            )
        if name is not None and name not in names:
            raise DatasetError(f"{self.name} has no task {name!r}; {nearest(name, names)}")
        return self.tasks[0 if name is None else names.index(name)]

    def labels(self, task: str | None = None) -> NDArray[np.str_]:
        """Label of each clip, shape ``(n_clips,)``; empty where it has none."""
        name = self.task(task).name
        return np.array([clip.labels.get(name, "") for clip in self.clips], dtype=np.str_)

    def targets(self, task: str | None = None) -> NDArray[np.int64]:
        """Position of each clip's label in ``task.labels``, shape ``(n_clips,)``.

        Raises
        ------
        DatasetError
            If a clip has no label, or the task has no one label for each.
        """
        asked = self.task(task)
        if asked.kind in ("regression", "multilabel"):
            other = "values()" if asked.kind == "regression" else "indicators()"
            raise DatasetError(f"the task {asked.name!r} is a {asked.kind} task; use {other}")
        place = {label: index for index, label in enumerate(asked.labels)}
        found = [place.get(clip.labels.get(asked.name, ""), -1) for clip in self.clips]
        self._check_labelled(asked, [index < 0 for index in found])
        return np.array(found, dtype=np.int64)

    def values(self, task: str | None = None) -> NDArray[np.float64]:
        """Each clip's number in a regression, shape ``(n_clips,)``.

        Raises
        ------
        DatasetError
            If a clip has none.

        >>> from ossicle.datasets.tasks import make_task
        >>> clips = (Clip(Recording(Path("1.wav")), labels={"bpm": "92.5"}),)
        >>> LabelledClips(clips, (make_task("bpm", ["92.5"], "regression"),)).values()
        array([92.5])
        """
        asked = self.task(task)
        labels = self.labels(task).tolist()
        self._check_labelled(asked, [not label for label in labels])
        return np.array([number(label, f"task {asked.name!r}") for label in labels])

    def indicators(self, task: str | None = None) -> NDArray[np.bool_]:
        """Which labels each clip has, shape ``(n_clips, n_labels)``; several in a multilabel task.

        >>> from ossicle.datasets.tasks import make_task
        >>> clips = (Clip(Recording(Path("1.wav")), labels={"label": "dog|rain"}),)
        >>> tasks = (make_task("label", ["dog|rain", "sea"], "multilabel"),)
        >>> LabelledClips(clips, tasks).indicators().tolist()
        [[True, True, False]]
        """
        asked = self.task(task)
        found = [labels_of(text, asked) for text in self.labels(task)]
        rows = [[label in labels for label in asked.labels] for labels in found]
        return np.array(rows, dtype=np.bool_).reshape(len(self), len(asked.labels))

    def _check_labelled(self, task: Task, missing: Sequence[bool]) -> None:
        if any(missing):
            first = self.clips[missing.index(True)]
            raise DatasetError(
                f"{self.name}: {sum(missing)} of {len(self)} clips have no label for the task "
                f"{task.name!r}, such as {first.id}; keep those that have one with labelled()"
            )

    @property
    def groups(self) -> NDArray[np.int64]:
        """A number for each clip's group, shape ``(n_clips,)``.

        A blank group is a group of its own; clips cut from one recording share it.
        """
        return group_numbers(self.clips)

    @property
    def has_folds(self) -> bool:
        """Whether the data set came with folds."""
        return any(clip.fold is not None for clip in self.clips)

    @property
    def has_split(self) -> bool:
        """Whether the data set came with a training and a test part."""
        return any(clip.split for clip in self.clips)

    # --- recordings ------------------------------------------------------------------------------

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """The recordings that the clips are cut from, each once, in their order."""
        return tuple({clip.path: clip.recording for clip in reversed(self.clips)}.values())[::-1]

    def events(self, recording: str | Path, *, task: str | None = None) -> tuple[Event, ...]:
        """The labelled excerpts of one recording as events, in the order of their times.

        Parameters
        ----------
        recording : str or Path
            Its path, or its name where no other has the same.
        task : str, optional

        Raises
        ------
        DatasetError
            If there is no such recording, or several.

        >>> from ossicle.datasets.tasks import make_task
        >>> clip = Clip(Recording(Path("1.wav")), 0.5, 2.0, {"label": "bell"})
        >>> LabelledClips((clip,), (make_task("label", ["bell"]),)).events("1.wav")
        (Event(label='bell', start=0.5, end=2.0, score=1.0, task='label'),)
        """
        asked, path = self.task(task), self._path_of(recording)
        found = (
            clip_event(clip, asked)
            for clip in self.clips
            if clip.path == path and asked.name in clip.labels
        )
        return tuple(sorted(found, key=lambda event: (event.start, event.end)))

    def _path_of(self, recording: str | Path) -> Path:
        paths = [each.path for each in self.recordings]
        found = [path for path in paths if path == Path(recording)]
        found = found or [path for path in paths if path.name == str(recording)]
        if len(found) != 1:
            near = nearest(str(recording), [path.name for path in paths])
            reason = f"{len(found)} recordings; give the path" if found else f"no recording; {near}"
            raise DatasetError(f"{self.name}: {str(recording)!r} names {reason}")
        return found[0]

    def attribution(self) -> str:
        """One line a recording: its name, author, source and licence."""
        return attribution(self.recordings)
