"""The house stands as ARCHITECTURE.md draws it: floors, budgets, names, map."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")

MODULES = {
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(SOURCE.rglob("*.py"))
}
EVERY_PYTHON_FILE = sorted(
    path
    for folder in ("src", "tests", "docs", "benchmarks", "studies", ".ci")
    for path in (ROOT / folder).rglob("*.py")
)

FOR_ALL = -1
MAY_ALSO_IMPORT = {"audio": ("ossicle.workflow.files",)}
RUNS_CODE = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
TORCH_LIVES_IN = ("ossicle.models.networks", "ossicle.training")
MODULE_OF_DISTRIBUTION = {"scikit-learn": "sklearn"}
FORBIDDEN_STEMS = {"common", "helper", "helpers", "misc", "util", "utils"}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def names_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# --- the floors ---------------------------------------------------------------------------------


def floors() -> dict[str, tuple[int, bool]]:
    """Folder or module → its floor, and whether it is built, as the table says."""
    rows = re.findall(
        r"^\| (\d+|–) \| `(\w+)` \|.*\| (built|not built yet) \|$", ARCHITECTURE, re.M
    )
    return {
        name: (FOR_ALL if floor == "–" else int(floor), state == "built")
        for floor, name, state in rows
    }


FLOORS = floors()


def part_of(module: str) -> str:
    """``ossicle.audio.mixing`` → ``audio``; the package itself → nothing."""
    return module.partition(".")[2].partition(".")[0]


def _named(node: ast.AST, module: str) -> Iterator[str]:
    """The modules an import statement, or a call that imports by name, asks for."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from _named_from(node, module)
    elif isinstance(node, ast.Call) and node.args:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else None
        called = node.func.id if isinstance(node.func, ast.Name) else called
        first = node.args[0]
        if called in ("import_module", "require", "__import__") and isinstance(first, ast.Constant):
            yield str(first.value)


def _named_from(node: ast.ImportFrom, module: str) -> Iterator[str]:
    base = node.module or ""
    if node.level:
        package = module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
        parts = package.split(".")
        base = ".".join([*parts[: len(parts) - node.level + 1], *filter(None, [base])])
    for alias in node.names:
        inner = f"{base}.{alias.name}"
        if not (base == "ossicle" and alias.name == "__version__"):
            yield inner if inner in MODULES else base


def imports(module: str, *, inside_functions: bool = True) -> set[str]:
    """Everything a module imports, its functions' imports included or not."""
    tree = tree_of(MODULES[module])
    nodes = list(ast.walk(tree))
    if not inside_functions:
        functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.Lambda)]
        hidden = {id(inner) for function in functions for inner in ast.walk(function)}
        nodes = [node for node in nodes if id(node) not in hidden]
    return {name for node in nodes for name in _named(node, module)}


def our_imports(module: str) -> set[str]:
    return {name for name in imports(module) if name.partition(".")[0] == "ossicle"}


def test_the_table_of_floors_is_the_tree() -> None:
    built = {name for name, (_, is_built) in FLOORS.items() if is_built}
    present = {part_of(module) for module in MODULES} - {""}
    assert built == present


@pytest.mark.parametrize("module", [name for name in MODULES if part_of(name)])
def test_a_module_imports_only_from_floors_below(module: str) -> None:
    part = part_of(module)
    own_floor, _ = FLOORS[part]
    for imported in our_imports(module):
        other = part_of(imported)
        assert other, f"{module} imports the package itself; name the module that has what it needs"
        allowed = (
            other == part
            or FLOORS[other][0] == FOR_ALL
            or FLOORS[other][0] < own_floor
            or imported in MAY_ALSO_IMPORT.get(part, ())
        )
        assert allowed, (
            f"{module} (floor {own_floor}) imports {imported} (floor {FLOORS[other][0]})"
        )


def test_no_module_imports_itself_through_others() -> None:
    graph = {module: our_imports(module) - {module} for module in MODULES if part_of(module)}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("a circle: " + " → ".join(reversed(error.args[1])))


def test_the_package_itself_imports_no_floor() -> None:
    assert our_imports("ossicle") <= {"ossicle.extras"}


def loads_names_late(node: ast.stmt) -> bool:
    """Whether this is part of a table of names that are loaded when they are used (PEP 562)."""
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    return isinstance(node, ast.FunctionDef) and node.name in ("__getattr__", "__dir__")


