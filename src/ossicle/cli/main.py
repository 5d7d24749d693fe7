"""The command ``ossicle``: finds the verb, and says what went wrong in one line."""

import os
from typing import Any

import click

from ossicle import __version__
from ossicle.cli.terminal import safe
from ossicle.cli.verbs import Verbs
from ossicle.errors import OssicleError

__all__ = ["VERBS", "main", "verbs"]

VERBS = (
    "demo",
    "data",
    "features",
    "search",
    "train",
    "runs",
    "store",
    "evaluate",
    "bench",
    "predict",
    "listen",
    "level",
    "info",
    "verify",
    "run",
    "workflow",
    "doctor",
    "completion",
)

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it: 128 and the number of the signal."""

ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Program(Verbs):
    """The verbs, and what becomes of their errors."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; a user's mistake or Ctrl-C becomes one line and its exit status."""
        try:
            return super().invoke(ctx)
        except OssicleError as error:
            raise click.ClickException(safe(str(error))) from error
        except BrokenPipeError:
            raise
        except OSError as error:
            raise click.ClickException(safe(f"the system refuses: {error}")) from error
        except MemoryError as error:
            raise click.ClickException(safe(f"not enough memory: {error}")) from error
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(INTERRUPTED)


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

    Exit status: 0 done, 1 the work failed, 2 the words were wrong, 130 interrupted.
    """


def main() -> None:
    """Entry point: one thread a process for linear algebra, since work is spread over processes."""
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")
    verbs()
