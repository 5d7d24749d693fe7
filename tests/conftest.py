"""What every test stands on."""

import errno
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from small_classifiers import nearest_prototype
from sounds import folders_of_tones, table_of_tones

# A busy machine is no failure, and the same code gives the same answer every time.
settings.register_profile("ossicle", deadline=None, derandomize=True)
settings.load_profile("ossicle")

# A shell lets its background jobs ignore Ctrl-C, and so would every process that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def missing(part: str) -> None:
    """Skip without a part of the machine; a build server must have it."""
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(part)


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of real recordings named by OSSICLE_DATA; who names one must have it."""
    named = os.environ.get("OSSICLE_DATA", "")
    if not named:
        pytest.skip("OSSICLE_DATA names no folder of real recordings")
    if not Path(named).is_dir():
        pytest.fail(f"OSSICLE_DATA={named!r} is not a folder")
    return Path(named)


@pytest.fixture(scope="session")
def models() -> Path:
    """The folder of trained networks named by OSSICLE_MODELS; who names one must have it."""
    named = os.environ.get("OSSICLE_MODELS", "")
    if not named:
        pytest.skip("OSSICLE_MODELS names no folder of trained networks")
    if not Path(named).is_dir():
        pytest.fail(f"OSSICLE_MODELS={named!r} is not a folder")
    return Path(named)


@pytest.fixture(scope="session")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty short files, one folder a label; to be copied before it is changed."""
    return folders_of_tones(tmp_path_factory.mktemp("tones") / "tones")


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty clips of ten rooms with folds and a split; to be copied before it is changed."""
    return table_of_tones(tmp_path_factory.mktemp("table"))


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of three sounds, saved."""
    path = tmp_path_factory.mktemp("bundle") / "sounds.ossicle"
    nearest_prototype().save(path)
    return path


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if mount is None or subprocess.run([mount, *options], capture_output=True).returncode:
        missing("cannot mount a small file system here (needs root)")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], list[str]]:
    """Make the n-th of some calls of the system fail as on a full disk; gives the calls made."""
    homes: dict[str, Any] = {
        "fsync": os,
        "open": os,
        "replace": Path,
        "rename": Path,
        "mkdir": Path,
    }

    def from_now_on(name: str, nth: int) -> list[str]:
        real, calls = getattr(homes[name], name), []

        def counted(*args: Any, **options: Any) -> Any:
            calls.append(name)
            if len(calls) == nth:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*args, **options)

        monkeypatch.setattr(homes[name], name, counted)
        return calls

    return from_now_on
