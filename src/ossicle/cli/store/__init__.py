"""``ossicle store``: what is kept, and what may go; one file per verb."""

from ossicle.cli.store.group import STORE_VERBS, store

__all__ = ["STORE_VERBS", "store"]
