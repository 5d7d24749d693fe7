"""What a classifier says of itself: the model card (Markdown or text), and a prediction as text.

Reference: Mitchell et al. (2019), Model Cards for Model Reporting.
"""

import html
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ossicle.classifier.trained import Trained
from ossicle.types import Event, Prediction, Task

__all__ = ["card_text", "describe_prediction", "model_card", "rows_as_html"]

Row = Sequence[str]
RULE = "|---|---|"
LONGEST = 300
"""Characters of a value."""
WIDEST = 34
LINE = 96
"""Columns of the names, and of a whole line, in text."""
LIMITS = """It knows the labels above and the sounds it was trained on; other rooms, microphones and
levels may give other figures. It is an aid: no substitute for a certified alarm device."""


def model_card(trained: Trained) -> str:
    """The model card in Markdown; names and values are escaped, so it cannot carry markup."""
    parts = ["# Sound classifier", _summary(trained)]
    for title, head, rows in _sections(trained):
        lines = [_markdown_row(row) for row in (head, *rows)]
        parts += [f"## {title}", "\n".join([lines[0], RULE, *lines[1:]])]
    return "\n\n".join([*parts, "## Limits", LIMITS]) + "\n"


def card_text(trained: Trained) -> str:
    """The model card as a terminal shows it: the same sections, names and values aligned."""
    parts = ["Sound classifier", _summary(trained)]
    for title, _, rows in _sections(trained):
        width = min(WIDEST, max(len(name) for name, _ in rows))
        parts.append("\n".join([title, *(_text_row(row, width) for row in rows)]))
    return "\n\n".join([*parts, f"Limits\n{textwrap.indent(LIMITS, '  ')}"])


def describe_prediction(prediction: Prediction) -> str:
    """A prediction as a few lines of text: the answers, then the events.

    >>> import numpy as np
    >>> task = Task("label", "binary", ("alarm", "other"), background=("other",))
    >>> score = {"label": np.float32([0.9, 0.1])}
    >>> event = Event("alarm", 1.0, 2.5, 0.93)
    >>> print(describe_prediction(Prediction("kitchen.wav", 16_000, (task,), (), {},
    ...     np.zeros(0, bool), score, {"label": "alarm"}, (event,))))
    kitchen.wav: alarm (alarm 0.90, other 0.10)
         1.00 s to      2.50 s  0.93  alarm
    """
    return "\n".join(
        [_answer_line(prediction, task) for task in prediction.tasks]
        + [_event_line(event, prediction.tasks) for event in prediction.events]
    )


def rows_as_html(title: str, rows: Iterable[Row]) -> str:
    """A small table for a notebook, everything escaped.

    >>> rows_as_html("<b>", [("task", "label")])
    '<table><caption>&lt;b&gt;</caption><tr><td>task</td><td>label</td></tr></table>'
    """
    cells = (
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><caption>{html.escape(title)}</caption>{''.join(cells)}</table>"


def _sections(trained: Trained) -> list[tuple[str, Row, list[Row]]]:
    """Title, names of the two columns and rows of what there is to say."""
    sections: list[tuple[str, Row, list[Row]]] = [
        ("Answers", ("task", "labels"), [_task_row(task) for task in trained.tasks]),
        ("Listens", ("setting", "value"), _listening(trained)),
        ("Decides", ("setting", "value"), _deciding(trained)),
        ("Figures", ("figure", "value"), _flat(trained.metrics, absent="not measured")),
        ("Origin", ("what", "value"), _flat(trained.provenance)),
    ]
    return [section for section in sections if section[2]]


def _text_row(row: Row, width: int) -> str:
    """A name and its value, on as many lines as it takes, under each other."""
    name, value = row
    lines = textwrap.wrap(
        _short(value), LINE - width, break_long_words=False, break_on_hyphens=False
    )
    return f"  {name:<{width}}  " + f"\n{'':{width + 4}}".join(lines)


def _short(text: str) -> str:
    """On one line, at most 300 characters."""
    return " ".join((text if len(text) <= LONGEST else f"{text[:LONGEST]} …").split())


def _summary(trained: Trained) -> str:
    labels = sum(len(task.labels) for task in trained.tasks)
    window = "whole recordings" if trained.window is None else f"windows of {trained.window:g} s"
    size = len(trained.network) / 1024
    return f"{labels} labels, {window}, a network of {size:.0f} KiB."


def _task_row(task: Task) -> Row:
    silent = f"; never an event: {', '.join(task.background)}" if task.background else ""
    return task.name, f"{', '.join(task.labels)} ({task.kind}{silent})"


def _listening(trained: Trained) -> list[Row]:
    rows = list(_flat({"front end": trained.front_end.describe()}))
    rows.append(("integration", trained.integration or "none: the network takes the matrix"))
    if trained.window is not None:
        rows.append(("window", f"{trained.window:g} s every {trained.window_hop:g} s"))
    return rows


def _deciding(trained: Trained) -> list[Row]:
    decision = trained.decision
    labels = {
        label for task in trained.tasks for label in task.labels if label not in task.background
    }
    thresholds = ", ".join(f"{name} {decision.threshold_of(name):g}" for name in sorted(labels))
    rows = [
        ("activation", ", ".join(f"{k}: {v}" for k, v in sorted(trained.activation.items()))),
        ("temperature", ", ".join(f"{k}: {v:g}" for k, v in sorted(trained.temperature.items()))),
        ("pooling", f"{decision.pooling}, {decision.pool_windows} windows for events"),
        ("threshold", thresholds),
        ("an event goes on down to", f"{decision.off_ratio:g} of its threshold"),
        ("unknown below", f"{decision.unknown:g}"),
        ("quiet below", f"{decision.quiet:g} dBFS"),
        ("shortest event", f"{decision.min_duration:g} s"),
        ("merged up to", f"{decision.merge_gap:g} s apart"),
    ]
    return [row for row in rows if row[1]]


def _flat(values: Mapping[str, Any], prefix: str = "", *, absent: str = "None") -> list[Row]:
    """Nested JSON as rows of dotted name and value."""
    rows: list[Row] = []
    for key, value in sorted(values.items()):
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            rows += _flat(value, f"{name}.", absent=absent)
        else:
            said = absent if value is None else str(value)
            rows.append((name, f"{value:.4g}" if isinstance(value, float) else said))
    return rows


def _markdown_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(map(_escaped, cells)) + " |"


def _escaped(text: str) -> str:
    """Text that a Markdown reader shows as it is, on one line, at most 300 characters."""
    plain = html.escape(_short(text))
    return "".join(f"\\{mark}" if mark in "\\`*_[]|#" else mark for mark in plain)


def _answer_line(prediction: Prediction, task: Task) -> str:
    best = ", ".join(f"{label} {score:.2f}" for label, score in prediction.top(3, task.name))
    asked = f" {task.name} =" if len(prediction.tasks) > 1 else ""
    return f"{prediction.recording}:{asked} {prediction.labels[task.name]} ({best})"


def _event_line(event: Event, tasks: Sequence[Task]) -> str:
    asked = f" ({event.task})" if len(tasks) > 1 else ""
    return f"{event.start:9.2f} s to {event.end:9.2f} s  {event.score:.2f}  {event.label}{asked}"
