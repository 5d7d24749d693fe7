"""Works made of works give the same table whatever their order, and print the paper's log."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from works_and_graphs import FIGURE_INPUT, Plan, chain_of, figure, nothing, plans

from ossicle.errors import WorkflowError
from ossicle.workflow.composites import Parallel, Workflow
from ossicle.workflow.messages import Messages
from ossicle.workflow.works import Context, Function, Work

FIGURE_LOG = """\
FROM workflow : launching "f1"
FROM f1 : input :
data  sender  receiver
2     init    f1
3     init    f211
FROM f1 : selected input :
data  sender  receiver
2     init    f1
FROM f1 : processing
FROM workflow : launching "f2"
FROM f2 : input :
data  sender  receiver
3     init    f211
4     f1      f211
4     f1      f221
4     f1      f3
FROM f2 : selected input :
data  sender  receiver
3     init    f211
4     f1      f211
4     f1      f221
FROM f2 : thread "f21" started
FROM f21 : selected input :
data  sender  receiver
3     init    f211
4     f1      f211
FROM f21 : launching "f211"
FROM f211 : selected input :
data  sender  receiver
3     init    f211
4     f1      f211
FROM f211 : processing
FROM f21 : launching "f212"
FROM f212 : selected input :
data  sender  receiver
12    f211    f212
FROM f212 : processing
FROM f2 : thread "f22" started
FROM f22 : selected input :
data  sender  receiver
4     f1      f221
FROM f22 : launching "f221"
FROM f221 : selected input :
data  sender  receiver
4     f1      f221
FROM f221 : processing
FROM f22 : launching "f222"
FROM f222 : selected input :
data  sender  receiver
5     f221    f2221
5     f221    f2222
FROM f222 : thread "f2221" started
FROM f2221 : selected input :
data  sender  receiver
5     f221    f2221
FROM f2221 : processing
FROM f222 : thread "f2222" started
FROM f2222 : selected input :
data  sender  receiver
5     f221    f2222
FROM f2222 : processing
FROM workflow : launching "f3"
FROM f3 : selected input :
data  sender  receiver
4     f1      f3
4.0   f212    f3
3     f2221   f3
2     f2222   f3
FROM f3 : processing
"""
"""Down to `launching "f221"` the printed lines of Figure 5(c) (Durand, Ngoko and Cérin), word for
word; the rest, which the figure leaves out, by the same rules."""


@pytest.mark.parametrize("order", ["list", "ready"])
def test_the_workflow_of_figure_5_gives_13(order: Any) -> None:
    assert figure(order=order)(FIGURE_INPUT) == Messages.of((13.0, "f3", ""))


def test_the_log_is_that_of_figure_5(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(5):  # the two threads may end in either order
        figure(verbose=True)(FIGURE_INPUT)
        assert capsys.readouterr().out == FIGURE_LOG


def test_nothing_is_printed_unless_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    class Unseen:
        def __repr__(self) -> str:
            raise AssertionError("printing may be slow")

    figure()(FIGURE_INPUT)
    for order in ("list", "ready"):
        works = chain_of("a", "b", function=lambda messages: messages.data)
        Workflow(works, order=order)(Messages.of((Unseen(), "init", "a")))  # type: ignore[arg-type]
    assert capsys.readouterr().out == ""


@settings(max_examples=80, deadline=None)
@given(plans())
def test_any_workflow_gives_the_same_table_in_list_order_at_once_and_when_ready(plan: Plan) -> None:
    table = plan.flat("list")(plan.rows)
    assert plan.flat("ready")(plan.rows) == table
    assert plan.nested("list")(plan.rows) == table
    assert plan.nested("ready")(plan.rows) == table


@settings(max_examples=30, deadline=None)
@given(plans())
def test_every_row_for_nobody_stays_and_every_work_answers_once(plan: Plan) -> None:
    table = plan.nested("ready")(plan.rows)
    finals = [f"w{number}" for number, receivers in plan.receivers.items() if not receivers]
    given = [row.sender for row in plan.rows if not row.receiver]
    assert sorted(table.senders) == sorted(finals + given)
    assert set(table.receivers) <= {""}


def test_rows_for_nobody_inside_travel_on_in_their_order() -> None:
    inner = Workflow(chain_of("a", "b"), "inner", next=())
    table = Messages.of((1, "x", "z"), (2, "init", "a"), (3, "y", ""))
    assert inner.answer(table.sent_to("a"), Context()) == Messages.of((None, "b")).rows
    flow = Workflow([inner, Function(nothing, "z")])
    assert flow(table) == Messages.of((3, "y"), (None, "b"), (None, "z"))


def test_a_row_for_a_workflow_goes_to_its_first_work_and_one_for_a_parallel_to_all() -> None:
    def got(messages: Messages) -> Any:
        return messages.data

    inner = Workflow([Function(got, "a", "b"), Function(got, "b")], "inner")
    both = Parallel([inner, Function(got, "c")], "both")
    start = Function(lambda messages: 7, "start", "both")
    table = Workflow([start, both])(Messages.of((0, "init", "workflow"), (1, "init", "inner")))
    assert table == Messages.of((((1, 7),), "b"), ((7,), "c"))


def test_outputs_of_a_parallel_are_in_list_order_however_long_each_takes() -> None:
    def wait(seconds: float) -> Callable[[Messages], float]:
        return lambda messages: time.sleep(seconds) or seconds

    works = [Function(wait(0.06 - 0.02 * place), f"w{place}") for place in range(4)]
    table = Parallel(works)(Messages.of((0, "init", "parallel")))
    assert table.senders == ("w0", "w1", "w2", "w3")


def test_works_of_a_parallel_are_under_way_at_the_same_time() -> None:
    meeting = threading.Barrier(3, timeout=20)
    works = [Function(lambda _: meeting.wait(), f"w{place}") for place in range(3)]
    assert len(Parallel(works)(Messages.of((0, "init", "parallel")))) == 3


def test_independent_branches_meet_only_when_the_order_is_ready() -> None:
    meeting = threading.Barrier(2, timeout=20)
    works = [Function(lambda _: meeting.wait() * 0, "a", "c"), Function(lambda _: 0, "b", "d")]
    works += [Function(lambda m: m.one(), "c"), Function(lambda _: meeting.wait() * 0, "d")]
    rows = Messages.of((0, "init", "a"), (0, "init", "b"))
    assert Workflow(works, order="ready")(rows).data == (0, 0)


def test_a_ready_work_starts_only_when_no_sender_is_left() -> None:
    done: list[str] = []

    def work(name: str, following: Any, seconds: float) -> Function:
        def run(_: Messages) -> None:
            time.sleep(seconds)
            done.append(name)

        return Function(run, name, following)

    last = Workflow([work("c1", "c2", 0), work("c2", (), 0)], "c")
    works = [last, work("a", "b", 0.05), work("b", "c2", 0.05), work("s", "c1", 0)]
    Workflow(works, order="ready")(Messages.of((0, "init", "a"), (0, "init", "s")))
    assert done.index("c1") > done.index("b")


def test_never_more_works_are_under_way_than_threads_are_allowed() -> None:
    lock, counts = threading.Lock(), [0, 0]

    def busy(_: Messages) -> None:
        with lock:
            counts[0] += 1
            counts[1] = max(counts)
        time.sleep(0.002)
        with lock:
            counts[0] -= 1

    works = [Function(busy, f"w{place}") for place in range(40)]
    rows = Messages.of(*((0, "init", work.name) for work in works))
    Workflow(works, order="ready", n_threads=3)(rows)
    assert 1 <= counts[1] <= 3


def test_composites_inside_composites_never_wait_for_each_others_threads() -> None:
    def deep(depth: int, name: str) -> Work:
        if not depth:
            return Function(nothing, name)
        return Parallel([deep(depth - 1, f"{name}{side}") for side in "ab"], f"p{name}")

    flow = Workflow([deep(5, "w")], order="ready", n_threads=1)
    assert len(flow(Messages.of((0, "init", "workflow")))) == 32


def test_a_callable_and_an_object_with_process_are_works() -> None:
    class Louder:
        name = "louder"
        next = "shown"

        def process(self, messages: Messages) -> int:
            return int(messages.one()) + 1

    def shown(messages: Messages) -> str:
        return f"<{messages.one()}>"

    assert Workflow([Louder(), shown])(Messages.of((1, "init", "louder"))).data == ("<2>",)


def test_no_thread_is_left() -> None:
    before = threading.active_count()
    figure(order="ready")(FIGURE_INPUT)
    assert threading.active_count() == before


# --- failures -----------------------------------------------------------------------------------


def fail(_: Messages) -> None:
    raise ZeroDivisionError("nothing to divide by")


@pytest.mark.parametrize("order", ["list", "ready"])
def test_an_error_keeps_its_type_and_names_the_works_it_came_through(order: Any) -> None:
    flow = Workflow([Parallel([Function(fail, "bad")], "inner")], "outer", order=order)
    with pytest.raises(ZeroDivisionError, match="nothing to divide by") as caught:
        flow(Messages.of((0, "init", "bad")))
    assert caught.value.__notes__ == ["in the work 'bad'", "in 'inner'", "in 'outer'"]


def test_of_several_errors_the_first_in_the_list_is_raised_and_the_others_are_named() -> None:
    meeting = threading.Barrier(2, timeout=20)

    def late(_: Messages) -> None:
        meeting.wait()
        time.sleep(0.05)
        raise ValueError("late")

    def early(_: Messages) -> None:
        meeting.wait()
        raise KeyError("early")

    both = Parallel([Function(late, "late"), Function(early, "early")])
    with pytest.raises(ValueError, match="late") as caught:
        both(Messages.of((0, "init", "parallel")))
    assert "'early' failed too: KeyError: 'early'" in caught.value.__notes__


class Patient(Work):
    """Waits until it is cancelled."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.started, self.cancelled = threading.Event(), threading.Event()

    def process(self, messages: Messages) -> bool:
        self.started.set()
        return self.cancelled.wait(20)

    def cancel(self) -> None:
        self.cancelled.set()


