"""Artifacts travel whole between stores; nothing in a tar file reaches anything else."""

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

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ossicle.errors import WorkflowError
from ossicle.workflow import Artifact, Store, digest
from ossicle.workflow.archive import read_archive, write_archive

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


@pytest.fixture
def here(tmp_path: Path) -> Store:
    return Store(tmp_path / "here")


@pytest.fixture
def there(tmp_path: Path) -> Store:
    return Store(tmp_path / "there")


def tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


# --- there and back -------------------------------------------------------------------------------


def test_what_is_taken_in_is_what_was_written(here: Store, there: Store, tmp_path: Path) -> None:
    artifact = make(here, deep__table="1,2", time="0.3", measured=["time"])
    write_archive(here, [artifact.key], tmp_path / "a.tar")
    assert read_archive(there, tmp_path / "a.tar") == (artifact.key,)
    found = there.get(artifact.key)
    assert found is not None
    there.verify(found)
    assert found.manifest == artifact.manifest
    assert (found.path / "deep" / "table").read_text() == "1,2"
    assert found.times["seconds"] is None


def test_the_same_artifacts_give_the_same_bytes(here: Store, there: Store, tmp_path: Path) -> None:
    written = []
    for store in (here, there):
        artifact = make(store, a="1", b="2")
        (artifact.path / "log.txt").write_text(str(store.root))
        write_archive(store, [artifact.key], tmp_path / "a.tar")
        written.append((tmp_path / "a.tar").read_bytes())
    assert written[0] == written[1]


def test_the_file_is_the_one_that_python_writes(here: Store, tmp_path: Path) -> None:
    """Golden: `tarfile` of the standard library, format ustar."""
    artifact = make(here, a="1" * 512, **{"b" * 90 + "__" + "c" * 60: "x" * 700})
    write_archive(here, [artifact.key], tmp_path / "a.tar")
    data = (tmp_path / "a.tar").read_bytes()
    with tarfile.open(tmp_path / "a.tar") as tar:
        members: Members = [(m.name, tar.extractfile(m).read()) for m in tar]  # type: ignore[union-attr]
    assert [name.partition("/")[2][:1] for name, _ in members] == ["m", "a", "b"]
    assert packed(members) == data


def test_a_chain_travels_together_and_alone_if_asked(here: Store, tmp_path: Path) -> None:
    first = make(here, "describe", table="1,2")
    second = make(here, "train", inputs={"features": first.content}, model="m", other="o")
    third = make(here, "judge", inputs=[second.digest_of("model"), "f" * 32], report="r")
    aside = make(here, "aside", report="s")
    path = tmp_path / "a.tar"
    chain = tuple(sorted(each.key for each in (first, second, third)))
    assert write_archive(here, [third.key[:8]], path) == chain
    assert write_archive(here, [third.key], path, with_inputs=False) == (third.key,)
    assert set(write_archive(here, [aside.key, third.key], path)) == {*chain, aside.key}


def test_what_is_there_already_is_left_alone(here: Store, there: Store, tmp_path: Path) -> None:
    artifact = make(here, a="1")
    write_archive(here, [artifact.key], tmp_path / "a.tar")
    known = make(there, a="1")
    before = (known.path / "times.json").stat().st_mtime_ns
    read_archive(there, tmp_path / "a.tar")
    assert (known.path / "times.json").stat().st_mtime_ns == before
    assert there.flags() == {}


def test_other_bytes_of_the_same_recipe_are_flagged_and_the_first_stay(
    here: Store, there: Store, tmp_path: Path
) -> None:
    artifact = make(here, a="1")
    write_archive(here, [artifact.key], tmp_path / "a.tar")
    known = make(there, a="2")
    read_archive(there, tmp_path / "a.tar")
    assert (known.path / "a").read_text() == "2"
    assert there.flags() == {
        known.key: {"kept": known.content, "other": artifact.content, "files": ["a"]}
    }


def test_a_tar_file_in_an_artifact_is_just_a_file(
    here: Store, there: Store, tmp_path: Path
) -> None:
    artifact = make(here, a="1")
    write_archive(here, [artifact.key], tmp_path / "a.tar")
    text = (tmp_path / "a.tar").read_text()
    outer = make(here, "outer", nested=text)
    write_archive(here, [outer.key], tmp_path / "b.tar")
    read_archive(there, tmp_path / "b.tar")
    assert [each.key for each in there.list()] == [outer.key]


@pytest.mark.parametrize("fault", ["changed", "missing"])
def test_a_damaged_artifact_does_not_travel(here: Store, tmp_path: Path, fault: str) -> None:
    artifact = make(here, a="1", b="2")
    if fault == "changed":
        (artifact.path / "b").write_text("3")
    else:
        (artifact.path / "b").unlink()
    with pytest.raises(WorkflowError, match=f"/b .*{fault}; delete"):
        write_archive(here, [artifact.key], tmp_path / "a.tar")
    assert not (tmp_path / "a.tar").exists()


