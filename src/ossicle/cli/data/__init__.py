"""``ossicle data``: look at, check, mix, split and export data sets; one file per verb."""

from ossicle.cli.data.group import DATA_VERBS, data

__all__ = ["DATA_VERBS", "data"]
