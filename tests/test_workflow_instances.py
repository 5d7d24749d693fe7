"""Workflow files: instances of a step by their names, and outputs held against what steps say."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import pytest
from test_workflow_flow import ALARM, edited, nodes, wrong

from ossicle.workflow.arguments import Output
from ossicle.workflow.flow import flow_of, read_flow
from ossicle.workflow.manifest import step

HERE = Path("/here")


class Judged(TypedDict):
    """Figures by name."""

    accuracy: float


@step(name="flow_typed", outputs={"page": "page.html"})
def typed(tables: Sequence[dict[str, int]], *, out: Path) -> Judged:
    """A figure and a page."""
    return {"accuracy": 0.9}


@pytest.fixture
def file(tmp_path):
    (tmp_path / "alarm.toml").write_text(ALARM)
    return tmp_path / "alarm.toml"


def test_an_instance_is_asked_for_by_its_name(file):
    edited(file, 'tables = "${table}"', 'tables = ["${table[n_fft=2048]}"]')
    edited(file, 'tables = "${table}"', 'tables = "${table[n_fft=1024].files}"')
    flow = read_flow(file)
    assert nodes(flow)["judged"].arguments == {"tables": [Output("table[n_fft=2048]")]}
    assert flow.outputs["tables"] == Output("table[n_fft=1024]", "files")


@pytest.mark.parametrize(
    ("matrix", "names"),
    [
        ('{ t = "${table}", n = [1] }', ["n_fft=1024,n=1", "n_fft=2048,n=1"]),
        (
            '{ t = "${table}", n_fft = [1] }',
            ["t=table[n_fft=1024],n_fft=1", "t=table[n_fft=2048],n_fft=1"],
        ),
        (
            '{ t = ["${table[n_fft=1024]}", "${other[n_fft=1024]}"], n = [-40.0] }',
            ["t=table[n_fft=1024],n=-40.0", "t=other[n_fft=1024],n=-40.0"],
        ),
    ],
)
def test_an_instance_over_instances_is_called_by_what_those_stand_for(matrix, names):
    words = tomllib.loads(ALARM)
    (matrix,) = tomllib.loads(f"matrix = {matrix}").values()
    tables = [f"${{each.{key}}}" for key in matrix]
    judged = {"step": "flow_judged", "for_each": matrix, "tables": tables}
    steps = {"table": words["steps"]["table"], "other": words["steps"]["table"], "judged": judged}
    flow = flow_of({"name": "long", "parameters": words["parameters"], "steps": steps}, folder=HERE)
    assert [name for name in nodes(flow) if "judged" in name] == [f"judged[{n}]" for n in names]


def test_what_a_step_makes_is_held_against_what_it_says(file):
    edited(file, '"flow_judged"', '"flow_typed"')
    edited(file, 'report = "${best.report}"', 'report = "${judged.acuracy}"')
    assert "step flow_typed makes no 'acuracy'; did you mean 'accuracy'?" in wrong(file)
    edited(file, '"${judged.acuracy}"', '"${judged.page}"')
    edited(file, 'figures = "${judged}"', 'figures = { a = "${judged.acuracy}" }')
    assert "steps.best.figures: step flow_typed makes no 'acuracy'" in wrong(file)
    edited(file, "judged.acuracy", "judged.page")
    told = wrong(file)
    assert "steps.best.figures: ${judged.page} is a file, page.html; figures takes a value" in told


def test_a_name_that_is_taken_from_the_file_is_told_so(tmp_path):
    path = tmp_path / "my flow.toml"
    path.write_text('[steps.a]\nstep = "flow_judged"\ntables = []')
    assert "'my flow' is no name; letters, digits, _ and - are allowed; it is taken" in wrong(path)
    path.write_text('name = "flow"\n' + path.read_text())
    assert read_flow(path).name == "flow"


def test_a_long_value_is_shortened_in_a_message(file):
    told = wrong(edited(file, "[1024, 2048]", '"${file:alarm.toml}"'))
    assert "is not allowed; a list of one" in told
    assert len(told.partition("n_fft: ")[2]) < 150
