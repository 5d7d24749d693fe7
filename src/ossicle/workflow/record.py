"""What became of executions and their steps, kept in one sqlite file that several may write."""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ossicle.errors import WorkflowError
from ossicle.workflow.claims import hold
from ossicle.workflow.pipeline import Event

if TYPE_CHECKING:
    import sqlite3

__all__ = ["Recorder", "forget", "read_executions", "read_steps", "recorder"]

FILE = "executions.sqlite"
DONE = ("completed", "kept", "skipped")
ENDED = (*DONE, "failed", "cancelled")
"""States that a step stays in."""

EVERY = 0.5
"""Seconds between two records of one step's progress."""

PATIENCE = 30.0
"""Seconds to wait for another process that is writing."""

LATEST = 1e11
"""Of moments, in seconds since 1970: three thousand years from now."""

LARGEST = 2**63
"""Of whole numbers, in the database."""

TABLES = """
CREATE TABLE IF NOT EXISTS executions (
    id TEXT PRIMARY KEY, name TEXT, state TEXT, started REAL, finished REAL, message TEXT);
CREATE TABLE IF NOT EXISTS steps (
    execution TEXT, position INTEGER, name TEXT, state TEXT, detail TEXT, key TEXT, started REAL,
    finished REAL, stage TEXT, done INTEGER, total INTEGER, PRIMARY KEY (execution, name));
"""