def test_a_failure_in_a_parallel_asks_the_others_to_stop() -> None:
    patient = Patient("patient")

    def fail_then(_: Messages) -> None:
        patient.started.wait(20)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Parallel([patient, Function(fail_then, "bad")])(Messages.of((0, "init", "parallel")))
    assert patient.cancelled.is_set()


def test_after_a_failure_nothing_starts_and_what_is_under_way_is_done() -> None:
    done: list[str] = []
    under_way = threading.Event()

    def slow(_: Messages) -> None:
        under_way.set()
        time.sleep(0.1)
        done.append("slow")

    def bad(_: Messages) -> None:
        under_way.wait(20)
        raise ValueError("no")

    works = [Function(slow, "slow", "after"), Function(bad, "bad")]
    works += [Function(lambda _: done.append("after"), "after")]
    works += [Function(lambda _, n=n: done.append(str(n)), f"w{n}") for n in range(20)]
    rows = [(0, "init", work.name) for work in works if work.name != "after"]
    with pytest.raises(ValueError, match="no"):
        Workflow(works, order="ready", n_threads=2)(Messages.of(*rows))
    assert done == ["slow"]


def test_a_workflow_can_run_again_after_a_failure() -> None:
    answers = iter([ValueError("once"), None])

    def sometimes(_: Messages) -> str:
        if error := next(answers):
            raise error
        return "done"

    flow = Workflow([Function(sometimes, "w"), Function(nothing, "v")], order="ready")
    rows = Messages.of((0, "init", "w"), (0, "init", "v"))
    with pytest.raises(ValueError, match="once"):
        flow(rows)
    assert flow(rows).data == ("done", None)


