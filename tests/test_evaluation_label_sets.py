"""Figures of tasks of which any number of labels is right; golden: scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

from ossicle.evaluation.label_sets import AVERAGES, LabelSets, judge_label_sets
from ossicle.evaluation.report import Card
from ossicle.types import Clip, Recording, Task

LABELS = ("dog", "rain", "sea", "wind")


def drawn(seed: int, n_clips: int = 60) -> LabelSets:
    rng = np.random.default_rng(seed)
    truths = rng.random((n_clips, len(LABELS))) < [0.5, 0.3, 0.1, 0.0]
    scores = np.clip(0.4 * truths + rng.random(truths.shape) * 0.7, 0, 1)
    clips = tuple(Clip(Recording(f"{place}.wav")) for place in range(n_clips))
    task = Task("sounds", "multilabel", LABELS)
    groups = np.arange(n_clips) // 2
    return LabelSets(task, clips, groups, truths, scores >= 0.5, scores, ())


@pytest.mark.parametrize("seed", range(3))
def test_figures_are_those_of_scikit_learn_over_the_labels_that_occur(seed):
    sets = drawn(seed)
    report = judge_label_sets(sets, data=Card("drawn", ""))
    occurs = sets.truths.any(axis=0)
    for how in AVERAGES:
        known = slice(None) if how == "micro" else occurs
        wanted = precision_recall_fscore_support(
            sets.truths[:, known], sets.answers[:, known], average=how
        )
        got = (report.precision[how], report.recall[how], report.f1[how])
        assert got == pytest.approx(wanted[:3])
    areas = average_precision_score(sets.truths[:, occurs], sets.scores[:, occurs], average=None)
    assert report.mean_average_precision == pytest.approx(areas.mean())
    assert report.all_right == np.mean((sets.truths == sets.answers).all(axis=1))


def test_a_label_that_does_not_occur_has_no_recall_and_spoils_no_mean():
    report = judge_label_sets(drawn(0), data=Card("drawn", ""))
    row = report.per_class[LABELS.index("wind")]
    assert row.n_clips == 0
    assert np.isnan(row.recall)
    assert report.to_dict()["per_class"][3]["recall"] is None
    assert all(np.isfinite(list(report.f1.values())))


def test_the_interval_holds_the_figure_and_the_words_name_it():
    report = judge_label_sets(drawn(1), data=Card("drawn", ""))
    low, high = report.f1_interval
    assert low < report.f1["micro"] < high
    assert "mAP" in report.text()
    assert "60 clips in 30 groups" in report._repr_html_()
