"""What a classifier answered to the clips of a data set, one row per clip."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ossicle.audio import read_audio
from ossicle.errors import AudioError, EvaluationError, FeatureError, ModelError
from ossicle.types import QUIET, Clip, Prediction, Task

if TYPE_CHECKING:
    from ossicle.classifier import Classifier
    from ossicle.datasets import Dataset

__all__ = [
    "Answers",
    "Heard",
    "Progress",
    "ask",
    "first_answered",
    "hear",
    "named_as_asked",
    "task_of",
]

HINTS = {"regression": "; evaluate_values judges a regression"}

Progress = Callable[[int, int], None]
"""Called with the number of clips done and the number of all."""


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The answers to the clips that could be judged.

    Parameters
    ----------
    task : Task
    clips : tuple of Clip
    groups : int array, shape (n_clips,)
    targets : int array, shape (n_clips,)
        Index of the true label.
    scores : float array, shape (n_clips, n_labels)
        Pooled over the windows of the clip.
    said : tuple of str
        What the classifier tells a user: a label, "unknown" or "quiet".
    skipped : tuple of (file, reason)
    """

    task: Task
    clips: tuple[Clip, ...]
    groups: NDArray[np.int64]
    targets: NDArray[np.int64]
    scores: NDArray[np.float64]
    said: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]

    def __len__(self) -> int:
        return len(self.clips)

    @property
    def columns(self) -> tuple[str, ...]:
        """Possible answers: the labels, and "quiet" where that was one."""
        return (
            (*self.task.labels, QUIET)
            if (self.silent & (self._fallback < 0)).any()
            else (self.task.labels)
        )

    @property
    def silent(self) -> NDArray[np.bool_]:
        """Clips that were quiet throughout, for which there is no score at all."""
        said = np.array([answer == QUIET for answer in self.said], dtype=bool)
        return said & ~self.scores.any(axis=1)

    @property
    def answers(self) -> NDArray[np.int64]:
        """Index of the label with the highest score.

        A clip without scores answers the task's background label, and where the task has none an
        index beyond the labels, which is never right.
        """
        best = self.scores.argmax(axis=1).astype(np.int64)
        silence = self._fallback if self._fallback >= 0 else len(self.task.labels)
        return np.where(self.silent, silence, best)

    @property
    def right_as_said(self) -> NDArray[np.bool_]:
        """Clips for which the user is told the true label; "unknown" and "quiet" are not."""
        truths = [self.task.labels[target] for target in self.targets]
        return np.array([a == b for a, b in zip(self.said, truths, strict=True)], dtype=bool)

    @property
    def _fallback(self) -> int:
        return self.task.index(self.task.background[0]) if self.task.background else -1


