"""Several data sets as one set of clips that answer several questions; nothing is copied.

A clip answers the questions that its data set asks and that it has a label for; a mask says which.
Where it has no answer, its row of the targets is zero, and only the mask tells that from a no.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ossicle.datasets.dataset import Dataset
from ossicle.datasets.groups import linked_groups, recording_numbers
from ossicle.datasets.members import Member, check_labels, member
from ossicle.datasets.parts import LEFT_OUT, TEST, TRAIN, VALIDATION, deal, held_out, sides
from ossicle.datasets.questions import answers, questions
from ossicle.datasets.tasks import renamed_labels
from ossicle.errors import DatasetError, nearest
from ossicle.types import Clip, Task
from ossicle.workflow.files import digest

__all__ = ["Combined", "Part", "combine"]


@dataclass(frozen=True, eq=False, repr=False)
class Combined:
    """Clips of several data sets and the questions they answer; see `combine`.

    Parameters
    ----------
    datasets : tuple of Dataset
        As they were given; `of` gives the clips that are left of one, with the tasks as named here.
    names : tuple of str
        Of the data sets; the second of one name and those without any are numbered.
    tasks : tuple of Task
        The questions, each once, in the order in which they come first.
    asked : tuple of mapping, one a data set
        From the data set's own name of a task to the name in ``tasks``.
    clips : tuple of Clip
    source : int array, shape (n_clips,)
        Place in ``datasets`` of the data set that the clip is of.
    groups : int array, shape (n_clips,)
        What must never be split. Two data sets share a group only where they hold the same
        recording, which is one file, however its folder is written.
    recordings : int array, shape (n_clips,)
        A number for the file that each clip is cut from.
    """

    datasets: tuple[Dataset, ...]
    names: tuple[str, ...]
    tasks: tuple[Task, ...]
    asked: tuple[Mapping[str, str], ...]
    clips: tuple[Clip, ...]
    source: NDArray[np.int64]
    groups: NDArray[np.int64]
    recordings: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.clips)

    def __iter__(self) -> Iterator[Clip]:
        return iter(self.clips)

    def __repr__(self) -> str:
        names = ", ".join(map(repr, self.names))
        tasks = "".join(f", {task.name}: {_few(task)}" for task in self.tasks)
        groups = len(np.unique(self.groups))
        return f"<Combined {names}: {len(self)} clips in {groups} groups{tasks}>"

    # --- answers ----------------------------------------------------------------------------------

    def task(self, name: str | None = None) -> Task:
        """The task of this name; the first by default.

        Raises
        ------
        DatasetError
            If there is none.
        """
        names = [task.name for task in self.tasks]
        if name is not None and name not in names:
            raise DatasetError(f"no task {name!r}; {nearest(name, names)}")
        return self.tasks[0 if name is None else names.index(name)]

    @cached_property
    def mask(self) -> NDArray[np.bool_]:
        """Whether each clip answers each task, shape ``(n_clips, n_tasks)``."""
        return np.stack([answers(self._texts(task), task)[0] for task in self.tasks], axis=1)

    def targets(self, task: str | None = None) -> NDArray[np.float32]:
        """What a network should say of each clip, shape ``(n_clips, n_columns)``; see `mask`.

        A column a label, 1 where the clip has it: one of them, or several in a multilabel task.
        A regression has one column, the number itself.
        """
        asked = self.task(task)
        return answers(self._texts(asked), asked)[1]

    def _texts(self, task: Task) -> list[str]:
        """What each clip says of a task; empty where it says nothing."""
        called = [{new: own for own, new in asked.items()}.get(task.name) for asked in self.asked]
        return [
            "" if (own := called[source]) is None else clip.labels.get(own, "")
            for clip, source in zip(self.clips, self.source.tolist(), strict=True)
        ]

    # --- views ------------------------------------------------------------------------------------

    def subset(self, indices: ArrayLike) -> "Combined":
        """The clips at some positions (or where a mask is true), in that order; same tasks."""
        chosen = np.asarray(indices)
        chosen = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen.astype(np.int64)
        clips = tuple(self.clips[row] for row in chosen.tolist())
        source, groups = self.source[chosen], self.groups[chosen]
        recordings = self.recordings[chosen]
        return replace(self, clips=clips, source=source, groups=groups, recordings=recordings)

    def of(self, index: int) -> Dataset:
        """The clips of one data set, with the tasks named as here.

        So a classifier that has learnt the tasks of the combination can be judged on it.

        >>> from pathlib import Path
        >>> from ossicle.types import Recording
        >>> clip = Clip(Recording(Path("1.wav")), labels={"label": "cow"})
        >>> farm = Dataset((clip,), (Task("label", "binary", ("cow", "hen")),), name="farm")
        >>> town = Dataset((clip,), (Task("label", "binary", ("bus", "cow")),), name="town")
        >>> combine([farm, town]).of(0).tasks[0].name
        'farm.label'
        """
        own, asked = self._own(index), self.asked[index]
        tasks = tuple(self.task(asked[task.name]) for task in own.tasks)
        if all(own == name for own, name in asked.items()):
            return replace(own, tasks=tasks)
        return replace(own, tasks=tasks, clips=renamed_labels(own.clips, asked))

    def _own(self, index: int) -> Dataset:
        """The clips that are left of one data set, with its own names of the tasks."""
        rows = np.flatnonzero(self.source == index).tolist()
        return replace(self.datasets[index], clips=tuple(self.clips[row] for row in rows))

    # --- parts ------------------------------------------------------------------------------------

    def split(
        self, fractions: Sequence[float] = (0.7, 0.15, 0.15), *, seed: int = 0
    ) -> tuple["Combined", ...]:
        """Parts with no group cut, and the labels of each data set spread alike.

        A data set is split as it would be alone, but for recordings that one before it has too.
        """
        part = deal(self._members(), self.groups, fractions, seed=seed)
        return tuple(self.subset(part == number) for number in range(len(fractions)))

    def parts(
        self, n_folds: int | None = None, *, validation: float = 0.15, seed: int = 0
    ) -> Iterator["Part"]:
        """Training, validation and test part of each fold, of all data sets together.

        A data set with official folds keeps them where ``n_folds`` is their number or None; one
        with an official training and test part has these in every fold; others get folds with no
        group cut and the labels spread alike. Where data sets come with different numbers of folds
        and ``n_folds`` is None, the most of them counts and those with fewer start again. A data
        set is dealt as it would be alone, but for recordings that one before it has too.

        Validation is the official part where there is one, and else cut from the training part
        with no group cut and the labels spread alike; what is only heard there goes back to
        training.

        No group is in two of the three, nor a recording that several data sets hold; but what a
        data set's own official parts cut stays cut. Where official parts of two data sets disagree
        about a recording, testing comes first and training last; `Part.left_out` counts the clips
        that had to go.

        Every label is spread by itself, also in multilabel tasks: which labels occur together is
        not looked at.

        Parameters
        ----------
        n_folds : int, optional
            5 by default where a data set came with no folds and no test part.
        validation : float
            Share of the training part; 0: only official validation parts.
        seed : int

        Raises
        ------
        DatasetError
            If a data set has fewer groups than folds, or a label has no clip to train on in one of
            them: before the first part is given.

        >>> from pathlib import Path
        >>> from ossicle.types import Recording
        >>> clips = tuple(Clip(Recording(Path(f"{i}.wav")), labels={"label": "ab"[i % 2]})
        ...               for i in range(12))
        >>> combined = combine(Dataset(clips, (Task("label", "binary", ("a", "b")),)))
        >>> for part in combined.parts(3, validation=0.25):
        ...     print(part.name, len(part.train), len(part.validation), len(part.test))
        fold-1 6 2 4
        fold-2 6 2 4
        fold-3 6 2 4
        """
        members = self._members(n_folds)
        tests = held_out(members, self.groups, n_folds, seed=seed)
        of_clip = self.groups, self.recordings
        dealt = {}
        for number, test in enumerate(tests, start=1):
            side = sides(members, *of_clip, test, validation=validation, seed=seed)
            check_labels(members, self.tasks, side == TRAIN, f"fold {number} of {len(tests)}")
            dealt[f"fold-{number}"] = side
        return (self._part(name, side) for name, side in dealt.items())

    def part(self, *, validation: float = 0.15, seed: int = 0) -> "Part":
        """One training and validation part of all clips that are not officially for a test.

        Official folds count for nothing here; otherwise it is as one of `parts`.

        Parameters
        ----------
        validation : float
            Share of the clips of data sets without an official validation part.
        seed : int

        Raises
        ------
        DatasetError
            If a label has no clip to train on.

        >>> from pathlib import Path
        >>> from ossicle.types import Recording
        >>> clips = tuple(Clip(Recording(Path(f"{i}.wav")), labels={"label": "ab"[i % 2]})
        ...               for i in range(12))
        >>> combined = combine(Dataset(clips, (Task("label", "binary", ("a", "b")),)))
        >>> part = combined.part(validation=0.25)
        >>> len(part.train), len(part.validation), len(part.test)
        (9, 3, 0)
        """
        members = self._members(0)
        test = np.zeros(len(self), np.bool_)
        for each in members:
            test[each.rows] = each.officially("test")
        of_clip = self.groups, self.recordings
        side = sides(members, *of_clip, test, validation=validation, seed=seed)
        check_labels(members, self.tasks, side == TRAIN, "the whole")
        return self._part("whole", side)

    def _part(self, name: str, side: NDArray[np.int64]) -> "Part":
        train, validation, test = (self.subset(side == part) for part in (TRAIN, VALIDATION, TEST))
        return Part(name, train, validation, test, int(np.sum(side == LEFT_OUT)))

    def _members(self, n_folds: int | None = None) -> list[Member]:
        return [
            member(
                name,
                self._own(index),
                np.flatnonzero(self.source == index),
                {own: self.task(new) for own, new in self.asked[index].items()},
                n_folds,
            )
            for index, name in enumerate(self.names)
        ]

    # --- the whole --------------------------------------------------------------------------------

    def fingerprint(self) -> str:
        """Digest of the tables and the bytes of their files, wherever these lie."""
        each = [self.of(index).fingerprint() for index in range(len(self.datasets))]
        return digest(self.source.astype("<i8").tobytes(), *each)


@dataclass(frozen=True, eq=False)
class Part:
    """What one fold trains on, stops by and is judged on.

    Parameters
    ----------
    name : str
        ``"fold-1"``, ``"fold-2"``, ...
    train, validation, test : Combined
    left_out : int
        Clips in none of them: another data set has their recording, or group, in another part.
    """

    name: str
    train: Combined
    validation: Combined
    test: Combined
    left_out: int


def combine(datasets: Dataset | Combined | Sequence[Dataset]) -> Combined:
    """Several data sets as one, whose clips answer one or several questions.

    Tasks of one name, one kind and one set of labels are one task. Tasks of one name that differ
    in these are different questions: each is renamed ``"<data set>.<task>"``. To have one task with
    the labels of both, add the data sets (``a + b``); to make one question of two names, or two of
    one, use `Dataset.rename_task`.

    Parameters
    ----------
    datasets : Dataset or sequence of Dataset
        What is combined already is given back as it is.

    Raises
    ------
    DatasetError
        If there is no data set, one has no labels, or two tasks would have one name.

    >>> from pathlib import Path
    >>> from ossicle.datasets.tasks import make_task
    >>> from ossicle.types import Recording
    >>> def few(name, labels):
    ...     clips = (Clip(Recording(Path(f"{name}/{x}.wav")), labels={"label": x}) for x in labels)
    ...     return Dataset(tuple(clips), (make_task("label", labels),), name=name)
    >>> combined = combine([few("animals", ["cow", "dog", "hen"]), few("digits", ["1", "2"])])
    >>> combined
    <Combined 'animals', 'digits': 5 clips in 5 groups, animals.label: 3 labels, digits.label: 1, 2>
    >>> combined.targets("digits.label").tolist()
    [[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    >>> combined.mask[:, 1].tolist()
    [False, False, False, True, True]
    """
    if isinstance(datasets, Combined):
        return datasets
    several = (datasets,) if isinstance(datasets, Dataset) else tuple(datasets)
    if not several:
        raise DatasetError("no data sets to combine; at least one is needed")
    for dataset in several:
        dataset.task()
    names = _unique([dataset.name for dataset in several])
    tasks, asked = questions([dataset.tasks for dataset in several], names)
    clips = tuple(chain.from_iterable(dataset.clips for dataset in several))
    source = np.repeat(np.arange(len(several)), [len(dataset) for dataset in several])
    recordings = recording_numbers(clips)
    groups = linked_groups([dataset.clips for dataset in several], recordings)
    return Combined(several, names, tasks, asked, clips, source, groups, recordings)


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """The names, numbered from the second of the same on."""
    found: list[str] = []
    for name in (name or "data" for name in names):
        again = (f"{name}-{number}" for number in range(2, len(names) + 2))
        found.append(name if name not in found else next(new for new in again if new not in found))
    return tuple(found)


def _few(task: Task) -> str:
    if task.kind == "regression":
        return "numbers"
    return ", ".join(task.labels) if len(task.labels) <= 2 else f"{len(task.labels)} labels"
