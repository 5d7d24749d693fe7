"""The command ``ossicle``: finds the verb, and says what went wrong in one line."""

import os
from typing import Any

import click

from ossicle import __version__
from ossicle.cli.verbs import Verbs
from ossicle.errors import OssicleError

__all__ = ["VERBS", "main", "verbs"]

VERBS = (
    "demo",
    "data",
    "features",
    "search",
    "evaluate",
    "predict",
    "listen",
    "level",
    "info",
    "verify",
    "doctor",
)

ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Program(Verbs):
    """The verbs, and what becomes of their errors."""

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


@click.command(
    cls=Program,
    package="ossicle.cli",
    words=VERBS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
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