@pytest.mark.parametrize("name", ["aux", "a:b", "x" * 101, "__".join(["y" * 90] * 3)])
def test_a_name_that_would_not_be_taken_in_is_not_written(
    here: Store, tmp_path: Path, name: str
) -> None:
    artifact = make(here, **{name: "1"})
    with pytest.raises(WorkflowError, match=r"cannot be exported|does not fit"):
        write_archive(here, [artifact.key], tmp_path / "a.tar")
    assert not (tmp_path / "a.tar").exists()


def test_a_key_that_is_not_there_is_named(here: Store, tmp_path: Path) -> None:
    make(here, a="1")
    with pytest.raises(WorkflowError, match="no artifact 'ffffffff'"):
        write_archive(here, ["ffffffff"], tmp_path / "a.tar")


def test_a_full_disk_takes_in_nothing_half(here: Store, full_disk: Path, tmp_path: Path) -> None:
    small = make(here, "small", a="1")
    large = make(here, "large", inputs=[small.key], a="1" * 2_000_000)
    write_archive(here, [large.key], tmp_path / "a.tar")
    store = Store(full_disk)
    with pytest.raises(WorkflowError, match="No space left"):
        read_archive(store, tmp_path / "a.tar")
    for artifact in store.list():
        store.verify(artifact)
    assert store.get(large.key) is None
    assert list((full_disk / ".unfinished").iterdir()) == []


# --- hostile --------------------------------------------------------------------------------------


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


def test_what_the_hostile_ones_are_made_of_is_taken_in(here: Store, tmp_path: Path) -> None:
    good, key = good_members(Store(tmp_path / "from"), tmp_path / "a.tar")
    (tmp_path / "b.tar").write_bytes(packed(good))
    assert read_archive(here, tmp_path / "b.tar") == (key,)
    (tmp_path / "c.tar").write_bytes(raw(good, 108, b"0000000"))
    assert read_archive(here, tmp_path / "c.tar") == (key,)


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_is_refused_and_nothing_appears_anywhere(tmp_path: Path, what: str) -> None:
    good, key = good_members(Store(tmp_path / "from"), tmp_path / "a.tar")
    (tmp_path / "b.tar").write_bytes(HOSTILE[what](good, key))
    store = Store(tmp_path / "deep" / "store")
    kept = make(store, "kept", a="1")
    before = tree(tmp_path)
    with pytest.raises(WorkflowError, match=REFUSED_FOR[what.partition(":")[0]]) as refused:
        read_archive(store, tmp_path / "b.tar")
    assert "b.tar" in str(refused.value)
    assert tree(tmp_path) == before
    assert [each.key for each in store.list()] == [kept.key]


def test_the_hostile_files_are_many() -> None:
    assert len(HOSTILE) >= 100


@pytest.mark.parametrize(("limit", "most"), [("tars.MAX_MEMBERS", 3), ("archive.MAX_MANIFEST", 20)])
def test_limits_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    good, key = good_members(Store(tmp_path / "from"), tmp_path / "a.tar")
    (tmp_path / "b.tar").write_bytes(packed([*good, (f"{key}/c", b"x")]))
    monkeypatch.setattr(f"ossicle.workflow.{limit}", most)
    with pytest.raises(WorkflowError, match=f"more than {most}|over {most}"):
        read_archive(Store(tmp_path / "store"), tmp_path / "b.tar")


def test_of_two_artifacts_one_hostile_neither_appears(tmp_path: Path) -> None:
    store = Store(tmp_path / "from")
    pair = [make(store, step, a=step) for step in ("one", "two")]
    write_archive(store, [each.key for each in pair], tmp_path / "a.tar")
    data = (tmp_path / "a.tar").read_bytes()
    last = max(pair, key=lambda each: each.key).manifest["step"].encode()
    place = data.rindex(last)
    (tmp_path / "b.tar").write_bytes(data[:place] + b"xxx" + data[place + 3 :])
    with pytest.raises(WorkflowError, match="has changed"):
        read_archive(Store(tmp_path / "to"), tmp_path / "b.tar")
    assert not (tmp_path / "to").exists()


@pytest.mark.parametrize("place", ["missing", "folder", "pipe"])
def test_what_is_no_file_is_refused(tmp_path: Path, place: str) -> None:
    path = tmp_path / "x.tar"
    if place == "folder":
        path.mkdir()
    elif place == "pipe":
        os.mkfifo(path)
    with pytest.raises(WorkflowError, match=r"x\.tar"):
        read_archive(Store(tmp_path / "store"), path)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Members, str]:
    folder = tmp_path_factory.mktemp("sound")
    return good_members(Store(folder / "from"), folder / "a.tar")


@settings(max_examples=200)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_changed_bit_is_refused_or_of_no_account(
    sound: tuple[Members, str],
    tmp_path_factory: pytest.TempPathFactory,
    place: float,
    bit: int,
) -> None:
    folder, (good, key) = tmp_path_factory.mktemp("bits"), sound
    data = bytearray(packed(good))
    data[int(place * len(data))] ^= 1 << bit
    (folder / "b.tar").write_bytes(data)
    store = Store(folder / "to")
    try:
        read_archive(store, folder / "b.tar")
    except WorkflowError:
        assert not (folder / "to").exists()
    else:
        found = store.get(key)
        assert found is not None
        assert digest((found.path / "a").read_bytes()) == digest(dict(good)[f"{key}/a"])
