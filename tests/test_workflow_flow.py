"""Workflow files: what they mean, and that whatever is wrong in one is named with its place."""

import tomllib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ossicle.errors import WorkflowError
from ossicle.workflow.arguments import Output
from ossicle.workflow.flow import flow_of, read_flow
from ossicle.workflow.manifest import step
from ossicle.workflow.pipeline import Condition

ALARM = """
name = "alarm"
description = "one word to another"

[parameters]
sounds = "recordings"
bands = { default = 40, help = "mel bands" }

[steps.table]
step = "flow_table"
files = ["${sounds}/a.wav", "b.wav"]
bands = "${bands}"
for_each = { n_fft = [1024, 2048] }
n_fft = "${each.n_fft}"

[steps.judged]
step = "flow_judged"
tables = "${table}"

[steps.best]
step = "flow_best"
figures = "${judged}"
when = "${judged.accuracy} >= 0.8"
retries = 2
deadline = 600
on = { house = 7 }

[outputs]
report = "${best.report}"
tables = "${table}"
bands = "${bands}"
"""


@step(name="flow_table")
def table(files: Sequence[Path], bands: int, n_fft: int = 512) -> dict[str, int]:
    """Some numbers."""
    return {"bands": bands, "n_fft": n_fft, "files": len(files)}


@step(name="flow_judged")
def judged(tables: Sequence[dict[str, int]]) -> dict[str, float]:
    """A figure."""
    return {"accuracy": 0.9}


@step(name="flow_best", outputs={"report": "report.html"})
def best(figures: dict[str, float], out: Path, where: str = "") -> None:
    """A page."""
    (out / "report.html").write_text(f"{figures}")


@pytest.fixture
def file(tmp_path):
    (tmp_path / "alarm.toml").write_text(ALARM)
    return tmp_path / "alarm.toml"


def nodes(flow):
    return {node.name: node for node in flow.pipeline.nodes}