def test_a_floor_is_entered_through_names_it_lists() -> None:
    for name, path in MODULES.items():
        if path.name == "__init__.py" and part_of(name):
            tree = tree_of(path)
            body = tree.body[1:] if ast.get_docstring(tree) else tree.body
            kinds = {type(node) for node in body if not loads_names_late(node)}
            assert kinds <= {ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign}, name
            assert any("__all__" in ast.unparse(node) for node in body), name


# --- other people's libraries ---------------------------------------------------------------------


def optional_libraries() -> set[str]:
    """What the base installation does not bring, by the name it is imported under."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].items()
    lines = [line for name, extra in extras if name != "dev" for line in extra]
    names = {re.split(r"[\[<>=~!]", line)[0] for line in lines} - {project["name"]}
    return {MODULE_OF_DISTRIBUTION.get(name, name) for name in names} | {"torch"}


@pytest.mark.parametrize("module", MODULES)
def test_an_optional_library_is_imported_only_when_used(module: str) -> None:
    at_top = {name.partition(".")[0] for name in imports(module, inside_functions=False)}
    allowed = {"torch"} if module.startswith(TORCH_LIVES_IN) else set()
    assert not at_top & (optional_libraries() - allowed)


@pytest.mark.parametrize("module", MODULES)
def test_only_what_the_project_depends_on_is_imported(module: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    base = {re.split(r"[\[<>=~!]", line)[0] for line in project["dependencies"]}
    known = base | optional_libraries() | {"ossicle"} | sys.stdlib_module_names
    assert {name.partition(".")[0] for name in imports(module)} <= known


@pytest.mark.parametrize("module", MODULES)
def test_torch_stays_where_networks_are_trained(module: str) -> None:
    if not module.startswith(TORCH_LIVES_IN):
        assert "torch" not in {name.partition(".")[0] for name in imports(module)}


# Tests may pickle in memory, to show that a job can travel to another process.
@pytest.mark.parametrize(
    "path", [p for p in EVERY_PYTHON_FILE if not names_of(p).startswith("tests/")], ids=names_of
)
def test_nothing_is_unpickled(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            named = {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            named = {(node.module or "").partition(".")[0]}
        else:
            named = set()
        assert not named & RUNS_CODE, f"{names_of(path)}:{node.lineno}"
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            assert ast.unparse(node.value) == "False", f"{names_of(path)}:{node.lineno}"


# --- sizes and names ------------------------------------------------------------------------------


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def functions_of(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    nodes = ast.walk(tree_of(path))
    return [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


@pytest.mark.parametrize("path", EVERY_PYTHON_FILE, ids=names_of)
def test_no_file_has_more_than_400_lines_and_no_function_more_than_60(path: Path) -> None:
    n_lines = len(path.read_text(encoding="utf-8").splitlines())
    assert n_lines <= 400
    long = {f.name: body_lines(f) for f in functions_of(path) if body_lines(f) > 60}
    assert long == {}


def test_nine_of_ten_functions_have_30_lines_or_fewer() -> None:
    sizes = [body_lines(function) for path in MODULES.values() for function in functions_of(path)]
    assert sum(size <= 30 for size in sizes) >= 0.9 * len(sizes)


@pytest.mark.parametrize("path", EVERY_PYTHON_FILE, ids=names_of)
def test_names_say_what_things_are(path: Path) -> None:
    assert not FORBIDDEN_STEMS & set(path.relative_to(ROOT).with_suffix("").parts)
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            assert not re.search("Manager|Abstract", node.name), node.name
            assert node.name not in FORBIDDEN_STEMS, node.name


# --- the map --------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", MODULES)
def test_every_file_opens_by_saying_what_it_is(module: str) -> None:
    docstring = ast.get_docstring(tree_of(MODULES[module])) or ""
    assert re.fullmatch(r".{8,100}[.:?)]", docstring.partition("\n")[0])


def test_the_map_is_the_tree() -> None:
    drawn = ARCHITECTURE.partition("<!-- map")[2].partition("<!-- end of map")[0]
    shown = re.findall(r"^ *(\w+(?:\.py|/))  ", drawn, re.M)
    there = [
        path.parent.name + "/" if path.name == "__init__.py" else path.name
        for path in MODULES.values()
    ]
    assert sorted(shown) == sorted(there), "run `make docs`"
    for module, path in MODULES.items():
        first_line = (ast.get_docstring(tree_of(path)) or "").partition("\n")[0]
        assert f"  {first_line}\n" in drawn, f"{module}: run `make docs`"
