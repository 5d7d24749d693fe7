"""A report as sections of a page."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ossicle.errors import MissingExtraError
from ossicle.evaluation.html import Cell, Picture, Section, Table
from ossicle.evaluation.plots import plot_confusion, plot_roc, png_bytes
from ossicle.evaluation.report import Judged, Report
from ossicle.evaluation.visible import shorten

__all__ = ["made_by", "pictures", "report_sections"]

READING = """
The answer to a clip is the label with the highest score of the network that ships. Only "accuracy
as said" takes what a user is told, with "unknown" and "quiet" as errors. A clip that is quiet
throughout has no scores: it counts as the background label, or as an error where there is none.

TPR is the share of the clips of a label that are answered with it, FPR the share of all other clips
that are. Macro one-vs-rest is the mean over all labels that occur. A label never answered has no
precision and is left out of that mean; its F1 is 0.

Intervals over clips (Wilson) take clips as independent, and are too narrow where the clips of one
group (a recording, a speaker) resemble each other. Intervals over groups (bootstrap) draw whole
groups. Both cover the truth 95 times in 100, for recordings made like these.
"""

NO_COMMAND = "No command: this page was made from Python, or by a step of a workflow."


def report_sections(report: Report) -> list[Section]:
    """Figures, plots, labels, mistakes, data and origin, in this order."""
    return [
        _figures(report),
        _plots(report),
        _labels(report),
        _mistakes(report),
        _reading(),
        about_data(report),
        *([skipped_files(report)] if report.skipped else []),
        made_by(report.command, report.provenance),
    ]


def made_by(command: str | None, provenance: Mapping[str, Any]) -> Section:
    """The command that made a page and where the classifier came from."""
    rows = list(_flat(provenance))
    table = Table(("classifier", ""), rows or [("origin", "not stated")])
    text = "" if command else NO_COMMAND
    return Section("How this was made", text, code=command or "", tables=[table])


def pictures(
    draw: Sequence[tuple[Callable[[], Any], str, str]],
) -> tuple[list[Picture], str]:
    """Plots as pictures, or the sentence that says what would draw them.

    Parameters
    ----------
    draw : sequence of (callable that gives a figure, description, caption)

    Returns
    -------
    pictures : list of Picture
        Empty if matplotlib is missing.
    sentence : str
        Empty unless it is.
    """
    try:
        return [Picture(png_bytes(make()), alt, caption) for make, alt, caption in draw], ""
    except MissingExtraError as error:
        return [], f"No plots: {error}"


def _figures(report: Report) -> Section:
    tiles = [(name[:1].upper() + name[1:], value, note) for name, value, note in report.figures()]
    sizes = f"Measured on {report.n_clips} clips in {report.n_groups} groups."
    return Section("Figures", f"{sizes} {warnings_of(report)}".strip(), tiles=tiles)


def warnings_of(report: Judged) -> str:
    """What takes from the worth of the figures, as sentences; mostly nothing."""
    return " ".join(filter(None, (_synthetic(report), _trained_on(report))))


def _trained_on(report: Judged) -> str:
    n = report.data.n_trained_on
    if n == 0:
        return ""
    return (
        f"Warning: {n} of these clips took part in training the classifier. The figures say how "
        "well it remembers them, not how it does on other recordings."
    )


def _synthetic(report: Judged) -> str:
    n = report.data.n_synthetic
    if n == 0:
        return ""
    if n == report.n_clips:
        return (
            "All of them are synthetic, made by a program: the figures say how the classifier does "
            "on such sounds, not yet on recordings."
        )
    return f"Of these clips {n} are synthetic, made by a program, and count like recorded ones."


def _reading() -> Section:
    return Section("How to read the figures", READING, folded=True)


def _plots(report: Report) -> Section:
    positive = report.labels.index(report.positive) if report.positive else None
    answers = report.answers

    def confusion() -> Any:
        return plot_confusion(report.confusion, report.labels, answers=report.columns)

    def roc() -> Any:
        return plot_roc(answers.targets, answers.scores, labels=report.labels, positive=positive)

    drawn, sentence = pictures(
        [
            (confusion, "Confusion matrix; its numbers are in the table of labels", ""),
            (roc, "ROC curve", ""),
        ]
    )
    return Section("Plots", sentence, pictures=drawn)


def _labels(report: Report) -> Section:
    columns = (
        "label",
        "clips",
        "answered",
        "precision",
        "recall",
        "95\u00a0% of recall",
        "F1",
        "AUC",
    )
    rows = [
        (r.label, r.n_clips, r.n_answers, r.precision, r.recall, _range(*r.interval), r.f1, r.auc)
        for r in report.per_class
    ]
    caption = "Each label against all others; the interval is Wilson's."
    return Section("Labels", tables=[Table(columns, rows, caption)])


def _range(low: float, high: float) -> Cell:
    return None if np.isnan(low) else f"{low:.3f}\u00a0to\u00a0{high:.3f}"


def _mistakes(report: Report) -> Section:
    n_wrong = int((report.answers.answers != report.answers.targets).sum())
    if not n_wrong:
        return Section("Mistakes", "None: every highest score was the true label's.")
    shown = len(report.mistakes)
    text = f"{n_wrong} of {report.n_clips} answers are wrong" + (
        f"; the worst {shown}:" if shown < n_wrong else ":"
    )
    columns = ("file", "truth", "answer", "score", "ahead of the truth by", "said")
    rows = [(m.file, m.truth, m.answer, m.score, m.margin, m.said) for m in report.mistakes]
    return Section("Mistakes", text, tables=[Table(columns, rows)])


def about_data(report: Judged) -> Section:
    """The data set, its licences, and how much of it was judged."""
    card = report.data
    rows: list[tuple[Cell, Cell]] = [
        ("name", card.name or "not stated"),
        ("fingerprint", card.fingerprint or "not known"),
        ("task", f"{report.task} ({report.kind})"),
        ("labels", ", ".join(report.labels)),
        ("clips judged", str(report.n_clips)),
        ("groups", str(report.n_groups)),
        ("skipped", str(len(report.skipped))),
        ("synthetic clips", str(card.n_synthetic)),
        ("clips judged that took part in training", str(card.n_trained_on)),
    ]
    rows += [(f"licence: {name}", f"{n} clips") for name, n in card.licences.items()]
    return Section("Data", tables=[Table(("data set", ""), rows)])


def skipped_files(report: Judged) -> Section:
    """Every file that was left out and why."""
    table = Table(("file", "reason"), report.skipped)
    return Section(f"Skipped ({len(report.skipped)})", tables=[table], folded=True)


def _flat(values: Mapping[str, Any], before: str = "") -> list[tuple[Cell, Cell]]:
    """Nested mappings as rows of dotted names and values."""
    rows: list[tuple[Cell, Cell]] = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            rows += _flat(value, f"{before}{key}.")
        elif isinstance(value, list | tuple):
            rows.append((f"{before}{key}", ", ".join(map(str, value))))
        else:
            rows.append((f"{before}{key}", shorten("none" if value is None else value, 300)))
    return rows
