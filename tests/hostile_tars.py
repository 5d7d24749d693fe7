"""Tar files that mean harm, each a small change of one that does not."""

import bz2
import gzip
import io
import json
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ossicle.workflow import Artifact, Store
from ossicle.workflow.archive import write_archive

Members = list[tuple[str, bytes]]


def make(
    store: Store, step: str = "count", *, inputs: Any = (), measured: Any = (), **files: str
) -> Artifact:
    recipe = {"step": step, "version": {"code": "1"}, "parameters": {"n": 3}, "inputs": inputs}
    key = store.key(**recipe)
    with store.writing(key, **recipe, provenance={"licence": "CC0"}, measured=measured) as folder:
        for name, text in files.items():
            path = folder / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    artifact = store.get(key)
    assert artifact is not None
    return artifact


def packed(members: Members, **changes: Any) -> bytes:
    """A tar file of these members; what is changed is changed in the last one's header."""
    blocks = []
    for place, (name, data) in enumerate(members):
        info = tarfile.TarInfo(name)
        info.size = len(data)
        if place == len(members) - 1:
            for what, value in changes.items():
                setattr(info, what, value)
        blocks += [info.tobuf(tarfile.USTAR_FORMAT), data, bytes(-len(data) % 512)]
    return b"".join(blocks) + bytes(1024)


def raw(members: Members, start: int, piece: bytes) -> bytes:
    """A tar file whose last header holds these bytes there, with the sum that goes with them."""
    data = bytearray(packed(members))
    place = len(data) - 1024 - 512 - len(members[-1][1]) - (-len(members[-1][1]) % 512)
    header = data[place : place + 512]
    header[start : start + len(piece)] = piece
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    data[place : place + 512] = header
    return bytes(data)


NAMES = {
    "an absolute path": "/etc/passwd",
    "a path upwards": "../escaped",
    "a path upwards below the key": "{key}/../../escaped",
    "a path that goes up and down": "{key}/a/../b",
    "a drive": "C:/escaped",
    "a drive below the key": "{key}/C:escaped",
    "a stream of a file": "{key}/a:b",
    "a backslash": "{key}/a\\b",
    "backslashes upwards": "{key}/..\\..\\escaped",
    "a folder without a name": "{key}//a",
    "the folder itself": "{key}/./a",
    "a name that ends as a folder": "{key}/a/",
    "no name": "{key}/",
    "a line break": "{key}/a\nb",
    "an order to the terminal": "{key}/\x1b[31m",
    "a turn of direction": "{key}/\u202etxt.exe",
    "a device of Windows": "{key}/con",
    "a device with an ending": "{key}/NUL.txt",
    "a port": "{key}/sub/com1.json",
    "a dot at the end": "{key}/a.",
    "a space at the end": "{key}/a ",
    "no folder": "a",
    "a folder that is no key": "store/a",
    "a key in capitals": "{KEY}/a",
    "a key that is too short": "{key31}/a",
    "the place of leftovers": ".unfinished/a",
    "the place of pins": ".pins/a",
}

KINDS = {
    "a hard link": tarfile.LNKTYPE,
    "a symbolic link": tarfile.SYMTYPE,
    "a character device": tarfile.CHRTYPE,
    "a block device": tarfile.BLKTYPE,
    "a pipe": tarfile.FIFOTYPE,
    "a folder": tarfile.DIRTYPE,
    "a sparse file": tarfile.GNUTYPE_SPARSE,
    "a long name": tarfile.GNUTYPE_LONGNAME,
    "a long link": tarfile.GNUTYPE_LONGLINK,
    "an extended header": tarfile.XHDTYPE,
    "an extended header for all": tarfile.XGLTYPE,
    "a header of Solaris": tarfile.SOLARIS_XHDTYPE,
    "a contiguous file": tarfile.CONTTYPE,
    "an old regular file": tarfile.AREGTYPE,
    "an unknown kind": b"Z",
}

