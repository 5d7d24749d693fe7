"""The command line as a person types it, run in this process."""

import json
import re
from typing import Any

import click
from click.testing import CliRunner, Result

from ossicle.cli.main import verbs

GRID = (
    *("--front-end", "log_mel", "--integration", "mean", "--model", "knn"),
    *("--set", "sample_rate=8000", "--set", "n_fft=256", "--set", "hop_length=128"),
    *("--set", "n_mels=20", "--set", "n_neighbors=1,3"),
)
"""Two configurations, judged in a moment."""


def typed(*words: object, stdin: bytes | None = None) -> Result:
    """What ``ossicle`` makes of the words; an error that is not told in words is raised here."""
    run = CliRunner().invoke(verbs, list(map(str, words)), input=stdin, prog_name="ossicle")
    if run.exception is not None and not isinstance(run.exception, SystemExit):
        raise run.exception
    return run


def printed(*words: object, stdin: bytes | None = None) -> str:
    """Standard output of a command that succeeds."""
    run = typed(*words, stdin=stdin)
    assert run.exit_code == 0, run.output
    return run.stdout


def answered(*words: object) -> Any:
    """The JSON that a command prints with ``--json``, which is all that it prints."""
    return json.loads(printed(*words, "--json"))


def refused(status: int, *words: object) -> str:
    """The message of a command that fails with this status and gives no result."""
    run = typed(*words)
    assert run.exit_code == status, run.output
    assert run.stdout == ""
    assert "Traceback" not in run.stderr
    return run.stderr


def foreign(html: str) -> list[str]:
    """What of a page would be loaded from elsewhere or run: addresses, scripts, frames, links."""
    loads = (
        r'<script|<link|<i?frame|<object|<embed|@import|https?:|\son\w+=|src="(?!data:image/png;)'
    )
    return re.findall(loads, html, flags=re.IGNORECASE)


def leaves(group: click.Group = verbs, path: tuple[str, ...] = ()) -> dict[str, click.Command]:
    """Every verb that does something, with its words."""
    found: dict[str, click.Command] = {}
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = isinstance(command, click.Group)
        found |= leaves(command, (*path, name)) if inner else {" ".join((*path, name)): command}
    return found
