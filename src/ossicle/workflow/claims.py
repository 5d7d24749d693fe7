"""Locks that die with the process that holds them: on one piece of work, on a folder in use.

They are the system's own; threads of one process exclude each other as processes do. Where a file
system or system has none, nothing is excluded.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from ossicle.errors import WorkflowError

__all__ = ["claim", "hold", "is_held"]

_held: set[int] = set()  # this process's descriptors; a process that it forks must not keep them


@contextlib.contextmanager
def claim(path: Path, *, on_wait: Callable[[], object] | None = None) -> Iterator[None]:
    """Have a piece of work to oneself: whoever else asks for it waits until this one is done.

    Parameters
    ----------
    path : Path
        Stands for the work: made, and removed by whoever had it last; folders are made.
    on_wait : callable, optional
        Called once if another has it.
    """
    try:
        descriptor = _claimed(path, on_wait)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _claimed(path, on_wait)
    try:
        yield
    finally:
        if descriptor in _held:
            with contextlib.suppress(OSError):
                path.unlink()
        _close(descriptor)


@contextlib.contextmanager
def hold(folder: Path, *, alone: bool = False, wait: bool = False) -> Iterator[None]:
    """Keep a folder as it is, with all others who do so; or have it alone.

    Raises
    ------
    WorkflowError
        If it cannot be had at once, unless one waits.
    """
    try:
        descriptor = _open(folder, os.O_RDONLY)
    except OSError:  # nothing is there, or folders cannot be locked here
        yield
        return
    try:
        if not _lock(descriptor, alone=alone, wait=wait):
            raise WorkflowError(f"{folder} is in use; wait until what runs there has ended")
        yield
    finally:
        _close(descriptor)


def is_held(path: Path) -> bool:
    """Whether anybody holds or claims a path now."""
    try:
        with hold(path, alone=True):
            return False
    except WorkflowError:
        return True


def _claimed(path: Path, on_wait: Callable[[], object] | None) -> int:
    """A locked descriptor of the file that bears this name when the lock is had."""
    while True:
        descriptor = _open(path, os.O_RDWR | os.O_CREAT)
        try:
            if not _lock(descriptor):
                if on_wait is not None:
                    on_wait()
                    on_wait = None
                _lock(descriptor, wait=True)
            if _bears(path, descriptor):
                return descriptor
        except BaseException:
            _close(descriptor)
            raise
        _close(descriptor)


def _bears(path: Path, descriptor: int) -> bool:
    """Whether the file was not removed, by who had it before, while we waited for it."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _lock(descriptor: int, *, alone: bool = True, wait: bool = False) -> bool:
    try:
        import fcntl

        how = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
        fcntl.flock(descriptor, how if wait else how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):
        return True
    return True


def _open(path: Path, flags: int) -> int:
    descriptor = os.open(path, flags, 0o666)
    _held.add(descriptor)
    return descriptor


def _close(descriptor: int) -> None:
    """Let go, also of what forked processes hold of it; in a forked one it is gone already."""
    if descriptor in _held:
        _held.remove(descriptor)
        with contextlib.suppress(ImportError, OSError):
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _let_go() -> None:
    """In a forked process: leave all locks to the one that has them."""
    while _held:
        os.close(_held.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
