"""Nothing in a tar file reaches anything but the store, and nothing that is half reaches that."""

import os
from pathlib import Path

import pytest
from hostile_tars import HOSTILE, REFUSED_FOR, Members, good_members, make, packed, raw
from hypothesis import given, settings
from hypothesis import strategies as st

from ossicle.errors import WorkflowError
from ossicle.workflow import Store
from ossicle.workflow.archive import read_archive, write_archive
from ossicle.workflow.files import digest


def tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_what_the_hostile_ones_are_made_of_is_taken_in(tmp_path: Path) -> None:
    good, key = good_members(Store(tmp_path / "from"), tmp_path / "a.tar")
    (tmp_path / "b.tar").write_bytes(packed(good))
    assert read_archive(Store(tmp_path / "to"), tmp_path / "b.tar") == (key,)
    (tmp_path / "c.tar").write_bytes(raw(good, 108, b"0000000"))
    assert read_archive(Store(tmp_path / "to"), tmp_path / "c.tar") == (key,)


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
