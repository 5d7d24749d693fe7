"""Words → calls: one small file per verb, parsing and printing only."""

from ossicle.cli.main import main

__all__ = ["main"]
