"""Optional parts: imported when used, and named with their cure when they are missing."""

import importlib
from types import ModuleType
from typing import Any

from ossicle.errors import MissingExtraError

__all__ = ["require"]


def require(module: str, *, extra: str) -> ModuleType | Any:
    """Import an optional module or name the command that installs it.

    Parameters
    ----------
    module : str
        Dotted name, for example ``"sklearn.svm"``; or a module of ossicle that needs libraries
        as soon as it is imported.
    extra : str
        The extra of ossicle that brings it.

    Returns
    -------
    module
        The imported module.

    Raises
    ------
    MissingExtraError
        If it is not installed.

    >>> require("math", extra="search").floor(1.5)
    1
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("ossicle"):
            raise
        raise MissingExtraError(
            f"{error.name} is not installed; run: pip install 'ossicle[{extra}]'"
        ) from None
