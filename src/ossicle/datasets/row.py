"""One row of a table of clips: its values checked, then a clip."""

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ossicle.datasets.columns import OF_RECORDING, SPLIT_NAMES, Columns
from ossicle.datasets.tasks import join_labels, number, split_labels
from ossicle.errors import DatasetError
from ossicle.types import Clip, Recording

__all__ = ["Row"]


@dataclass(frozen=True, slots=True)
class Row:
    """Cells of one line."""

    columns: Columns
    line: int
    cells: Sequence[str]

    def text(self, role: str) -> str:
        """The cell as it is; empty where there is no such column."""
        place = self.columns.roles.get(role)
        return "" if place is None else self.cells[place]

    def number(self, role: str, allowed: str) -> float | None:
        """The cell as a finite number; None where it is empty."""
        text = self.text(role).strip()
        if not text:
            return None
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise self.wrong(role, allowed)
        return number

    def wrong(self, role: str, allowed: str) -> DatasetError:
        """The error that names file, line, column, value and what was allowed."""
        column = self.columns.names[self.columns.roles[role]]
        return DatasetError(
            f"{self.columns.file}, line {self.line}, column {column!r}: {self.text(role)!r}; "
            f"{allowed}"
        )

    def clip(self, root: Path, *, inside: bool) -> Clip:
        """The clip of this row, with its path below ``root`` or absolute."""
        start, end = self._limits()
        columns = self.columns
        return Clip(
            Recording(
                self._path(root, inside=inside), **{role: self.text(role) for role in OF_RECORDING}
            ),
            start=start,
            end=end,
            labels=self._labels(),
            group=self.text("group"),
            fold=self._fold(),
            split=self._split(),
            metadata=self._mapping(columns.metadata.items()),
        )

    def _labels(self) -> MappingProxyType[str, str]:
        labels = self._mapping(self.columns.tasks.items())
        if not self.columns.kinds:
            return labels
        return MappingProxyType({name: self._label(name, text) for name, text in labels.items()})

    def _label(self, task: str, text: str) -> str:
        """The label as its kind of task writes it."""
        kind = self.columns.kinds.get(task)
        if kind == "regression":
            number(text.strip(), f"{self.columns.file}, line {self.line}, column {task!r}")
        return join_labels(split_labels(text)) if kind == "multilabel" else text

    def _mapping(self, places: Iterable[tuple[str, int]]) -> MappingProxyType[str, str]:
        return MappingProxyType({name: self.cells[i] for name, i in places if self.cells[i]})

    def _path(self, root: Path, *, inside: bool) -> Path:
        path = Path(os.path.normpath(root / self.text("path")))
        if path == root or "\0" in str(path) or (inside and not path.is_relative_to(root)):
            raise self.wrong("path", f"a file below {root} is allowed")
        return path

    def _limits(self) -> tuple[float, float | None]:
        start = self.number("start", "seconds from 0 are allowed") or 0.0
        if start < 0.0:
            raise self.wrong("start", "seconds from 0 are allowed")
        allowed = f"seconds after the start at {start:g} s are allowed, or nothing"
        end = self.number("end", allowed)
        if end is not None and end <= start:
            raise self.wrong("end", allowed)
        return start, end

    def _fold(self) -> int | None:
        fold = self.number("fold", "a whole number is allowed")
        if fold is None:
            return None
        if fold != int(fold):
            raise self.wrong("fold", "a whole number is allowed")
        return int(fold)

    def _split(self) -> str:
        text = self.text("split").strip().lower()
        if text and text not in SPLIT_NAMES:
            raise self.wrong("split", "train, validation and test are allowed")
        return SPLIT_NAMES.get(text, "")
