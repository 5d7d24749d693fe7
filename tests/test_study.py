"""The alarm study runs from sounds to page, and says the same twice."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

pytestmark = [pytest.mark.slow, pytest.mark.data]


def study(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What the study says, run as `make study` runs it."""
    paths = [str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    return subprocess.run(
        [sys.executable, "-m", "studies.alarm", *words],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def without_times(page: str) -> str:
    """The page without the section on run time, its finding, and the latencies."""
    timed = r"^(4\. .*|\*\*Found:\*\* the whole search.*|\| [a-z- ]+ \| .*× \|)$"
    page = re.sub(timed, "", page, flags=re.M)
    return re.sub(r"\| [\d.]+ \| (?=[\d.]+ \| [\d.]+ \|$)", "| ", page, flags=re.M)


def test_the_study_writes_its_page_and_says_the_same_over_other_processes(recordings, tmp_path):
    pages = {}
    for processes in ("1", "2"):
        out = tmp_path / f"out{processes}"
        words = ("--small", "--work", str(tmp_path / processes), "--out", str(out))
        result = study(*words, "--processes", processes, OSSICLE_DATA=str(recordings))
        assert result.returncode == 0, result.stderr
        pages[processes] = (out / "alarm-study.md").read_text(encoding="utf-8")
        pictures = re.findall(r"\]\(([\w-]+\.png)\)", pages[processes])
        assert len(pictures) == 4
        assert all((out / picture).is_file() for picture in pictures)
    assert pages["1"].count("**Found:**") == 4
    assert without_times(pages["1"]) == without_times(pages["2"])


def test_without_recordings_the_study_says_in_one_line_what_is_missing(tmp_path):
    result = study("--work", str(tmp_path), OSSICLE_DATA="")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "OSSICLE_DATA" in result.stderr
    assert "background/" in result.stderr
