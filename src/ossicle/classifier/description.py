"""``bundle.json``: a classifier's settings as JSON and back, every key and type checked.

There is one way to write it (sorted keys, shortest exact numbers) and only that way is read, so
that duplicate keys, NaN or text that is not Unicode have no place to hide.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from functools import partial
from typing import Any, TypeGuard, get_args

import numpy as np

from ossicle.classifier.decision import Decision
from ossicle.classifier.trained import Trained
from ossicle.errors import BundleError, ModelError, OssicleError
from ossicle.features import INTEGRATIONS, Embedding, FrontEnd, Scaler, front_end
from ossicle.types import Task, TaskKind

__all__ = ["FORMAT_VERSION", "describe", "json_bytes", "parse", "read_json_bytes"]

FORMAT = "ossicle bundle"
FORMAT_VERSION = 1
MAX_JSON_BYTES = 16 * 2**20
MAX_DEPTH = 24
MAX_TEXT = 500
MAX_LABELS = 100_000
LARGEST = {"sample_rate": 768_000, "n_fft": 2**15, "hop_length": 2**20, "zero_padding": 2**15}
LARGEST_PATCH = {"n_fft": 2**20}
LARGEST_OTHER = 1024
"""Bounds on the whole numbers of a front end, so that making one cannot exhaust the memory; a
patch, that a network describes, may be longer than a frame."""
TINY = 1e-30
SHORTEST_HOP = 1e-3
MOST_OVERLAP = 1000

CONTROL = ("Cc", "Cs", "Zl", "Zp")
BIDIRECTIONAL = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
NUMBERS_IN_LINES = re.compile(r"\[\n[-+.\deE,\n ]+\]")

DEFAULTS = {each.name: getattr(Decision(), each.name) for each in fields(Decision)}


def describe(trained: Trained) -> dict[str, Any]:
    """A classifier's settings, all but its network, ready for JSON."""
    scaler = trained.scaler
    return {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "tasks": [asdict(task) for task in trained.tasks],
        "front_end": trained.front_end.describe(),
        "integration": trained.integration,
        "scaler": scaler and {"mean": scaler.mean.tolist(), "scale": scaler.scale.tolist()},
        "window": trained.window,
        "window_hop": trained.window_hop,
        "activation": dict(trained.activation),
        "temperature": dict(trained.temperature),
        "decision": asdict(trained.decision),
        "metrics": dict(trained.metrics),
        "provenance": dict(trained.provenance),
    }


def parse(
    record: Mapping[str, Any], *, networks: Mapping[str, bytes] | None = None
) -> dict[str, Any]:
    """Fields of `Trained` (all but ``network``) from what `describe` gave.

    Parameters
    ----------
    record : mapping
    networks : mapping of sha256 to bytes, optional
        What the front end may run; none by default.

    Raises
    ------
    BundleError
        If the format is newer, or a key is unknown, missing or not of its type.
    """
    _check_version(record)
    _check_keys(record, READERS, "bundle.json")
    readers = READERS | {"front_end": partial(_front_end, networks=networks or {})}
    values = {key: reader(record[key]) for key, reader in readers.items() if reader is not _any}
    _check_overlap(values["window"], values["window_hop"])
    return values


def json_bytes(value: Any) -> bytes:
    """The one way to write a value: sorted keys, lists of numbers on one line.

    Raises
    ------
    BundleError
        If the value holds something JSON has no word for.

    >>> json_bytes({"b": [1.5, 2], "a": None})
    b'{\\n "a": null,\\n "b": [1.5, 2]\\n}\\n'
    """
    try:
        text = json.dumps(
            value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False, default=_plain
        )
        return (NUMBERS_IN_LINES.sub(_on_one_line, text) + "\n").encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise BundleError(f"metrics or provenance cannot be written as JSON: {error}") from error


