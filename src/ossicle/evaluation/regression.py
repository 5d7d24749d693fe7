"""The report on a regression: values against true values, for a terminal, a file or a program."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ossicle.evaluation import value_metrics
from ossicle.evaluation.answers import Progress, first_answered, hear, named_as_asked, task_of
from ossicle.evaluation.html import Section, Table, write_html
from ossicle.evaluation.intervals import Interval, grouped_bootstrap
from ossicle.evaluation.judging import MISTAKES, data_card, evaluate, place_of
from ossicle.evaluation.label_sets import MultilabelReport, evaluate_label_sets
from ossicle.evaluation.plots import plot_values
from ossicle.evaluation.report import Card, Judged, Report
from ossicle.evaluation.sections import about_data, made_by, pictures, skipped_files, warnings_of
from ossicle.types import QUIET, Clip, Prediction, Task

if TYPE_CHECKING:
    from ossicle.classifier import Classifier
    from ossicle.datasets import Dataset

__all__ = [
    "Miss",
    "RegressionReport",
    "Values",
    "ask_values",
    "evaluate_task",
    "evaluate_values",
    "judge_values",
]

FIGURES: Mapping[str, Callable[[ArrayLike, ArrayLike], float]] = {
    "mae": value_metrics.mean_absolute_error,
    "rmse": value_metrics.root_mean_square_error,
    "r2": value_metrics.r_squared,
    "bias": value_metrics.bias,
    "median_absolute_error": value_metrics.median_absolute_error,
}

SAID = {
    "mae": ("MAE", "mean absolute error"),
    "rmse": ("RMSE", "root mean square error, in which large errors weigh more"),
    "r2": ("R²", "1 is exact, 0 no better than always the mean"),
    "bias": ("bias", "mean error; above zero: answers too high"),
    "median_absolute_error": ("median error", "half of the answers are nearer to the truth"),
}

READING = """
The answer to a clip is the mean of the values of its windows. A clip that is quiet throughout has
no value and is left out, as named below. An error is the answer less the truth, in the unit of the
labels. Intervals (bootstrap) draw whole groups of clips, such as those of one recording, and cover
the truth 95 times in 100 for recordings made like these.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """The answers to the clips that could be judged.

    Parameters
    ----------
    task : Task
    clips : tuple of Clip
    groups : int array, shape (n_clips,)
    truths, values : float array, shape (n_clips,)
    skipped : tuple of (file, reason)
    """

    task: Task
    clips: tuple[Clip, ...]
    groups: NDArray[np.int64]
    truths: NDArray[np.float64]
    values: NDArray[np.float64]
    skipped: tuple[tuple[str, str], ...]

    def __len__(self) -> int:
        return len(self.clips)


@dataclass(frozen=True, slots=True)
class Miss:
    """A clip and how far the answer is from its truth."""

    file: str
    truth: float
    answer: float
    error: float


@dataclass(frozen=True, slots=True)
class RegressionReport(Judged):
    """Figures of a task whose answer is a number.

    A figure that could not be measured is ``nan`` in Python, ``null`` in JSON and "not measured"
    in words.

    Parameters
    ----------
    task, kind, labels
        Of the task; ``labels`` is the name of the value.
    n_clips, n_groups : int
        What was judged.
    mae, rmse, r2, bias, median_absolute_error : float
        As in `value_metrics`.
    intervals : mapping of figure to Interval
        With whole groups drawn (see ``intervals``).
    worst : tuple of Miss
        The largest errors, largest first.
    skipped : tuple of (file, reason)
    data : Card
    provenance : mapping
        Of the classifier.
    command : str, optional
        What made this report.
    answers : Values
        Everything the figures were computed from; not part of the JSON.
    """

    task: str
    kind: str
    labels: tuple[str, ...]
    n_clips: int
    n_groups: int
    mae: float
    rmse: float
    r2: float
    bias: float
    median_absolute_error: float
    intervals: Mapping[str, Interval]
    worst: tuple[Miss, ...]
    skipped: tuple[tuple[str, str], ...]
    data: Card
    provenance: Mapping[str, Any]
    command: str | None
    answers: Values = field(repr=False, compare=False)

    def figures(self) -> list[tuple[str, str, str]]:
        """Each figure as (name, value, what bounds or explains it)."""
        return [
            (SAID[name][0], four(getattr(self, name)), f"{self._range(name)}; {SAID[name][1]}")
            for name in FIGURES
        ]

    def _range(self, name: str) -> str:
        interval = self.intervals[name]
        if not interval.known:
            return "no spread between groups to measure"
        return f"95\u00a0%: {four(interval.low)} to {four(interval.high)} over groups"


def evaluate_values(
    classifier: "Classifier",
    dataset: "Dataset",
    *,
    out: str | Path | None = None,
    task: str | None = None,
    command: str | None = None,
    progress: Progress | None = None,
) -> RegressionReport:
    """Figures of a classifier whose answer is a number, on a data set it was not made from.

    Parameters
    ----------
    classifier : Classifier
    dataset : Dataset
        Clips whose label is a number; what cannot be judged is skipped and listed.
    out : str or Path, optional
        An HTML file to write, with a plot where matplotlib is installed.
    task : str, optional
        The classifier's first by default.
    command : str, optional
        What the user typed, kept in the report.
    progress : callable, optional
        Called with the number of clips done and the number of all.

    Returns
    -------
    RegressionReport

    Raises
    ------
    EvaluationError
        If the task is no regression, or no clip can be judged.
    """
    values = ask_values(classifier, dataset, task=task, progress=progress)
    report = judge_values(
        values,
        data=data_card(dataset, values.clips, classifier.provenance),
        provenance=classifier.provenance,
        command=command,
    )
    if out is not None:
        write_html(out, f"Evaluation on {report.data.name or 'a data set'}", sections_of(report))
    return report


