"""The figures of a classifier on a data set, for a terminal, a notebook, a file or a program.

Two readings of an answer are kept apart. All figures but one take the label with the highest score;
``accuracy_as_said`` takes what a user is told, so that "unknown" and "quiet" count as errors.
"""

import abc
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from html import escape
from types import MappingProxyType
from typing import Any

from ossicle.evaluation.answers import Answers
from ossicle.evaluation.intervals import Interval
from ossicle.evaluation.visible import shorten, visible

__all__ = ["Card", "ClassRow", "Mistake", "Report"]

SHOWN = 5
"""Skipped files named in the terminal."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Card:
    """Where the clips came from.

    ``licences`` counts the clips under each, ``n_trained_on`` those whose file the classifier was
    trained on.
    """

    name: str
    fingerprint: str
    licences: Mapping[str, int] = field(default_factory=lambda: _NOTHING)
    n_synthetic: int = 0
    n_trained_on: int = 0


class Judged(abc.ABC):
    """What every report is: figures of a task on some data, in words, as JSON and as a table."""

    __slots__ = ()

    task: str
    kind: str
    labels: tuple[str, ...]
    n_clips: int
    n_groups: int
    skipped: tuple[tuple[str, str], ...]
    data: Card

    @abc.abstractmethod
    def figures(self) -> list[tuple[str, str, str]]:
        """Each figure of the whole as (name, value, what bounds or explains it)."""

    def to_dict(self) -> dict[str, Any]:
        """All figures as plain lists, mappings, numbers and text."""
        names = (each.name for each in fields(self))  # type: ignore[arg-type]
        return {name: plain(getattr(self, name)) for name in names if name != "answers"}

    def to_json(self, *, indent: int | None = 2) -> str:
        """Strict JSON (no NaN)."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    def text(self) -> str:
        """For the terminal."""
        lines = [f"{name:<12}  {value:<12}  {note}" for name, value, note in self.figures()]
        parts = (measured_on(self), "\n".join(lines), skipped_lines(self))
        return "\n\n".join(filter(None, parts))

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        """For a notebook."""
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(value)}</td><td>{escape(note)}</td></tr>"
            for name, value, note in self.figures()
        )
        return f"<p>{escape(measured_on(self))}</p><table>{rows}</table>"


@dataclass(frozen=True, slots=True)
class ClassRow:
    """The figures of one label against all others; ``interval`` is Wilson's, of the recall."""

    label: str
    n_clips: int
    n_answers: int
    precision: float
    recall: float
    interval: Interval
    f1: float
    auc: float


@dataclass(frozen=True, slots=True)
class Mistake:
    """A clip whose highest score was another label's; ``margin`` is by how much."""

    file: str
    truth: str
    answer: str
    score: float
    margin: float
    said: str


@dataclass(frozen=True, slots=True)
class Report(Judged):
    """Figures of one task.

    A figure that could not be measured is ``nan`` in Python, ``null`` in JSON and "not measured"
    in words.

    Parameters
    ----------
    task, kind, labels, positive
        Name, kind and labels of the task, and the label that TPR, FPR and AUC speak of; without
        one they are macro one-vs-rest.
    n_clips, n_groups : int
        What was judged.
    accuracy : float
    accuracy_wilson, accuracy_grouped : Interval
        As if clips were independent, and with whole groups drawn (see ``intervals``).
    accuracy_as_said : float
        With "unknown" and "quiet" counted as errors.
    n_unknown, n_quiet : int
        Clips that got no label.
    tpr, fpr, auc : float
    tpr_interval, fpr_interval : Interval
        Wilson's for a positive label, by groups otherwise.
    precision, recall, f1 : float
        Macro averages.
    per_class : tuple of ClassRow
    confusion : tuple of tuple of int
        One row per label, one column per entry of ``columns``.
    columns : tuple of str
        The labels, and "quiet" where clips without any score had no background label to go to.
    mistakes : tuple of Mistake
        Worst first.
    skipped : tuple of (file, reason)
    data : Card
    provenance : mapping
        Of the classifier.
    command : str, optional
        What made this report.
    answers : Answers
        Everything the figures were computed from; not part of the JSON.
    """

    task: str
    kind: str
    labels: tuple[str, ...]
    positive: str | None
    n_clips: int
    n_groups: int
    accuracy: float
    accuracy_wilson: Interval
    accuracy_grouped: Interval
    accuracy_as_said: float
    n_unknown: int
    n_quiet: int
    tpr: float
    tpr_interval: Interval
    fpr: float
    fpr_interval: Interval
    auc: float
    precision: float
    recall: float
    f1: float
    per_class: tuple[ClassRow, ...]
    confusion: tuple[tuple[int, ...], ...]
    columns: tuple[str, ...]
    mistakes: tuple[Mistake, ...]
    skipped: tuple[tuple[str, str], ...]
    data: Card
    provenance: Mapping[str, Any]
    command: str | None
    answers: Answers = field(repr=False, compare=False)

    def figures(self) -> list[tuple[str, str, str]]:
        """Each figure of the whole as (name, value, what bounds or explains it)."""
        return [
            ("accuracy", said(self.accuracy), _accuracy_note(self)),
            ("TPR", said(self.tpr), f"{self._speak_of()}{_interval(self.tpr_interval)}"),
            ("FPR", said(self.fpr), f"{self._speak_of()}{_interval(self.fpr_interval)}"),
            ("AUC", said(self.auc), self._speak_of().removesuffix(", ")),
            (
                "F1",
                said(self.f1),
                f"macro; precision {said(self.precision)}, recall {said(self.recall)}",
            ),
            ("accuracy as said", said(self.accuracy_as_said), _as_said_note(self)),
        ]

    def _speak_of(self) -> str:
        return f"of {visible(self.positive)!r}, " if self.positive else "macro one-vs-rest, "

    def text(self) -> str:
        """For the terminal."""
        return "\n\n".join(filter(None, (_headline(self), _table(self), skipped_lines(self))))