def read_json_bytes(data: bytes, name: str) -> dict[str, Any]:
    """The object that `json_bytes` wrote.

    Raises
    ------
    BundleError
        If it is too large or deep, not an object, or written in any other way.
    """
    if len(data) > MAX_JSON_BYTES:
        raise BundleError(f"{name} has {len(data)} bytes; allowed are {MAX_JSON_BYTES}")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{name} is not JSON: {error}") from error
    if not isinstance(value, dict) or _depth(value) > MAX_DEPTH:
        raise BundleError(f"{name} is not an object of at most {MAX_DEPTH} levels")
    if json_bytes(value) != data:
        raise BundleError(f"{name} is not written the way ossicle writes it; was it edited?")
    return value


def _check_version(record: Mapping[str, Any]) -> None:
    version = record.get("version")
    if record.get("format") != FORMAT or not _is_whole(version) or version < 1:
        raise BundleError(f"bundle.json is of format {record.get('format')!r} {version!r:.40}")
    if version > FORMAT_VERSION:
        raise BundleError(
            f"it has format version {version}; this ossicle reads up to {FORMAT_VERSION}; "
            f"install an ossicle that reads version {version}: pip install --upgrade ossicle"
        )


def _check_keys(record: object, wanted: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The record, if it is an object with exactly these keys."""
    if not isinstance(record, dict):
        raise BundleError(f"{name} is {record!r:.80}, not an object")
    unknown, missing = sorted(set(record) - set(wanted)), sorted(set(wanted) - set(record))
    if unknown or missing:
        raise BundleError(
            f"{name} has unknown keys {unknown[:5]!r:.200} and lacks {missing}; "
            f"was it written by another version?"
        )
    return record


def _check_overlap(window: float | None, window_hop: float | None) -> None:
    """Refuse so many windows that the end of a sound would never be reached."""
    if window is None or window_hop is None:
        return
    shortest = max(SHORTEST_HOP, window / MOST_OVERLAP)
    if window_hop < shortest:
        raise BundleError(
            f"window_hop is {window_hop} s for windows of {window} s: too short; the least is "
            f"{shortest:g} s"
        )


def check_storable(task: Task, window: float | None, window_hop: float | None) -> None:
    """Refuse a task or windows that no bundle may hold, before any work is done on them.

    Raises
    ------
    BundleError
        If a label is too long or holds control characters, or windows overlap too much.

    >>> check_storable(Task("label", "binary", ("alarm", "other")), 1.0, 0.5)
    """
    _texts([task.name, *task.labels])
    _check_overlap(window, window_hop)


def _tasks(value: object) -> tuple[Task, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= 100:
        raise BundleError(f"tasks are {value!r:.80}; allowed is a list of 1 to 100")
    return tuple(map(_task, value))


def _task(value: object) -> Task:
    record = _check_keys(value, {each.name: None for each in fields(Task)}, "a task")
    kind = record["kind"]
    if kind not in get_args(TaskKind):
        raise BundleError(f"kind of a task is {kind!r:.80}; allowed are {get_args(TaskKind)}")
    return Task(
        _text(record["name"]),
        kind,
        _texts(record["labels"]),
        _texts(record["background"]),
        None if record["positive"] is None else _text(record["positive"]),
    )


def _front_end(value: object, *, networks: Mapping[str, bytes]) -> FrontEnd:
    if not isinstance(value, dict):
        raise BundleError(f"front_end is {value!r:.80}, not an object")
    _check_sizes(value)
    try:
        return front_end(value, networks=networks)
    except (OssicleError, ArithmeticError, TypeError, ValueError) as error:
        raise BundleError(f"its front end cannot be made: {error}") from error


def _check_sizes(settings: Mapping[str, Any]) -> None:
    """Refuse numbers of a front end, or of the one inside it, that are far too large or small."""
    limits = LARGEST | LARGEST_PATCH if settings.get("name") == Embedding.name else LARGEST
    for key, setting in settings.items():
        if isinstance(setting, dict):
            _check_sizes(setting)
        largest = limits.get(key, LARGEST_OTHER)
        if _is_whole(setting) and abs(setting) > largest:
            raise BundleError(f"{key!r:.80} of the front end is {setting}; the most is {largest}")
        if isinstance(setting, float) and setting and not TINY <= abs(setting) <= 1 / TINY:
            raise BundleError(
                f"{key!r:.80} of the front end is {setting}, outside single precision"
            )


def _integration(value: object) -> str | None:
    names = value.split("+") if isinstance(value, str) else []
    known = names and len(names) <= len(INTEGRATIONS) and set(names) <= set(INTEGRATIONS)
    if value is not None and not known:
        raise BundleError(f"integration is {value!r:.80}; allowed are {sorted(INTEGRATIONS)}")
    return str(value) if known else None


def _scaler(value: object) -> Scaler | None:
    if value is None:
        return None
    record = _check_keys(value, {"mean": None, "scale": None}, "scaler")
    mean, scale = (_vector(record[key]) for key in ("mean", "scale"))
    if mean.shape != scale.shape or not (scale > 0).all():
        raise BundleError("scaler needs as many scales, all above 0, as means")
    return Scaler(mean, scale)


def _decision(value: object) -> Decision:
    record = _check_keys(value, DEFAULTS, "decision")
    readers = {"pooling": _text, "pool_windows": _whole, "thresholds": _numbers}
    settings: dict[str, Any] = {key: readers.get(key, _number)(record[key]) for key in DEFAULTS}
    try:
        return Decision(**settings)
    except ModelError as error:
        raise BundleError(f"its decision cannot be made: {error}") from error


def _seconds(value: object) -> float | None:
    return None if value is None else _number(value)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
        raise BundleError(f"{value!r:.80} stands where a number is needed")
    return value


def _whole(value: object) -> int:
    if not _is_whole(value):
        raise BundleError(f"{value!r:.80} stands where a whole number is needed")
    return value


def _vector(value: object) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    if not isinstance(value, list):
        raise BundleError(f"{value!r:.80} stands where a list of numbers is needed")
    return np.array([_number(each) for each in value], dtype=np.float64)


def _numbers(value: object) -> dict[str, float]:
    return {_text(key): _number(each) for key, each in _object(value).items()}


def _words(value: object) -> dict[str, str]:
    return {_text(key): _text(each) for key, each in _object(value).items()}


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BundleError(f"{value!r:.80} stands where an object is needed")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MAX_LABELS:
        raise BundleError(f"{value!r:.80} stands where at most {MAX_LABELS} labels are allowed")
    return tuple(map(_text, value))


def _text(value: object) -> str:
    """One line of text: no control characters, none that turn the direction of writing."""
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_TEXT:
        raise BundleError(f"{value!r:.80} stands where 1 to {MAX_TEXT} characters are needed")
    for character in value:
        if unicodedata.category(character) in CONTROL or character in BIDIRECTIONAL:
            raise BundleError(f"{value!r:.80} holds the control character {character!r}")
    return value


def _any(value: object) -> object:
    return value


READERS: dict[str, Callable[[Any], Any]] = {
    "format": _any,
    "version": _any,
    "tasks": _tasks,
    "front_end": _any,
    "integration": _integration,
    "scaler": _scaler,
    "window": _seconds,
    "window_hop": _seconds,
    "activation": _words,
    "temperature": _numbers,
    "decision": _decision,
    "metrics": _object,
    "provenance": _object,
    "members": _any,
}


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _depth(value: Any) -> int:
    """Levels of lists and objects in each other."""
    levels, level = 0, [value]
    while level:
        levels += 1
        inner = [each.values() if isinstance(each, dict) else each for each in level]
        level = [v for each in inner for v in each if isinstance(v, dict | list)]
    return levels


def _on_one_line(match: re.Match[str]) -> str:
    return f"[{' '.join(match[0][1:-1].split())}]"


def _plain(value: Any) -> Any:
    """The JSON form of numpy's numbers and arrays and of mappings."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{value!r:.80} of type {type(value).__name__}")