def evaluate_task(
    classifier: "Classifier", dataset: "Dataset", *, task: str | None = None, **options: Any
) -> Report | RegressionReport | MultilabelReport:
    """The report that suits the kind of the task; options as for `evaluate`."""
    dataset = named_as_asked(dataset, classifier.tasks)
    task = task or first_answered(dataset, classifier.tasks)
    kind = next((each.kind for each in classifier.tasks if task in (None, each.name)), "")
    return EVALUATIONS.get(kind, evaluate)(classifier, dataset, task=task, **options)


def ask_values(
    classifier: "Classifier",
    dataset: "Dataset",
    *,
    task: str | None = None,
    progress: Progress | None = None,
) -> Values:
    """Put every clip of a data set to a classifier whose answer is a number.

    Raises
    ------
    EvaluationError
        If the task is not known or no regression, or no clip can be judged.
    """
    asked = task_of(classifier.tasks, task, kinds=("regression",))

    def fault(clip: Clip) -> str:
        return _no_number(clip.labels[asked.name])

    def silence(prediction: Prediction) -> str:
        quiet = prediction.labels[asked.name] == QUIET
        return "quiet throughout: the classifier gives no value" if quiet else ""

    heard = hear(classifier, dataset, asked, fault=fault, refuse=silence, progress=progress)
    return Values(
        task=asked,
        clips=heard.clips,
        groups=heard.groups,
        truths=np.array([float(clip.labels[asked.name]) for clip in heard.clips]),
        values=np.array([float(each.pooled[asked.name][0]) for each in heard.predictions]),
        skipped=heard.skipped,
    )


def judge_values(
    values: Values,
    *,
    data: Card,
    provenance: Mapping[str, Any] | None = None,
    command: str | None = None,
    seed: int = 0,
) -> RegressionReport:
    """The report on values that are already there.

    Parameters
    ----------
    values : Values
    data : Card
    provenance : mapping, optional
        Of the classifier.
    command : str, optional
    seed : int
        Of the bootstrap.
    """
    truths, given = values.truths, values.values

    def interval(name: str) -> Interval:
        figure = FIGURES[name]
        return grouped_bootstrap(lambda at: figure(truths[at], given[at]), values.groups, seed=seed)

    return RegressionReport(
        task=values.task.name,
        kind=values.task.kind,
        labels=values.task.labels,
        n_clips=len(values),
        n_groups=len(np.unique(values.groups)),
        **{name: figure(truths, given) for name, figure in FIGURES.items()},
        intervals={name: interval(name) for name in FIGURES},
        worst=_worst(values),
        skipped=values.skipped,
        data=data,
        provenance=dict(provenance or {}),
        command=command,
        answers=values,
    )


def four(value: float) -> str:
    """A figure to four digits, or "not measured".

    >>> four(12.3456), four(float("nan"))
    ('12.35', 'not measured')
    """
    return f"{value:.4g}" if np.isfinite(value) else "not measured"


def sections_of(report: RegressionReport) -> list[Section]:
    """Figures, plot, largest errors, data and origin, in this order."""
    return [
        _figures(report),
        _plot(report),
        _largest(report),
        Section("How to read the figures", READING, folded=True),
        about_data(report),
        *([skipped_files(report)] if report.skipped else []),
        made_by(report.command, report.provenance),
    ]


def _no_number(label: str) -> str:
    try:
        known = np.isfinite(float(label))
    except ValueError:
        known = False
    return "" if known else f"label {label!r:.80} is not a finite number"


def _worst(values: Values) -> tuple[Miss, ...]:
    errors = values.values - values.truths
    order = np.argsort(-np.abs(errors), kind="stable")[:MISTAKES]
    return tuple(
        Miss(
            file=place_of(values.clips[i]),
            truth=float(values.truths[i]),
            answer=float(values.values[i]),
            error=float(errors[i]),
        )
        for i in order
    )


def _figures(report: RegressionReport) -> Section:
    sizes = f"Measured on {report.n_clips} clips in {report.n_groups} groups."
    return Section("Figures", f"{sizes} {warnings_of(report)}".strip(), tiles=report.figures())


def _plot(report: RegressionReport) -> Section:
    values = report.answers

    def draw() -> Any:
        return plot_values(values.truths, values.values, name=report.labels[0])

    drawn, sentence = pictures(
        [(draw, "Answers over true values; the largest errors are in the table", "")]
    )
    return Section("Plot", sentence, pictures=drawn)


def _largest(report: RegressionReport) -> Section:
    rows = [(m.file, four(m.truth), four(m.answer), four(m.error)) for m in report.worst]
    table = Table(("file", "truth", "answer", "error"), rows)
    shown = f"The {len(rows)} largest of {report.n_clips}." if len(rows) < report.n_clips else ""
    return Section("Errors", shown, tables=[table])


EVALUATIONS: Mapping[str, Callable[..., Report | RegressionReport | MultilabelReport]] = {
    "multilabel": evaluate_label_sets,
    "regression": evaluate_values,
}
"""What judges a kind of task; `evaluate` judges all others."""
