"""Expressions: what stands for itself keeps its type, what is mistyped is answered with what is."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ossicle.errors import WorkflowError
from ossicle.workflow.arguments import Output
from ossicle.workflow.expressions import Given, Reference, Scope, condition, parsed, references
from ossicle.workflow.files import canonical_json

HERE = Path("/here")
PLAIN = st.recursive(
    st.integers() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def scope(folder=HERE, steps=None, each=None, **parameters):
    given = {name: Given(value, HERE) for name, value in parameters.items()}
    placed = {name: Given(value, HERE) for name, value in (each or {}).items()}
    return Scope(folder, {**given, **(steps or {})}, placed)


@given(PLAIN)
def test_a_reference_that_stands_alone_keeps_value_and_type(value):
    found = scope(x=value).value("${x}")
    assert canonical_json(found) == canonical_json(value)
    assert type(found) is type(value)


@given(st.text().filter(lambda text: "${" not in text))
def test_text_without_an_expression_is_itself(text):
    assert scope().value(text) == text
    assert list(references(text)) == []


@given(st.text(alphabet="ab ${}:.x", max_size=12))
def test_any_text_at_all_is_read_or_refused_in_words(text):
    with suppress(WorkflowError):
        assert bool(parsed(text)) is bool(text)


@given(st.text(alphabet="ab{} x"))
def test_a_doubled_dollar_is_the_characters_themselves(text):
    assert scope().value("$${" + text) == "${" + text


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("${n} bands", "40 bands"),
        ("${a}${n}", "word40"),
        ("${yes}/${half}", "true/0.5"),
        (["${n}", {"k": "${a}"}], [40, {"k": "word"}]),
        (["plain", 3, False], ["plain", 3, False]),
        ("${each.fft}", 1024),
        ("${ n }", 40),
    ],
)
def test_inside_text_a_value_becomes_text(said, meant):
    assert scope(n=40, a="word", yes=True, half=0.5, each={"fft": 1024}).value(said) == meant


def test_an_output_is_handed_on_and_of_several_instances_each_one():
    steps = {"train": Output("train"), "cut": [Output("cut[n=1]"), Output("cut[n=2]")]}
    here = scope(steps=steps)
    assert here.value("${train}") == Output("train")
    assert here.value(["${train.model}"]) == [Output("train", "model")]
    assert here.value("${cut.table}") == [Output("cut[n=1]", "table"), Output("cut[n=2]", "table")]


def test_a_path_is_relative_to_where_its_words_come_from():
    here = Scope(Path("/flows"), {"sounds": Given("recordings", Path("/typed"))})
    assert here.value("a.wav", as_path=True) == Path("/flows/a.wav")
    assert here.value("${sounds}", as_path=True) == Path("/typed/recordings")
    assert here.value("${sounds}/deep", as_path=True) == Path("/typed/recordings/deep")
    assert here.value("sub/${sounds}", as_path=True) == Path("/flows/sub/recordings")
    assert here.value(["a", "/b"], as_path=True) == [Path("/flows/a"), Path("/b")]
    assert here.value("${sounds}") == "recordings"


def test_a_list_of_paths_given_from_outside_is_relative_to_there():
    here = Scope(Path("/flows"), {"all": Given(["a", "b"], Path("/typed"))})
    assert here.value("${all}", as_path=True) == [Path("/typed/a"), Path("/typed/b")]


def test_a_file_is_a_path_or_what_it_holds(tmp_path):
    (tmp_path / "grid.json").write_text('{"C": [1, 2]}')
    (tmp_path / "grid.toml").write_text("C = [1, 2]")
    (tmp_path / "words.txt").write_text("yes\nno\n")
    here = scope(tmp_path)
    assert here.value("${file:grid.json}") == here.value("${file:grid.toml}") == {"C": [1, 2]}
    assert here.value("${file:words.txt}") == "yes\nno\n"
    assert here.value("${file:grid.json}", as_path=True) == tmp_path / "grid.json"


def test_a_variable_of_the_environment_is_its_text(monkeypatch):
    monkeypatch.setenv("HOUSE", "7")
    assert scope().value("${env:HOUSE}") == "7"
    assert scope().value("house ${env:HOUSE}") == "house 7"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("${band}", "no parameter or step 'band'; did you mean 'bands'?"),
        ("${fetures}", "no parameter or step 'fetures'; did you mean 'features'?"),
        ("${each.ftt}", "no key in for_each 'ftt'; did you mean 'fft'?"),
        ("${bands.x}", "bands is a parameter; only steps have outputs"),
        ("${enf:HOME}", "'enf' is no source; did you mean 'env'"),
        ("${env:NO_SUCH_ONE}", "no variable 'NO_SUCH_ONE'; set it: export NO_SUCH_ONE="),
        ("${file:gone.json}", r"cannot read /here/gone\.json: No such file"),
        ("${bands", r"'\$\{bands': \$\{ is not closed by \}"),
        ("${}", "names nothing; write"),
        ("${a b}", "names nothing"),
        ("${each}", "names nothing"),
        ("${bands.}", "names nothing"),
        ("n ${several}", "'n ..several.': list cannot be put inside text"),
        ("n ${features}", "the output of a step cannot be put inside text"),
    ],
)
def test_what_means_nothing_is_refused_with_the_nearest(said, message):
    here = scope(bands=40, several=[1], steps={"features": Output("features")}, each={"fft": 1024})
    with pytest.raises(WorkflowError, match=message):
        here.value(said)


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "a.toml").write_text("=")
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe")
    for name in ("a.json", "a.toml", "a.txt"):
        with pytest.raises(WorkflowError, match=name):
            scope(tmp_path).value(f"${{file:{name}}}")


@pytest.mark.parametrize(
    ("said", "holds"),
    [
        ("${n} > 20", True),
        ("${n} <= 39.5", False),
        ("20 < ${n}", True),
        ("${word} == 'cnn'", True),
        ('"a < b" != ${word}', True),
        ("${yes}", True),
        ("not ${yes}", False),
        ("${yes} == true", True),
        ("${n}>20", True),
        (True, True),
        (False, False),
    ],
)
def test_a_condition_is_a_truth_or_two_values_compared(said, holds):
    assert condition(said, scope(n=40, word="cnn", yes=True)).holds({}) is holds


def test_a_condition_may_wait_for_what_a_step_returns():
    asked = condition("${judged.accuracy} >= 0.8", scope(steps={"judged": Output("judged")}))
    assert (asked.left, asked.operator, asked.right) == (Output("judged", "accuracy"), ">=", 0.8)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("${n} => 3", "is no condition; write"),
        ("${n} > 3 and ${n} < 5", "is no condition"),
        ("not ${n} > 3", "is no condition"),
        ("", "is no condition"),
        (3, "3 is no condition"),
        ("${n} == cnn", "cnn is no value; put words in quotes: 'cnn'"),
        ("${m} == 3", "no parameter or step 'm'"),
        ("${cut} == 3", "has several instances"),
    ],
)
def test_what_is_no_condition_is_refused_in_words(said, message):
    with pytest.raises(WorkflowError, match=message):
        condition(said, scope(n=40, steps={"cut": [Output("cut[n=1]")]}))


def test_references_are_found_wherever_they_stand():
    said = {"a": ["${x.y}", {"b": "in ${each.k} text ${env:E}"}], "c": 3}
    assert list(references(said)) == [
        Reference("", "x", "y"),
        Reference("each", "k"),
        Reference("env", "E"),
    ]