HEADERS: dict[str, tuple[int, bytes]] = {
    "a name with a zero in it": (33, b"a\0b"),
    "a name that is not UTF-8": (33, b"\xff\xfe"),
    "a huge size": (124, b"77777777777"),
    "a size in base 256": (124, b"\x80" + bytes(10) + b"\x01"),
    "a negative size": (124, b"-0000000001"),
    "a size with spaces": (124, b"         01 "),
    "a time": (136, b"00000000001"),
    "an owner": (108, b"0000001"),
    "the right to be run as its owner": (100, b"0004755"),
    "a target of a link": (157, b"/etc/passwd"),
    "the name of an owner": (265, b"root"),
    "a device number": (329, b"0000001"),
    "a folder before the name": (345, b"/etc"),
    "something behind the fields": (500, b"x"),
    "the form of GNU": (257, b"ustar  \0"),
    "no form": (257, bytes(8)),
}


def clash(*names: str) -> Callable[[Members, str], bytes]:
    return lambda good, key: packed([*good, *((f"{key}/{name}", b"x") for name in names)])


def other_bytes(change: Callable[[bytes], bytes]) -> Callable[[Members, str], bytes]:
    return lambda good, key: change(packed(good))


def zipped(data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a", data)
    return file.getvalue()


def with_pax(good: Members, key: str) -> bytes:
    """A harmless name, and an extended header that puts another in its place."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo(f"{key}/a")
        info.pax_headers = {"path": "../../escaped", "GNU.sparse.size": "999999999999"}
        tar.addfile(info)
    return file.getvalue()


SHAPES: dict[str, Callable[[Members, str], bytes]] = {
    "a member twice": lambda good, key: packed([*good, good[-1]]),
    "names that differ in case": clash("x", "X"),
    "names that differ in form": clash("\u00e9", "e\u0301"),
    "names that differ in folding": clash("stra\u00dfe", "STRASSE"),
    "a file below a file": clash("x", "x/y"),
    "a file below a file in capitals": clash("X", "x/y"),
    "a header that is cut off": other_bytes(lambda data: data[:300]),
    "a file that is cut off": other_bytes(lambda data: data[:600]),
    "no end": other_bytes(lambda data: data[:-1024]),
    "half an end": other_bytes(lambda data: data[:-512]),
    "something after the end": other_bytes(lambda data: data + b"x"),
    "zeros after the end": other_bytes(lambda data: data + bytes(8192)),
    "a second file after the end": other_bytes(lambda data: data + data),
    "nothing": lambda good, key: b"",
    "noise": lambda good, key: os.urandom(4096),
    "a gzip bomb": other_bytes(lambda data: gzip.compress(data + bytes(1_000_000))),
    "bzip2": other_bytes(bz2.compress),
    "a zip file": other_bytes(zipped),
    "a sum that is wrong": other_bytes(lambda data: data[:148] + b"000000" + data[154:]),
    "another name by an extended header": with_pax,
}


def edited(**changes: Any) -> Callable[[Members, str], bytes]:
    """The manifest with other values, under its key."""

    def build(good: Members, key: str) -> bytes:
        manifest = json.loads(good[0][1])
        text = json.dumps({**manifest, **changes}).encode()
        return packed([(good[0][0], text), *good[1:]])

    return build


def manifest_of(text: bytes) -> Callable[[Members, str], bytes]:
    return lambda good, key: packed([(good[0][0], text), *good[1:]])


def under_other_key(good: Members, key: str) -> bytes:
    manifest = {**json.loads(good[0][1]), "key": "0" * 32}
    text = json.dumps(manifest).encode()
    members = [("0" * 32 + name[32:], data) for name, data in good]
    return packed([(members[0][0], text), *members[1:]])


CONTENTS: dict[str, Callable[[Members, str], bytes]] = {
    "a file with other bytes": lambda good, key: packed([*good[:-1], (good[-1][0], b"other")]),
    "a file more": lambda good, key: packed([*good, (f"{key}/more", b"x")]),
    "a file less": lambda good, key: packed(good[:-1]),
    "no manifest": lambda good, key: packed(good[1:]),
    "a manifest alone": lambda good, key: packed(good[:1]),
    "a manifest that is cut off": lambda good, key: manifest_of(good[0][1][:-9])(good, key),
    "a manifest that is no JSON": manifest_of(b"import os"),
    "a manifest of zeros": manifest_of(bytes(700)),
    "a manifest that is a list": manifest_of(b"[]"),
    "a manifest that is too deep": manifest_of(b"[" * 100_000),
    "a manifest that is nearly too deep": lambda good, key: manifest_of(
        good[0][1].replace(b'"CC0"', b"[" * 985 + b"]" * 985)
    )(good, key),
    "a manifest without an end of numbers": manifest_of(b"9" * 10_000),
    "a manifest that is not UTF-8": manifest_of(b"\xff\xff\xff"),
    "a number that is none": lambda good, key: manifest_of(
        good[0][1].replace(b'"n":3', b'"n":NaN')
    )(good, key),
    "half a character": lambda good, key: manifest_of(good[0][1].replace(b"CC0", b"\\ud800"))(
        good, key
    ),
    "other parameters": edited(parameters={"n": 4}),
    "another step": edited(step="other"),
    "another version": edited(version={"code": "2"}),
    "other inputs": edited(inputs=["f" * 32]),
    "another key": edited(key="0" * 32),
    "another's key": under_other_key,
    "another content": edited(content="0" * 32),
    "something else": edited(command="rm -rf /"),
    "files that are a list": edited(files=["a"]),
    "files without digests": edited(files={"a": None, "b": 3}),
    "a file outside": edited(files={"../a": "0" * 32, "b": "0" * 32}),
    "measured files that are not there": edited(measured=["c"]),
    "measured files that are no names": edited(measured=[["a"]]),
    "inputs that are numbers": edited(inputs=[1, 2]),
    "inputs that are a text": edited(inputs="abc"),
    "provenance that is a text": edited(provenance="me"),
    "a step that is a list": edited(step=["a"]),
    "its own log": lambda good, key: packed([*good, (f"{key}/log.txt", b"x")]),
    "its own times": lambda good, key: packed([*good, (f"{key}/times.json", b"{}")]),
}


def named(template: str) -> Callable[[Members, str], bytes]:
    def build(good: Members, key: str) -> bytes:
        name = template.format(key=key, KEY=key[:-1] + "F", key31=key[:31])
        return packed([*good, (name, b"x")])

    return build


def of_kind(kind: bytes) -> Callable[[Members, str], bytes]:
    def build(good: Members, key: str) -> bytes:
        return packed([*good, (f"{key}/a2", b"")], type=kind, linkname="../../escaped")

    return build


def with_header(start: int, piece: bytes) -> Callable[[Members, str], bytes]:
    return lambda good, key: raw([*good, (f"{key}/a2", b"")], start, piece)


HOSTILE = {
    **{f"name: {what}": named(template) for what, template in NAMES.items()},
    **{f"kind: {what}": of_kind(kind) for what, kind in KINDS.items()},
    **{f"header: {what}": with_header(*change) for what, change in HEADERS.items()},
    **{f"shape: {what}": build for what, build in SHAPES.items()},
    **{f"content: {what}": build for what, build in CONTENTS.items()},
}

REFUSED_FOR = {
    "name": "member '.*' (would|holds|means)|lies in no folder",
    "kind": "a member is a|no archive of artifacts",
    "header": "the header of .* is damaged|is cut off|no archive of artifacts",
    "shape": "twice|below a file|cut off|does not end|no archive|damaged|extended header",
    "content": "the manifest of|has no manifest|has changed",
}


def good_members(store: Store, path: Path) -> tuple[Members, str]:
    artifact = make(store, a="one", b="two")
    write_archive(store, [artifact.key], path)
    with tarfile.open(path) as tar:
        return [(m.name, tar.extractfile(m).read()) for m in tar], artifact.key  # type: ignore[union-attr]
