"""Front ends by name: from a description back to the front end that wrote it."""

from collections.abc import Mapping
from dataclasses import fields
from importlib.metadata import entry_points
from typing import Any

from ossicle.errors import FeatureError, nearest
from ossicle.features.base import FrontEnd
from ossicle.features.embedding import Embedding
from ossicle.features.log_mel import LogMel
from ossicle.features.logbank_summary import LogbankSummary
from ossicle.features.mfcc import MFCC
from ossicle.features.pretrained import PRETRAINED, with_network
from ossicle.features.short_term import ShortTerm
from ossicle.features.waveform import Waveform

__all__ = ["FRONT_ENDS", "front_end"]

FRONT_ENDS: dict[str, type[FrontEnd]] = {
    kind.name: kind for kind in (LogMel, MFCC, ShortTerm, LogbankSummary, Waveform)
}
"""Name: class. Other packages add theirs through the entry point group ``ossicle.front_ends``.

Beside these there are ``embedding``, which needs a network, and the names in ``PRETRAINED``."""


def front_end(
    description: str | Mapping[str, Any] | FrontEnd,
    *,
    networks: Mapping[str, bytes] | None = None,
) -> FrontEnd:
    """Make a front end from its description, its name, or itself.

    Parameters
    ----------
    description : mapping or str or FrontEnd
        What ``describe()`` gave; settings left out have their defaults. A name alone: all
        defaults; the name of a known trained network (``yamnet``, ``speech_embedding``) too. An
        embedding may name its network by ``path``.
    networks : mapping of sha256 to bytes, optional
        The networks that descriptions may name; None: those found on this machine.

    Raises
    ------
    FeatureError
        If the name, a setting or a value is unknown, the description comes from a newer
        ossicle, or the network of an embedding is not here (how to get it is said).
    ModelError
        If the network of an embedding is not a safe one.

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
    settings = with_network(settings, networks)
    kind = _kind(settings["name"])
    _check_version(kind, settings.get("version", kind.version))
    values: dict[str, Any] = dict(settings)
    values.pop("name")
    values.pop("version", None)
    known = [field.name for field in fields(kind)]
    for key in values:
        if key not in known:
            raise FeatureError(f"{kind.name} has no setting {key!r}; {nearest(str(key), known)}")
    if isinstance(values.get("inner"), Mapping):
        values["inner"] = front_end(values["inner"], networks={})
    return kind(**values)


def _kind(name: str) -> type[FrontEnd]:
    kinds: dict[str, type[FrontEnd]] = {**FRONT_ENDS, Embedding.name: Embedding}
    if name in kinds:
        return kinds[name]
    others = {entry.name: entry for entry in entry_points(group="ossicle.front_ends")}
    if name not in others:
        hint = nearest(name, [*kinds, *PRETRAINED, *others])
        raise FeatureError(f"no front end {name!r}; {hint}")
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
