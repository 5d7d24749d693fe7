"""Predictions as text: for people, programs, spreadsheets, Audacity and Raven."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from ossicle.types import Prediction

__all__ = ["ENDINGS", "FORMATS", "clock"]


def clock(seconds: float) -> str:
    """Time within a recording.

    >>> clock(83.25)
    '1:23.2'
    """
    minutes, rest = divmod(round(seconds, 1), 60.0)
    return f"{int(minutes)}:{rest:04.1f}"


def as_table(predictions: Sequence[Prediction]) -> str:
    """One paragraph a recording."""
    from ossicle.classifier import describe_prediction

    named = (replace(found, recording=_shown(found.recording)) for found in predictions)
    return "\n".join(describe_prediction(prediction) for prediction in named)


def as_json(predictions: Sequence[Prediction]) -> str:
    """A list with one object a recording."""
    from ossicle.steps.hearing import prediction_record

    return json.dumps([prediction_record(prediction) for prediction in predictions], indent=2)


def as_csv(predictions: Sequence[Prediction]) -> str:
    """One line an event, with the recording's name."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["recording", "start", "end", "label", "score", "task"])
    for prediction in predictions:
        for event in prediction.events:
            limits = f"{event.start:.3f}", f"{event.end:.3f}"
            words = (prediction.recording, event.label, event.task)
            name, label, task = map(_no_formula, words)
            writer.writerow([name, *limits, label, f"{event.score:.4f}", task])
    return text.getvalue().rstrip("\n")


def _no_formula(text: str) -> str:
    """Keep a spreadsheet from running a name as a formula."""
    shown = _shown(text)
    return f"'{shown}" if shown.startswith(("=", "+", "-", "@")) else shown


def _shown(text: str) -> str:
    """On one line, with nothing that a terminal obeys or a file cannot hold."""
    from ossicle.evaluation.visible import visible

    return visible(text)


def as_audacity(predictions: Sequence[Prediction]) -> str:
    """Audacity's label track: start, end and label, separated by tabs, without a header."""
    return "\n".join(
        f"{event.start:.6f}\t{event.end:.6f}\t{_shown(event.label)}"
        for prediction in predictions
        for event in prediction.events
    )


RAVEN_COLUMNS = (
    "Selection",
    "View",
    "Channel",
    "Begin Time (s)",
    "End Time (s)",
    "Low Freq (Hz)",
    "High Freq (Hz)",
    "Begin File",
    "Annotation",
    "Score",
)


def as_raven(predictions: Sequence[Prediction]) -> str:
    """Raven's selection table: boxes in time and frequency, so each event has all frequencies."""
    lines = ["\t".join(RAVEN_COLUMNS)]
    for prediction in predictions:
        for event in prediction.events:
            limits = f"{event.start:.6f}\t{event.end:.6f}\t0\t{prediction.sample_rate / 2:g}"
            names = f"{_shown(prediction.recording)}\t{_shown(event.label)}"
            lines.append(f"{len(lines)}\tSpectrogram 1\t1\t{limits}\t{names}\t{event.score:.4f}")
    return "\n".join(lines)


FORMATS: dict[str, Callable[[Sequence[Prediction]], str]] = {
    "table": as_table,
    "json": as_json,
    "csv": as_csv,
    "audacity": as_audacity,
    "raven": as_raven,
}

ENDINGS = {"table": ".txt", "json": ".json", "csv": ".csv", "audacity": ".txt", "raven": ".txt"}
"""What a file of each form ends in, after the recording's whole name."""