def test_an_order_that_is_none_is_refused() -> None:
    with pytest.raises(WorkflowError, match="order is 'redy'; did you mean 'ready'"):
        Workflow([nothing], order="redy")  # type: ignore[arg-type]
    with pytest.raises(WorkflowError, match="n_threads is 0"):
        Workflow([nothing], n_threads=0)


def test_a_result_can_be_sent_on_and_be_final_too() -> None:
    flow = Workflow([Function(lambda m: m.one() + 1, "a", ["b", ""]), Function(nothing, "b")])
    assert flow(Messages.of((1, "init", "a"))) == Messages.of((2, "a"), (None, "b"))


@pytest.mark.parametrize("order", ["list", "ready"])
def test_a_workflow_inside_goes_on_no_further_when_it_is_asked_to_stop(order: Any) -> None:
    patient, began = Patient("patient"), []
    after = [Function(began.append, name) for name in ("x", "y")]
    inner = Workflow([patient, *after], "inner", order=order, n_threads=1)

    def fail_then(_: Messages) -> None:
        patient.started.wait(20)
        raise ValueError("no")

    rows = [(0, "init", name) for name in ("patient", "x", "y", "bad")]
    both = Parallel([Workflow([inner], "outer"), Function(fail_then, "bad")], "both")
    with pytest.raises(ValueError, match="no") as caught:
        both(Messages.of(*rows))
    assert began == []
    assert caught.value.__notes__ == ["in the work 'bad'", "in 'both'"]


def test_a_work_that_has_not_begun_is_not_asked_to_stop() -> None:
    patients = [Patient(f"w{n}") for n in range(4)]

    def fail_then(_: Messages) -> None:
        patients[0].started.wait(20)
        raise ValueError("no")

    works = [Function(fail_then, "bad"), *patients]
    rows = Messages.of(*((0, "init", work.name) for work in works))
    crew = Workflow([Parallel(works, "both")])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ossicle.workflow.composites.MOST_THREADS", 2)
        with pytest.raises(ValueError, match="no"):
            crew(rows)
    assert [patient.cancelled.is_set() for patient in patients] == [True, False, False, False]
