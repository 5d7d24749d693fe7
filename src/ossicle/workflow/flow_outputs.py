"""What a workflow file takes of its steps, held against what they say that they make."""

from collections.abc import Sequence
from typing import Any, get_type_hints, is_typeddict

from ossicle.errors import WorkflowError, nearest
from ossicle.workflow.arguments import Output, outputs_in
from ossicle.workflow.flow_keys import at
from ossicle.workflow.hints import described, parts_of
from ossicle.workflow.manifest import Step
from ossicle.workflow.nodes import Node
from ossicle.workflow.parameters import hints_of

__all__ = ["check_given", "check_key", "keys_of"]


def keys_of(step: Step[..., Any]) -> set[str] | None:
    """Keys of what a step returns, if its annotation names them all."""
    allowed = parts_of(hints_of(step.function).get("return", Any)).allowed
    if not all(map(is_typeddict, allowed)):
        return None
    return {key for each in allowed for key in get_type_hints(each)}


def check_key(output: Output, step: Step[..., Any]) -> None:
    """Refuse what is neither a file nor a key of what a step makes, where it says which there are.

    Raises
    ------
    WorkflowError
        With the nearest.
    """
    keys = keys_of(step)
    if output.name and keys is not None and output.name not in keys.union(step.outputs):
        hint = nearest(output.name, [*step.outputs, *keys])
        raise WorkflowError(f"step {step.name} makes no {output.name!r}; {hint}")


def check_given(nodes: Sequence[Node]) -> None:
    """Refuse outputs that nodes are given and that are not there, or files in place of values.

    Raises
    ------
    WorkflowError
        Naming the place.
    """
    steps = {node.name: node.step for node in nodes}
    for node in nodes:
        for name, value in node.arguments.items():
            for output in outputs_in(value):
                with at(f"steps.{node.name.partition('[')[0]}.{name}"):
                    check_key(output, steps[output.node])
                    _check_value(output, steps[output.node], node.step, name)


def _check_value(output: Output, made_by: Step[..., Any], step: Step[..., Any], name: str) -> None:
    """Refuse a file where a value is asked for."""
    parameter = step.parameters.get(name)
    if parameter is None or parameter.is_input or output.name not in made_by.outputs:
        return
    if output.name not in (keys_of(made_by) or ()):
        raise WorkflowError(
            f"{output} is a file, {made_by.outputs[output.name]}; {name} takes a value "
            f"({described(parameter.hint)}), as ${{{output.node}}} is"
        )
