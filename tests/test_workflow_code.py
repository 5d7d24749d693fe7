"""Which code made a result: editing what it imports changes its digest, and nothing else does."""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

import ossicle
from ossicle.errors import WorkflowError
from ossicle.workflow import code
from ossicle.workflow.code import library_versions, source_digest
from ossicle.workflow.imports import sources

PACKAGE = Path(ossicle.__file__).parent
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}

# --- against an independent reference: the syntax trees of the whole package ---------------------


@cache
def imported(module: str) -> frozenset[str]:
    """The modules of the package that a module's import statements name, by its syntax tree."""
    path, found = MODULES[module], set()
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            above = ".".join(parts[: len(parts) - node.level + 1]) if node.level else ""
            base = ".".join(filter(None, [above, node.module]))
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                found.add(inner if inner in MODULES else base)
    return frozenset(found & MODULES.keys())


def reached(module: str) -> set[str]:
    waiting, found = [module], set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += imported(name)
    parts = [name.split(".") for name in found]
    around = {".".join(each[:n]) for each in parts for n in range(1, len(each))}
    return found | (around & MODULES.keys())


def test_no_module_that_is_imported_is_missed() -> None:
    missed = {module: reached(module) - sources(module).keys() for module in MODULES}
    assert not any(missed.values()), {module: names for module, names in missed.items() if names}


def test_a_module_of_the_ground_floor_is_made_of_little() -> None:
    assert "ossicle.cli.main" not in sources("ossicle.steps.searching")
    assert sources("ossicle.workflow.files").keys() == {
        "ossicle",
        "ossicle.errors",
        "ossicle.workflow",
        "ossicle.workflow.files",
    }


# --- both directions ------------------------------------------------------------------------------

TREE = {
    "pack/__init__.py": "VERSION = 1\n",
    "pack/unused.py": "",
    "pack/steps/__init__.py": "from pack.steps import first, second\n",
    "pack/steps/first.py": """
        import json, pack.plain as plain
        from pack.direct import (
            one,  # a comment with a closing bracket: )
            two as second,
        )
        from . import sibling
        from ..upper import \\
            name
        from pack.tools import tool
        from pack.open import *
        def run(): from pack.hidden import deep; import numpy
        if TYPE_CHECKING: from pack.typed import Type
        x = "#"; from pack.behind import y
        class Late:
            def method(self):
                import pack.far.away
        """,
    "pack/steps/second.py": "from pack.only_second import z\n",
    "pack/steps/sibling.py": "",
    "pack/only_second.py": "",
    "pack/plain.py": "",
    "pack/direct.py": "from pack import indirect\n",
    "pack/indirect.py": "",
    "pack/upper.py": "",
    "pack/hidden.py": "",
    "pack/typed.py": "",
    "pack/behind.py": "",
    "pack/tools/__init__.py": "from pack.tools.hammer import tool\n",
    "pack/tools/hammer.py": "",
    "pack/open/__init__.py": "__all__ = ['shut']\n",
    "pack/open/shut.py": "",
    "pack/far/__init__.py": "",
    "pack/far/away.py": "",
    "pack/far/near.py": "",
    "pack/named/__init__.py": "",
    "pack/named/one.py": "from pack.below_named import x\n",
    "pack/below_named.py": "",
}
UNUSED = {"pack/unused.py", "pack/steps/second.py", "pack/only_second.py", "pack/far/near.py"}
NAMED = {"pack/named/__init__.py", "pack/named/one.py", "pack/below_named.py"}

Digest = Callable[..., str]


@pytest.fixture
def digest_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Digest:
    """The digest of a module in a tree of files of its own, some of them edited."""
    trees = iter(range(1_000))

    def of(module: str, *edited: str, tree: dict[str, str] = TREE, **options: object) -> str:
        folder = tmp_path / str(next(trees))
        for name, text in tree.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n# edited\n" * (name in edited))
        code.forget_sources()
        with monkeypatch.context() as patched:
            patched.syspath_prepend(folder)
            return source_digest(module, **options)  # type: ignore[arg-type]

    return of


@pytest.mark.parametrize("name", sorted(TREE.keys() - UNUSED - NAMED))
def test_editing_what_is_imported_in_any_way_changes_the_digest(
    digest_of: Digest, name: str
) -> None:
    assert digest_of("pack.steps.first") != digest_of("pack.steps.first", name)


@pytest.mark.parametrize("name", sorted(UNUSED | NAMED))
def test_editing_what_is_not_imported_leaves_the_digest(digest_of: Digest, name: str) -> None:
    assert digest_of("pack.steps.first") == digest_of("pack.steps.first", name)


@pytest.mark.parametrize("name", sorted(NAMED))
def test_what_is_reached_by_name_only_counts_when_it_is_an_entry(
    digest_of: Digest, name: str
) -> None:
    for entry in ("pack.named", "pack.named.one"):
        before = digest_of("pack.steps.first", entries=[entry])
        assert before != digest_of("pack.steps.first")
        assert before != digest_of("pack.steps.first", name, entries=[entry])


