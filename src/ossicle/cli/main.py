"""The command ``ossicle``: finds the verb, and says what went wrong in one line."""

import importlib
import os
from typing import Any

import click

from ossicle import __version__
from ossicle.errors import OssicleError, nearest

__all__ = ["VERBS", "main", "verbs"]

VERBS = (
    "demo",
    "data",
    "features",
    "search",
    "evaluate",
    "predict",
    "listen",
    "info",
    "verify",
    "doctor",
)

ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Verbs(click.Group):
    """The verbs, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs, in the order of a project's life."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb's command, from the module of its name."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = getattr(
            importlib.import_module(f"ossicle.cli.{cmd_name}"), cmd_name
        )
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the nearest verb for a mistyped one."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            ctx.fail(f"no verb {args[0]!r}; {nearest(args[0], VERBS)}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; a user's mistake becomes one line and exit status 1."""
        try:
            return super().invoke(ctx)
        except OssicleError as error:
            raise click.ClickException(str(error)) from error
        except BrokenPipeError:
            raise
        except OSError as error:
            raise click.ClickException(f"the system refuses: {error}") from error


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ossicle")
def verbs() -> None:
    """From a folder of recordings to a classifier that listens.

    \b
    ossicle demo                              see the whole way, offline
    ossicle data info recordings/             what is in a folder
    ossicle search recordings/ --out run/     choose and train a classifier
    ossicle predict run/best.ossicle kitchen.wav

    Exit status: 0 done, 1 the work failed, 2 the words were wrong.
    """


def main() -> None:
    """Entry point: one thread a process for linear algebra, since work is spread over processes."""
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")
    verbs()
