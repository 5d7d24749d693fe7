"""A pipeline done: its nodes as works, whose messages carry what each made."""

import os
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

from ossicle.errors import OssicleError, WorkflowError
from ossicle.workflow.arguments import resolve
from ossicle.workflow.calls import Call, home_of, perform
from ossicle.workflow.composites import Workflow
from ossicle.workflow.executor import LocalCluster
from ossicle.workflow.manifest import Step
from ossicle.workflow.messages import Messages
from ossicle.workflow.nodes import Event, Node, below
from ossicle.workflow.store import Artifact, Store
from ossicle.workflow.workers import Worker, Workers
from ossicle.workflow.works import Work

__all__ = ["call_of", "check_machine", "log_name", "run_nodes"]

START = "start"
"""Sender of the first messages."""

DIFFERS = "other bytes than before; the first stay"


def run_nodes(
    name: str,
    nodes: Sequence[Node],
    store: Store,
    *,
    cluster: LocalCluster | None,
    again: Collection[str],
    on_event: Callable[[Event], None] | None,
    logs: Path | None,
) -> dict[str, Artifact | None]:
    """Do every node; see `ossicle.workflow.Pipeline.run`."""
    if not nodes:
        return {}
    check_machine(nodes, cluster)
    below(nodes, again)
    n_jobs = cluster.n_workers if cluster is not None else 1
    with ExitStack() as stack:
        stack.enter_context(store.in_use())
        workers = Workers(n_jobs)
        stack.callback(workers.close)
        execution = _Execution(name, nodes, store, workers, cluster is None, again, on_event, logs)
        works = [_StepWork(node, execution) for node in nodes]
        first = [(None, START, node.name) for node in nodes if not node.needs]
        flow = Workflow(works, f"<{name}>", order="ready", n_threads=n_jobs)
        flow(Messages.of(*first))
        return {node.name: execution.made[node.name] for node in nodes}


def check_machine(nodes: Sequence[Node], cluster: LocalCluster | None) -> None:
    """Refuse what would wait for ever, or for memory that is not there."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for node in nodes:
        needs = node.step.needs
        try:
            (cluster or LocalCluster()).check({**needs.labels, **node.options.where})
        except WorkflowError as error:
            raise WorkflowError(f"{node.name}: {error}") from None
        if needs.memory_bytes > memory:
            raise WorkflowError(
                f"{node.name} needs {needs.memory_bytes / 1e9:.1f} GB of memory; this machine has "
                f"{memory / 1e9:.1f} GB"
            )


def log_name(node: str) -> str:
    """The file that a node's prints go to."""
    return f"{quote(node, safe='[]=, ')}.txt"


def call_of(
    node: Node,
    pipeline: str,
    *,
    steps: Mapping[str, Step[..., Any]],
    artifacts: Mapping[str, Artifact],
    store: Store,
) -> Call:
    """A node whose inputs are made, as a call with its key.

    Raises
    ------
    WorkflowError
        If an input is missing.
    """
    resolved = resolve(node.step, node.arguments, artifacts=artifacts, steps=steps)
    recipe: dict[str, Any] = {
        "version": node.step.version,
        "parameters": resolved.parameters,
        "inputs": resolved.inputs,
    }
    module, file = home_of(node.step)
    return Call(
        node.step.name,
        module,
        file,
        store.key(node.step.name, **recipe),
        recipe,
        resolved.arguments,
        provenance={"node": node.name, "pipeline": pipeline, "from": resolved.origins},
    )


class _StepWork(Work):
    """A node as a work: it takes what its needs made, and sends what it makes to who needs it."""

    def __init__(self, node: Node, execution: "_Execution") -> None:
        super().__init__(node.name, execution.users[node.name])
        self.node, self._execution = node, execution

    def process(self, rows: Messages) -> Artifact | None:
        """Do the node, unless what it makes is there."""
        return self._execution.make(self.node)

    def cancel(self) -> None:
        """End the process that does it."""
        self._execution.cancel(self.name)