class Recorder:
    """Writes down what becomes of one execution; made by `recorder`.

    A disk that is full meanwhile stops no step: what was wrong is told at the end.
    """

    def __init__(self, path: Path, database: "sqlite3.Connection", execution: str) -> None:
        self._path, self._database, self._execution = path, database, execution
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}
        self._failure: WorkflowError | None = None

    def begin(self, name: str, steps: Sequence[str]) -> None:
        """Note the execution and its steps, none begun."""
        _forget(self._database, self._execution)  # whose folder somebody may have removed
        self._write(
            "INSERT INTO executions VALUES (?, ?, 'in progress', ?, NULL, '')",
            [(self._execution, name, time.time())],
        )
        self._write(
            "INSERT INTO steps (execution, position, name, state) VALUES (?, ?, ?, 'pending')",
            [(self._execution, position, step) for position, step in enumerate(steps)],
        )

    def event(self, event: Event) -> None:
        """Note what a step does now; called from any thread."""
        now = time.time()
        if event.progress and now - self._last.get(event.node, 0.0) < EVERY:
            return
        self._last[event.node] = now if event.progress else 0.0
        stage, done, total = event.progress or (None, None, None)
        made = event.artifact and event.artifact.key
        begun = now if event.state == "in progress" else None
        finished = now if event.state in ENDED else None
        how = (event.state, event.detail, made, begun, finished, stage, done, total)
        try:
            self._write(
                "UPDATE steps SET state = ?, detail = ?, key = ?, started = coalesce(started, ?), "
                "finished = ?, stage = ?, done = ?, total = ? WHERE execution = ? AND name = ?",
                [(*how, self._execution, event.node)],
            )
        except WorkflowError as error:
            self._failure = self._failure or error

    def end(self, state: str, message: str = "") -> None:
        """Note how the execution ended.

        Raises
        ------
        WorkflowError
            If this, or something before, could not be written.
        """
        now = time.time()
        self._write(
            "UPDATE executions SET state = ?, message = ?, finished = ? WHERE id = ?",
            [(state, message, now, self._execution)],
        )
        self._write(
            "UPDATE steps SET state = 'cancelled', finished = ? WHERE execution = ? "
            "AND state NOT IN ('completed', 'kept', 'failed', 'skipped', 'pending')",
            [(now, self._execution)],
        )
        if self._failure:
            raise self._failure

    def _write(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        plain = [tuple(map(_storable, row)) for row in rows]
        with _told(self._path), self._lock, self._database:
            self._database.executemany(statement, plain)


def _storable(value: Any) -> Any:
    """A value as the database can hold it: names of files need not be text."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    return value if not isinstance(value, int) or abs(value) < LARGEST else None


@contextmanager
def recorder(root: Path, execution: str, name: str, steps: Sequence[str]) -> Iterator[Recorder]:
    """Write down one execution below a folder: its steps, what becomes of them, how it ends.

    Raises
    ------
    WorkflowError
        If the system refuses: disk full, no permission, no database.
    """
    with _opened(root / FILE) as database:
        with hold(root, alone=True, wait=True):  # the database itself waits for nobody here
            database.execute("PRAGMA journal_mode = WAL")
            database.executescript(TABLES)
        database.execute("PRAGMA synchronous = NORMAL")
        record = Recorder(root / FILE, database, execution)
        record.begin(name, steps)
        try:
            yield record
        except BaseException as error:
            stopped = isinstance(error, KeyboardInterrupt)
            try:
                record.end("cancelled" if stopped else "failed", "" if stopped else str(error))
            except WorkflowError as other:
                raise WorkflowError(f"{str(error) or 'interrupted'}; {other}") from error
            raise
        record.end("completed")


def read_executions(root: Path) -> list[dict[str, Any]]:
    """Every execution, newest first, with how many steps it has and how many are done.

    >>> import tempfile
    >>> read_executions(Path(tempfile.mkdtemp()))
    []
    """
    done = ", ".join(f"'{state}'" for state in DONE)
    return _read(
        root,
        "SELECT CAST(e.id AS TEXT) AS id, CAST(e.name AS TEXT) AS name, "
        "CAST(e.state AS TEXT) AS state, "
        f"min(max(coalesce(CAST(e.started AS REAL), 0), 0), {LATEST}) AS started, "
        "CAST(e.finished AS REAL) AS finished, CAST(e.message AS TEXT) AS message, "
        f"count(s.name) AS n_steps, coalesce(sum(s.state IN ({done})), 0) AS n_done, "
        "CAST(max(coalesce(s.finished, s.started)) AS REAL) AS last "
        "FROM executions e LEFT JOIN steps s ON s.execution = e.id "
        "WHERE e.id IS NOT NULL GROUP BY e.id ORDER BY e.started DESC, e.rowid DESC",
    )


def read_steps(root: Path, execution: str) -> list[dict[str, Any]]:
    """The steps of an execution, in their order."""
    texts = ("name", "state", "detail", "key", "stage")
    columns = [
        *(f"CAST({each} AS TEXT) AS {each}" for each in texts),
        *(f"CAST({each} AS REAL) AS {each}" for each in ("started", "finished")),
        *("execution", "position", "done", "total"),
    ]
    statement = f"SELECT {', '.join(columns)} FROM steps WHERE execution = ? ORDER BY position"
    return _read(root, statement, execution)


def forget(root: Path, execution: str) -> None:
    """Remove an execution and its steps from the record."""
    with _opened(root / FILE) as database:
        _forget(database, execution)


def _forget(database: "sqlite3.Connection", execution: str) -> None:
    with database:
        database.execute("DELETE FROM steps WHERE execution = ?", (execution,))
        database.execute("DELETE FROM executions WHERE id = ?", (execution,))


def _read(root: Path, statement: str, *values: str) -> list[dict[str, Any]]:
    if not (root / FILE).is_file():
        return []
    try:
        return _rows(root, statement, values)
    except WorkflowError:
        if os.access(root, os.W_OK):
            raise
        return _rows(root, statement, values, is_frozen=True)


def _rows(
    root: Path, statement: str, values: tuple[str, ...], *, is_frozen: bool = False
) -> list[dict[str, Any]]:
    with _opened(root / FILE, is_frozen=is_frozen) as database:
        return [dict(row) for row in database.execute(statement, values)]


@contextmanager
def _opened(path: Path, *, is_frozen: bool = False) -> "Iterator[sqlite3.Connection]":
    """The database, closed at the end; a frozen one lies where nobody can write."""
    import sqlite3

    name = f"{path.absolute().as_uri()}?{'immutable=1' if is_frozen else 'mode=rwc'}"
    with _told(path):
        database = sqlite3.connect(name, timeout=PATIENCE, check_same_thread=False, uri=True)
        database.row_factory = sqlite3.Row
        try:
            yield database
        finally:
            database.close()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Tell in words what the database refuses."""
    import sqlite3

    try:
        yield
    except sqlite3.DatabaseError as error:
        raise WorkflowError(
            f"the record of executions {path} cannot be used: {error}; what steps have made is "
            "kept, and another run goes on from there"
        ) from error
