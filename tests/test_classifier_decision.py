import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ossicle.classifier import Decision, DecisionState, Question
from ossicle.classifier.decision import answer
from ossicle.errors import ModelError
from ossicle.types import Task, Window

EXCLUSIVE = Question(
    Task("label", "multiclass", ("siren", "bell", "other"), background=("other",)), exclusive=True
)
INDEPENDENT = Question(
    Task("tags", "multilabel", ("dog", "rain", "quiet"), background=("quiet",)), exclusive=False
)
HOP = 0.5

QUIET = st.none()
SCORES = st.lists(st.floats(0, 1), min_size=3, max_size=3)
WINDOWS = st.lists(st.one_of(SCORES, QUIET), max_size=40)
DECISIONS = st.builds(
    Decision,
    pooling=st.sampled_from(["majority", "mean", "max", "logmean"]),
    pool_windows=st.integers(1, 4),
    threshold=st.floats(0.1, 0.9),
    off_ratio=st.floats(0, 1),
    min_duration=st.sampled_from([0.0, 0.6, 1.5]),
    merge_gap=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
)


def feed(state, windows, *, offset=0):
    """Events of windows of 1 s every half second."""
    events = []
    for number, scores in enumerate(windows):
        window = Window(number * HOP, number * HOP + 1.0)
        named = {} if scores is None else {"label": scores, "tags": scores}
        named = {name: np.float32(each) for name, each in named.items()}
        events += state.step(window, named, quiet=scores is None)
    return events + state.finish()


def decide(decision, windows, *questions):
    return feed(DecisionState(decision, questions or [EXCLUSIVE], window_hop=HOP), windows)


def shares(score):
    return [score, 0.0, 1 - score]


@given(DECISIONS, WINDOWS)
def test_events_of_one_label_never_overlap(decision, windows):
    events = decide(decision, windows, EXCLUSIVE, INDEPENDENT)
    for label in ("siren", "bell", "dog", "rain"):
        mine = sorted((e for e in events if e.label == label), key=lambda e: e.start)
        for one, other in itertools.pairwise(mine):
            assert other.start - one.end > decision.merge_gap


@given(DECISIONS, WINDOWS)
def test_exclusive_labels_never_overlap_without_merging(decision, windows):
    events = decide(replace(decision, merge_gap=0.0), windows)
    events.sort(key=lambda event: event.start)
    for one, other in itertools.pairwise(events):
        assert other.start >= one.end


@given(DECISIONS, WINDOWS)
def test_every_event_is_long_enough_likely_enough_and_inside(decision, windows):
    for event in decide(decision, windows, EXCLUSIVE, INDEPENDENT):
        assert event.duration >= decision.min_duration
        assert event.duration > 0
        assert event.score >= np.float32(decision.threshold)
        assert 0 <= event.start < event.end <= (len(windows) - 1) * HOP + 1.0


@given(DECISIONS, WINDOWS)
def test_background_labels_never_make_events(decision, windows):
    labels = {event.label for event in decide(decision, windows, EXCLUSIVE, INDEPENDENT)}
    assert not labels & {"other", "quiet"}


@given(DECISIONS, WINDOWS, WINDOWS)
def test_reset_is_as_good_as_new(decision, before, windows):
    state = DecisionState(decision, [EXCLUSIVE, INDEPENDENT], window_hop=HOP)
    feed(state, before)
    state.reset()
    assert feed(state, windows) == decide(decision, windows, EXCLUSIVE, INDEPENDENT)
    assert state.ongoing == []


@given(DECISIONS, WINDOWS)
def test_a_lower_off_ratio_never_shortens_the_time_heard(decision, windows):
    plain = replace(decision, min_duration=0.0, merge_gap=0.0)

    def heard(ratio):
        changed = replace(plain, off_ratio=ratio)
        return sum(e.duration for e in decide(changed, windows, INDEPENDENT))

    assert heard(0.3) >= heard(0.9) - 1e-9


@given(DECISIONS, WINDOWS)
def test_a_task_decides_alone(decision, windows):
    both = decide(decision, windows, EXCLUSIVE, INDEPENDENT)
    for question in (EXCLUSIVE, INDEPENDENT):
        mine = [event for event in both if event.task == question.task.name]
        assert mine == decide(decision, windows, question)