def plain(value: Any) -> Any:
    """The JSON that stands for a value; what is not a number is ``None``."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Interval):
        return [plain(value.low), plain(value.high)]
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return value if isinstance(value, str | int | bool | None) else str(value)


def said(value: float) -> str:
    """A figure to three digits, or "not measured".

    >>> said(0.25), said(float("nan"))
    ('0.250', 'not measured')
    """
    return f"{value:.3f}" if math.isfinite(value) else "not measured"


def _interval(interval: Interval) -> str:
    if not interval.known:
        return "95\u00a0% interval not measured"
    return f"95\u00a0%: {interval.low:.3f} to {interval.high:.3f}"


def _accuracy_note(report: Report) -> str:
    by_clip = f"{_interval(report.accuracy_wilson)} over clips"
    if not report.accuracy_grouped.known:
        return f"{by_clip}; no spread between groups to measure"
    low, high = report.accuracy_grouped
    return f"{by_clip}; {low:.3f} to {high:.3f} over groups"


def _as_said_note(report: Report) -> str:
    return f'{report.n_unknown} "unknown" and {report.n_quiet} "quiet" counted as errors'


def measured_on(report: Judged) -> str:
    """Task and data in a sentence, with what takes from the worth of the figures."""
    clips = f"{report.n_clips} clip{'s' if report.n_clips != 1 else ''}"
    groups = f"{report.n_groups} group{'s' if report.n_groups != 1 else ''}"
    skipped = f", {len(report.skipped)} skipped" if report.skipped else ""
    return (
        f"task {visible(report.task)!r} on {visible(report.data.name) or 'a data set'}: "
        f"{clips} in {groups}{skipped}{_synthetic(report)}{_trained_on(report)}"
    )


def _trained_on(report: Judged) -> str:
    n = report.data.n_trained_on
    words = "all" if n == report.n_clips else str(n)
    return f"\nwarning: {words} of these clips took part in training; this is no test" if n else ""


def _synthetic(report: Judged) -> str:
    n = report.data.n_synthetic
    if not n:
        return ""
    return "; all synthetic" if n == report.n_clips else f"; {n} of them synthetic"


def _headline(report: Report) -> str:
    width = max(len(name) for name, _, _ in report.figures())
    lines = [f"{name:<{width}}  {value:<12}  {note}" for name, value, note in report.figures()]
    return "\n".join([measured_on(report), "", *lines])


def _table(report: Report) -> str:
    width = max(7, *(len(shorten(row.label, 24)) for row in report.per_class))
    head = (
        f"{'label':<{width}}  {'clips':>6}  {'precision':>9}  {'recall':>7}  {'F1':>7}  {'AUC':>7}"
    )
    lines = [
        f"{shorten(row.label, 24):<{width}}  {row.n_clips:>6}  {_cell(row.precision):>9}  "
        f"{_cell(row.recall):>7}  {_cell(row.f1):>7}  {_cell(row.auc):>7}"
        for row in report.per_class
    ]
    missing = any(_cell(v) == "–" for r in report.per_class for v in (r.precision, r.recall, r.auc))
    return "\n".join([head, *lines, *(["–: not measured"] if missing else [])])


def _cell(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "–"


def skipped_lines(report: Judged) -> str:
    """The first files that were skipped, and how many more."""
    lines = [f"skipped {visible(name)}: {visible(why)}" for name, why in report.skipped[:SHOWN]]
    if len(report.skipped) > SHOWN:
        lines.append(f"and {len(report.skipped) - SHOWN} more skipped")
    return "\n".join(lines)
