"""Clips as CSV: one row a clip."""

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ossicle.datasets.columns import OF_RECORDING, Columns, understand
from ossicle.datasets.row import Row
from ossicle.datasets.tasks import make_task
from ossicle.errors import DatasetError
from ossicle.types import Clip, Task
from ossicle.workflow.files import replacing

__all__ = ["Table", "columns_of", "read_table", "records", "table_rows", "write_table"]


@dataclass(frozen=True)
class Table:
    """What a CSV holds: its clips, the questions they answer, the rows left out and why."""

    clips: tuple[Clip, ...]
    tasks: tuple[Task, ...]
    skipped: tuple[tuple[str, str], ...]


def columns_of(path: Path) -> frozenset[str]:
    """Names of a CSV's columns in lower case; none where it cannot be read."""
    try:
        _, header = next(table_rows(path), (0, []))
    except DatasetError:
        return frozenset()
    return frozenset(name.strip().lower() for name in header)


def read_table(
    path: Path,
    *,
    root: Path,
    tasks: Sequence[str] | None = None,
    inside: bool = False,
    rows: Iterator[tuple[int, list[str]]] | None = None,
) -> Table:
    """Read a table of clips; no sound is opened.

    Rows whose file is missing, and rows with a label for none of the tasks, are left out and
    listed. In a table of onsets and offsets, a row with a file only says that there is nothing to
    hear in it: a clip without a label.

    Parameters
    ----------
    path : Path
        The CSV: UTF-8, separated by commas, semicolons or tabs.
    root : Path
        Absolute folder that relative paths begin at.
    tasks : sequence of str, optional
        Columns that are tasks; ``label`` by default.
    inside : bool
        Refuse paths that leave ``root``, as the table of a data set made by others should not.
    rows : iterator of (int, list of str), optional
        Line numbers and cells, the header first, where they are not those of a CSV.

    Raises
    ------
    DatasetError
        If the table cannot be read, a column is missing or a value is not allowed.
    """
    rows = table_rows(path) if rows is None else rows
    _, header = next(rows, (0, []))
    columns = understand(header, tasks=tasks, file=path)
    clips, skipped = [], []
    for line, cells in rows:
        _fitting(cells, header, path, line)
        clip = Row(columns, line, cells).clip(root, inside=inside)
        reason = _unusable(clip, columns)
        if reason is None:
            clips.append(clip)
        else:
            skipped.append((_shown(clip.path, root), f"{path.name}, line {line}: {reason}"))
    return Table(tuple(clips), _tasks(clips, columns), tuple(skipped))


def records(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and cells by column of each row of a table.

    Raises
    ------
    DatasetError
        If the table cannot be read, or a row is longer or shorter than the header.
    """
    rows = table_rows(path)
    _, header = next(rows, (0, []))
    for line, cells in rows:
        yield line, dict(zip(header, _fitting(cells, header, path, line), strict=True))


def _fitting(cells: list[str], header: list[str], path: Path, line: int) -> list[str]:
    if len(cells) != len(header):
        raise DatasetError(
            f"{path}, line {line}: {len(cells)} values under {len(header)} columns; "
            "is a value with a comma in it missing its quotes?"
        )
    return cells


def write_table(
    path: Path, clips: Sequence[Clip], tasks: Sequence[Task], *, path_column: str = "path"
) -> None:
    """Write clips as CSV, atomically; paths below the CSV's folder become relative to it.

    Raises
    ------
    DatasetError
        If two columns would have one name.
    """
    folder = _absolute(path).parent
    names = [task.name for task in tasks]
    extra = list(dict.fromkeys(name for clip in clips for name in clip.metadata))
    header = [path_column, *names, "start", "end", "fold", "split", "group", *OF_RECORDING, *extra]
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise DatasetError(f"{path}: two columns would be called {twice!r}; rename one of them")
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(_cells(clip, folder, names, extra) for clip in clips)


def _cells(clip: Clip, folder: Path, tasks: Sequence[str], extra: Sequence[str]) -> list[str]:
    return [
        _shown(clip.path, folder),
        *(clip.labels.get(name, "") for name in tasks),
        repr(float(clip.start)) if clip.start else "",
        "" if clip.end is None else repr(float(clip.end)),
        "" if clip.fold is None else str(clip.fold),
        clip.split,
        clip.group,
        *(getattr(clip.recording, name) for name in OF_RECORDING),
        *(clip.metadata.get(name, "") for name in extra),
    ]


def table_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each row that is not empty, the header first."""
    line = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline()
            file.seek(0)
            reader = csv.reader(file, delimiter=max(",;\t", key=header.count), strict=True)
            for cells in reader:
                line = reader.line_num
                if cells:
                    yield line, cells
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not UTF-8 ({error}); save it as UTF-8") from error
    except csv.Error as error:
        raise DatasetError(f"{path}, after line {line}: {error}; is a quote open?") from error
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error


def _tasks(clips: Sequence[Clip], columns: Columns) -> tuple[Task, ...]:
    labels = {name: {c.labels[name] for c in clips if name in c.labels} for name in columns.tasks}
    return tuple(
        make_task(name, found, columns.kinds.get(name)) for name, found in labels.items() if found
    )


def _unusable(clip: Clip, columns: Columns) -> str | None:
    """Why a row makes no clip."""
    if not os.path.isfile(clip.path):  # noqa: PTH113 - faster, for thousands of rows
        return "no such file"
    if columns.tasks and not clip.labels and not (columns.strong and clip.end is None):
        return f"no label in column {' or '.join(map(repr, columns.tasks))}"
    return None


def _shown(path: Path, folder: Path) -> str:
    """Relative where the file lies below the folder, else absolute."""
    path = _absolute(path)
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)


def _absolute(path: Path | str) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - Path.absolute keeps ".."
