"""Steps put together: what each makes is given to the next, and kept.

>>> import tempfile
>>> from ossicle.workflow.manifest import step
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

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ossicle.errors import WorkflowError, nearest
from ossicle.workflow.arguments import Output, outputs_in
from ossicle.workflow.executor import LocalCluster
from ossicle.workflow.kinds import read_result
from ossicle.workflow.manifest import Step
from ossicle.workflow.nodes import Condition, Event, Node, NodeOptions, below
from ossicle.workflow.planning import Planned, plan_nodes
from ossicle.workflow.running import run_nodes
from ossicle.workflow.store import Artifact, Store

__all__ = [
    "Condition",
    "Event",
    "Node",
    "NodeOptions",
    "Output",
    "Pipeline",
    "Planned",
    "Results",
]


@dataclass(frozen=True, slots=True)
class Results(Mapping[str, Artifact]):
    """What every node made, by name; nothing if it was skipped."""

    artifacts: Mapping[str, Artifact | None]

    def __iter__(self) -> Iterator[str]:
        return iter(self.artifacts)

    def __len__(self) -> int:
        return len(self.artifacts)

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
        if not isinstance(name, str) or ("name" in arguments and "name" not in step.parameters):
            raise WorkflowError(
                "what follows the step is the node's name: add(step, 'name', parameter=value)"
            )
        node = Node(name or step.name, step, arguments, options or NodeOptions())
        if node.name in self._nodes:
            raise WorkflowError(
                f"two nodes are called {node.name!r}; name one: add(step, 'another name', ...)"
            )
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
            try:
                self._nodes[output.node].step.check_output(output.name)
            except WorkflowError as error:
                raise WorkflowError(f"{node.name}: {error}") from None

    def below(self, names: Collection[str]) -> set[str]:
        """Nodes of these names, and all that need them.

        Raises
        ------
        WorkflowError
            If there is no such node.
        """
        return below(self.nodes, names)

    def plan(self, store: Store, *, again: Collection[str] = ()) -> tuple[Planned, ...]:
        """What `run` would do with every node, and why; nothing is done.

        Raises
        ------
        WorkflowError
            If an input is missing.
        """
        return plan_nodes(self.name, self.nodes, store, again=again)

    def run(
        self,
        store: Store | str | Path,
        *,
        cluster: LocalCluster | None = None,
        again: Collection[str] = (),
        on_event: Callable[[Event], None] | None = None,
        logs: Path | None = None,
    ) -> Results:
        """Do every node whose result is not in the store; independent ones beside each other.

        Parameters
        ----------
        store : Store or path
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
        made = run_nodes(
            self.name,
            self.nodes,
            store if isinstance(store, Store) else Store(store),
            cluster=cluster,
            again=again,
            on_event=on_event,
            logs=logs,
        )
        return Results(made)
