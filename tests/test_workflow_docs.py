"""The pages about workflows, followed word by word: code run, files written, output compared.

A block that begins with the name of a file is that file; other Python is run; in a terminal each
line after ``$`` is. What a block of text after them shows, or the lines after a command, is what
must be printed: seconds and keys may differ, and ``...`` stands for anything.
"""

import contextlib
import doctest
import importlib.util
import io
import os
import re
import subprocess
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import missing
from readme import ROOT

from ossicle.workflow.manifest import STEPS

BLOCK = re.compile(r"^```(?P<language>[a-z]+)\n(?P<text>.*?)^```$", re.M | re.S)
HEADING = re.compile(r"^## (.*)$", re.M)
FILE = re.compile(r"# ([\w-]+\.(?:py|toml)|Snakefile)\n")
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.M)
KEY = re.compile(r"\b[0-9a-f]{12,32}\b")
DIFFERENT = (
    (re.compile(r"\b\d+\.\d+ s\b|\b\d+\.\d{3}\b"), "seconds"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+|[+-]\d\d:\d\d)?"), "time"),
    (re.compile(r"\b\d+\.\d kB\b"), "size"),
    (KEY, "key"),
)
CHECKER, HOW = doctest.OutputChecker(), doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """A fenced piece of a page, and what it must print, if the page says so."""

    page: str
    section: str
    line: int
    language: str
    text: str
    shown: str

    @property
    def file(self) -> str:
        """Name of the file that it is; empty if it is none."""
        found = FILE.match(self.text)
        return found[1] if found else ""


def blocks(page: str) -> list[Block]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    found = list(BLOCK.finditer(text))
    after = [*(each if each["language"] == "text" else None for each in found[1:]), None]
    return [
        Block(
            page,
            "".join(HEADING.findall(text, 0, each.start())[-1:]),
            text.count("\n", 0, each.start()) + 2,
            each["language"],
            each["text"],
            following["text"] if following else "",
        )
        for each, following in zip(found, after, strict=True)
    ]


def compare(shown: str, printed: str, block: Block) -> None:
    for pattern, word in DIFFERENT:
        shown, printed = pattern.sub(word, shown), pattern.sub(word, printed)
    same = not shown or CHECKER.check_output(shown, printed, HOW)
    assert same, f"docs/{block.page}:{block.line} prints:\n{printed}\nand not:\n{shown}"


def follow(page: str, *, without: Collection[str] = ()) -> None:
    """Do what a page says, block after block, in the current folder, but for some sections."""
    names: dict[str, Any] = {"__name__": "__main__"}
    keys: dict[str, str] = {}
    for block in (each for each in blocks(page) if each.section not in without):
        if block.file:
            Path(block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            run_python(block, names)
        elif block.language == "console":
            run_commands(block, keys)


def run_commands(block: Block, keys: dict[str, str]) -> None:
    """Type each command, with the keys of this machine where the page shows those of another."""
    for command, shown in COMMAND.findall(block.text):
        printed = run_command(KEY.sub(lambda key: keys.get(key[0], key[0]), command))
        compare(shown, printed, block)
        if "..." not in shown:
            keys.update(zip(KEY.findall(shown), KEY.findall(printed), strict=False))


def run_python(block: Block, names: dict[str, Any]) -> None:
    where = f"docs/{block.page}"
    if ">>>" in block.text:
        example = doctest.DocTestParser().get_doctest(block.text, names, where, where, block.line)
        runner = doctest.DocTestRunner(optionflags=HOW, verbose=False)
        runner.run(example, clear_globs=False)
        names.update(example.globs)
        assert runner.summarize(verbose=False).failed == 0, f"{where}:{block.line}"
        return
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(block.text, f"{where}:{block.line}", "exec"), names)
    compare(block.shown, printed.getvalue(), block)


def run_command(command: str) -> str:
    """What a command prints; one that fails on purpose says so in what is shown."""
    bin_ = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}"}
    environment["COLUMNS"] = "200"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0 or done.stdout.startswith("Error: "), f"{command}\n{done.stdout}"
    return done.stdout


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the workflows that are shipped; its modules and steps are forgotten after."""
    modules = set(sys.modules)
    (tmp_path / "workflows").symlink_to(ROOT / "workflows")
    monkeypatch.setenv("HAMILTON_TELEMETRY_ENABLED", "false")
    monkeypatch.syspath_prepend(tmp_path)
    with contextlib.chdir(tmp_path):
        yield tmp_path
    for name in set(sys.modules) - modules:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]
            for step in [step for step, each in STEPS.items() if each.__module__ == name]:
                del STEPS[step]


@pytest.mark.slow
@pytest.mark.parametrize("page", ["coming-from-the-paper.md", "workflows.md"])
def test_a_page_about_workflows_can_be_followed_word_by_word(page: str, workplace: Path) -> None:
    follow(page)


BRIDGES = {"Hamilton": "hamilton", "Snakemake": "snakemake", "ossicle": "ossicle"}
"""Sections of the page on bridges, and the module that each needs."""


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # what other projects warn of is theirs
@pytest.mark.parametrize("tool", BRIDGES)
def test_a_bridge_gives_the_figures_of_plain_python(tool: str, workplace: Path) -> None:
    if importlib.util.find_spec(BRIDGES[tool]) is None:
        missing(f"{tool} is not installed: pip install '.[dev]'")
    follow("bridges.md", without=BRIDGES.keys() - {tool})


def test_every_section_that_needs_a_tool_is_on_the_page() -> None:
    assert {each.section for each in blocks("bridges.md")} - {"", "Python"} == BRIDGES.keys()
