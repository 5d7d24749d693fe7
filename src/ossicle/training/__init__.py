"""Clips + network + tasks → run: the gradient loop, losses, samplers and run folders.

Only what needs no torch is named here, so that settings are read without it; the rest is imported
from its module, and what users call from `ossicle` itself.
"""

from ossicle.training.settings import Settings

__all__ = ["Settings"]
