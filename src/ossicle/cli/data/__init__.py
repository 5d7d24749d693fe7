"""``ossicle data``: look at, mix and split data sets; one file per verb."""

from ossicle.cli.data.group import DATA_VERBS, data

__all__ = ["DATA_VERBS", "data"]
