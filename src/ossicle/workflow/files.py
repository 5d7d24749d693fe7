"""Files that are whole or absent, canonical JSON, and digests of both.

A file is written under a hidden temporary name in its own folder, flushed to the disk and renamed:
a killed process or a full disk leaves the old file as it was.
"""

import contextlib
import hashlib
import json
import math
import os
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

from ossicle.errors import WorkflowError

__all__ = [
    "canonical_json",
    "claimed",
    "digest",
    "file_digest",
    "file_digests",
    "path_digest",
    "read_json",
    "replacing",
    "write_json",
]

DIGEST_BYTES = 16

_N_THREADS = 4  # threads suffice: hashing lets go of Python's lock
_SETTLED = 2.0  # seconds; the clock of a file system may be coarser than two writes are apart
_known: dict[tuple[str | int, ...], str] = {}
_claims: set[int] = set()  # descriptors of the folders that this process keeps to itself


@contextlib.contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Write a file so that its name only ever shows a whole one.

    Parameters
    ----------
    path : path
        The file to make or replace; missing folders are made.

    Yields
    ------
    path
        A temporary name in the same folder with the same ending, to be written by the caller.
        It takes the place of ``path`` when the block ends well and is removed when it does not.

    Raises
    ------
    WorkflowError
        If the system refuses (disk full, no permission, a device in place of a file).

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with replacing(folder / "note.txt") as temporary:
    ...     _ = temporary.write_text("whole")
    >>> [file.name for file in folder.iterdir()]
    ['note.txt']
    """
    path = Path(path)
    if path.name in ("", ".."):
        raise WorkflowError(f"{path} is a folder and not a regular file; choose another name")
    temporary = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
    try:
        if path.exists() and not path.is_file():
            raise WorkflowError(f"{path} exists and is not a regular file; choose another name")
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        flush(temporary)
        temporary.replace(path)
        flush_folder(path.parent)
    except OSError as error:
        code = error.errno  # without the temporary name and the libraries' own words
        reason = f"[Errno {code}] {os.strerror(code)}" if code else error
        raise WorkflowError(f"cannot write {path}: {reason}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Keep a folder to this process: another that asks for it meanwhile is refused.

    The system lets go of it when the process ends, however it ends; processes that it has forked
    meanwhile do not keep it. Where a file system or system has no such locks, nothing is kept.

    Raises
    ------
    WorkflowError
        If another process has it.
    """
    if os.name != "posix":
        yield
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    _claims.add(descriptor)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WorkflowError(
                f"{folder} is being written by another run; wait for its end, or take another "
                "folder"
            ) from None
        except OSError:
            pass
        yield
    finally:
        if descriptor in _claims:
            _claims.remove(descriptor)
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)


