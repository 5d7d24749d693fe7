"""A table of messages keeps its rows, gives them by sender and receiver, and survives JSON."""

import json
import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ossicle.errors import WorkflowError
from ossicle.workflow.messages import Message, Messages

names = st.sampled_from(["", "init", "f1", "f21", "f3"])
tables = st.lists(st.builds(Message, st.integers(), names, names)).map(
    lambda rows: Messages.of(*rows)
)


@given(tables, names)
def test_rows_are_split_by_receiver_in_their_order(table: Messages, name: str) -> None:
    mine, others = table.split((name,))
    assert list(mine) == [row for row in table if row.receiver == name]
    assert list(others) == [row for row in table if row.receiver != name]
    assert mine == table.sent_to(name)


@given(tables)
def test_a_table_is_the_same_after_json(table: Messages) -> None:
    assert Messages.from_dict(json.loads(json.dumps(table.to_dict()))) == table


@given(tables)
def test_a_table_can_travel_to_another_process(table: Messages) -> None:
    assert pickle.loads(pickle.dumps(table)) == table


@given(tables, tables)
def test_tables_are_put_one_below_the_other(above: Messages, below: Messages) -> None:
    both = above + below
    assert len(both) == len(above) + len(below)
    assert both.data == above.data + below.data
    assert both.senders == above.senders + below.senders
    assert both.receivers == above.receivers + below.receivers


def test_nobody_can_change_a_table() -> None:
    table = Messages.of((2, "init", "f1"))
    with pytest.raises(FrozenInstanceError):
        table.rows = ()  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        table[0].data = 3  # type: ignore[misc]


def test_the_only_row_of_a_sender_is_found() -> None:
    table = Messages.of((2, "init", "f1"), (3, "f0", "f1"))
    assert table.one("f0") == 3
    assert table.sent_by("init").one() == 2


@pytest.mark.parametrize(
    ("sender", "said"),
    [
        ("f9", r"one row from 'f9' is asked for, and there are 0; senders: 'init', 'f0'"),
        ("init", r"one row from 'init' is asked for, and there are 2; senders: 'init', 'f0'"),
        (None, r"one row is asked for, and there are 3; senders: 'init', 'f0'"),
    ],
)
def test_no_row_and_several_rows_are_told_with_the_senders(sender: str | None, said: str) -> None:
    table = Messages.of((2, "init", "f1"), (3, "f0", "f1"), (4, "init", "f1"))
    with pytest.raises(WorkflowError, match=said):
        table.one(sender)
    with pytest.raises(WorkflowError, match="senders: nobody"):
        Messages().one()


@pytest.mark.parametrize("row", ["init", (1,), (1, "a", "b", "c"), (1, 2), (1, "a", None), 5])
def test_what_is_no_row_is_refused(row: object) -> None:
    with pytest.raises(WorkflowError, match=r"row is|names of works"):
        Messages.of(row)  # type: ignore[arg-type]


def test_columns_that_do_not_fit_are_refused() -> None:
    with pytest.raises(WorkflowError, match="did you mean 'sender'"):
        Messages.from_dict({"data": [], "sendr": [], "receiver": []})
    with pytest.raises(WorkflowError, match="data 1, sender 0, receiver 1"):
        Messages.from_dict({"data": [1], "receiver": [""]})


def test_a_large_or_tall_value_takes_one_short_line_of_the_printed_table() -> None:
    table = Messages.of((np.zeros((500, 500)), "init", "f1"), ("x\ny" * 500, "init", "f1"))
    lines = str(table).splitlines()
    assert len(lines) == 3
    assert max(map(len, lines)) < 100
