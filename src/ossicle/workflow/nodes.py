"""The nodes of a pipeline: a step with arguments, when it is done, and what becomes of it."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ossicle.errors import WorkflowError, nearest
from ossicle.workflow.arguments import outputs_in, valued
from ossicle.workflow.manifest import Step
from ossicle.workflow.store import Artifact

__all__ = ["STATES", "Condition", "Event", "Node", "NodeOptions", "below"]

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "": lambda left, _: bool(left),
    "not": lambda left, _: not left,
    "==": lambda left, right: bool(left == right),
    "!=": lambda left, right: bool(left != right),
    "<": lambda left, right: bool(left < right),
    "<=": lambda left, right: bool(left <= right),
    ">": lambda left, right: bool(left > right),
    ">=": lambda left, right: bool(left >= right),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """Whether a node is done at all.

    Parameters
    ----------
    left : object or Output
    operator : str
        One of `OPERATORS`; empty: whether ``left`` is true.
    right : object or Output

    >>> from ossicle.workflow.arguments import Output
    >>> Condition(0.9, ">=", 0.8).holds({}), str(Condition(Output("judged", "accuracy"), ">", 0.8))
    (True, '${judged.accuracy} > 0.8')
    """

    left: Any
    operator: str = ""
    right: Any = None

    def __post_init__(self) -> None:
        if self.operator not in OPERATORS:
            raise WorkflowError(
                f"no operator {self.operator!r}; {nearest(self.operator, OPERATORS)}"
            )

    def holds(self, artifacts: Mapping[str, Artifact]) -> bool:
        """Whether it is so, with what the nodes before made.

        Raises
        ------
        WorkflowError
            If the two cannot be compared.
        """
        left, right = valued(self.left, artifacts), valued(self.right, artifacts)
        try:
            return OPERATORS[self.operator](left, right)
        except TypeError as error:
            raise WorkflowError(f"{self} cannot be told: {left!r} against {right!r}") from error

    def __str__(self) -> str:
        if self.operator in ("", "not"):
            return f"{self.operator} {self.left}".strip()
        return f"{self.left} {self.operator} {self.right}"


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """How a node is done.

    Parameters
    ----------
    when : Condition, optional
        Otherwise it is skipped, and so is what needs it.
    retries : int
        Times it is tried again after a failure.
    deadline : float, optional
        Seconds; a step that takes longer is ended, with its process.
    where : mapping
        Labels that the machine must bear, besides those its step needs.
    """

    when: Condition | None = None
    retries: int = 0
    deadline: float | None = None
    where: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.retries < 0:
            raise WorkflowError(f"retries is {self.retries}; 0 or more are allowed")
        if self.deadline is not None and not self.deadline > 0:
            raise WorkflowError(f"deadline is {self.deadline}; more than 0 seconds are allowed")


@dataclass(frozen=True, slots=True)
class Node:
    """A step with its arguments, under a name."""

    name: str
    step: Step[..., Any]
    arguments: Mapping[str, Any]
    options: NodeOptions = NodeOptions()

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the nodes that must be done before, in the order they are first named."""
        when = self.options.when
        values = [self.arguments, *((when.left, when.right) if when else ())]
        return tuple(dict.fromkeys(output.node for output in outputs_in(values)))


@dataclass(frozen=True, slots=True)
class Event:
    """What becomes of a node.

    Parameters
    ----------
    node, state : str
        A state of `STATES`.
    detail : str
        Why, or which attempt.
    progress : (stage, done, total), optional
    artifact : Artifact, optional
    """

    node: str
    state: str
    detail: str = ""
    progress: tuple[str, int, int] | None = None
    artifact: Artifact | None = None


STATES = (
    *("pending", "waiting", "in progress"),
    *("completed", "kept", "failed", "skipped", "cancelled"),
)
"""Kept: it was there already. Waiting: another execution is making it."""


def below(nodes: Iterable[Node], names: Collection[str]) -> set[str]:
    """Nodes of these names, and all that need them.

    Parameters
    ----------
    nodes : iterable of Node
        Each after those it needs.
    names : collection of str

    Raises
    ------
    WorkflowError
        If there is no such node.
    """
    needs = {node.name: node.needs for node in nodes}
    for name in names:
        if name not in needs:
            raise WorkflowError(f"no node {name!r}; {nearest(name, needs)}")
    found = set(names)
    for name, before in needs.items():
        if found.intersection(before):
            found.add(name)
    return found
