"""What a step may give back, and how it is kept: JSON, arrays, tables, networks; never code.

Each kind is one file ending, one function that writes and one that reads.
"""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from ossicle.errors import WorkflowError
from ossicle.extras import require
from ossicle.workflow.files import read_json, readable_json

__all__ = ["KINDS", "Array", "Arrays", "Kind", "Network", "Rows", "read_result", "write_result"]

RESULT = "result"
"""Stem of the file that holds what a step returned."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A form in which results are kept.

    Parameters
    ----------
    write : callable
        From path and value to nothing.
    read : callable
        From path to value.
    """

    write: Callable[[Path, Any], None]
    read: Callable[[Path], Any]


def _write_json(path: Path, value: Any) -> None:
    _check_keys(value)
    path.write_text(readable_json(value), encoding="utf-8")


def _check_keys(value: Any) -> None:
    """Refuse keys that are no text: written as text, two could be one."""
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"{key!r} is a key; texts are allowed")
    inner = value.values() if isinstance(value, Mapping) else value
    for each in inner if isinstance(value, Mapping | list | tuple) else ():
        _check_keys(each)


def _write_array(path: Path, value: Any) -> None:
    import numpy as np

    with path.open("wb") as file:
        np.save(file, np.asarray(value), allow_pickle=False)


def _read_array(path: Path) -> Any:
    import numpy as np

    return np.load(path, allow_pickle=False)


def _write_arrays(path: Path, value: Mapping[str, Any]) -> None:
    h5py = require("h5py", extra="search")
    with h5py.File(path, "w", track_order=False) as file:
        for name in sorted(value):
            file.create_dataset(name, data=value[name], track_times=False)


def _read_arrays(path: Path) -> dict[str, Any]:
    h5py = require("h5py", extra="search")
    with h5py.File(path, "r") as file:
        return {name: file[name][()] for name in sorted(file)}


def _write_rows(path: Path, value: Sequence[Mapping[str, Any]]) -> None:
    names = list(dict.fromkeys(name for row in value for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(value)


def _read_rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: _word(text) for name, text in row.items()} for row in csv.DictReader(file)]


def _word(text: str) -> Any:
    """A number where a table says one, else the text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, int | float) and not isinstance(value, bool) else text


def _write_bytes(path: Path, value: bytes) -> None:
    path.write_bytes(value)


KINDS: dict[str, Kind] = {
    "json": Kind(_write_json, read_json),
    "npy": Kind(_write_array, _read_array),
    "h5": Kind(_write_arrays, _read_arrays),
    "csv": Kind(_write_rows, _read_rows),
    "onnx": Kind(_write_bytes, Path.read_bytes),
    "ossicle": Kind(_write_bytes, Path.read_bytes),
}
"""By file ending."""

Array = Annotated[Any, "npy"]
"""A step that returns one array."""
Arrays = Annotated[Mapping[str, Any], "h5"]
"""A step that returns arrays by name."""
Rows = Annotated[Sequence[Mapping[str, Any]], "csv"]
"""A step that returns a table: one mapping a row."""
Network = Annotated[bytes, "onnx"]
"""A step that returns a network as ONNX."""


def write_result(folder: Path, value: Any, kind: str = "") -> None:
    """Keep what a step returned.

    Parameters
    ----------
    folder : Path
    value : object
        ``None`` is not kept; what has ``to_dict`` is kept as that.
    kind : str
        Of `KINDS`; JSON by default, npy for an array.

    Raises
    ------
    WorkflowError
        If the value cannot be kept so.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_result(folder, [{"net": "cnn", "accuracy": 0.5}], "csv")
    >>> read_result(folder)
    [{'net': 'cnn', 'accuracy': 0.5}]
    """
    if value is None:
        return
    if not kind:
        kind = "npy" if hasattr(value, "__array_interface__") else "json"
    plain = value.to_dict() if kind == "json" and hasattr(value, "to_dict") else value
    try:
        KINDS[kind].write(folder / f"{RESULT}.{kind}", plain)
    except (TypeError, ValueError, AttributeError) as error:
        raise WorkflowError(
            f"a result of type {type(value).__name__} cannot be kept as {kind}: {error}"
        ) from error


def read_result(folder: Path) -> Any:
    """What a step returned; None if it returned nothing.

    Raises
    ------
    WorkflowError
        If it is damaged.
    """
    path = result_file(folder)
    if path is None:
        return None
    try:
        return KINDS[path.suffix[1:]].read(path)
    except (OSError, ValueError, KeyError) as error:
        raise WorkflowError(f"{path} cannot be read: {error}; remove its artifact") from error


def result_file(folder: Path) -> Path | None:
    """The file that holds what a step returned, if it returned something."""
    names = (folder / f"{RESULT}.{kind}" for kind in KINDS)
    return next((path for path in names if path.is_file()), None)
