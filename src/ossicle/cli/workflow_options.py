"""Options of the verbs that run workflows or look at them: where all is kept, whose steps."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from ossicle.cli.terminal import settings
from ossicle.errors import WorkflowError

__all__ = [
    "dry_run_option",
    "execution_argument",
    "from_option",
    "hinting_at_steps",
    "labels_of",
    "labels_option",
    "load_steps",
    "out_option",
    "store_option",
    "words_of_steps",
]

_UNKNOWN = re.compile(r"(?:^|\.step: )no step '")

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

from_option = click.option(
    "--from", "first", metavar="STEP", help="Do this step again, and all that depend on it."
)

dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Say what would be done and why; do nothing."
)

out_option = click.option(
    "--out", type=click.Path(path_type=Path), help="Copy the outputs to this folder."
)

labels_option = click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="NAME=VALUE",
    help="What this machine is called, for steps with on, as house=7.",
)

execution_argument = click.argument("execution", metavar="ID")


def load_steps(files: Sequence[Path]) -> None:
    """Register the steps of ossicle, and those of other files."""
    import ossicle.steps  # noqa: F401
    from ossicle.workflow.executions import load_step_files

    load_step_files(files)


def labels_of(words: Sequence[str]) -> Mapping[str, Any]:
    """What ``--label`` says, numbers as such."""
    from ossicle.workflow.flow_keys import read_word

    return {name: read_word(word) for name, word in settings(words, option="--label").items()}


@contextmanager
def hinting_at_steps(files: Sequence[Path]) -> Iterator[None]:
    """Say how steps of one's own are brought, where an unknown one is named and none were."""
    try:
        yield
    except WorkflowError as error:
        if files or not _UNKNOWN.search(str(error)):
            raise
        raise WorkflowError(f"{error}; steps of your own: --steps FILE.py") from error
