"""Works take their rows and send what they make; functions are retried, timed and cancelled."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ossicle.errors import WorkflowError
from ossicle.workflow.composites import Parallel, Workflow
from ossicle.workflow.lanes import WorkCancelledError
from ossicle.workflow.messages import Message, Messages
from ossicle.workflow.works import Function, Work

INPUT = Messages.of((2, "init", "f1"), (9, "init", "f9"), (3, "f0", "f1"))


class Sum(Work):
    def process(self, messages: Messages) -> int:
        return sum(messages.data)


@given(st.lists(st.builds(Message, st.integers(), st.just("x"), st.sampled_from(["f1", "f2", ""]))))
def test_a_call_takes_my_rows_out_and_puts_one_row_a_receiver_in(rows: list[Message]) -> None:
    table = Sum("f1", ["f2", "f3"])(Messages.of(*rows))
    others = [row for row in rows if row.receiver != "f1"]
    made = sum(row.data for row in rows if row.receiver == "f1")
    assert list(table) == [*others, Message(made, "f1", "f2"), Message(made, "f1", "f3")]


@pytest.mark.parametrize("final", ["", (), []])
def test_a_work_without_next_leaves_a_final_result(final: Any) -> None:
    assert Sum("f1", final)(INPUT)[-1] == Message(5, "f1", "")


def test_a_work_that_says_nothing_of_what_it_does_cannot_be_called() -> None:
    with pytest.raises(NotImplementedError):
        Work("f1")(INPUT)


def test_a_function_takes_messages_or_their_data_in_table_order() -> None:
    assert Function(lambda messages: messages.senders, "f1")(INPUT)[-1].data == ("init", "f0")
    assert Function(lambda *data: data, "f1", takes="data")(INPUT)[-1].data == (2, 3)


def test_an_object_with_process_is_called_by_that() -> None:
    class Processor:
        """In the manner of madmom: data in, data out."""

        def process(self, *data: int) -> int:
            return sum(data)

        def __call__(self, *data: int) -> int:
            raise AssertionError("process is meant")

    work = Function(Processor(), takes="data")
    assert work.name == "Processor"
    assert work(Messages.of((2, "init", "Processor")))[-1].data == 2


def test_an_async_function_is_waited_for() -> None:
    async def slowly(messages: Messages) -> int:
        await asyncio.sleep(0.01)
        return int(messages.one("init"))

    assert Function(slowly, "f1")(INPUT)[-1].data == 2


def test_an_async_function_also_runs_where_a_loop_runs_already() -> None:
    async def slowly(*data: int) -> int:
        await asyncio.sleep(0.01)
        return sum(data)

    async def notebook() -> Messages:
        return Function(slowly, "f1", takes="data", timeout=20)(INPUT)

    assert asyncio.run(notebook())[-1].data == 5


@pytest.mark.parametrize("is_async", [False, True])
def test_what_fails_twice_is_done_with_two_retries_and_not_with_one(is_async: bool) -> None:
    tries: list[int] = []

    def flaky(*data: int) -> int:
        tries.append(1)
        if len(tries) < 3:
            raise ValueError(f"try {len(tries)}")
        return sum(data)

    async def flaky_too(*data: int) -> int:
        return flaky(*data)

    function = flaky_too if is_async else flaky
    assert Function(function, "f1", takes="data", retries=2)(INPUT)[-1].data == 5
    tries.clear()
    with pytest.raises(ValueError, match="try 2") as caught:
        Function(function, "f1", takes="data", retries=1)(INPUT)
    assert caught.value.__notes__ == ["in the work 'f1'"]


def test_an_interrupt_is_not_tried_again() -> None:
    tries: list[int] = []

    def interrupted(_: Messages) -> None:
        tries.append(1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Function(interrupted, "f1", retries=5)(INPUT)
    assert len(tries) == 1


def test_a_function_that_hangs_is_told_by_name_and_seconds() -> None:
    free = threading.Event()
    with pytest.raises(WorkflowError, match=r"the work 'f1' took longer than its 0\.05 s.*Job"):
        Function(lambda _: free.wait(20), "f1", timeout=0.05)(INPUT)
    free.set()


def test_an_async_function_that_hangs_is_really_cancelled() -> None:
    ends: list[str] = []

    async def hang(_: Messages) -> None:
        try:
            await asyncio.sleep(20)
            ends.append("slept")
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise

    start = time.monotonic()
    with pytest.raises(WorkflowError, match=r"the work 'f1' took longer than its 0\.05 s"):
        Function(hang, "f1", timeout=0.05)(INPUT)
    assert ends == ["cancelled"]
    assert time.monotonic() - start < 10


@pytest.mark.parametrize("is_async", [False, True])
def test_a_timeout_of_the_functions_own_is_not_taken_for_ours(is_async: bool) -> None:
    def own(_: Messages) -> None:
        raise TimeoutError("the microphone did not answer")

    async def own_too(_: Messages) -> None:
        own(_)

    with pytest.raises(TimeoutError, match="the microphone did not answer"):
        Function(own_too if is_async else own, "f1", timeout=20)(INPUT)


def test_a_running_async_function_is_cancelled_when_asked() -> None:
    started = threading.Event()

    async def hang(_: Messages) -> None:
        started.set()
        await asyncio.sleep(20)

    work = Function(hang, "f1")

    def cancel() -> None:
        started.wait(20)
        work.cancel()

    threading.Thread(target=cancel).start()
    with pytest.raises(WorkCancelledError, match="the work 'f1' was cancelled"):
        work(INPUT)


def test_what_is_cancelled_is_not_tried_again() -> None:
    started, tries = threading.Event(), []

    async def hang(_: Messages) -> None:
        tries.append(1)
        started.set()
        await asyncio.sleep(0.5 if len(tries) > 1 else 20)

    work = Function(hang, "f1", retries=3)
    canceller = threading.Thread(target=lambda: started.wait(20) and work.cancel())
    canceller.start()
    with pytest.raises(WorkCancelledError, match="the work 'f1' was cancelled"):
        work(INPUT)
    canceller.join()
    assert tries == [1]


def test_a_failing_function_is_not_tried_again_when_it_was_asked_to_stop() -> None:
    started, over, tries = threading.Event(), threading.Event(), []

    def flaky(_: Messages) -> None:
        tries.append(1)
        started.set()
        over.wait(20)
        raise ValueError("flaky")

    class Ended(Work):
        def process(self, messages: Messages) -> None:
            started.wait(20)
            raise KeyError("first")

    class Patient(Work):
        def process(self, messages: Messages) -> bool:
            return over.wait(20)

        def cancel(self) -> None:
            over.set()

    works = [Ended("bad"), Patient("patient"), Function(flaky, retries=5)]
    with pytest.raises(KeyError, match="first"):
        Parallel(works)(Messages.of((0, "init", "parallel")))
    assert tries == [1]


def test_options_that_make_no_sense_are_refused() -> None:
    with pytest.raises(WorkflowError, match="a lambda has no name"):
        Function(lambda _: 1)
    with pytest.raises(WorkflowError, match="3 is no work; a callable"):
        Function(3, "f1")
    with pytest.raises(WorkflowError, match="'f1': retries is -1"):
        Function(print, "f1", retries=-1)
    with pytest.raises(WorkflowError, match="'f1' may take 0 s"):
        Function(print, "f1", timeout=0)
    with pytest.raises(WorkflowError, match="'f1': takes is 'date'"):
        Function(print, "f1", takes="date")  # type: ignore[arg-type]


# --- Ctrl-C -------------------------------------------------------------------------------------

INTERRUPTED = """
import asyncio, sys, threading, time
from ossicle.workflow.composites import Parallel, Workflow
from ossicle.workflow.messages import Messages
from ossicle.workflow.works import Function, Work

