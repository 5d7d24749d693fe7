"""A workflow file: parameters, steps and outputs in TOML, read into a pipeline.

Everything is looked over before anything runs: a word that is none is answered with the nearest one
and its place in the file.
"""

import graphlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ossicle.errors import WorkflowError, nearest
from ossicle.workflow.arguments import Output, outputs_in
from ossicle.workflow.expressions import (
    Given,
    Scope,
    condition,
    leaves,
    references,
)
from ossicle.workflow.flow_keys import (
    OPTIONS,
    RESERVED,
    at,
    check_file_name,
    check_tables,
    checked_option,
    declared,
    fitting,
)
from ossicle.workflow.flow_outputs import check_given, check_key
from ossicle.workflow.manifest import Step, find_step
from ossicle.workflow.matrix import check_used, instances
from ossicle.workflow.pipeline import NodeOptions, Pipeline

__all__ = ["Flow", "flow_of", "is_instance", "read_flow"]


@dataclass(frozen=True, slots=True)
class Flow:
    """A workflow file, read and found right.

    Parameters
    ----------
    name, description : str
    pipeline : Pipeline
        Its steps, those with ``for_each`` unrolled.
    outputs : mapping of str to value
        What ``[outputs]`` names: outputs of steps, lists of them, or plain values.
    parameters : mapping of str to value
        What each parameter is in the end.
    words : mapping
        The tables of the file.
    folder : Path
        What paths in the file are relative to.
    given : mapping of str to value
        Parameters that were given from outside.
    given_from : Path
        What paths in them are relative to.
    """

    name: str
    description: str
    pipeline: Pipeline
    outputs: Mapping[str, Any]
    parameters: Mapping[str, Any]
    words: Mapping[str, Any]
    folder: Path
    given: Mapping[str, Any]
    given_from: Path

    def nodes_from(self, step: str) -> frozenset[str]:
        """Names of the nodes of a step, or one of them, and of all that need them.

        Raises
        ------
        WorkflowError
            If there is no such step.
        """
        names = [node.name for node in self.pipeline.nodes]
        found = [name for name in names if is_instance(name, step)]
        if not found:
            hint = nearest(step, self.words["steps"])
            raise WorkflowError(f"{self.name} has no step {step!r}; {hint}")
        return frozenset(self.pipeline.below(found))


def is_instance(node: str, step: str) -> bool:
    """Whether a node is a step of this name, or an instance of one with ``for_each``.

    >>> is_instance("heard[n=1]", "heard"), is_instance("heard[n=1]", "heard[n=1]")
    (True, True)
    """
    return node == step or node.startswith(f"{step}[")


def read_flow(path: str | Path, parameters: Mapping[str, Any] | None = None) -> Flow:
    """Read a workflow file.

    Parameters
    ----------
    path : str or Path
        A TOML file; paths in it are relative to its folder.
    parameters : mapping of str to value, optional
        Values of its parameters, words as typed or of their type; paths in them are relative to the
        current folder.

    Returns
    -------
    Flow

    Raises
    ------
    WorkflowError
        If it cannot be read, or something in it is not right, naming the place.

    >>> import tempfile
    >>> from ossicle.workflow.manifest import step
    >>> @step
    ... def repeat(word: str, times: int = 2) -> str:
    ...     '''A word several times.'''
    ...     return word * times
    >>> path = Path(tempfile.mkdtemp()) / "echo.toml"
    >>> _ = path.write_text('''
    ... [parameters]
    ... times = 3
    ... [steps.echo]
    ... step = "repeat"
    ... word = "ha"
    ... times = "${times}"
    ... ''')
    >>> flow = read_flow(path, {"times": "4"})
    >>> flow.name, flow.parameters, [node.name for node in flow.pipeline.nodes]
    ('echo', {'times': 4}, ['echo'])
    """
    path = Path(path)
    with at(str(path)):
        tables = _tables(path)
        if "name" not in tables:
            check_file_name(path.stem)
        words = {"name": path.stem, **tables}
        return flow_of(words, folder=path.parent.resolve(), given=parameters)


