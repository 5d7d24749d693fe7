"""The file a bundle is: a zip in its one canonical form, sealed by a digest.

A bundle is a zip that any tool opens: members stored as they are, in a fixed order, with one date
(1980-01-01) and plain permissions, so that equal contents give equal bytes. The archive's comment
ends with the SHA-256 of everything before it. Reading checks that digest first and then packs
what it found again: only a file that is byte for byte what `pack` writes is accepted, which leaves
no room for hidden members, links, encryption, compression bombs or anything between the members.

Reference: PKWARE, .ZIP File Format Specification (APPNOTE 6.3), 4.3.
"""

import hashlib
import struct
import zlib
from collections.abc import Iterator, Mapping

from ossicle.errors import BundleError

__all__ = ["MAX_BYTES", "pack", "unpack"]

MAX_BYTES = 256 * 2**20
MAX_MEMBERS = 32
MAX_NAME = 64

COMMENT = b"ossicle sha256 "
DIGEST_LENGTH = 64
DATE = (1 << 5) | 1  # 1980-01-01 as MS-DOS counts
VERSION = 20
UNIX = 3 << 8
REGULAR_FILE = 0o100644 << 16

LOCAL = struct.Struct("<4s5H3I2H")
CENTRAL = struct.Struct("<4s6H3I5H2I")
END = struct.Struct("<4s4H2IH")


def pack(members: Mapping[str, bytes]) -> bytes:
    """Members as the bytes of a bundle, in the given order.

    >>> list(unpack(pack({"card.md": b"hello"})))
    ['card.md']
    """
    body, directory = bytearray(), bytearray()
    for name, data in members.items():
        offset, word = len(body), name.encode("ascii")
        facts = (VERSION, 0, 0, 0, DATE, zlib.crc32(data), len(data), len(data), len(word), 0)
        body += LOCAL.pack(b"PK\3\4", *facts) + word + data
        directory += CENTRAL.pack(b"PK\1\2", UNIX | VERSION, *facts, 0, 0, 0, REGULAR_FILE, offset)
        directory += word
    n_comment = len(COMMENT) + DIGEST_LENGTH
    end = END.pack(
        b"PK\5\6", 0, 0, len(members), len(members), len(directory), len(body), n_comment
    )
    sealed = bytes(body + directory + end + COMMENT)
    return sealed + hashlib.sha256(sealed).hexdigest().encode()


def unpack(data: bytes) -> dict[str, bytes]:
    """Members of a bundle by name.

    Raises
    ------
    BundleError
        If the bytes are not exactly those of a bundle.
    """
    if len(data) > MAX_BYTES:
        raise BundleError(f"it has more than the {MAX_BYTES} bytes allowed")
    if not data.startswith(b"PK\3\4") or COMMENT not in data[-len(COMMENT) - DIGEST_LENGTH :]:
        raise BundleError("it is not an ossicle bundle, or was cut off or added to")
    if hashlib.sha256(data[:-DIGEST_LENGTH]).hexdigest().encode() != data[-DIGEST_LENGTH:]:
        raise BundleError("its digest does not match: it was damaged or changed; copy it again")
    members: dict[str, bytes] = {}
    for name, content in _members(data):
        if name in members or len(members) == MAX_MEMBERS:
            raise BundleError(f"member {name!r} is there twice or one of more than {MAX_MEMBERS}")
        members[name] = content
    if pack(members) != data:
        raise BundleError("it is a zip, but not one that ossicle writes; was it packed again?")
    return members


def _members(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Names and contents from one local header to the next."""
    position = 0
    while data.startswith(b"PK\3\4", position):
        try:
            *_, size, n_name, _ = LOCAL.unpack_from(data, position)
        except struct.error:
            raise BundleError("a member's header is cut off") from None
        start = position + LOCAL.size
        name = data[start : start + n_name]
        if n_name > MAX_NAME or not name.isascii() or start + n_name + size > len(data):
            raise BundleError(f"member {name[:MAX_NAME]!r} has a name or size that is not allowed")
        position = start + n_name + size
        yield name.decode("ascii"), data[start + n_name : position]
