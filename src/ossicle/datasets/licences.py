"""Licences: one name for each, however it is written, and what a recording asks to be told.

Creative Commons' licences are known by their short names, their long names and their addresses;
the words of any other licence are compared as they are, but for case and spaces.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import replace

from ossicle.datasets.shown import shown
from ossicle.errors import DatasetError
from ossicle.types import Clip, Recording

__all__ = ["attribution", "is_allowed", "licence_name", "licensed"]

NOT_STATED = "not stated"
"""What a blank licence is called."""

PARTS = ("by", "nc", "nd", "sa")
MIX = " + "
"""Between the licences of what was mixed."""

_ADDRESS = re.compile(
    r"creativecommons\.org/(?:licenses|publicdomain)/([a-z+-]+)(?:/(\d(?:\.\d)?))?", re.I
)
_WORDS = {
    "creative commons": "cc",
    "public domain dedication": "cc0",
    "attribution": "by",
    "non commercial": "nc",
    "noncommercial": "nc",
    "share alike": "sa",
    "sharealike": "sa",
    "no derivatives": "nd",
    "noderivatives": "nd",
    "noderivs": "nd",
}
_EMPTY = {"international", "unported", "generic", "license", "licence", "deed", "universal", "the"}
_VERSION = re.compile(r"v?(\d)(?:\.(\d))?")


def licence_name(text: str) -> str:
    """The short name of a licence.

    >>> licence_name("http://creativecommons.org/licenses/by/4.0/"), licence_name("cc-by-4.0")
    ('CC BY 4.0', 'CC BY 4.0')
    >>> licence_name("Creative Commons Attribution-NonCommercial 3.0 Unported")
    'CC BY-NC 3.0'
    >>> licence_name("CC0 1.0 Universal"), licence_name(" MIT "), licence_name("")
    ('CC0', 'MIT', '')
    """
    if MIX in text:
        return MIX.join(sorted({licence_name(part) for part in text.split(MIX)}))
    address = _ADDRESS.search(text)
    words = " ".join(filter(None, address.groups())) if address else text
    tokens = _tokens(words)
    plain = [token for token in tokens if not _VERSION.fullmatch(token)]
    if "cc0" in plain or "zero" in plain or tokens[:2] == ["cc", "0"]:
        return "CC0"
    if "by" in plain and set(plain) <= {"cc", *PARTS}:
        name = "-".join(part for part in ("by", "nc", "nd", "sa") if part in plain).upper()
        return " ".join(filter(None, ("CC", name, _version(tokens))))
    return " ".join(text.split())


def is_allowed(licence: str, allow: Collection[str]) -> bool:
    """Whether a licence is one of some; without a version, a name allows every version.

    A mix is allowed if all its licences are. A blank licence is allowed as ``"not stated"``.

    >>> is_allowed("CC-BY-3.0", ["CC BY"]), is_allowed("CC BY 3.0", ["CC BY 4.0"])
    (True, False)
    >>> is_allowed("CC BY-NC", ["CC BY"]), is_allowed("CC0 + CC BY", ["CC0"])
    (False, False)
    """
    if isinstance(allow, str) or not allow:
        raise DatasetError(f"allow={allow!r}; a list of licences is needed, as ['CC0', 'CC BY']")
    names = {licence_name(name).casefold() for name in allow}
    found = (licence_name(part).casefold() or NOT_STATED for part in licence.split(MIX))
    return all(names & {name, _VERSION.sub("", name).strip()} for name in found)


def licensed(clip: Clip, licence: str, author: str) -> Clip:
    """The clip with a licence, and an author, where its recording tells none."""
    recording = clip.recording
    told = replace(
        recording, licence=recording.licence or licence, author=recording.author or author
    )
    return clip if told == recording else replace(clip, recording=told)


def attribution(recordings: Iterable[Recording]) -> str:
    """One line a recording: its name, author, source and licence, as licences ask for.

    >>> from pathlib import Path
    >>> attribution([Recording(Path("1.wav"), "cc-by-4.0", "Ann", "https://example.org/1")])
    '1.wav: by Ann, https://example.org/1, CC BY 4.0'
    """
    return "\n".join(map(_credit, dict.fromkeys(recordings)))


def _credit(recording: Recording) -> str:
    author = recording.author or "an author who is not stated"
    words = [f"by {author}", recording.source, licence_name(recording.licence)]
    words[2] = words[2] or f"licence {NOT_STATED}"
    return shown(f"{recording.name}: {', '.join(filter(None, words))}")


def _tokens(text: str) -> list[str]:
    plain = re.sub(r"[\s_/()-]+", " ", text.casefold()).strip()
    for long, short in _WORDS.items():
        plain = plain.replace(long, short)
    return [token for token in plain.split() if token not in _EMPTY]


def _version(tokens: list[str]) -> str:
    found = next(filter(None, map(_VERSION.fullmatch, tokens)), None)
    return f"{found[1]}.{found[2] or 0}" if found else ""