class _Execution:
    """What the works of one run share."""

    def __init__(
        self,
        name: str,
        nodes: Sequence[Node],
        store: Store,
        workers: Workers,
        here: bool,
        again: Collection[str],
        on_event: Callable[[Event], None] | None,
        logs: Path | None,
    ) -> None:
        self.name, self.store, self.workers, self.here = name, store, workers, here
        self._steps = {node.name: node.step for node in nodes}
        self.again, self.on_event, self.logs = frozenset(again), on_event, logs
        self.made: dict[str, Artifact | None] = {}
        self.users: dict[str, list[str]] = {node.name: [] for node in nodes}
        for node in nodes:
            for need in node.needs:
                self.users[need].append(node.name)
        self._at_work: dict[str, Worker] = {}
        self._cancelled: set[str] = set()
        self._one_at_a_time = threading.Lock()

    def tell(self, node: str, state: str, detail: str = "", **more: Any) -> None:
        if self.on_event is not None:
            with self._one_at_a_time:
                self.on_event(Event(node, state, detail, **more))

    def make(self, node: Node) -> Artifact | None:
        self.made[node.name] = made = self._made(node)
        return made

    def _made(self, node: Node) -> Artifact | None:
        try:
            if why := self._skipped(node):
                self.tell(node.name, "skipped", why)
                return None
            before = {name: self.made[name] for name in node.needs}
            artifacts = {name: made for name, made in before.items() if made is not None}
            call = self._call(node, artifacts)
            kept = None if node.name in self.again else self.store.get(call.key)
            if kept is not None:
                self.store.touch(call.key)
                self.tell(node.name, "kept", artifact=kept)
                return kept
            return self._attempted(node, replace(call, again=node.name in self.again))
        except Exception as error:
            state = "cancelled" if node.name in self._cancelled else "failed"
            self.tell(node.name, state, str(error))
            _raise_named(error, node)

    def _call(self, node: Node, artifacts: Mapping[str, Artifact]) -> Call:
        return call_of(node, self.name, steps=self._steps, artifacts=artifacts, store=self.store)

    def _skipped(self, node: Node) -> str:
        """Why a node is not done; empty if it is."""
        for name in node.needs:
            if self.made[name] is None:
                return f"{name} was skipped"
        artifacts = {name: made for name in node.needs if (made := self.made[name]) is not None}
        when = node.options.when
        return f"not so: {when}" if when is not None and not when.holds(artifacts) else ""

    def _attempted(self, node: Node, call: Call) -> Artifact:
        attempts = node.options.retries + 1
        for attempt in range(1, attempts + 1):
            self.tell(node.name, "in progress", f"attempt {attempt}" if attempt > 1 else "")
            told: set[str] = set()
            try:
                made = self._performed(node, call, told)
                state = "kept" if "kept" in told else "completed"
                self.tell(node.name, state, DIFFERS if "differs" in told else "", artifact=made)
                return made
            except Exception as error:
                if attempt == attempts or node.name in self._cancelled:
                    raise
                self.tell(node.name, "in progress", f"attempt {attempt} failed: {error}")
        raise AssertionError("unreachable")

    def _performed(self, node: Node, call: Call, told: set[str]) -> Artifact:
        def report(what: str, more: Any) -> None:
            told.add(what)
            if what == "progress":
                self.tell(node.name, "in progress", progress=tuple(more))
            elif what == "waiting":
                self.tell(node.name, what)

        if self.here and node.options.deadline is None:
            return perform(call, self.store, report=report)
        self._check_apart(node, call)
        with self.workers.lent(node.step.needs.cpu) as (worker, granted):
            self._at_work[node.name] = worker
            try:
                if node.name in self._cancelled:
                    raise WorkflowError("it was cancelled")
                asked = replace(call, n_jobs=granted, log=self._log(node))
                worker.perform(asked, self.store, deadline=node.options.deadline, report=report)
            finally:
                del self._at_work[node.name]
        made = self.store.get(call.key)
        if made is None:
            raise WorkflowError(f"what it made has gone from {self.store.root}; run it again")
        return made

    def _check_apart(self, node: Node, call: Call) -> None:
        if call.module == "__main__":
            raise WorkflowError(
                f"step {node.step.name} is written in the program itself, which no other process "
                "can import; move it to a module, or leave out cluster and deadline"
            )

    def _log(self, node: Node) -> str:
        return str((self.logs / log_name(node.name)).absolute()) if self.logs is not None else ""

    def cancel(self, name: str) -> None:
        self._cancelled.add(name)
        if name in self._at_work:
            self._at_work[name].end("it was cancelled")


def _raise_named(error: Exception, node: Node) -> NoReturn:
    """Raise what a step raised, naming its node."""
    if isinstance(error, OssicleError):
        raise type(error)(f"{node.name}: {error}") from error
    raise WorkflowError(f"{node.name}: {type(error).__name__}: {error}") from error
