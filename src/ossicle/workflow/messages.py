"""Messages between works: an immutable table of data, sender and receiver."""

import reprlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ossicle.errors import WorkflowError, nearest

__all__ = ["Message", "Messages"]

COLUMNS = ("data", "sender", "receiver")

_brief = reprlib.Repr()
_brief.maxstring = _brief.maxother = 60
_brief.maxlevel = 3


@dataclass(frozen=True, slots=True)
class Message:
    """One row: something, from a work, for a work.

    Parameters
    ----------
    data : anything
        What is handed over.
    sender, receiver : str
        Names of works; a row without receiver is for nobody: a final result.

    >>> Message(4, "f1")
    Message(data=4, sender='f1', receiver='')
    """

    data: Any
    sender: str
    receiver: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Messages:
    """A table of messages that nobody can change; works take rows from one and give another.

    Parameters
    ----------
    rows : tuple of Message
        In order; `Messages.of` makes them from plain tuples.

    >>> table = Messages.of((2, "init", "f1"), (3, "init", "f211"))
    >>> print(table)
    data  sender  receiver
    2     init    f1
    3     init    f211
    >>> table.sent_to("f1").one("init")
    2
    """

    rows: tuple[Message, ...] = ()

    @classmethod
    def of(cls, *rows: Message | Sequence[Any]) -> "Messages":
        """Make a table of messages or of (data, sender, receiver) tuples.

        Raises
        ------
        WorkflowError
            If a row is neither.

        >>> len(Messages.of(Message(1, "init", "f1"), (2, "init")))
        2
        """
        return cls(tuple(_row(row) for row in rows))

    @classmethod
    def from_dict(cls, columns: Mapping[str, Sequence[Any]]) -> "Messages":
        """Make a table of its three columns.

        Raises
        ------
        WorkflowError
            If a column is missing, unknown, or of another length.

        >>> Messages.from_dict({"data": [2], "sender": ["init"], "receiver": ["f1"]})[0].data
        2
        """
        for column in columns:
            if column not in COLUMNS:
                raise WorkflowError(f"{column!r} is no column; {nearest(column, COLUMNS)}")
        lengths = {column: len(columns.get(column, ())) for column in COLUMNS}
        if len(set(lengths.values())) > 1:
            said = ", ".join(f"{column} {length}" for column, length in lengths.items())
            raise WorkflowError(f"the columns differ in length ({said}); each row fills all three")
        return cls.of(*zip(*(columns.get(column, ()) for column in COLUMNS), strict=True))

    def to_dict(self) -> dict[str, list[Any]]:
        """The three columns, for JSON.

        >>> Messages.of((2, "init", "f1")).to_dict()
        {'data': [2], 'sender': ['init'], 'receiver': ['f1']}
        """
        return {column: [getattr(row, column) for row in self.rows] for column in COLUMNS}

    @property
    def data(self) -> tuple[Any, ...]:
        """What each row holds."""
        return tuple(row.data for row in self.rows)

    @property
    def senders(self) -> tuple[str, ...]:
        """Who sent each row."""
        return tuple(row.sender for row in self.rows)

    @property
    def receivers(self) -> tuple[str, ...]:
        """Whom each row is for."""
        return tuple(row.receiver for row in self.rows)

    def sent_by(self, sender: str) -> "Messages":
        """The rows from one sender, in order."""
        return Messages(tuple(row for row in self.rows if row.sender == sender))

    def sent_to(self, *receivers: str) -> "Messages":
        """The rows for one of these receivers, in order."""
        return self.split(receivers)[0]

    def split(self, receivers: Collection[str]) -> "tuple[Messages, Messages]":
        """The rows for one of these receivers, and the others."""
        mine = tuple(row for row in self.rows if row.receiver in receivers)
        others = tuple(row for row in self.rows if row.receiver not in receivers)
        return Messages(mine), Messages(others)

    def one(self, sender: str | None = None) -> Any:
        """The data of the only row, or of the only row from a sender.

        Raises
        ------
        WorkflowError
            If there is no such row, or more than one.

        >>> Messages.of((2, "init", "f1"), (3, "f0", "f1")).one("f0")
        3
        """
        found = self.rows if sender is None else self.sent_by(sender).rows
        if len(found) == 1:
            return found[0].data
        asked = "one row" if sender is None else f"one row from {sender!r}"
        present = ", ".join(map(repr, dict.fromkeys(self.senders))) or "nobody"
        cure = ""
        if self.rows and sender is not None and not found:
            cure = f"; give it a row (data, {sender!r}, {self.rows[0].receiver!r})"
        raise WorkflowError(
            f"{asked} is asked for, and there are {len(found)}; senders: {present}{cure}"
        )

    def __iter__(self) -> Iterator[Message]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: int) -> Message:
        return self.rows[place]

    def __add__(self, other: "Messages") -> "Messages":
        return Messages(self.rows + other.rows)

    def __str__(self) -> str:
        cells = [(_cell(row.data), row.sender, row.receiver) for row in self.rows]
        return "\n".join(_aligned([COLUMNS, *cells]))

    __repr__ = __str__


def _row(row: Message | Sequence[Any]) -> Message:
    if isinstance(row, Message):
        return row
    if isinstance(row, str) or not isinstance(row, Sequence) or len(row) not in (2, 3):
        raise WorkflowError(f"{_cell(row)} is no row; a row is (data, sender, receiver)")
    if not all(isinstance(name, str) for name in row[1:]):
        raise WorkflowError(f"{_cell(row)}: sender and receiver are names of works")
    return Message(*row)


def _cell(data: Any) -> str:
    return " ".join(_brief.repr(data).split())


def _aligned(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield line.rstrip()
