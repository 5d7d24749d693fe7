"""Scores → figures: metrics, intervals, calibration, plots and the report on a classifier."""

from ossicle.evaluation.answers import Answers, ask
from ossicle.evaluation.calibration import fit_temperature, negative_log_likelihood
from ossicle.evaluation.html import Picture, Section, Table, page, write_html
from ossicle.evaluation.intervals import Interval, grouped_bootstrap, wilson
from ossicle.evaluation.judging import evaluate, judge
from ossicle.evaluation.metrics import (
    accuracy,
    auc,
    average_precision,
    averages,
    class_rates,
    class_scores,
    confusion_matrix,
    label_aucs,
    macro_auc,
    rates,
    roc_curve,
)
from ossicle.evaluation.plots import (
    plot_confusion,
    plot_front,
    plot_roc,
    plot_timeline,
    png_bytes,
    save_png,
)
from ossicle.evaluation.report import Card, ClassRow, Mistake, Report
from ossicle.evaluation.sections import made_by, pictures, report_sections

__all__ = [
    "Answers",
    "Card",
    "ClassRow",
    "Interval",
    "Mistake",
    "Picture",
    "Report",
    "Section",
    "Table",
    "accuracy",
    "ask",
    "auc",
    "average_precision",
    "averages",
    "class_rates",
    "class_scores",
    "confusion_matrix",
    "evaluate",
    "fit_temperature",
    "grouped_bootstrap",
    "judge",
    "label_aucs",
    "macro_auc",
    "made_by",
    "negative_log_likelihood",
    "page",
    "pictures",
    "plot_confusion",
    "plot_front",
    "plot_roc",
    "plot_timeline",
    "png_bytes",
    "rates",
    "report_sections",
    "roc_curve",
    "save_png",
    "wilson",
    "write_html",
]