def _tables(path: Path) -> dict[str, Any]:
    if path.exists() and not path.is_file():
        raise WorkflowError("no regular file; name a workflow file (TOML)")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WorkflowError(f"cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise WorkflowError(f"this is no TOML: {error}") from error


def flow_of(
    words: Mapping[str, Any],
    *,
    folder: Path,
    given: Mapping[str, Any] | None = None,
    given_from: Path | None = None,
) -> Flow:
    """The workflow that tables describe.

    Parameters
    ----------
    words : mapping
        As in a file: ``name``, ``description``, ``parameters``, ``steps``, ``outputs``.
    folder : Path
        What paths in the tables are relative to.
    given : mapping of str to value, optional
        Values of parameters.
    given_from : Path, optional
        What paths in those are relative to; the current folder by default.

    Raises
    ------
    WorkflowError
        If something is not right, naming its place.
    """
    given, given_from = dict(given or {}), given_from or Path.cwd()
    check_tables(words)
    parameters = _parameters(words.get("parameters", {}), folder, given, given_from)
    pipeline, tables = Pipeline(words["name"]), words["steps"]
    names: dict[str, Given | Output | list[Output]] = {**parameters}
    for name in _in_order(tables):
        names[name] = _add(pipeline, name, tables[name], Scope(folder, names))
    check_given(pipeline.nodes)
    return Flow(
        words["name"],
        words.get("description", ""),
        pipeline,
        _outputs(words.get("outputs", {}), Scope(folder, names), pipeline),
        {name: each.value for name, each in parameters.items()},
        words,
        folder,
        given,
        given_from,
    )


def _parameters(
    table: Mapping[str, Any], folder: Path, given: Mapping[str, Any], given_from: Path
) -> dict[str, Given]:
    """Each parameter: as given, else its default."""
    for name in given:
        if name not in table:
            hint = nearest(name, table) if table else "the file has no [parameters]"
            raise WorkflowError(f"no parameter {name!r}; {hint}")
    found = {}
    for name, said in table.items():
        with at(f"parameters.{name}"):
            parameter = declared(said)
            if name not in given and parameter.default is None:
                meant = f" ({parameter.help})" if parameter.help else ""
                raise WorkflowError(f"has no default; give it: --set {name}=...{meant}")
            default = Scope(folder).given(parameter.default)
            found[name] = Given(given[name], given_from) if name in given else default
            found[name] = replace(found[name], value=fitting(found[name].value, parameter))
    return found


def _in_order(tables: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Names of steps, each after those it refers to, else as in the file."""
    needs = {
        name: [each.name for each in references(table) if not each.source and each.name in tables]
        for name, table in tables.items()
    }
    try:
        graphlib.TopologicalSorter(needs).prepare()
    except graphlib.CycleError as error:
        circle = " → ".join(error.args[1])
        raise WorkflowError(f"steps refer to each other in a circle: {circle}") from None
    order, waiting = dict[str, None](), list(reversed([*tables]))
    while waiting:
        lacking = [name for name in needs[waiting[-1]] if name not in order]
        waiting += reversed(lacking)
        if not lacking:
            order[waiting.pop()] = None
    return list(order)


def _add(
    pipeline: Pipeline, name: str, table: Mapping[str, Any], scope: Scope
) -> Output | list[Output]:
    """Add a step to the pipeline, once or for each combination of its matrix."""
    with at(f"steps.{name}.step"):
        step = find_step(table["step"])
    if "for_each" not in table:
        return _add_one(pipeline, name, step, table, scope)
    matrix = list(instances(f"steps.{name}.for_each", table["for_each"], scope))
    check_used(name, table)
    return [_add_one(pipeline, f"{name}[{label}]", step, table, inner) for label, inner in matrix]


def _add_one(
    pipeline: Pipeline, name: str, step: Step[..., Any], table: Mapping[str, Any], scope: Scope
) -> Output:
    place = f"steps.{name.partition('[')[0]}"
    said = {key: value for key, value in table.items() if key not in RESERVED}
    arguments = {
        key: _argument(f"{place}.{key}", key, value, step, scope)
        for key, value in {**said, **table.get("with", {})}.items()
    }
    options = {
        option: _option(f"{place}.{key}", key, table[key], scope)
        for key, option in OPTIONS.items()
        if key in table
    }
    with at(place):
        return pipeline.add(step, name, options=NodeOptions(**options), **arguments)


def _argument(place: str, key: str, said: Any, step: Step[..., Any], scope: Scope) -> Any:
    with at(place):
        parameter = step.parameters.get(key)
        if parameter is None and not step.takes_any:
            hint = nearest(key, (*step.parameters, *RESERVED))
            hint = "labels of the machine are on = { … }" if key == "where" else hint
            raise WorkflowError(f"step {step.name} has no parameter {key!r}; {hint}")
        return scope.value(said, as_path=parameter is not None and parameter.is_input)


def _option(place: str, key: str, said: Any, scope: Scope) -> Any:
    with at(place):
        asks = key == "when"
        return condition(said, scope) if asks else checked_option(key, scope.value(said))


def _outputs(table: Mapping[str, Any], scope: Scope, pipeline: Pipeline) -> dict[str, Any]:
    found, steps = {}, {node.name: node.step for node in pipeline.nodes}
    for name, said in table.items():
        with at(f"outputs.{name}"):
            found[name] = scope.value(said)
            for item in leaves(found[name], tables=False):
                if isinstance(item, Mapping) and any(outputs_in(item)):
                    raise WorkflowError("a table of outputs; give each output a name of its own")
            for output in outputs_in(found[name]):
                steps[output.node].check_output(output.name)
                check_key(output, steps[output.node])
    return found