def edited(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return file


def wrong(file):
    with pytest.raises(WorkflowError) as caught:
        read_flow(file)
    return str(caught.value)


# --- meaning ------------------------------------------------------------------------------------


def test_a_file_is_read_into_a_pipeline(file):
    flow = read_flow(file)
    assert (flow.name, flow.description) == ("alarm", "one word to another")
    assert flow.parameters == {"sounds": "recordings", "bands": 40}
    assert list(nodes(flow)) == ["table[n_fft=1024]", "table[n_fft=2048]", "judged", "best"]
    first = nodes(flow)["table[n_fft=1024]"]
    assert first.step.name == "flow_table"
    assert first.arguments == {
        "files": [file.parent / "recordings/a.wav", file.parent / "b.wav"],
        "bands": 40,
        "n_fft": 1024,
    }


def test_a_step_with_for_each_stands_for_all_its_instances_in_order(file):
    every = [Output("table[n_fft=1024]"), Output("table[n_fft=2048]")]
    flow = read_flow(file)
    assert nodes(flow)["judged"].arguments == {"tables": every}
    assert flow.outputs == {"report": Output("best", "report"), "tables": every, "bands": 40}


def test_options_of_a_step_are_those_of_its_node(file):
    options = nodes(read_flow(file))["best"].options
    assert options.when == Condition(Output("judged", "accuracy"), ">=", 0.8)
    assert (options.retries, options.deadline, options.where) == (2, 600, {"house": 7})


def test_an_argument_called_like_an_option_is_given_below_with(file):
    edited(file, "[outputs]", '[steps.best.with]\non = "${sounds}"\n[outputs]')
    assert "has no parameter 'on'" in wrong(file)


def test_a_part_of_a_data_set_is_an_argument_like_any_other(file):
    edited(file, "retries = 2", 'retries = 2\nwhere = "${sounds}"')
    best = nodes(read_flow(file))["best"]
    assert best.arguments == {"figures": Output("judged"), "where": "recordings"}
    assert best.options.where == {"house": 7}


def test_paths_given_from_outside_are_relative_to_the_current_folder(file, tmp_path, monkeypatch):
    (tmp_path / "typed").mkdir()
    monkeypatch.chdir(tmp_path / "typed")
    flow = read_flow(file, {"sounds": "here", "bands": "20"})
    files = nodes(flow)["table[n_fft=1024]"].arguments["files"]
    assert files == [tmp_path / "typed/here/a.wav", tmp_path / "b.wav"]
    assert flow.parameters == {"sounds": "here", "bands": 20}


def test_the_same_words_mean_the_same_from_anywhere(file, tmp_path, monkeypatch):
    flow = read_flow(file, {"sounds": "here"})
    monkeypatch.chdir("/")
    again = flow_of(flow.words, folder=flow.folder, given=flow.given, given_from=flow.given_from)
    assert nodes(again) == nodes(flow)
    assert again.outputs == flow.outputs


def test_each_combination_of_a_matrix_is_an_instance(file):
    edited(file, "{ n_fft = [1024, 2048] }", "{ n_fft = [1, 2], bands = [20, 40, 64] }")
    edited(file, '"${bands}"', '"${each.bands}"')
    flow = read_flow(file)
    names = [f"table[n_fft={n},bands={b}]" for n in (1, 2) for b in (20, 40, 64)]
    assert [output.node for output in flow.outputs["tables"]] == names
    assert nodes(flow)["table[n_fft=2,bands=20]"].arguments["bands"] == 20


def test_a_matrix_over_the_instances_of_another_step_has_one_for_each(file):
    edited(file, 'tables = "${table}"', 'tables = ["${each.t}"]\nfor_each = { t = "${table}" }')
    edited(file, 'figures = "${judged}"\nwhen = "${judged.accuracy} >= 0.8"', "figures = {}")
    flow = read_flow(file)
    second = nodes(flow)["judged[n_fft=2048]"]
    assert second.arguments == {"tables": [Output("table[n_fft=2048]")]}


def test_steps_may_stand_in_any_order(file):
    words = tomllib.loads(ALARM)
    turned = dict(reversed(words["steps"].items()))
    flow = flow_of({**words, "steps": turned}, folder=Path("/"))
    assert list(nodes(flow))[-1] == "best"


@given(st.permutations(range(12)))
def test_a_long_chain_is_ordered_whatever_the_order_of_the_file(order):
    chain = {f"s{n}": {"step": "flow_judged", "tables": [f"${{s{n - 1}}}"]} for n in range(1, 12)}
    chain["s0"] = {"step": "flow_judged", "tables": []}
    words = {"name": "chain", "steps": {f"s{n}": chain[f"s{n}"] for n in order}}
    flow = flow_of(words, folder=Path("/"))
    assert [node.name for node in flow.pipeline.nodes] == [f"s{n}" for n in range(12)]


def test_two_thousand_steps_in_the_worst_order_are_no_recursion():
    chain = {f"s{n}": {"step": "flow_judged", "tables": [f"${{s{n + 1}}}"]} for n in range(2_000)}
    chain["s2000"] = {"step": "flow_judged", "tables": []}
    flow = flow_of({"name": "chain", "steps": chain}, folder=Path("/"))
    assert flow.pipeline.nodes[0].name == "s2000"


def test_the_name_is_that_of_the_file_by_default(file):
    assert read_flow(edited(file, 'name = "alarm"', "")).name == "alarm"


@pytest.mark.parametrize(
    ("said", "typed", "meant"),
    [
        ("40", "20", 20),
        ("0.5", "2", 2.0),
        ("true", "false", False),
        ('"a"', "20", "20"),
        ("[1]", "[1, 2]", [1, 2]),
        ('{ default = {}, help = "" }', "{ a = 1 }", {"a": 1}),
        ('{ type = "integer" }', "3", 3),
        ("{}", "3", 3),
        ("{}", "cnn", "cnn"),
        ("40", 20, 20),
    ],
)
def test_a_typed_word_is_of_the_type_of_its_parameter(file, said, typed, meant):
    edited(file, "[steps.table]", f"x = {said}\n[steps.table]")
    value = read_flow(file, {"x": typed}).parameters["x"]
    assert (value, type(value)) == (meant, type(meant))


def test_a_default_may_come_from_the_environment(file, monkeypatch):
    monkeypatch.setenv("BANDS", "64")
    edited(file, "default = 40", 'default = "${env:BANDS}", type = "integer"')
    assert read_flow(file).parameters["bands"] == 64


# --- mistakes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "alarm"', 'title = "alarm"', "no key 'title'; allowed: description, name,"),
        ("[steps.judged]", "[stesp.judged]", "no key 'stesp'; did you mean 'steps'?"),
        ('name = "alarm"', 'name = "a/b"', "name: 'a/b' is no name; letters, digits"),
        ('name = "alarm"', "name = 3", "name is 3; a text is allowed"),
        ("[steps.judged]", '[steps."jud ged"]', "steps: 'jud ged' is no name"),
        ("[steps.judged]", "[steps.each]", "steps.each: ${each.key} is the matrix; rename it"),
        ("[steps.judged]", "[steps.bands]", "steps.bands: a parameter is called 'bands' too"),
        ('"flow_judged"', '"flow_jugded"', "steps.judged.step: no step 'flow_jugded'; did you"),
        ('step = "flow_judged"', "", "steps.judged: which step is it? say step = ..."),
        (
            'tables = "${table}"',
            'tabels = "${table}"',
            "steps.judged.tabels: step flow_judged has no parameter 'tabels'; did you mean 'tables",
        ),
        ("retries = 2", "retires = 2", "steps.best.retires: step flow_best has no parameter"),
        ("retries = 2", "retries = -1", "steps.best.retries: -1 is not allowed; a whole number"),
        ("deadline = 600", 'deadline = "soon"', "steps.best.deadline: 'soon' is not allowed"),
        ("{ house = 7 }", "7", "steps.best.on is 7; a table is allowed"),
        ('"${judged}"', '"${jugded}"', "steps.best.figures: no parameter or step 'jugded'; did"),
        (
            '"${bands}"',
            '"${each.bands}"',
            "steps.table.bands: no key in for_each 'bands'; allowed: n_fft",
        ),
        (
            'step = "flow_judged"',
            'stpe = "flow_judged"',
            "say step = ..., the name of one; 'stpe' is there: did you mean 'step'?",
        ),
        (
            "retries = 2",
            "retries = 2\nfor_each = { n = [1, 2] }",
            "steps.best.for_each.n: no argument uses ${each.n}",
        ),
        ('tables = "${table}"', "where = { a = 1 }", "labels of the machine are on = { … }"),
        ('"${judged.accuracy} >= 0.8"', '"${table} >= 0.8"', "ask one, as ${table[n_fft=1024]}"),
        ('"${bands}"', '"${table[n_fft=3]}"', "in a circle"),
        (
            'tables = "${table}"',
            'tables = ["${table[n_fft=1025]}"]',
            "no instance 'table[n_fft=1025]'; did you mean 'table[n_fft=1024]'?",
        ),
        ('"${judged}"', '"${judged[n=1]}"', "judged has no for_each, so it is one"),
        ('"${judged}"', '"${bands[n=1]}"', "bands is a parameter; only steps have outputs"),
        ("600", f'"{"9" * 500}"', "99999999…"),
        ('bands = "${bands}"', "", "steps.table: step flow_table lacks bands"),
        ('"${bands}"', '"many"', "step flow_table: bands is 'many'; allowed is int"),
        (
            '"${best.report}"',
            '"${best.reprot}"',
            "outputs.report: step flow_best makes no 'reprot'",
        ),
        (
            '"${best.report}"',
            '"${bset.report}"',
            "outputs.report: no parameter or step 'bset'; did",
        ),
        ('"${judged.accuracy} >= 0.8"', '"${judged.accuracy} => 1"', "steps.best.when: "),
        ("[1024, 2048]", "[]", "steps.table.for_each.n_fft: [] is not allowed; a list of one"),
        ("[1024, 2048]", '"${bands}"', "steps.table.for_each.n_fft: 40 is not allowed; a list"),
        ("{ n_fft = [1024, 2048] }", "{}", "steps.table.for_each is empty; name a key with its"),
        ("[1024, 2048]", "[1, 1]", "steps.table.for_each: n_fft=1 is there twice; leave one"),
        ("{ n_fft = [1024, 2048] }", "[1]", "steps.table.for_each is [1]; a table is allowed"),
        ('"${sounds}/a.wav"', '"${sounds"', "steps.table.files: '${sounds': ${ is not closed by }"),
        ("600", "1979-05-27", "steps.best.deadline: 1979-05-27 is a date or time; put it in quot"),
        ("600", "nan", "steps.best.deadline: nan is no finite number"),
        ("default = 40", "defualt = 40", "parameters.bands: no key 'defualt'; did you mean 'def"),
        ("default = 40", 'type = "int"', "parameters.bands: type is 'int'; did you mean 'integer"),
        ("default = 40", "default = 40, unit = 1", "parameters.bands: no key 'unit'"),
        ("default = 40,", 'type = "integer",', "parameters.bands: has no default; give it: --set"),
        (
            "default = 40",
            'default = 40, type = "boolean"',
            "parameters.bands: 40 is not allowed; a",
        ),
        ('"${bands}"', '"${env:NO_SUCH}"', "steps.table.bands: the environment has no variable"),
        ("[parameters]", "[parameters", "this is no TOML"),
    ],
)
def test_a_mistake_is_named_with_its_place(file, old, new, message):
    told = wrong(edited(file, old, new))
    assert told.startswith(f"{file}: ")
    assert message in told


