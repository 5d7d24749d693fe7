"""``ossicle workflow``: executions looked at, ended, done again; the steps there are."""

from ossicle.cli.workflow.group import WORKFLOW_VERBS, workflow

__all__ = ["WORKFLOW_VERBS", "workflow"]
