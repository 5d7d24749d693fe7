"""The verb ``workflow`` and its own verbs."""

import click

from ossicle.cli.verbs import Verbs

__all__ = ["WORKFLOW_VERBS", "workflow"]

WORKFLOW_VERBS = ("ps", "status", "log", "cancel", "retry", "rm", "steps")


@click.command(cls=Verbs, package="ossicle.cli.workflow", words=WORKFLOW_VERBS)
def workflow() -> None:
    """Look at executions of workflows, end them, do them again; list steps.

    \b
    ossicle workflow ps
    """