def test_steps_in_a_circle_are_named_in_their_order(file):
    edited(file, 'tables = "${table}"', 'tables = ["${best}"]')
    assert "in a circle: judged → best → judged" in wrong(file)


def test_a_step_that_feeds_itself_is_a_circle(file):
    edited(file, 'tables = "${table}"', 'tables = ["${judged}"]')
    assert "in a circle: judged → judged" in wrong(file)


def test_an_argument_is_given_once(file):
    edited(file, "[steps.best]", '[steps.judged.with]\ntables = "${table}"\n[steps.best]')
    assert "steps.judged.tables is given twice, below with too" in wrong(file)


def test_a_file_without_a_step_is_none(tmp_path):
    (tmp_path / "none.toml").write_text('name = "none"')
    assert wrong(tmp_path / "none.toml") == (
        f"{tmp_path / 'none.toml'}: no step; name one under [steps.NAME] with step = ..."
    )


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"= = ="])
def test_what_is_no_workflow_file_is_refused_in_words(tmp_path, content):
    path = tmp_path / "a.toml"
    if content is not None:
        path.write_bytes(content)
    assert "a.toml" in wrong(path)
    assert "no regular file" in wrong(tmp_path)


def test_a_parameter_that_the_file_has_not_is_answered_with_the_nearest(file):
    with pytest.raises(WorkflowError, match=r"alarm\.toml: no parameter 'band'; did you mean 'ban"):
        read_flow(file, {"band": "3"})
    with pytest.raises(WorkflowError, match=r"parameters\.bands: 'many' is not allowed; an integ"):
        read_flow(file, {"bands": "many"})