def _let_go() -> None:
    """In a forked process: leave all folders to the one that claimed them."""
    while _claims:
        os.close(_claims.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


def flush(path: Path) -> None:
    """Wait until the file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk, where the file system can do that."""
    with contextlib.suppress(OSError):
        flush(path)


def canonical_json(value: Any) -> str:
    """Write a value as JSON in one way only: sorted keys, no spaces, shortest exact floats.

    Mappings, sequences and numpy's numbers and arrays become their plain JSON forms.

    Raises
    ------
    WorkflowError
        If the value holds something JSON has no word for (NaN, a path, an object).

    >>> canonical_json({"b": 0.1, "a": (1, None)})
    '{"a":[1,null],"b":0.1}'
    """
    return _dumps(value, sort_keys=True, separators=(",", ":"))


def write_json(path: Path | str, value: Any) -> None:
    """Write a value as readable JSON, atomically; keys stay in their order.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "settings.json"
    >>> write_json(path, {"n_mels": 64})
    >>> read_json(path)
    {'n_mels': 64}
    """
    try:
        data = readable_json(value).encode()
    except UnicodeEncodeError as error:
        raise WorkflowError(f"cannot write {str(path)!r}: {error}") from error
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def readable_json(value: Any) -> str:
    """Write a value as indented JSON, keys in their order."""
    return _dumps(value, indent=2) + "\n"


def read_json(path: Path | str) -> Any:
    """Read a JSON file.

    Raises
    ------
    WorkflowError
        If it is missing, unreadable or not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise WorkflowError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise WorkflowError(f"{path} is not JSON ({error}); was it edited or cut off?") from error


def digest(*parts: bytes | str) -> str:
    """Name a sequence of parts by 32 hexadecimal digits (BLAKE2b, 128 bit).

    Each part is counted in with its length: ``("ab", "c")`` and ``("a", "bc")`` differ.

    >>> digest("log_mel", b"64")
    '1744b5a8821d9e0999079454c3f17860'
    """
    state = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for part in parts:
        data = _encoded(part) if isinstance(part, str) else part
        state.update(len(data).to_bytes(8, "little"))
        state.update(data)
    return state.hexdigest()


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        near = text[max(0, error.start - 20) : error.end + 20]
        raise WorkflowError(f"{near!r} holds what is no character and cannot be kept") from error


def file_digest(path: Path | str) -> str:
    """Name a file by its bytes: 32 hexadecimal digits, whatever it is called.

    Raises
    ------
    WorkflowError
        If it cannot be read.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for, forever
            raise WorkflowError(f"cannot read {path}: a folder, device or pipe is not a file")
        with path.open("rb") as file:
            return hashlib.file_digest(
                file, lambda: hashlib.blake2b(digest_size=DIGEST_BYTES)
            ).hexdigest()
    except OSError as error:
        raise WorkflowError(f"cannot read {path}: {error.strerror or error}") from error


def file_digests(paths: Iterable[Path]) -> dict[Path, str | WorkflowError]:
    """Digest of each file's bytes, or why it has none.

    Digests are remembered as long as a file keeps its size and times.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "a").write_bytes(b"sound")
    >>> found = file_digests([folder / "a", folder / "b"])
    >>> [isinstance(each, str) for each in found.values()]
    [True, False]
    """
    unique = list(dict.fromkeys(paths))
    with ThreadPoolExecutor(_N_THREADS) as threads:
        return dict(zip(unique, threads.map(_known_digest, unique), strict=True))


def path_digest(path: Path) -> str:
    """What a file or folder holds, by content; names count within a folder, not its own name.

    Raises
    ------
    WorkflowError
        If it is missing or cannot be read.
    """
    if not path.is_dir():
        (found,) = file_digests([path]).values()
        return _sure(found)
    names = {each: os.fsencode(each.relative_to(path).as_posix()) for each in _below(path)}
    digests = file_digests(names)
    pairs = sorted((names[each], _sure(found).encode()) for each, found in digests.items())
    return digest(*(word for pair in pairs for word in pair))


def _sure(found: str | WorkflowError) -> str:
    if isinstance(found, WorkflowError):
        raise found
    return found


def _below(folder: Path) -> Iterator[Path]:
    """Every file below a folder, also behind links, but each folder once: links may form a ring."""
    seen = set()
    for place, inner, names in os.walk(folder, followlinks=True, onerror=_refuse):
        inner.sort()
        if (real := os.path.realpath(place)) in seen:
            inner.clear()
            continue
        seen.add(real)
        yield from (Path(place, name) for name in names)


def _refuse(error: OSError) -> NoReturn:
    raise WorkflowError(f"cannot read {error.filename}: {error.strerror}") from error


def _known_digest(path: Path) -> str | WorkflowError:
    try:
        now, status = time.time(), path.stat()
        times = (status.st_mtime_ns, status.st_ctime_ns)
        key = (str(path), status.st_ino, status.st_size, *times)
        if key not in _known:
            value = file_digest(path)
            if now - max(times) / 1e9 <= _SETTLED:
                return value
            _known[key] = value
        return _known[key]
    except WorkflowError as error:
        return error
    except (OSError, ValueError) as error:
        return WorkflowError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}")


def _dumps(value: Any, **form: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain, **form)
    except (TypeError, ValueError, RecursionError) as error:
        if place := _not_finite(value):
            raise WorkflowError(
                f"{place}, which cannot be written as JSON; finite numbers are allowed"
            ) from error
        raise WorkflowError(f"cannot be written as JSON: {error}") from error


def _not_finite(value: Any, name: str = "a value") -> str:
    """The first number that JSON has no word for, with the key it lies under; empty if none."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"{name} is {value}"
    pairs: Iterable[tuple[str, Any]] = ()
    if isinstance(value, Mapping):
        pairs = value.items()
    elif isinstance(value, list | tuple):
        pairs = ((name, item) for item in value)
    return next(filter(None, (_not_finite(item, str(key)) for key, item in pairs)), "")


def _plain(value: Any) -> Any:
    """The JSON form of what json itself does not know."""
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "tolist"):  # numpy's numbers and arrays, without importing numpy
        return value.tolist()
    raise TypeError(f"{value!r} of type {type(value).__name__} has no JSON form")
