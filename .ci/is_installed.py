"""Exit with 0 if this environment holds ossicle, in place, with some extras.

    is_installed.py search,plot

Lets the Makefile leave a complete environment alone, so that it works without a network.
"""

import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def requirements(project: dict, extra: str | None = None) -> list:
    """Requirements of the project or of one extra, those of its own extras included."""
    from packaging.requirements import Requirement

    lines = project["optional-dependencies"][extra] if extra else project["dependencies"]
    found = []
    for requirement in map(Requirement, lines):
        if requirement.name == project["name"]:
            for inner in requirement.extras:
                found += requirements(project, inner)
        else:
            found.append(requirement)
    return found


def is_installed(project: dict, extras: list[str]) -> bool:
    """Whether every requirement is met, and ossicle runs from this folder with its commands."""
    import ossicle

    wanted = [r for extra in (None, *extras) for r in requirements(project, extra)]
    commands = distribution(project["name"]).entry_points.select(group="console_scripts")
    return (
        Path(ossicle.__file__).is_relative_to(ROOT)
        and {command.name: command.value for command in commands} == project["scripts"]
        and all(requirement.specifier.contains(version(requirement.name)) for requirement in wanted)
    )


if __name__ == "__main__":
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    try:
        sys.exit(not is_installed(project, sys.argv[1].split(",")))
    except (ImportError, PackageNotFoundError):
        sys.exit(1)
