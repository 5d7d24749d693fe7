"""Optional parts: imported when used, and named with their cure when they are missing."""

import importlib
import importlib.util
from types import ModuleType
from typing import Any

from ossicle.errors import MissingExtraError

__all__ = ["check_installed", "require"]


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
        raise _missing(error.name, extra) from None


def check_installed(*modules: str, extra: str) -> None:
    """Name the command that installs what long work needs at its end, before it begins.

    Parameters
    ----------
    *modules : str
        Names without a dot. None of them is imported, which may take seconds.
    extra : str
        The extra of ossicle that brings them.

    Raises
    ------
    MissingExtraError
        If one is not installed.

    >>> check_installed("math", "json", extra="search")
    """
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise _missing(module, extra)


def _missing(module: str, extra: str) -> MissingExtraError:
    return MissingExtraError(f"{module} is not installed; run: pip install 'ossicle[{extra}]'")
