"""A typed function is a step: its signature says what it takes, its docstring what that means."""

import pickle
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from ossicle.errors import WorkflowError
from ossicle.workflow.hints import documented, fits, parts_of
from ossicle.workflow.manifest import STEPS, Digest, Step, find_step, step


def fingerprint(path: Path) -> str:
    return path.name


@step(
    name="told apart",
    version="3",
    libraries=("numpy",),
    outputs={"table": "table.csv"},
    cpu=2,
    memory_bytes=10,
    labels={"house": 7},
)
def tell_apart(
    sounds: Annotated[Path, Digest(fingerprint)],
    others: Sequence[Path] = (),
    *,
    out: Path,
    n_jobs: int = 1,
    window: Annotated[float, "s"] = 2.0,
    how: Literal["fast", "well"] = "fast",
    grid: Mapping[str, list[float]] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Any]:
    """Tell sounds apart.

    Parameters
    ----------
    sounds : Path
        A folder
        of sounds.
    others : sequence of Path
    window, how : float and str
        What is looked at.

    Returns
    -------
    dict
    """
    return {"sounds": str(sounds), "window": window, "how": how, "out": str(out)}


def never(value: Any) -> bool:
    return False


def test_a_step_is_still_its_function() -> None:
    assert tell_apart(Path("a"), out=Path("b"), window=1.0)["window"] == 1.0
    assert tell_apart.__doc__ is not None
    assert tell_apart.__name__ == "tell_apart"


def test_the_manifest_says_types_defaults_units_help_inputs_outputs_and_needs() -> None:
    manifest = tell_apart.manifest()
    assert manifest["inputs"] == {
        "sounds": {"type": "Path", "help": "A folder of sounds.", "required": True},
        "others": {"type": "Sequence[Path]", "required": False, "default": "()"},
    }
    assert manifest["parameters"] == {
        "window": {
            "type": "float",
            "unit": "s",
            "help": "What is looked at.",
            "required": False,
            "default": 2.0,
        },
        "how": {
            "type": "'fast' or 'well'",
            "help": "What is looked at.",
            "required": False,
            "default": "fast",
        },
        "grid": {"type": "Mapping[str, list[float]], optional", "required": False, "default": None},
    }
    assert manifest["needs"] == {"cpu": 2, "memory_bytes": 10, "labels": {"house": 7}}
    assert (manifest["name"], manifest["version"]) == ("told apart", "3")
    assert manifest["description"] == "Tell sounds apart."
    assert manifest["outputs"] == {"table": "table.csv"}


def test_what_the_runner_supplies_is_no_parameter() -> None:
    assert tell_apart.supplied == {"out", "n_jobs", "progress"}
    with pytest.raises(WorkflowError, match="n_jobs is supplied when it runs; leave it out"):
        tell_apart.check({"sounds": "a", "n_jobs": 2}, given=never)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"lacks sounds \(A folder of sounds\.\); give it a value"),
        ({"sounds": "a", "windw": 1.0}, "no parameter 'windw'; did you mean 'window'"),
        ({"sounds": "a", "window": "long"}, "window is 'long'; allowed is float"),
        ({"sounds": "a", "window": True}, "window is True; allowed is float"),
        ({"sounds": 3}, "sounds is 3; allowed is Path"),
        ({"sounds": "a", "others": "b"}, r"others is 'b'; allowed is Sequence\[Path\]"),
        ({"sounds": "a", "how": "slow"}, "how is 'slow'; allowed is 'fast' or 'well'"),
        ({"sounds": "a", "grid": {"C": 1.0}}, "grid is {'C': 1.0}"),
    ],
)
def test_arguments_are_held_to_the_signature(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(WorkflowError, match=message):
        tell_apart.check(arguments, given=never)


def test_arguments_of_the_right_type_are_taken() -> None:
    good = {"sounds": Path("a"), "others": ["b", Path("c")], "window": 1, "grid": {"C": [1.0]}}
    tell_apart.check(good, given=never)
    tell_apart.check({"sounds": "later", "window": "later"}, given=lambda value: value == "later")


def test_the_version_names_code_and_libraries() -> None:
    import numpy as np

    version = tell_apart.version
    assert version["version"] == "3"
    assert version["libraries"] == {"numpy": np.__version__}
    assert len(version["code"]) == 32


def test_a_step_is_found_by_name_and_a_wrong_name_gets_the_nearest() -> None:
    assert find_step("told apart") is tell_apart
    with pytest.raises(WorkflowError, match="no step 'told apar'; did you mean 'told apart'"):
        find_step("told apar")


def test_two_functions_cannot_be_one_step() -> None:
    def other() -> None: ...

    with pytest.raises(WorkflowError, match="two steps are called 'told apart'"):
        step(name="told apart")(other)
    assert STEPS["told apart"] is tell_apart


def test_a_step_travels_to_another_process_by_name() -> None:
    assert pickle.loads(pickle.dumps(tell_apart)) is tell_apart


def test_a_function_without_words_is_a_step_too() -> None:
    @step
    def bare(n: int) -> int:
        return n

    assert isinstance(bare, Step)
    assert bare.manifest()["parameters"] == {"n": {"type": "int", "required": True}}


@pytest.mark.parametrize(
    ("value", "hint", "right"),
    [
        (None, int | None, True),
        (1.5, int, False),
        ([1, "a"], list[int], False),
        ({"a": 1}, dict[str, int], True),
        ([[1.0]], Sequence[Sequence[float]], True),
        ("word", Sequence[str], False),
        (3, "int", True),
        (3, Any, True),
    ],
)
def test_values_fit_types_or_not(value: Any, hint: Any, right: bool) -> None:
    assert fits(value, hint) is right


def test_a_path_within_a_union_or_annotation_is_an_input() -> None:
    assert parts_of(Annotated[Path | None, "x"]).takes_path
    assert parts_of(list[Path]).many
    assert not parts_of(str | None).takes_path


def test_help_ends_where_the_section_ends() -> None:
    section = "Parameters\n----------\na : int\n    First.\n*b, **c\n    Rest.\n\n"
    text = f"One.\n\n{section}Returns\n-------\nint\n"
    assert documented(text) == {"a": "First.", "b": "Rest.", "c": "Rest."}
    assert documented("One line.") == {}
