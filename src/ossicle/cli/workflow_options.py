"""Options of the verbs that run workflows or look at them: where all is kept, whose steps."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from ossicle.errors import WorkflowError

__all__ = ["execution_argument", "load_steps", "store_option", "words_of_steps"]

Command = TypeVar("Command", bound=Callable[..., Any])

store_option = click.option(
    "--store",
    "root",
    type=click.Path(path_type=Path),
    envvar="OSSICLE_STORE",
    default=Path(".ossicle"),
    show_default=True,
    help="Folder of artifacts and executions; OSSICLE_STORE names it too.",
)

words_of_steps = click.option(
    "--steps",
    "modules",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A Python file that brings steps of its own; may be repeated.",
)

execution_argument = click.argument("execution", metavar="ID")


def load_steps(files: Sequence[Path]) -> None:
    """Register the steps of ossicle, and those of other files."""
    import ossicle.steps  # noqa: F401
    from ossicle.workflow.calls import load_module

    for file in files:
        if not file.is_file() or file.suffix != ".py" or "." in file.stem:
            raise WorkflowError(
                f"--steps {file} is no Python file (*.py), or no module by its name"
            )
        loaded = sys.modules.get(file.stem)
        is_other = loaded is not None and Path(loaded.__file__ or "").resolve() != file.resolve()
        if is_other or file.stem in sys.stdlib_module_names:
            raise WorkflowError(f"--steps {file}: a module is called {file.stem!r}; rename it")
        load_module(file.stem, str(file.resolve()))
