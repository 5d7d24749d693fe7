"""Write the parts of the documentation that the code itself can say best.

    docs/cli.md       every verb, from its --help
    docs/api.md       every public name, from its signature and docstring
    ARCHITECTURE.md   the map of the source files, from their docstrings

`make docs` runs it; the tests hold what is written to what it would write.
"""

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, get_origin

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "ossicle"
MAP_START, MAP_END = "<!-- map: written by `make docs` -->\n", "<!-- end of map -->"


def first_line(docstring: str | None) -> str:
    """The first line of a docstring, or nothing."""
    return (docstring or "").strip().partition("\n")[0]


def sources(folder: Path = SOURCE) -> Iterator[Path]:
    """Every source file: those of a folder first, then its sub-folders, each in order of name."""
    yield from sorted(folder.glob("*.py"), key=lambda path: (path.name != "__init__.py", path.name))
    for inner in sorted(path for path in folder.iterdir() if (path / "__init__.py").is_file()):
        yield from sources(inner)


def map_line(path: Path, width: int = 34) -> str:
    """One line of the map: a folder stands for its ``__init__.py``."""
    inside = path.relative_to(SOURCE.parent)
    if path.name == "__init__.py":
        name, depth = inside.parent.name + "/", len(inside.parts) - 2
    else:
        name, depth = inside.name, len(inside.parts) - 1
    says = first_line(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))))
    return f"{'  ' * depth + name:{width}}{says}".rstrip()


def source_map() -> str:
    """The map of the source files, as it stands in ARCHITECTURE.md."""
    lines = "\n".join(map(map_line, sources()))
    return f"\n```text\n{lines}\n```\n\n"


def architecture_page() -> str:
    """ARCHITECTURE.md with its map made anew."""
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    before, _, rest = page.partition(MAP_START)
    _, _, after = rest.partition(MAP_END)
    return before + MAP_START + source_map() + MAP_END + after


def commands() -> Iterator[tuple[str, str]]:
    """Every verb and sub-verb, as typed, with its help."""
    import click

    from ossicle.cli.main import verbs

    def walk(command: click.Command, above: click.Context | None) -> Iterator[tuple[str, str]]:
        settings = {"terminal_width": 88, **command.context_settings}
        name = command.name if above else "ossicle"
        context = click.Context(command, parent=above, info_name=name, **settings)
        yield context.command_path, command.get_help(context)
        if isinstance(command, click.Group):
            for verb in command.list_commands(context):
                inner = command.get_command(context, verb)
                if inner is not None and not inner.hidden:
                    yield from walk(inner, context)

    yield from walk(verbs, None)


def cli_page() -> str:
    """docs/cli.md: the help of every verb."""
    sections = [f"## {words}\n\n```text\n{text}\n```\n" for words, text in commands()]
    opening = "# Command line\n\nWritten by `make docs` from each verb's `--help`.\n"
    return "\n".join([opening, *sections])


def signature(value: object) -> str:
    """The parameters of a function or class, without their types; long defaults are shortened."""
    try:
        parameters = inspect.signature(value).parameters.values()  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return ""
    plain = [parameter.replace(annotation=parameter.empty) for parameter in parameters]
    return re.sub(r"=(\w+)\([^()]{30,}\)", r"=\1(…)", str(inspect.Signature(plain)))


def api_page() -> str:
    """docs/api.md: the public names, by the floor they live on."""
    import ossicle
    import ossicle.workflow

    lines = ["# Public names", "", "Written by `make docs`; `help(ossicle.NAME)` says more."]
    homes = [(ossicle, module, names) for module, names in ossicle._HOME.items()]
    workflow = (ossicle.workflow, "ossicle.workflow", ossicle.workflow.__all__)
    for home, module, names in [*homes, workflow]:
        lines += ["", f"## {module}", ""]
        for name in sorted(names, key=str.lower):
            value = getattr(home, name)
            shown = "" if _is_error(value) or get_origin(value) else signature(value)
            lines.append(f"- `{name}{shown}` – {told(value)}")
    return "\n".join(lines) + "\n"


def told(value: object) -> str:
    """What a public name is, in one line."""
    if get_origin(value) is Annotated:
        kind = value.__metadata__[0]  # type: ignore[attr-defined]
        return f"What a step returns that is kept as ``{kind}``."
    return first_line(inspect.getdoc(value))


def _is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Exception)


PAGES: dict[str, Callable[[], str]] = {
    "ARCHITECTURE.md": architecture_page,
    "docs/api.md": api_page,
    "docs/cli.md": cli_page,
}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (ROOT / name).write_text(page(), encoding="utf-8")
        print("wrote", name)
