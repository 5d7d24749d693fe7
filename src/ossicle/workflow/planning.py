"""What running a pipeline would do, and why, without doing it."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ossicle.errors import OssicleError
from ossicle.workflow.files import canonical_json
from ossicle.workflow.manifest import Step
from ossicle.workflow.nodes import Node
from ossicle.workflow.running import call_of
from ossicle.workflow.store import Artifact, Store

__all__ = ["Planned", "plan_nodes"]

KEPT, TO_RUN, DEPENDS, SKIPPED = "kept", "to run", "depends", "skipped"


@dataclass(frozen=True, slots=True)
class Planned:
    """What would become of a node.

    Parameters
    ----------
    node : str
    state : str
        ``kept``, ``to run``, ``skipped``; ``depends``: on what a node before it makes.
    why : str
    artifact : Artifact, optional
        What is kept.
    """

    node: str
    state: str
    why: str = ""
    artifact: Artifact | None = None


def plan_nodes(
    name: str, nodes: Sequence[Node], store: Store, *, again: Collection[str] = ()
) -> tuple[Planned, ...]:
    """What running the nodes would do with each; see `ossicle.workflow.Pipeline.plan`.

    Raises
    ------
    WorkflowError
        If an input is missing.
    """
    planned: dict[str, Planned] = {}
    planning = _Planning(name, {node.name: node.step for node in nodes}, store, again)
    before = planning.made_before()
    for node in nodes:
        try:
            planned[node.name] = planning.planned(node, planned, before.get(node.name, ()))
        except OssicleError as error:
            raise type(error)(f"{node.name}: {error}") from error
    return tuple(planned.values())


@dataclass(frozen=True, slots=True)
class _Planning:
    pipeline: str
    steps: Mapping[str, Step[..., Any]]
    store: Store
    again: Collection[str]

    def planned(
        self, node: Node, before: Mapping[str, Planned], earlier: Sequence[Artifact]
    ) -> Planned:
        """One node, from what is planned for those it needs."""
        for name in node.needs:
            if before[name].state == SKIPPED:
                return Planned(node.name, SKIPPED, f"{name} is skipped")
        open_ones = [name for name in node.needs if before[name].artifact is None]
        if open_ones:
            return Planned(node.name, DEPENDS, f"on what {_few(open_ones)} will make")
        artifacts = {name: made for name in node.needs if (made := before[name].artifact)}
        when = node.options.when
        if when is not None and not when.holds(artifacts):
            return Planned(node.name, SKIPPED, f"not so: {when}")
        if node.name in self.again:
            return Planned(node.name, TO_RUN, "asked for")
        call = call_of(node, self.pipeline, steps=self.steps, artifacts=artifacts, store=self.store)
        if kept := self.store.get(call.key):
            return Planned(node.name, KEPT, artifact=kept)
        return Planned(node.name, TO_RUN, _changed(earlier, call.recipe))

    def made_before(self) -> dict[str, list[Artifact]]:
        """All that each node of a pipeline of this name has made."""
        found: dict[str, list[Artifact]] = {}
        for artifact in self.store.list():
            made_by = artifact.manifest.get("provenance", {})
            if made_by.get("pipeline") == self.pipeline:
                found.setdefault(made_by.get("node", ""), []).append(artifact)
        return found


def _few(names: Sequence[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _changed(earlier: Sequence[Artifact], recipe: Mapping[str, Any]) -> str:
    """What of a recipe is not as in the nearest one before, in words."""
    now = json.loads(canonical_json(recipe))
    found = [(_differences(each.manifest, now), -each.used) for each in earlier]
    if not found:
        return "new"
    words, _ = min(found, key=lambda each: (len(each[0]), each[1]))
    return f"changed: {', '.join(words)}" if words else "its result is gone"


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    words = []
    for part, what in (("parameters", "parameter"), ("inputs", "input"), ("version", "")):
        old, new = before.get(part), now.get(part)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
            words += [f"{what} {name}".strip() for name in names]
    return words
