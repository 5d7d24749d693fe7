"""Which format a file is in: told from its first bytes, never from its ending."""

import struct
from io import FileIO

__all__ = ["FORMATS", "counts_samples", "format_of", "likeness", "media_of", "missing_bytes"]

FORMATS = "WAV, FLAC, Ogg (Vorbis, Opus), MP3, AIFF, CAF and AU"
"""What is read, in words; with the extra ``media`` also M4A, MP4, WebM, WMA and the like."""

_MAGIC = (
    (0, b"fLaC", "FLAC"),
    (0, b"OggS", "OGG"),
    (0, b"ID3", "MP3"),
    (8, b"WAVE", "WAV"),
    (8, b"AIFF", "AIFF"),
    (8, b"AIFC", "AIFF"),
    (0, b"caff", "CAF"),
    (0, b".snd", "AU"),
    (0, b"riff\x2e\x91\xcf\x11", "W64"),
)

_MEDIA = (
    (4, b"ftyp", "mov"),
    (4, b"moov", "mov"),
    (0, b"\x1a\x45\xdf\xa3", "matroska"),
    (0, b"\x30\x26\xb2\x75", "asf"),
    (0, b"\xff\xf1", "aac"),
    (0, b"\xff\xf9", "aac"),
    (0, b"wvpk", "wv"),
    (0, b"#!AMR", "amr"),
    (8, b"AVI ", "avi"),
    (0, b"FLV\x01", "flv"),
)

_NO_SOUND = "give a sound file"

_LIKENESS = (
    (0, b"MThd", "MIDI", "play it into a WAV or FLAC first"),
    (0, b"version https://git-lfs", "a Git LFS pointer", "fetch the sound with: git lfs pull"),
    (0, b"PK\x03\x04", "a zip archive", "unpack it"),
    (0, b"\x1f\x8b", "a gzip archive", "unpack it"),
    (0, b"\x89PNG", "a picture", _NO_SOUND),
    (0, b"\xff\xd8\xff", "a picture", _NO_SOUND),
    (0, b"%PDF", "a PDF document", _NO_SOUND),
    (0, b"\x93NUMPY", "a numpy array", "write it as a sound with write_audio"),
    (0, b"<", "a web page or XML", "was the download refused?"),
    (0, b"{", "JSON", _NO_SOUND),
)

# Writers that stream put one of these where they do not know the size yet.
_UNKNOWN_SIZE = 0x7FFF0000
# Careless writers count the header in.
_TOLERATED_BYTES = 64
_MAX_CHUNKS = 1_000


def format_of(head: bytes) -> str | None:
    """Name of the format a file's first 64 bytes announce, or None.

    >>> format_of(b"fLaC" + bytes(60))
    'FLAC'
    """
    found = (name for offset, magic, name in _MAGIC if head[offset:].startswith(magic))
    return next(found, "MP3" if _is_mpeg(head) else None)


def media_of(head: bytes) -> str | None:
    """FFmpeg's name for the container a file's first 64 bytes announce, or None.

    >>> media_of(bytes(4) + b"ftypM4A ")
    'mov'
    """
    return next((name for offset, magic, name in _MEDIA if head[offset:].startswith(magic)), None)


def likeness(head: bytes) -> tuple[str, str]:
    """What a file that is no sound we read looks like, and what to do about it.

    >>> likeness(b"PK\\x03\\x04")
    ('a zip archive', 'unpack it')
    """
    for offset, magic, name, cure in _LIKENESS:
        if head[offset:].startswith(magic):
            return name, cure
    if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head):
        return "text", _NO_SOUND
    return "nothing known here", "is it damaged, encrypted, or raw samples (see read_pcm)?"


def missing_bytes(file: FileIO, size: int) -> int:
    """Bytes that a WAV or AIFF header promises and the file of ``size`` bytes does not hold."""
    head = file.read(12)
    order = {b"RIFF": "<", b"RIFX": ">", b"FORM": ">"}.get(head[:4])
    place = 12
    for _ in range(_MAX_CHUNKS if order else 0):
        file.seek(place)
        chunk = file.read(8)
        if len(chunk) < 8:
            break
        name, length = struct.unpack(f"{order}4sI", chunk)
        if name in (b"data", b"SSND"):
            missing = place + 8 + length - size
            return missing if length < _UNKNOWN_SIZE and missing > _TOLERATED_BYTES else 0
        place += 8 + length + length % 2
    return 0


def counts_samples(file: FileIO) -> bool:
    """Whether the header counts samples: FLAC does, MP3 only where an encoder left its tag."""
    head = file.read(64)
    if format_of(head) != "MP3":
        return format_of(head) == "FLAC"
    file.seek(_tag_length(head))
    frame = file.read(256)
    return b"Xing" in frame or b"Info" in frame


def _is_mpeg(head: bytes) -> bool:
    """A frame's sync word, with a layer (AAC's has none) and a bit rate and sample rate."""
    return (
        len(head) > 2
        and head[0] == 0xFF
        and head[1] & 0xE0 == 0xE0
        and head[1] & 0x06 != 0
        and head[2] & 0xF0 != 0xF0
        and head[2] & 0x0C != 0x0C
    )


def _tag_length(head: bytes) -> int:
    """Bytes of the ID3 tag in front of an MP3: seven bits of each of four bytes."""
    if not head.startswith(b"ID3") or len(head) < 10:
        return 0
    return 10 + sum(
        (byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True)
    )