def test_an_entry_may_be_another_package_and_their_order_is_of_no_account(
    digest_of: Digest,
) -> None:
    entries = ["ossicle.errors", "pack.named"]
    both = digest_of("pack.steps.first", entries=entries)
    assert both == digest_of("pack.steps.first", entries=entries[::-1])
    assert both != digest_of("pack.steps.first", entries=["pack.named"])


LONE = {
    "my_steps.py": "import beside\nfrom folder import inner\nimport numpy\n",
    "beside.py": "def f():\n    import deeper\n",
    "deeper.py": "",
    "folder/__init__.py": "",
    "folder/inner.py": "from .other import x\n",
    "folder/other.py": "",
    "unrelated.py": "",
}


@pytest.mark.parametrize("name", sorted(LONE))
def test_a_lone_file_is_made_of_what_lies_beside_it_and_is_imported(
    digest_of: Digest, name: str
) -> None:
    same = digest_of("my_steps", tree=LONE) == digest_of("my_steps", name, tree=LONE)
    assert same == (name == "unrelated.py")


def test_a_script_has_the_digest_that_it_has_as_a_module(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("")
    script = tmp_path / "script.py"
    script.write_text(
        "import beside\n"
        "from ossicle.workflow.code import source_digest\n"
        "if __name__ == '__main__':\n"
        "    import script\n"
        "    print(source_digest('__main__') == source_digest('script'))\n"
    )
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "True", run.stderr


def test_where_a_package_lies_is_of_no_account(digest_of: Digest) -> None:
    assert digest_of("pack.steps.first") == digest_of("pack.steps.first")


def test_a_file_that_moves_changes_the_digest(digest_of: Digest) -> None:
    moved = {**LONE, "my_steps.py": LONE["my_steps.py"].replace("beside", "be_side")}
    moved["be_side.py"] = moved.pop("beside.py")
    assert digest_of("my_steps", tree=LONE) != digest_of("my_steps", tree=moved)


@pytest.mark.parametrize("module", ["no_such_module", "ossicle.cellar", "sys"])
def test_a_module_without_source_is_refused(module: str) -> None:
    with pytest.raises(WorkflowError, match="no source"):
        source_digest(module)


def test_an_entry_without_source_is_refused() -> None:
    with pytest.raises(WorkflowError, match=r"no source .*cellar"):
        source_digest("ossicle.workflow.files", entries=["ossicle.cellar"])


def lines_that_import(name: str) -> Iterator[str]:
    """Ways to write an import of a module of a package named `pack`."""
    yield f"import pack.{name}"
    yield f"import os, pack.{name} as other"
    yield f"from pack import {name}"
    yield f"from pack import(a,{name})"
    yield f"from pack import (a, # one )\n # two\n {name} as b,)"
    yield f"from . import {name}"
    yield f"from .import {name}"
    yield f"from .{name} import a"
    yield f"from\tpack.{name}\timport\ta"
    yield f"from pack.{name} import *"
    yield f"try: import pack.{name}\nexcept ImportError: pass"
    yield f"a = 1; import pack.{name}"
    yield f"import \\\n    pack.{name}"
    yield f"from pack \\\r\n  import {name}"
    yield f"if True:\n\n\t\timport pack.{name} # why"
    yield f"'''it comes from'''\nfrom pack import {name}"
    yield f"# taken from a book (see import (\nfrom pack import {name}"
    yield f"'from import import (a'; from pack import {name}"


@pytest.mark.parametrize("line", list(lines_that_import("other")))
def test_every_way_to_write_an_import_is_seen(digest_of: Digest, line: str) -> None:
    ast.parse(line)
    tree = {"pack/__init__.py": "", "pack/one.py": line + "\n", "pack/other.py": ""}
    before = digest_of("pack.one", tree=tree)
    assert before != digest_of("pack.one", "pack/other.py", tree=tree)


def test_a_name_that_a_package_and_a_module_share_counts_for_both(digest_of: Digest) -> None:
    tree = {
        "pack/__init__.py": "from pack.inner.deep import work\n",
        "pack/inner/__init__.py": "",
        "pack/inner/deep.py": "",
        "pack/work.py": "",
        "pack/one.py": "from pack import work\n",
    }
    before = digest_of("pack.one", tree=tree)
    for name in ("pack/work.py", "pack/inner/deep.py"):
        assert before != digest_of("pack.one", name, tree=tree)


# --- libraries ------------------------------------------------------------------------------------


def test_versions_are_those_that_are_installed() -> None:
    import click
    import numpy

    found = library_versions(["numpy", "click", "numpy"])
    assert list(found) == ["click", "numpy"]
    assert found["numpy"] == numpy.__version__
    assert click is not None


def test_a_library_that_is_not_installed_is_refused() -> None:
    with pytest.raises(WorkflowError, match="no_such_library is not installed"):
        library_versions(["numpy", "no_such_library"])
