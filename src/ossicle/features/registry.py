"""Front ends by name: from a description back to the front end that wrote it."""

from collections.abc import Mapping
from dataclasses import fields
from importlib.metadata import entry_points
from typing import Any

from ossicle.errors import FeatureError, nearest
from ossicle.features.base import FrontEnd
from ossicle.features.log_mel import LogMel
from ossicle.features.logbank_summary import LogbankSummary
from ossicle.features.mfcc import MFCC
from ossicle.features.short_term import ShortTerm
from ossicle.features.waveform import Waveform

__all__ = ["FRONT_ENDS", "front_end"]

FRONT_ENDS: dict[str, type[FrontEnd]] = {
    kind.name: kind for kind in (LogMel, MFCC, ShortTerm, LogbankSummary, Waveform)
}
"""Name: class. Other packages add theirs through the entry point group ``ossicle.front_ends``."""


def front_end(description: str | Mapping[str, Any] | FrontEnd) -> FrontEnd:
    """Make a front end from its description, its name, or itself.

    Parameters
    ----------
    description : mapping or str or FrontEnd
        What ``describe()`` gave; settings left out have their defaults. A name alone: all
        defaults.

    Raises
    ------
    FeatureError
        If the name, a setting or a value is unknown, or the description comes from a newer
        ossicle.

    >>> front_end({"name": "log_mel", "n_mels": 40}).n_bands
    40
    >>> front_end(front_end("mfcc").describe()) == front_end("mfcc")
    True
    """
    if isinstance(description, FrontEnd):
        return description
    settings = {"name": description} if isinstance(description, str) else description
    if not isinstance(settings, Mapping) or not isinstance(settings.get("name"), str):
        raise FeatureError(
            f"{description!r} does not describe a front end; allowed: a name "
            f"({', '.join(FRONT_ENDS)}) or a mapping with a 'name'"
        )
    kind = _kind(settings["name"])
    _check_version(kind, settings.get("version", kind.version))
    values: dict[str, Any] = dict(settings)
    values.pop("name")
    values.pop("version", None)
    known = [field.name for field in fields(kind)]
    for key in values:
        if key not in known:
            raise FeatureError(f"{kind.name} has no setting {key!r}; {nearest(str(key), known)}")
    return kind(**values)


def _kind(name: str) -> type[FrontEnd]:
    if name in FRONT_ENDS:
        return FRONT_ENDS[name]
    others = {entry.name: entry for entry in entry_points(group="ossicle.front_ends")}
    if name not in others:
        raise FeatureError(f"no front end {name!r}; {nearest(name, [*FRONT_ENDS, *others])}")
    kind = others[name].load()
    if not (isinstance(kind, type) and issubclass(kind, FrontEnd)):
        raise FeatureError(f"the installed front end {name!r} is {kind!r}, not a FrontEnd class")
    return kind


def _check_version(kind: type[FrontEnd], version: object) -> None:
    if version != kind.version:
        raise FeatureError(
            f"this {kind.name} description has version {version!r}, this ossicle knows "
            f"{kind.version}; install the ossicle that wrote it"
        )
