"""What the columns of a table of clips mean.

``path`` (or ``filename``, ``file_name``), ``label`` (or ``category``, ``event_label``,
``scene_label``, or the columns named as tasks), ``start`` (``onset``), ``end`` (``offset``),
``fold`` (``speaker_fold``), ``split`` (``official_split``), ``group`` (``speaker``, ``source_id``,
``src_file``, ``recording``), ``licence`` (``license``), ``author``, ``source``, ``device``,
``place``. In a table of onsets and offsets, the one column that is left over is the label. Where
several names of one thing are present, the first counts. All other
columns, and those of label, fold, split and group under another name, are kept as metadata.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ossicle.datasets.tasks import named_task
from ossicle.errors import DatasetError, nearest
from ossicle.types import TaskKind

__all__ = ["COLUMNS", "OF_RECORDING", "SPLIT_NAMES", "Columns", "understand"]

COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "path": ("path", "filename", "file_name"),
        "label": ("label", "category", "event_label", "event_labels", "scene_label"),
        "start": ("start", "onset"),
        "end": ("end", "offset"),
        "fold": ("fold", "speaker_fold"),
        "split": ("split", "official_split"),
        "group": ("group", "speaker", "source_id", "src_file", "recording"),
        "licence": ("licence", "license"),
        "author": ("author",),
        "source": ("source",),
        "device": ("device",),
        "place": ("place",),
    }
)
"""What a column may be, with the names it may have, best first."""

OF_RECORDING = ("licence", "author", "source", "device", "place")
"""Columns that speak of the recording, not of the clip."""

SPLIT_NAMES: Mapping[str, str] = MappingProxyType(
    {
        name: split
        for split, names in {
            "train": "train training",
            "validation": "validation valid val dev development",
            "test": "test testing eval evaluation",
        }.items()
        for name in names.split()
    }
)
"""Names of official parts, in lower case, and what we call them."""

STRONG = frozenset({"onset", "offset"})
"""Columns that make a table one of events; one of them alone means something else."""

_KEPT_UNDER_OTHER_NAMES = ("label", "fold", "split", "group")


@dataclass(frozen=True)
class Columns:
    """Where each thing stands in a row.

    Parameters
    ----------
    file : Path
        The table, for messages.
    names : tuple of str
        The header.
    roles, tasks, metadata : mapping of name to position
    kinds : mapping of task to kind
        Of tasks whose kind was asked for.
    """

    file: Path
    names: tuple[str, ...]
    roles: Mapping[str, int]
    tasks: Mapping[str, int]
    metadata: Mapping[str, int]
    kinds: Mapping[str, TaskKind]

    @property
    def strong(self) -> bool:
        """Whether rows are events, with an onset and an offset."""
        return _is_strong(self.names)


def understand(header: Sequence[str], *, tasks: Sequence[str] | None, file: Path) -> Columns:
    """Find out what the columns of a header are.

    Raises
    ------
    DatasetError
        If a name comes twice, no column names the files, or a task has no column.

    >>> understand(["filename", "category", "hz"], tasks=None, file=Path("meta.csv")).metadata
    {'category': 1, 'hz': 2}
    """
    names = tuple(name.strip() for name in header)
    wanted = None if tasks is None else dict(map(named_task, tasks))
    if not names:
        raise DatasetError(f"{file} is empty; a header with a column path or filename is needed")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DatasetError(f"{file}: two columns are called {twice!r}; rename one of them")
    roles = _roles([name for name in names if name not in (wanted or ())], names)
    if "path" not in roles:
        raise DatasetError(
            f"{file} has no column 'path' or 'filename'; {nearest('filename', names)}"
        )
    asked = _tasks(names, roles, wanted, file)
    used = {place for role, place in roles.items() if role != "label"} | set(asked.values())
    metadata = {
        name: place
        for place, name in enumerate(names)
        if name not in asked and (place not in used or _is_other_name(name))
    }
    kinds = {name: kind for name, kind in (wanted or {}).items() if kind}
    return Columns(file, names, roles, asked, metadata, kinds)


def _roles(candidates: Sequence[str], names: Sequence[str]) -> dict[str, int]:
    """The best column for each role."""
    places = {name.lower(): names.index(name) for name in candidates}
    if not _is_strong(names):
        places = {name: place for name, place in places.items() if name not in STRONG}
    found = {role: [o for o in options if o in places] for role, options in COLUMNS.items()}
    return {role: places[options[0]] for role, options in found.items() if options}


def _is_strong(names: Sequence[str]) -> bool:
    return {name.lower() for name in names} >= STRONG


def _is_other_name(name: str) -> bool:
    return any(name.lower() in COLUMNS[role][1:] for role in _KEPT_UNDER_OTHER_NAMES)


def _tasks(
    names: Sequence[str], roles: Mapping[str, int], tasks: Iterable[str] | None, file: Path
) -> dict[str, int]:
    """Which columns are tasks."""
    if tasks is None:
        if "label" in roles:
            return {"label": roles["label"]}
        rest = set(range(len(names))) - set(roles.values())
        if _is_strong(names) and len(rest) == 1:
            return {"label": rest.pop()}
        for meant in difflib.get_close_matches("label", names, n=1, cutoff=0.75):
            raise DatasetError(
                f"{file} has no column 'label'; did you mean {meant!r}? Rename it, or name tasks="
            )
        return {}
    places = {**({"label": roles["label"]} if "label" in roles else {}), **_places(names)}
    for name in tasks:
        if name not in places:
            raise DatasetError(f"{file} has no column {name!r}; {nearest(name, names)}")
    return {name: places[name] for name in tasks}


def _places(names: Sequence[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names)}