class Patient(Work):
    ended = threading.Event()
    def process(self, messages):
        print("started", flush=True)
        self.ended.wait(60)
    def cancel(self):
        print("cancelled", flush=True)
        self.ended.set()

async def hang(messages):
    await asyncio.sleep(60)

def late(messages):
    print("late work started", flush=True)

works = [Function(hang), Patient("patient", "late")]
rows = [(0, "init", "hang"), (0, "init", "patient")]
if sys.argv[1] == "ready":
    flow = Workflow([*works, Function(late)], order="ready")
else:
    flow = Workflow([Parallel(works), Function(late)])
try:
    flow(Messages.of(*rows))
except KeyboardInterrupt:
    print("interrupted", threading.active_count(), flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
@pytest.mark.parametrize("order", ["ready", "parallel"])
def test_ctrl_c_cancels_what_runs_starts_nothing_and_leaves_no_thread(order: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, order],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "started\n"
        time.sleep(0.3)
        parent.send_signal(signal.SIGINT)
        out, error = parent.communicate(timeout=20)
    assert out.splitlines() == ["cancelled", "interrupted 1"]
    assert error == ""
    assert parent.returncode == 0


def test_works_need_no_library() -> None:
    code = "import sys, ossicle.workflow.composites; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_workflow_is_a_work_and_can_be_called_alone() -> None:
    flow = Workflow([Sum("f1", "f2"), Sum("f2")], "flow")
    assert isinstance(flow, Work)
    assert flow.process(Messages.of((2, "init", "f1"))).data == (2,)
