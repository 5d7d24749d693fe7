"""What nobody writes into a workflow file by hand is told with its place; nothing is waited for."""

import os

import pytest
import small_steps

from ossicle.errors import WorkflowError
from ossicle.workflow.flow import read_flow

assert small_steps  # registers its steps


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (f"left = 0x{'F' * 5000}", "steps.a.left: a whole number of more than 64 bits"),
        ('left = "\\u0000"', r"steps.a.left: '\\x00' is no text"),
        ("left = " + "[" * 60 + "]" * 60, "more than 50 lists or tables lie in each other"),
        ("with." + ".".join("a" * 3000) + " = 1", "more than 50 lists or tables"),
        ('left = 1.0\nwhen = "' + "[" * 3000 + '"', "is no value; put words in quotes"),
    ],
)
def test_a_value_that_nobody_writes_by_hand_is_told_with_its_place(tmp_path, said, message):
    path = tmp_path / "x.toml"
    path.write_text(f'[steps.a]\nstep = "small addition"\n{said}\n')
    with pytest.raises(WorkflowError, match=message):
        read_flow(path)


@pytest.mark.parametrize("word", ["1979-05-27", "nan", "[" * 3000, "0x" + "F" * 5000])
def test_a_word_that_json_has_no_form_for_stays_a_word(tmp_path, word):
    path = tmp_path / "x.toml"
    path.write_text('[parameters]\np = {}\n[steps.a]\nstep = "small addition"\nleft = 1.0\n')
    assert read_flow(path, {"p": word}).parameters == {"p": word}
    with pytest.raises(WorkflowError, match=r"parameters.p: '\\udcff' is no text"):
        read_flow(path, {"p": "\udcff"})


def test_a_pipe_in_place_of_a_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    path = tmp_path / "x.toml"
    path.write_text('[steps.a]\nstep = "small noise"\nseed = "${file:pipe}"\n')
    with pytest.raises(WorkflowError, match="is a folder, device or pipe; name a file"):
        read_flow(path)


def test_an_empty_path_is_not_the_folder_of_the_file(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text('[steps.a]\nstep = "small words"\nfile = ""\n')
    with pytest.raises(WorkflowError, match=r"steps\.a\.file: '' names no file"):
        read_flow(path)


def test_a_name_of_an_instance_is_one_line(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text(
        '[steps.a]\nstep = "small noise"\nseed = 1\nfor_each = { word = ["a\\nb: failed"] }\n'
        "when = \"${each.word} != 'b'\"\n"
    )
    assert [node.name for node in read_flow(path).pipeline.nodes] == [r'a[word="a\nb: failed"]']
