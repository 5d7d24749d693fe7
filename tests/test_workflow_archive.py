"""Artifacts travel whole between stores, with all that they were made from."""

import tarfile
from pathlib import Path

import pytest
from hostile_tars import Members, make, packed

from ossicle.errors import WorkflowError
from ossicle.workflow import Store
from ossicle.workflow.archive import read_archive, write_archive


@pytest.fixture
def here(tmp_path: Path) -> Store:
    return Store(tmp_path / "here")


@pytest.fixture
def there(tmp_path: Path) -> Store:
    return Store(tmp_path / "there")


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
    told = "/b has changed; delete" if fault == "changed" else "has no artifact"
    with pytest.raises(WorkflowError, match=told):
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
