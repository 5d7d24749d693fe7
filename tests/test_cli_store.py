"""``ossicle store``: what a person sees and does with what is kept."""

import json
from pathlib import Path
from typing import Any

import pytest
from commands import answered, printed, refused

from ossicle.workflow import Artifact, Store

KITCHEN = "kitchen-alarm"


def make(store: Store, step: str, inputs: Any = (), **files: Any) -> Artifact:
    recipe: Any = {
        "step": step,
        "version": {"code": "1"},
        "parameters": {"bands": 40},
        "inputs": inputs,
    }
    key = store.key(**recipe)
    with store.writing(key, **recipe, provenance={"licences": ["CC0"]}) as folder:
        for name, value in files.items():
            (folder / f"{name}.json").write_text(json.dumps(value))
    artifact = store.get(key)
    assert artifact is not None
    return artifact


@pytest.fixture
def chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Artifact]:
    """Two artifacts, the second made from the first, in the store that verbs look for."""
    monkeypatch.chdir(tmp_path)
    store = Store(".ossicle/store")
    first = make(store, "describe", {"sounds": "f" * 32}, table=[1] * 500)
    second = make(store, "train", {"features": first.content}, result={"accuracy": 0.91, "of": "x"})
    return [first, second]


def test_list_shows_key_step_size_pin_and_flag(chain: list[Artifact]) -> None:
    printed("store", "pin", chain[1].key[:8], KITCHEN)
    make(Store(".ossicle/store"), "describe", {"sounds": "f" * 32}, table=[2])
    text = printed("store", "list")
    for word in (chain[0].key[:12], "describe", "1.9 kB", KITCHEN, "differs", "2 artifacts"):
        assert word in text
    rows = answered("store", "list")
    assert {row["key"] for row in rows} == {each.key for each in chain}
    assert [row["pins"] for row in rows if row["step"] == "train"] == [[KITCHEN]]
    assert [row["flagged"] for row in rows if row["step"] == "describe"] == [True]


def test_the_last_made_is_listed_first(chain: list[Artifact]) -> None:
    for artifact, day in zip(chain, (2, 1), strict=True):
        times = {"finished": f"2026-01-0{day}T00:00:00+00:00", "seconds": 1.0}
        (artifact.path / "times.json").write_text(json.dumps(times))
    assert [row["key"] for row in answered("store", "list")] == [each.key for each in chain]


def test_show_says_what_made_an_artifact_and_from_what(chain: list[Artifact]) -> None:
    text = printed("store", "show", chain[1].key[:6])
    for line in (
        f"{chain[1].key}  train",
        f"  features  {chain[0].content[:12]}  from {chain[0].key[:12]}",
        "  bands  40",
        '  licences  ["CC0"]',
        "  result.json  29 B",
        "  accuracy  0.91",
    ):
        assert line in text.splitlines()
    assert f"{'f' * 12}  from outside" in printed("store", "show", chain[0].key)
    shown = answered("store", "show", chain[1].key)
    assert shown["origins"] == {"features": [chain[0].content, [chain[0].key]]}
    assert shown["figures"] == {"accuracy": 0.91}


def test_show_names_the_files_that_differ(chain: list[Artifact]) -> None:
    make(Store(".ossicle/store"), "describe", {"sounds": "f" * 32}, table=[2])
    assert "other bytes: table.json" in printed("store", "show", chain[0].key)


def test_what_a_manifest_says_cannot_order_a_terminal(chain: list[Artifact]) -> None:
    artifact = make(Store(".ossicle/store"), "evil\x1b[2J", report=1)
    for words in (("list",), ("show", artifact.key)):
        assert "\x1b" not in printed("store", *words)


def test_pin_and_unpin(chain: list[Artifact]) -> None:
    assert KITCHEN in printed("store", "pin", chain[0].key, KITCHEN)
    assert answered("store", "show", KITCHEN)["pins"] == [KITCHEN]
    assert "pinned    kitchen-alarm" in printed("store", "show", KITCHEN)
    printed("store", "unpin", KITCHEN)
    assert "no artifact 'kitchen-alarm'" in refused(1, "store", "show", KITCHEN)


def test_gc_says_what_would_go_and_what_went(chain: list[Artifact]) -> None:
    printed("store", "pin", chain[1].key, KITCHEN)
    text = printed("store", "gc", "--max-size", "1kB", "--dry-run")
    assert f"{chain[0].key[:12]}  describe" in text
    assert "1 artifact, 1.9 kB would go" in text
    done = answered("store", "gc", "--max-size", "1kB")
    assert [row["key"] for row in done["removed"]] == [chain[0].key]
    assert "0 artifacts, 0 B gone" in printed("store", "gc", "--older", "0.5")


@pytest.mark.parametrize(
    ("text", "n_bytes"),
    [("7", 7), ("2GB", 2_000_000_000), ("1.5 kB", 1500), ("3mb", 3_000_000), ("0", 0)],
)
def test_a_size_is_read_as_people_write_it(text: str, n_bytes: int) -> None:
    from ossicle.cli.store.place import SIZE

    assert SIZE.convert(text, None, None) == n_bytes


@pytest.mark.parametrize("text", ["", "GB", "2 XB", "-", "1e9GB", "nan", "-2GB", "2KBB", "inf"])
def test_what_is_no_size_is_refused(chain: list[Artifact], text: str) -> None:
    assert "is no size" in refused(2, "store", "gc", "--max-size", text)
    assert len(answered("store", "list")) == 2


def test_gc_is_refused_while_an_execution_runs(chain: list[Artifact]) -> None:
    with Store(".ossicle/store").in_use():
        message = refused(1, "store", "gc", "--older", "0")
        why = ".ossicle/store is in use: an execution is running; wait for its end"
        assert message == f"Error: {why}\n"


def test_a_chain_goes_to_another_store(chain: list[Artifact], tmp_path: Path) -> None:
    assert "2 artifacts in a.tar" in printed("store", "export", chain[1].key, "--out", "a.tar")
    assert "2 artifacts" in printed("store", "import", "a.tar", "--store", "elsewhere")
    other = Store("elsewhere/store")
    for artifact in chain:
        found = other.get(artifact.key)
        assert found is not None
        other.verify(found)
    alone = answered("store", "export", chain[1].key, "--out", "b.tar", "--alone")
    assert alone["keys"] == [chain[1].key]
    assert alone["bytes"] == Path("b.tar").stat().st_size


def test_a_file_that_is_no_archive_is_refused_in_one_line(chain: list[Artifact]) -> None:
    Path("a.tar").write_bytes(b"x" * 2_000)
    message = refused(1, "store", "import", "a.tar", "--store", "elsewhere")
    assert "a.tar is no archive of artifacts" in message
    assert not Path("elsewhere").exists()


def test_the_store_may_be_named_by_the_environment(
    chain: list[Artifact], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OSSICLE_STORE", str(tmp_path / ".ossicle"))
    monkeypatch.chdir("/")
    assert len(answered("store", "list")) == 2


@pytest.mark.parametrize("verb", ["list", "show abcd", "gc", "pin abcd x", "unpin x"])
def test_a_place_without_a_store_is_named(tmp_path: Path, verb: str) -> None:
    message = refused(1, "store", *verb.split(), "--store", tmp_path / "nowhere")
    assert "no store in" in message
    assert not (tmp_path / "nowhere").exists()
