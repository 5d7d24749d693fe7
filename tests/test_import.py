"""``import ossicle`` is light, and everything it promises is there."""

import inspect
import os
import re
import statistics
import subprocess
import sys

import pytest

import ossicle

HEAVY = {"h5py", "loky", "matplotlib", "onnx", "onnxruntime", "rich", "scipy", "sklearn", "torch"}


def loaded_by(code: str) -> set[str]:
    """Top-level modules a fresh Python has loaded after some code."""
    listing = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    command = [sys.executable, "-c", f"{code}\n{listing}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_import_loads_numpy_at_most() -> None:
    extra = loaded_by("import ossicle") - loaded_by("pass") - sys.stdlib_module_names
    assert extra <= {"numpy", "ossicle"}


def test_help_loads_no_heavy_library() -> None:
    code = """
from click.testing import CliRunner
from ossicle.cli.main import verbs
assert CliRunner().invoke(verbs, ["--help"]).exit_code == 0"""
    assert not loaded_by(code) & HEAVY


def test_reading_a_sound_loads_no_library_that_trains() -> None:
    assert not loaded_by("import ossicle.audio") & {"sklearn", "torch", "onnxruntime", "h5py"}


def cpu_seconds(code: str) -> float:
    """Processor time of a fresh Python running some code; the median of several."""
    times = []
    for _ in range(9):
        pid = os.posix_spawn(sys.executable, [sys.executable, "-c", code], os.environ)
        _, status, usage = os.wait4(pid, 0)
        assert status == 0
        times.append(usage.ru_utime + usage.ru_stime)
    return statistics.median(times)


@pytest.mark.slow
def test_import_takes_a_quarter_of_a_second_at_most() -> None:
    assert cpu_seconds("import ossicle") - cpu_seconds("pass") <= 0.25


@pytest.mark.parametrize("name", [name for name in ossicle.__all__ if name != "__version__"])
def test_every_public_name_is_there_and_says_what_it_is(name: str) -> None:
    value = getattr(ossicle, name)
    assert (inspect.getdoc(value) or "").strip()
    assert value.__module__.startswith("ossicle")
    assert name in dir(ossicle)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'cochlea'"):
        _ = ossicle.cochlea


def test_no_folder_bears_the_name_of_a_public_function() -> None:
    folders = {module.partition(".")[2].partition(".")[0] for module in ossicle._HOME}
    assert not folders & set(ossicle.__all__)


def test_the_version_is_the_same_everywhere() -> None:
    from importlib.metadata import version

    assert re.fullmatch(r"\d+\.\d+\.\d+", ossicle.__version__)
    assert version("ossicle") == ossicle.__version__