def test_a_matrix_that_is_a_slip_of_the_finger_is_refused_at_once(file):
    edited(file, "[1024, 2048]", str(list(range(101))))
    edited(file, "for_each = { ", f"for_each = {{ b = {list(range(100))}, ")
    assert "10100 instances; at most 10000 allowed" in wrong(file)


TEXTS = st.sampled_from(
    [
        "",
        "flow_judged",
        "flow_table",
        "${a}",
        "${p}",
        "${each.n}",
        "${",
        "x",
        "${a.b} > 3",
        "${q.r}",
    ]
)
VALUES = st.recursive(
    TEXTS | st.integers(-1, 3) | st.booleans() | st.floats() | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["n", "default", "type", "help", "a"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def places(table, way=()):
    """Every way from a table to something in it."""
    for key, value in table.items():
        yield (*way, key)
        if isinstance(value, dict):
            yield from places(value, (*way, key))


@settings(max_examples=100)
@given(st.data())
def test_whatever_takes_the_place_of_a_word_it_is_read_or_refused_in_words(data):
    words = tomllib.loads(ALARM)
    *way, key = data.draw(st.sampled_from(list(places(words))))
    table = words
    for name in way:
        table = table[name]
    table[data.draw(st.sampled_from([key, "with", "type", "x"]))] = data.draw(VALUES)
    with suppress(WorkflowError):
        assert len(flow_of(words, folder=Path("/")).pipeline.nodes) >= 3
