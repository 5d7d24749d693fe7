"""Outputs of a workflow: found, copied whole, never in the place of something else."""

import pytest
from flows import SMALL

from ossicle.errors import WorkflowError
from ossicle.workflow.delivery import check_out, deliver
from ossicle.workflow.executing import execute
from ossicle.workflow.executions import ExecutionSettings
from ossicle.workflow.flow import flow_of


@pytest.fixture
def small(tmp_path):
    (tmp_path / "words.txt").write_text("dog siren dog bell")
    return lambda **given: flow_of(SMALL, folder=tmp_path, given=given)


def test_outputs_are_copied_and_replaced_by_the_next_execution(small, tmp_path):
    out = tmp_path / "out"
    for text, words in (("dog siren dog bell", 3), ("a siren", 2)):
        (tmp_path / "words.txt").write_text(text)
        outcome = execute(small(), root=tmp_path / "kept", settings=ExecutionSettings(out=out))
        assert (out / "page.txt").read_text() == f"siren: {words} words\n"
        names = {path.name for path in out.iterdir()}
        assert names == {"page.txt", "tables", "outputs.json"}
        assert [path.name for path in (out / "tables").iterdir()] == ["counts.json"]
        assert outcome.outputs["page"] == out / "page.txt"


def test_what_was_there_before_is_never_replaced(small, tmp_path):
    (tmp_path / "out" / "tables").mkdir(parents=True)
    (tmp_path / "out" / "tables" / "mine.txt").write_text("mine")
    with pytest.raises(WorkflowError, match="tables is there and no workflow made it"):
        execute(small(), root=tmp_path / "kept", settings=ExecutionSettings(out=tmp_path / "out"))
    assert not (tmp_path / "kept").exists()
    assert (tmp_path / "out" / "tables" / "mine.txt").read_text() == "mine"


def test_outputs_of_several_instances_are_files_of_one_folder(tmp_path):
    words = {
        "name": "ramps",
        "steps": {"ramp": {"step": "small ramp", "n": "${each.n}", "for_each": {"n": [2, 3]}}},
        "outputs": {"ramps": "${ramp}"},
    }
    flow, out = flow_of(words, folder=tmp_path), tmp_path / "out"
    outcome = execute(flow, root=tmp_path / "kept", settings=ExecutionSettings(out=out))
    assert sorted(path.name for path in (out / "ramps").iterdir()) == [
        "ramp[n=2].npy",
        "ramp[n=3].npy",
    ]
    assert [path.stat().st_size for path in outcome.outputs["ramps"]] == [136, 140]


def test_outputs_within_lists_within_lists_are_files_in_folders_in_folders(tmp_path):
    words = {
        "name": "ramps",
        "steps": {
            "ramp": {"step": "small ramp", "n": "${each.n}", "for_each": {"n": [2, 3]}},
            "last": {"step": "small ramp", "n": 4},
        },
        "outputs": {"all": ["${ramp}", "${last}"]},
    }
    flow, out = flow_of(words, folder=tmp_path), tmp_path / "out"
    outcome = execute(flow, root=tmp_path / "kept", settings=ExecutionSettings(out=out))
    (first, second), last = outcome.outputs["all"]
    assert last == out / "all" / "last.npy"
    assert [first.name, second.name] == ["ramp[n=2].npy", "ramp[n=3].npy"]
    assert all(path.is_file() for path in (first, second, last))


@pytest.mark.parametrize("said", [{"one": "${ramp}"}, ["x", [{"one": ["${ramp}"]}]]])
def test_an_output_is_no_table_of_outputs(tmp_path, said):
    words = {
        "name": "ramps",
        "steps": {"ramp": {"step": "small ramp", "n": 2}},
        "outputs": {"all": said},
    }
    with pytest.raises(WorkflowError, match=r"outputs\.all: .*give each output a name of its own"):
        flow_of(words, folder=tmp_path)


def test_a_folder_of_outputs_is_whole_or_as_it_was(tmp_path, full_disk):
    old, new, out = tmp_path / "old", tmp_path / "new", full_disk / "out"
    for folder, size in ((old, 1_000), (new, 2_000_000)):
        folder.mkdir()
        (folder / "data.bin").write_bytes(bytes(size))
    deliver({"data": old}, {"data": None}, out)
    with pytest.raises(WorkflowError, match=r"cannot write .*data"):
        deliver({"data": new}, {"data": None}, out)
    assert (out / "data" / "data.bin").stat().st_size == 1_000
    assert {path.name for path in out.iterdir()} == {"data", "outputs.json"}


def test_a_list_of_outputs_that_is_none_is_left_alone(tmp_path):
    (tmp_path / "outputs.json").write_text("[]")
    with pytest.raises(WorkflowError, match="is no list of outputs"):
        check_out(tmp_path, ["page"])


def test_all_that_a_step_has_made_is_copied_without_what_is_said_about_it(small, tmp_path):
    flow = flow_of({**SMALL, "outputs": {"all": "${page}"}}, folder=tmp_path)
    outcome = execute(
        flow, root=tmp_path / "kept", settings=ExecutionSettings(out=tmp_path / "out")
    )
    names = {
        path.relative_to(outcome.outputs["all"]).as_posix()
        for path in (tmp_path / "out" / "all").rglob("*")
    }
    assert names == {"page.txt", "tables", "tables/counts.json", "result.json"}
