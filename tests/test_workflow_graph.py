"""A graph that cannot work is refused before anything runs, and the works at fault are named."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from works_and_graphs import Plan, chain_of, nothing, plans

from ossicle.errors import WorkflowError
from ossicle.workflow.composites import Parallel, Workflow
from ossicle.workflow.messages import Messages
from ossicle.workflow.works import Function, Work

ran: list[str] = []


def work(name: str, *following: str) -> Function:
    """A work that tells when it runs, which none here may."""
    return Function(lambda _: ran.append(name), name, following)


@pytest.fixture(autouse=True)
def _nothing_runs() -> Any:
    ran.clear()
    yield
    assert ran == []


def test_the_misprinted_graph_of_the_paper_is_refused() -> None:
    f221, f2222 = work("f221", "f2221", "f2222"), work("f2222", "f3")
    said = "'f221' sends to 'f2222', and both run at once in 'f222'; put them one after the other"
    with pytest.raises(WorkflowError, match=said):
        Parallel([f221, f2222], "f222", "f3")


def test_a_receiver_that_nobody_has_is_refused() -> None:
    flow = Workflow([work("f221", "f2221", "f2222"), Parallel([work("f2222")], "f222")], "f22")
    said = "the work 'f221' sends to 'f2221', and no work in 'f22' has this name; did you mean"
    with pytest.raises(WorkflowError, match=said):
        flow(Messages.of((5, "f1", "f221")))


def test_a_receiver_outside_is_refused_at_once_where_next_is_given() -> None:
    assert Workflow([work("a", "f3")], "inner", "f3").receivers == ("f3",)
    with pytest.raises(WorkflowError, match=r"'a' sends to 'totl'.*did you mean 'total'"):
        Workflow([work("a", "totl")], "inner", "total")
    with pytest.raises(WorkflowError, match="'inner' names 'f4' as next, and none of the works"):
        Workflow([work("a", "f3")], "inner", ["f3", "f4"])


def test_a_composite_that_says_where_it_sends_can_run_alone() -> None:
    inner = Workflow([Function(nothing, "a", "f3")], "inner", "f3")
    table = Messages.of((1, "init", "a"), (2, "f1", "f3"))
    assert inner(table) == Messages.of((2, "f1", "f3"), (None, "a", "f3"))


def test_with_very_many_names_an_error_stays_short() -> None:
    flow = Workflow([work(f"w{n}") for n in range(5000)])
    with pytest.raises(WorkflowError) as caught:
        flow(Messages.of((0, "init", "quite another")))
    assert len(str(caught.value)) < 500
    with pytest.raises(WorkflowError, match="did you mean 'w4711'"):
        flow(Messages.of((0, "init", "w4711 ")))


@pytest.mark.parametrize(
    "works",
    [
        [work("a"), work("b"), work("a")],
        [work("b"), Workflow([work("a")], "inner"), work("a")],
        [Workflow([work("b")], "a"), work("a")],
        [Parallel([Workflow([work("a")], "x")], "p"), Workflow([work("b"), work("a")], "y")],
    ],
)
def test_a_name_that_is_taken_twice_is_refused(works: list[Work]) -> None:
    with pytest.raises(WorkflowError, match="the name 'a' is taken twice in 'flow'"):
        Workflow(works, "flow")


def test_a_work_named_like_the_composite_it_is_in_is_refused() -> None:
    with pytest.raises(WorkflowError, match="the name 'workflow' is taken twice"):
        Workflow([work("workflow")])


def test_a_work_without_a_name_is_refused() -> None:
    with pytest.raises(WorkflowError, match="a work in 'workflow' is named ''"):
        Workflow([Work("")])
    with pytest.raises(WorkflowError, match="a lambda has no name"):
        Workflow([lambda messages: 1])
    with pytest.raises(WorkflowError, match="'workflow' has no works"):
        Workflow([])


@pytest.mark.parametrize("order", ["list", "ready"])
def test_works_that_wait_for_each_other_are_refused(order: Any) -> None:
    works = [work("a", "b"), work("b", "c"), work("c", "d", "a"), work("d")]
    with pytest.raises(WorkflowError, match="a circle in 'workflow': 'a' → 'b' → 'c' → 'a'") as e:
        Workflow(works, order=order)
    assert "'d'" not in str(e.value)


def test_a_work_that_sends_to_itself_or_around_itself_is_refused() -> None:
    with pytest.raises(WorkflowError, match="a circle: 'a' sends to 'a'"):
        Workflow([work("a", "a")])
    with pytest.raises(WorkflowError, match="a circle: 'a' sends to 'inner'"):
        Workflow([work("a", "inner")], "inner")


def test_composites_that_wait_for_each_other_are_refused() -> None:
    left = Workflow([work("a", "b"), work("d")], "left")
    right = Workflow([work("b"), work("c", "d")], "right")
    with pytest.raises(WorkflowError, match="a circle in 'workflow': 'left' → 'right' → 'left'"):
        Workflow([left, right], order="ready")


def test_a_work_before_its_sender_is_refused_in_list_order_only() -> None:
    works = [work("b"), work("a", "b")]
    said = "'a' sends to 'b', which stands before it in 'flow'; put it after .* order='ready'"
    with pytest.raises(WorkflowError, match=said):
        Workflow(works, "flow")
    assert Workflow(works, "flow", order="ready").graph.followers == [[], [0]]


def test_a_work_that_sends_into_an_earlier_composite_is_refused() -> None:
    with pytest.raises(WorkflowError, match="'a' sends to 'b', which stands before it"):
        Workflow([Parallel([Workflow([work("b")], "x")], "p"), Workflow([work("a", "b")], "y")])


def test_members_of_a_parallel_that_send_to_each_other_are_refused() -> None:
    members = [Workflow([work("a", "c")], "x"), Workflow([work("b"), work("c")], "y")]
    with pytest.raises(WorkflowError, match="'a' sends to 'c', and both run at once in 'both'"):
        Parallel(members, "both")


def test_a_row_that_nobody_takes_is_refused() -> None:
    said = "nobody takes the row from 'init' for 'stat'; did you mean 'start'"
    with pytest.raises(WorkflowError, match=said):
        Workflow([work("start")])(Messages.of((1, "init", "start"), (1, "init", "stat")))


def test_a_work_that_no_row_can_reach_is_refused() -> None:
    works = [*(work(name) for name in ("alone",)), work("a", "c"), work("b", "c"), work("c")]
    rows = Messages.of((1, "init", "alone"), (1, "init", "a"))
    with pytest.raises(WorkflowError, match=r"the work 'b' can never get a message: .*'init', 'b'"):
        Workflow(works)(rows)


def test_reach_goes_through_composites_to_their_entries_only() -> None:
    inner = Workflow([work("a"), work("b")], "inner")
    start = work("start", "inner")
    with pytest.raises(WorkflowError, match="the work 'b' can never get a message"):
        Workflow([start, inner])(Messages.of((1, "init", "start")))
    Workflow([start, Parallel([work("c"), work("d")], "inner")]).check(
        Messages.of((1, "init", "workflow"))
    )


def test_what_can_be_known_can_be_asked_without_running() -> None:
    flow = Workflow(chain_of("a", "b", function=ran.append))  # type: ignore[arg-type]
    flow.check(Messages.of((1, "init", "a")))
    with pytest.raises(WorkflowError, match="'a' can never get a message"):
        flow.check(Messages.of((1, "init", "b")))


@settings(max_examples=40, deadline=None)
@given(plans(), st.data())
def test_any_workflow_is_refused_when_one_row_or_way_leads_nowhere(
    plan: Plan, data: st.DataObject
) -> None:
    number = data.draw(st.sampled_from(sorted(plan.receivers)))
    broken = Plan(plan.tree, {**plan.receivers, number: ["nowhere"]}, plan.rows)
    with pytest.raises(WorkflowError, match=f"'w{number}' sends to 'nowhere'"):
        broken.nested("list").check(plan.rows)
    with pytest.raises(WorkflowError, match="nobody takes the row from 'x' for 'nowhere'"):
        plan.nested("ready").check(plan.rows + Messages.of((1, "x", "nowhere")))
