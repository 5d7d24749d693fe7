"""Tar files of one strict form, written and read: regular files, nobody's and timeless.

Whatever else a tar file may hold (links, devices, extended headers, sparse files) is refused by
its header alone. Nothing is compressed, so that nothing in a file can be larger than the file.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ossicle.errors import WorkflowError
from ossicle.workflow.files import DIGEST_BYTES

__all__ = ["END", "Member", "copied", "members", "write_member"]

MAX_MEMBERS = 100_000
_BLOCK = 512
END = bytes(2 * _BLOCK)
_PIECE = 1 << 20
_TOO_LARGE = 8**11
_FORM = b"ustar\x0000"
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_KINDS = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a device",
    b"4": "a device",
    b"5": "a folder",
    b"6": "a pipe",
    b"L": "a long name",
    b"K": "a long link",
    b"S": "a sparse file",
    b"g": "an extended header",
    b"x": "an extended header",
}


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside a tar file: its name, and where its bytes lie."""

    name: str
    start: int
    size: int


def write_member(tar: BinaryIO, name: str, source: BinaryIO, size: int) -> str:
    """Add a file; gives the digest of its bytes.

    Raises
    ------
    WorkflowError
        If its name or size is one that `members` would refuse.
    """
    if fault := _fault_of(name):
        raise WorkflowError(f"{name!r} {fault}; it cannot be exported")
    tar.write(_header(name, size))
    found = copied(source, size, tar)
    tar.write(bytes(-size % _BLOCK))
    return found


def copied(source: BinaryIO, size: int, into: BinaryIO | None = None) -> str:
    """Digest of the next so many bytes, which are written on where that is wanted."""
    state = hashlib.blake2b(digest_size=DIGEST_BYTES)
    while size > 0 and (piece := source.read(min(size, _PIECE))):
        size -= len(piece)
        state.update(piece)
        if into is not None:
            into.write(piece)
    return state.hexdigest()


def members(tar: BinaryIO, path: Path) -> list[Member]:
    """Every member, by its header alone; each may become a path below a folder, on any system.

    Raises
    ------
    WorkflowError
        If there is anything that `write_member` does not write, or not all of it.
    """
    found: list[Member] = []
    length, place = tar.seek(0, 2), 0
    while (header := _block(tar, place, path)) != bytes(_BLOCK):
        if len(found) == MAX_MEMBERS:
            raise WorkflowError(f"{path} has more than {MAX_MEMBERS} members")
        name, size = _named(header, path)
        if fault := _fault_of(name):
            raise WorkflowError(f"{path}: member {name!r} {fault}")
        found.append(Member(name, place + _BLOCK, size))
        place += _BLOCK + size + -size % _BLOCK
        if place > length:
            raise WorkflowError(f"{path} is cut off inside {name!r}")
    if place + len(END) != length or _block(tar, place + _BLOCK, path) != bytes(_BLOCK):
        raise WorkflowError(f"{path} does not end where its members end")
    _check_places([member.name for member in found], path)
    return found


def _block(tar: BinaryIO, place: int, path: Path) -> bytes:
    tar.seek(place)
    block = tar.read(_BLOCK)
    if len(block) < _BLOCK:
        raise WorkflowError(f"{path} is no archive of artifacts, or it is cut off")
    return block


def _named(header: bytes, path: Path) -> tuple[str, int]:
    """Name and size of a member whose header is exactly as `_header` writes it."""
    kind = header[156:157]
    if kind in _KINDS and b"ustar" in header:
        raise WorkflowError(f"{path}: a member is {_KINDS[kind]}; regular files are allowed")
    if header[257:265] != _FORM or kind != b"0":
        raise WorkflowError(
            f"{path} is no archive of artifacts: it is compressed, or another program's tar file"
        )
    name, prefix = (part.partition(b"\0")[0] for part in (header[:100], header[345:500]))
    digits = header[124:135]
    try:
        whole = b"/".join(filter(None, (prefix, name))).decode()
        size = int(digits, 8) if re.fullmatch(b"[0-7]{11}", digits) else -1
        if header == _header(whole, size):
            return whole, size
    except (UnicodeDecodeError, WorkflowError):
        pass
    raise WorkflowError(f"{path}: the header of {name.decode('utf-8', 'replace')!r} is damaged")


def _header(name: str, size: int) -> bytes:
    """The header of a regular file in the form of POSIX.1-1988 (ustar)."""
    inner, prefix = name.encode(), b""
    if len(inner) > 100:
        cut = max(inner.rfind(b"/", 0, 156), 0)
        inner, prefix = inner[cut + 1 :], inner[:cut]
    if len(inner) > 100 or not 0 <= size < _TOO_LARGE:
        raise WorkflowError(f"{name} of {size} bytes does not fit an archive: 8 GiB and 255 bytes")
    fields = (
        inner.ljust(100, b"\0"),
        b"0000644\0" + 2 * b"0000000\0",
        b"%011o\0" % size + b"00000000000\0",
        8 * b" ",
        b"0" + bytes(100) + _FORM + bytes(80),
        prefix.ljust(155, b"\0") + bytes(12),
    )
    header = b"".join(fields)
    return header[:148] + b"%06o\0 " % sum(header) + header[156:]


def _fault_of(name: str) -> str:
    """Why a name must not become a path; empty if it may."""
    parts = name.split("/")
    if not name.isprintable() or "\\" in name or ":" in name:
        return "holds a character that names must not have"
    if any(part in ("", ".", "..") for part in parts):
        return "would leave its folder"
    if any(part[-1] in ". " or _DEVICE.fullmatch(part) for part in parts):
        return "means something else on other systems"
    return ""


def _check_places(names: Iterable[str], path: Path) -> None:
    """No two names may mean one place on a system that is blind to case, nor one lie in another."""
    places: set[str] = set()
    for name in names:
        place = _folded(name)
        if place in places:
            raise WorkflowError(f"{path}: {name!r} is there twice, or but for its case")
        places.add(place)
    for place in places:
        parts = place.split("/")
        if any("/".join(parts[:n]) in places for n in range(1, len(parts))):
            raise WorkflowError(f"{path}: {place!r} lies below a file")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
