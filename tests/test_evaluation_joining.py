"""Reports pooled: the figures of all clips, as if one report had been made of them."""

import numpy as np
import pytest
from evaluation_fakes import ALARM, PETS, FakeClassifier, FakeDataset, alarms, clip

from ossicle.errors import EvaluationError
from ossicle.evaluation import evaluate, pooled
from ossicle.types import Task

FIGURES = ("accuracy", "accuracy_wilson", "tpr", "fpr", "auc", "f1", "n_unknown", "n_quiet")


def parts() -> tuple[FakeDataset, FakeDataset, FakeDataset]:
    """A data set, and the same in two parts that share no group."""
    first, second = alarms(4).clips, [clip("alarm", 0.3, 0.7), clip("other", 0.0, 0.0)]
    return FakeDataset([*first, *second]), FakeDataset(first), FakeDataset(second)


def test_pooled_parts_have_the_figures_of_the_whole():
    whole, *pieces = (evaluate(FakeClassifier(ALARM), part) for part in parts())
    joined = pooled(pieces)
    for name in FIGURES:
        assert getattr(joined, name) == getattr(whole, name), name
    assert joined.confusion == whole.confusion
    assert joined.n_groups == whole.n_groups
    assert joined.accuracy_grouped.known
    assert joined.per_class == whole.per_class
    assert joined.data.licences == whole.data.licences
    assert joined.positive == "alarm"


def test_a_single_report_pooled_is_itself():
    report = evaluate(FakeClassifier(ALARM), alarms())
    assert pooled([report]) == report


def test_groups_of_two_parts_are_never_one():
    """Each part numbers its groups from zero; equal numbers are different recordings."""
    dogs = [FakeDataset([clip("dog", 0.9, 0.1, 0.0, group=name)] * 2) for name in "ab"]
    joined = pooled([evaluate(FakeClassifier(PETS), part) for part in dogs])
    assert np.unique(joined.answers.groups).tolist() == [0, 1]


def test_a_label_that_one_classifier_never_saw_has_no_score_there():
    cats = Task("label", "binary", ("cat", "dog"))
    hens = Task("label", "binary", ("dog", "hen"))
    reports = [
        evaluate(FakeClassifier(cats), FakeDataset([clip("cat", 0.9, 0.1)])),
        evaluate(FakeClassifier(hens), FakeDataset([clip("hen", 0.2, 0.8), clip("dog", 0.1, 0.9)])),
    ]
    joined = pooled(reports)
    assert (joined.labels, joined.kind, joined.positive) == (
        ("cat", "dog", "hen"),
        "multiclass",
        None,
    )
    assert joined.confusion == ((1, 0, 0), (0, 0, 1), (0, 0, 1))
    assert joined.answers.scores[0].tolist() == pytest.approx([0.9, 0.1, 0.0])


def test_skipped_files_of_the_whole_are_named_once():
    skipped = (("notes.txt", "not audio"),)
    pieces = [FakeDataset([clip("dog", 0.9, 0.1, 0.0)], skipped=skipped) for _ in range(2)]
    joined = pooled([evaluate(FakeClassifier(PETS), piece) for piece in pieces])
    assert joined.skipped == skipped


def test_reports_on_different_tasks_or_none_are_refused():
    other = Task("species", "multiclass", PETS.labels)
    dataset = FakeDataset([clip("dog", 0.9, 0.1, 0.0)])
    report = evaluate(FakeClassifier(PETS), dataset)
    with pytest.raises(EvaluationError, match="at least one"):
        pooled([])
    from dataclasses import replace

    strange = replace(report, answers=replace(report.answers, task=other))
    with pytest.raises(EvaluationError, match=r"\['label', 'species'\]"):
        pooled([report, strange])