def ask(
    classifier: "Classifier",
    dataset: "Dataset",
    *,
    task: str | None = None,
    progress: Progress | None = None,
) -> Answers:
    """Put every clip of a data set to a classifier.

    A clip that cannot be read or answered, one without a label and a label the classifier does
    not know are skipped and listed with the reason, as are the files that the data set itself
    left out.

    Parameters
    ----------
    classifier : Classifier
    dataset : Dataset
    task : str, optional
        Name of the task; the classifier's first by default.
    progress : callable, optional

    Raises
    ------
    EvaluationError
        If the task is not known, is neither binary nor multi-class, or no clip can be judged.
    """
    asked = task_of(classifier.tasks, task, kinds=("binary", "multiclass"))

    def fault(clip: Clip) -> str:
        label = clip.labels[asked.name]
        known = label in asked.labels
        return "" if known else f"label {label!r:.80} is not one the classifier knows"

    heard = hear(classifier, dataset, asked, fault=fault, progress=progress)
    answered = heard.predictions
    return Answers(
        task=asked,
        clips=heard.clips,
        groups=heard.groups,
        targets=np.array([asked.index(clip.labels[asked.name]) for clip in heard.clips]),
        scores=np.array([answer.pooled[asked.name] for answer in answered], dtype=np.float64),
        said=tuple(answer.labels[asked.name] for answer in answered),
        skipped=heard.skipped,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """The clips of a data set that were answered, their groups and predictions; and the rest."""

    clips: tuple[Clip, ...]
    groups: NDArray[np.int64]
    predictions: tuple[Prediction, ...]
    skipped: tuple[tuple[str, str], ...]


def hear(
    classifier: "Classifier",
    dataset: "Dataset",
    task: Task,
    *,
    fault: Callable[[Clip], str],
    refuse: Callable[[Prediction], str] = lambda _: "",
    progress: Progress | None = None,
) -> Heard:
    """Let a classifier hear each clip that can be judged.

    Parameters
    ----------
    classifier : Classifier
    dataset : Dataset
    task : Task
    fault : callable
        What is wrong with the label of a clip; empty if nothing is.
    refuse : callable
        Why a prediction cannot be judged; empty if it can.
    progress : callable, optional

    Raises
    ------
    EvaluationError
        If no clip can be judged.
    """
    skipped = [(str(path), reason) for path, reason in dataset.skipped]
    kept, predictions = [], []
    for index, clip in enumerate(dataset):
        outcome = _outcome(classifier, clip, task, fault=fault, refuse=refuse)
        if isinstance(outcome, str):
            skipped.append((clip.id, outcome))
        else:
            kept.append(index)
            predictions.append(outcome)
        if progress is not None:
            progress(index + 1, len(dataset))
    if not kept:
        raise EvaluationError(_nothing(dataset, task, skipped[len(dataset.skipped) :]))
    clips = tuple(dataset[index] for index in kept)
    groups = np.asarray(dataset.groups)[kept].astype(np.int64)
    return Heard(clips, groups, tuple(predictions), tuple(skipped))


def named_as_asked(dataset: "Dataset", tasks: tuple[Task, ...], *, name: str = "") -> "Dataset":
    """The data set with its tasks called as a classifier calls them.

    A classifier of several data sets may call a task ``farm.label``, where the data set, which it
    may know by another ``name``, has a ``label``. What fits nothing keeps its name.

    >>> from ossicle.datasets import Dataset, make_task
    >>> farm = Dataset((), (make_task("label", ["cow", "hen"]),), name="farm")
    >>> named_as_asked(farm, (Task("farm.label", "binary", ("cow", "hen")),)).tasks[0].name
    'farm.label'
    """
    known = {task.name for task in tasks}
    for own in dataset.tasks:
        called = f"{name or dataset.name}.{own.name}"
        fitting = [called] if called in known else [t.name for t in tasks if _is_same(own, t)]
        free = set(fitting) - {task.name for task in dataset.tasks}
        if own.name not in known and free:
            new = next(each for each in fitting if each in free)
            dataset = dataset.rename_task(own.name, new)
    return dataset


def _is_same(own: Task, asked: Task) -> bool:
    """Whether a task of a data set is one that a classifier calls after another data set."""
    named = asked.name.endswith(f".{own.name}") and asked.kind == own.kind
    return named and set(own.labels) <= set(asked.labels)


def first_answered(dataset: "Dataset", tasks: tuple[Task, ...]) -> str | None:
    """The first of a classifier's tasks that the data set has, if there is one."""
    own = {task.name for task in dataset.tasks}
    return next((task.name for task in tasks if task.name in own), None)


def task_of(tasks: tuple[Task, ...], name: str | None, *, kinds: tuple[str, ...]) -> Task:
    """The task of this name, the first by default.

    Raises
    ------
    EvaluationError
        If there is none, or it is of another kind.
    """
    found = next((task for task in tasks if name in (None, task.name)), None)
    if found is None:
        known = ", ".join(task.name for task in tasks)
        raise EvaluationError(f"the classifier has no task {name!r}; allowed: {known}")
    if found.kind not in kinds:
        raise EvaluationError(
            f"task {found.name!r} is {found.kind}; these figures are of {' and '.join(kinds)}"
            f"{HINTS.get(found.kind, '')}"
        )
    return found


def _outcome(
    classifier: "Classifier",
    clip: Clip,
    task: Task,
    *,
    fault: Callable[[Clip], str],
    refuse: Callable[[Prediction], str],
) -> Prediction | str:
    """The prediction, or why there is none."""
    if task.name not in clip.labels:
        return f"no label for the task {task.name!r}"
    if why := fault(clip):
        return why
    prediction = _predict(classifier, clip, task)
    return prediction if isinstance(prediction, str) else refuse(prediction) or prediction


def _predict(classifier: "Classifier", clip: Clip, task: Task) -> Prediction | str:
    try:
        if clip.start == 0.0 and clip.end is None:
            prediction = classifier(clip.path)
        else:
            prediction = classifier(*read_audio(clip.path, start=clip.start, end=clip.end))
    except (AudioError, FeatureError, ModelError) as error:
        return str(error)
    finite = np.isfinite(prediction.pooled[task.name]).all()
    return prediction if finite else "the classifier's scores are not finite"


def _nothing(dataset: "Dataset", task: Task, skipped: list[tuple[str, str]]) -> str:
    if not skipped:
        return f"data set {dataset.name!r} has no clips; was the split or filter empty?"
    name, reason = skipped[0]
    return (
        f"none of the {len(skipped)} clips of {dataset.name!r} can be judged for the task "
        f"{task.name!r} with the labels {', '.join(task.labels)}; the first, {name}: {reason}"
    )