def test_an_event_spans_the_central_hops_of_its_windows():
    windows = [shares(0.1), shares(0.9), shares(0.8), shares(0.1)]
    (event,) = decide(Decision(), windows)
    assert (event.start, event.end) == (0.75, 1.75)
    assert event.score == pytest.approx(0.9)
    assert (event.label, event.task) == ("siren", "label")


def test_the_first_window_speaks_from_the_start_and_the_last_to_the_end():
    (event,) = decide(Decision(), [shares(0.9)] * 7)
    assert (event.start, event.end) == (0.0, 4.0)


def test_hysteresis_keeps_an_event_through_a_dip():
    windows = [shares(0.9), shares(0.4), shares(0.9), shares(0.1)]
    assert len(decide(Decision(off_ratio=0.7), windows)) == 1
    assert len(decide(Decision(off_ratio=1.0), windows)) == 2


def test_a_gap_is_merged_up_to_merge_gap():
    windows = [shares(0.9), None, None, shares(0.9), None]
    assert len(decide(Decision(merge_gap=0.9), windows)) == 2
    (event,) = decide(Decision(merge_gap=1.0), windows)
    assert (event.start, event.end) == (0.0, 2.25)


def test_merging_comes_before_the_minimum_duration():
    windows = [None, shares(0.9), None, shares(0.9), None]
    assert decide(Decision(min_duration=1.0), windows) == []
    assert len(decide(Decision(min_duration=1.0, merge_gap=0.5), windows)) == 1


def test_an_event_is_reported_as_soon_as_it_cannot_be_merged():
    state = DecisionState(Decision(), [EXCLUSIVE], window_hop=HOP)
    assert state.step(Window(0, 1), {"label": np.float32(shares(0.9))}, quiet=False) == []
    assert [event.label for event in state.ongoing] == ["siren"]
    assert [event.end for event in state.step(Window(0.5, 1.5), {}, quiet=True)] == [0.75]
    assert state.ongoing == []


def test_one_exclusive_label_ends_the_other():
    windows = [[0.9, 0.1, 0], [0.45, 0.55, 0], [0.1, 0.9, 0]]
    events = decide(Decision(), windows)
    assert [(e.label, e.start, e.end) for e in events] == [("siren", 0, 0.75), ("bell", 0.75, 2.0)]


def test_independent_labels_are_heard_together():
    windows = [[0.9, 0.9, 0], [0.9, 0.9, 0]]
    assert {e.label for e in decide(Decision(), windows, INDEPENDENT)} == {"dog", "rain"}


def test_a_low_threshold_is_reached_although_the_background_is_likelier():
    windows = [shares(0.3), shares(0.3)]
    assert decide(Decision(), windows) == []
    assert len(decide(Decision(thresholds={"siren": 0.25}), windows)) == 1


def test_quiet_windows_do_not_vote_but_silence_ends_the_event():
    decision = Decision(pool_windows=2)
    (event,) = decide(decision, [shares(0.9), None, None])
    assert event.end == 1.25


def test_a_threshold_is_reached_by_its_own_value():
    assert decide(Decision(threshold=0.7), [shares(0.7)] * 2)


@pytest.mark.parametrize(("best", "expected"), [(0.34, "unknown"), (0.35, "siren"), (1, "siren")])
def test_a_recording_is_unknown_below_0_35(best, expected):
    pooled = np.float32([best, (1 - best) / 2, (1 - best) / 2])
    assert answer(EXCLUSIVE.task, pooled, unknown=Decision().unknown) == expected


def test_a_regression_answers_with_its_value_and_makes_no_events():
    question = Question(Task("label", "regression", ("level",)), exclusive=False)
    assert answer(question.task, np.float32([12.5]), unknown=0.35) == "12.5"
    assert decide(Decision(), [[12.5]], question) == []


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("pooling", "median"),
        ("pool_windows", 0),
        ("threshold", 1.5),
        ("thresholds", {"siren": -0.1}),
        ("off_ratio", float("nan")),
        ("unknown", 2),
        ("min_duration", -1),
        ("merge_gap", float("inf")),
        ("quiet", float("nan")),
    ],
)
def test_a_setting_out_of_range_is_named(setting, value):
    with pytest.raises(ModelError, match=setting.removesuffix("s")):
        Decision(**{setting: value})
