"""Steps put together: what each makes is given to the next, and kept.

>>> import tempfile
>>> from ossicle.workflow.step import step
>>> from ossicle.workflow.store import Store
>>> @step(name="sounds counted")
... def count(words: list[str]) -> dict[str, int]:
...     return {word: words.count(word) for word in sorted(set(words))}
>>> @step(name="commonest")
... def commonest(counts: dict[str, int]) -> str:
...     return max(counts, key=lambda word: counts[word])
>>> pipeline = Pipeline("words")
>>> counts = pipeline.add(count, words=["dog", "cat", "dog"])
>>> most = pipeline.add(commonest, "most", counts=counts)
>>> with tempfile.TemporaryDirectory() as folder:
...     pipeline.run(Store(folder)).value("most")
'dog'
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ossicle.errors import WorkflowError, nearest
from ossicle.workflow.arguments import Output, outputs_in, valued
from ossicle.workflow.executor import LocalCluster
from ossicle.workflow.kinds import read_result
from ossicle.workflow.step import Step
from ossicle.workflow.store import Artifact, Store

if TYPE_CHECKING:
    from ossicle.workflow.planning import Planned

__all__ = ["Condition", "Event", "Node", "NodeOptions", "Output", "Pipeline", "Results"]

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


@dataclass(frozen=True, slots=True)
class Results:
    """What every node made; nothing if it was skipped."""

    artifacts: Mapping[str, Artifact | None]

    def __getitem__(self, name: str) -> Artifact:
        """What a node made.

        Raises
        ------
        WorkflowError
            If there is no such node, or it was skipped.
        """
        if name not in self.artifacts:
            raise WorkflowError(f"no node {name!r}; {nearest(name, self.artifacts)}")
        artifact = self.artifacts[name]
        if artifact is None:
            raise WorkflowError(f"{name} was skipped and made nothing")
        return artifact

    def value(self, name: str) -> Any:
        """What a node returned."""
        return read_result(self[name].path)


class Pipeline:
    """Nodes, each a step with arguments, some of which other nodes make.

    Parameters
    ----------
    name : str
    """

    def __init__(self, name: str = "pipeline") -> None:
        self.name = name
        self._nodes: dict[str, Node] = {}

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every node, each after those it needs."""
        return tuple(self._nodes.values())

    def add(
        self,
        step: Step[..., Any],
        name: str = "",
        /,
        *,
        options: NodeOptions | None = None,
        **arguments: Any,
    ) -> Output:
        """Add a node.

        Parameters
        ----------
        step : Step
        name : str
            That of the step by default.
        options : NodeOptions, optional
        **arguments
            Of the step: plain values, paths, and `Output` of nodes that are there, also within
            lists and mappings.

        Returns
        -------
        Output
            What it will make.

        Raises
        ------
        WorkflowError
            If the name is taken, an argument is unknown, missing or of another type, or an output
            is of no node.
        """
        if not isinstance(step, Step):
            raise WorkflowError(f"{step!r} is no step; decorate it with @step")
        node = Node(name or step.name, step, arguments, options or NodeOptions())
        if node.name in self._nodes:
            raise WorkflowError(f"two nodes are called {node.name!r}; give one another name")
        step.check(arguments, given=lambda value: any(True for _ in outputs_in(value)))
        self._check_outputs(node)
        self._nodes[node.name] = node
        return Output(node.name)

    def _check_outputs(self, node: Node) -> None:
        when = node.options.when
        for output in outputs_in([node.arguments, *((when.left, when.right) if when else ())]):
            if output.node not in self._nodes:
                raise WorkflowError(
                    f"{node.name}: no node {output.node!r} before it; "
                    f"{nearest(output.node, self._nodes)}"
                )
            maker = self._nodes[output.node].step
            if output.name and output.name not in maker.outputs and not maker.returns_mapping:
                raise WorkflowError(
                    f"{node.name}: {output.node} makes no {output.name!r}; "
                    f"{nearest(output.name, maker.outputs) if maker.outputs else 'it names none'}"
                )

    def below(self, names: Collection[str]) -> set[str]:
        """Nodes of these names, and all that need them.

        Raises
        ------
        WorkflowError
            If there is no such node.
        """
        for name in names:
            if name not in self._nodes:
                raise WorkflowError(f"no node {name!r}; {nearest(name, self._nodes)}")
        found = set(names)
        for node in self.nodes:
            if found.intersection(node.needs):
                found.add(node.name)
        return found

    def plan(self, store: Store, *, again: Collection[str] = ()) -> "tuple[Planned, ...]":
        """What `run` would do with every node, and why; nothing is done.

        Raises
        ------
        WorkflowError
            If an input is missing.
        """
        from ossicle.workflow.planning import plan_pipeline

        return plan_pipeline(self, store, again=again)

    def run(
        self,
        store: Store,
        *,
        cluster: LocalCluster | None = None,
        again: Collection[str] = (),
        on_event: Callable[[Event], None] | None = None,
        logs: Path | None = None,
    ) -> Results:
        """Do every node whose result is not in the store; independent ones beside each other.

        Parameters
        ----------
        store : Store
        cluster : LocalCluster, optional
            Each step is done in a process of its own, as many at a time as it has; by default one
            after another in this process, but for those with a deadline.
        again : collection of str
            Nodes to do although their results are kept.
        on_event : callable, optional
            Called with each `Event`, one at a time.
        logs : path, optional
            Folder for what steps in processes of their own print, a file a node.

        Returns
        -------
        Results

        Raises
        ------
        OssicleError
            As a step raised, or naming the step that failed. What was done before is kept; steps
            under way are finished first.
        """
        from ossicle.workflow.running import run_pipeline

        return Results(
            run_pipeline(self, store, cluster=cluster, again=again, on_event=on_event, logs=logs)
        )
