"""Scores → figures: metrics, intervals, calibration, plots and the report on a classifier."""

from ossicle.evaluation.answers import Answers, ask
from ossicle.evaluation.benchmark import Benchmark, benchmark
from ossicle.evaluation.calibration import fit_temperature, negative_log_likelihood
from ossicle.evaluation.html import Picture, Section, Table, page, write_html
from ossicle.evaluation.intervals import Interval, grouped_bootstrap, wilson
from ossicle.evaluation.joining import pooled
from ossicle.evaluation.judging import evaluate, judge
from ossicle.evaluation.label_sets import MultilabelReport, evaluate_label_sets
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
    plot_mix,
    plot_roc,
    plot_timeline,
    plot_values,
    png_bytes,
    save_png,
)
from ossicle.evaluation.regression import (
    RegressionReport,
    Values,
    ask_values,
    evaluate_values,
    judge_values,
)
from ossicle.evaluation.report import Card, ClassRow, Mistake, Report
from ossicle.evaluation.sections import made_by, pictures, report_sections

__all__ = [
    "Answers",
    "Benchmark",
    "Card",
    "ClassRow",
    "Interval",
    "Mistake",
    "MultilabelReport",
    "Picture",
    "RegressionReport",
    "Report",
    "Section",
    "Table",
    "Values",
    "accuracy",
    "ask",
    "ask_values",
    "auc",
    "average_precision",
    "averages",
    "benchmark",
    "class_rates",
    "class_scores",
    "confusion_matrix",
    "evaluate",
    "evaluate_label_sets",
    "evaluate_values",
    "fit_temperature",
    "grouped_bootstrap",
    "judge",
    "judge_values",
    "label_aucs",
    "macro_auc",
    "made_by",
    "negative_log_likelihood",
    "page",
    "pictures",
    "plot_confusion",
    "plot_front",
    "plot_mix",
    "plot_roc",
    "plot_timeline",
    "plot_values",
    "png_bytes",
    "pooled",
    "rates",
    "report_sections",
    "roc_curve",
    "save_png",
    "wilson",
    "write_html",
]
