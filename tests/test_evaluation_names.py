"""A classifier of several data sets is judged on each by the names that each has."""

from dataclasses import replace

import pytest
from small_trainings import trained, two_data_sets

import ossicle
from ossicle.errors import EvaluationError
from ossicle.evaluation.answers import named_as_asked


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    high_or_low, three = two_data_sets(tmp_path_factory.mktemp("sets"))
    three = three.rename_task("pitch", "label")
    run = trained([high_or_low, three], epochs=1)
    return run.classifier, high_or_low, three


def test_each_data_set_is_judged_by_its_own_name_of_the_question(both):
    classifier, high_or_low, three = both
    assert ossicle.evaluate(classifier, high_or_low).task == classifier.tasks[0].name
    report = ossicle.evaluate(classifier, three)
    assert report.task == "three.label"
    assert report.n_clips == len(three)
    assert str(report) == report.text()


def test_the_name_of_a_data_set_decides_where_several_questions_fit(both):
    classifier, high_or_low, three = both
    own, other = (task.name for task in classifier.tasks)
    assert named_as_asked(high_or_low, classifier.tasks).tasks[0].name == own
    elsewhere = replace(three, name="elsewhere")
    assert named_as_asked(elsewhere, classifier.tasks).tasks[0].name == other


def test_a_question_that_no_task_fits_is_refused(both):
    classifier, high_or_low, _ = both
    with pytest.raises(EvaluationError):
        ossicle.evaluate(classifier, high_or_low.rename_task("label", "mood"))
