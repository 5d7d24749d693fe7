"""The page docs/alarm-study.md and its pictures, from what was measured."""

from studies.alarm.page.writing import write_page

__all__ = ["write_page"]
