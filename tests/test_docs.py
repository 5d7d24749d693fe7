"""What the documentation says is so: dependencies, verbs, pages, and every line of code."""

import contextlib
import doctest
import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest
from readme import README, ROOT, blocks

TABLE_ROWS = [line for line in README.read_text(encoding="utf-8").splitlines() if line[:1] == "|"]


def make_docs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_docs", ROOT / "docs" / "make_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- dependencies ---------------------------------------------------------------------------------


def dependencies() -> list[tuple[str, str]]:
    """(name, extra that brings it or nothing) of everything pyproject.toml asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    return [
        (name, extra)
        for extra, lines in groups.items()
        for line in lines
        if (name := re.split(r"[\[<>=~!]", line)[0]) != project["name"]
    ]


def reasons(*names: str) -> list[str]:
    """Last cells of the README's table rows that name all of these in backticks."""
    rows = [row for row in TABLE_ROWS if all(f"`{name}`" in row for name in names)]
    return [row.strip().strip("|").rpartition("|")[2].strip() for row in rows]


@pytest.mark.parametrize(("name", "extra"), dependencies())
def test_every_dependency_has_its_reason_in_the_readme(name: str, extra: str) -> None:
    found = reasons(name, extra) if extra else reasons(name)
    assert any(len(reason.split()) >= 3 for reason in found), (
        f"README.md needs a table row with `{name}`"
        + (f", the extra `{extra}`" if extra else "")
        + " and the reason in its last cell"
    )


def test_the_readme_names_no_dependency_that_is_gone() -> None:
    known = {name for name, _ in dependencies()} | {extra for _, extra in dependencies()} | {"all"}
    heads = [i for i, row in enumerate(TABLE_ROWS) if re.search(r"\breason\b|\bwhy\b", row, re.I)]
    for head in heads:
        for row in TABLE_ROWS[head + 2 :]:
            first = re.match(r"\|\s*`([\w-]+)`\s*\|", row)
            if first is None:
                break
            assert first[1] in known, f"{first[1]} is in the README but not in pyproject.toml"


# --- the pages that are made ----------------------------------------------------------------------


@pytest.mark.parametrize("name", make_docs().PAGES)
def test_a_page_made_from_the_code_is_up_to_date(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == make_docs().PAGES[name](), "run `make docs`"


def test_every_test_that_a_page_names_is_there() -> None:
    known = {
        name
        for path in (ROOT / "tests").glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.M)
    }
    for page in (ROOT / "docs").glob("*.md"):
        named = set(re.findall(r"`(test_\w+)`", page.read_text(encoding="utf-8")))
        assert named <= known, f"{page.name}: {sorted(named - known)}"


def commands() -> dict[str, click.Command]:
    """Every verb and sub-verb, by its words."""
    from ossicle.cli.main import verbs

    def walk(command: click.Command, words: str) -> dict[str, click.Command]:
        found = {words: command}
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                inner = command.get_command(context, name)
                if inner is not None:
                    found |= walk(inner, f"{words} {name}")
        return found

    return walk(verbs, "ossicle")


def test_every_verb_is_documented_and_opens_with_an_example() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for words, command in commands().items():
        assert f"\n## {words}\n" in page, "run `make docs`"
        assert words in (command.help or ""), f"the help of `{words}` shows no example of it"


def test_every_option_says_what_it_does() -> None:
    for words, command in commands().items():
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{words} {parameter.opts[0]} has no help"


# --- the README's code ----------------------------------------------------------------------------


def ossicle_words(line: str) -> list[str]:
    """The words from ``ossicle`` on, to the end of its part of the line."""
    return shlex.split(re.split(r"[|<>&;]", line[line.index("ossicle") :])[0], comments=True)


def test_every_command_of_the_readme_exists() -> None:
    known = commands()
    for block in blocks():
        for line in block.commands:
            words = ossicle_words(line)
            depth = max(n for n in (1, 2, 3) if " ".join(words[:n]) in known)
            assert depth > 1 or len(words) == 1 or words[1].startswith("-"), line
            parameters = known[" ".join(words[:depth])].params
            flags = {flag for p in parameters for flag in (*p.opts, *p.secondary_opts)}
            used = {word.partition("=")[0] for word in words[depth:] if word.startswith("--")}
            assert used <= flags | {"--help", "--version"}, f"README.md:{block.line}: {line}"


def test_a_block_that_is_not_run_says_why() -> None:
    for block in blocks():
        assert block.reason is None or len(block.reason.split()) >= 2, f"README.md:{block.line}"


def run_python(text: str, names: dict[str, Any], line: int) -> None:
    """Run a block; one with ``>>>`` must also print what it shows."""
    if ">>>" not in text:
        exec(compile(text, f"README.md:{line}", "exec"), names)
        return
    example = doctest.DocTestParser().get_doctest(text, names, "README.md", str(README), line)
    runner = doctest.DocTestRunner(
        optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE, verbose=False
    )
    runner.run(example, clear_globs=False)
    names.update(example.globs)
    assert runner.summarize(verbose=False).failed == 0, f"README.md:{line}"


@pytest.mark.slow
def test_the_readme_can_be_followed_word_by_word(tmp_path: Path) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    with contextlib.chdir(tmp_path):
        for block in blocks():
            if block.reason is not None:
                continue
            if block.language == "python":
                run_python(block.text, names, block.line)
            if block.language == "toml":
                Path(block.text.split()[1]).write_text(block.text)  # it begins with "# its name"
            for line in block.commands:
                command = ["bash", "-o", "pipefail", "-c", line]
                done = subprocess.run(command, capture_output=True, text=True, env=environment)
                assert done.returncode == 0, f"README.md:{block.line}: {line}\n{done.stderr}"
