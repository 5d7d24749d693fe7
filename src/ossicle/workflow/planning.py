"""What running a pipeline would do, and why, without doing it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ossicle.workflow.pipeline import Node, Pipeline
from ossicle.workflow.running import call_of
from ossicle.workflow.store import Artifact, Store

__all__ = ["Planned", "plan_pipeline"]

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


def plan_pipeline(
    pipeline: Pipeline, store: Store, *, again: Collection[str] = ()
) -> tuple[Planned, ...]:
    """What `Pipeline.run` would do with every node; see there.

    Raises
    ------
    WorkflowError
        If an input is missing.
    """
    planned: dict[str, Planned] = {}
    before = _latest(store, pipeline)
    for node in pipeline.nodes:
        planned[node.name] = _planned(node, pipeline, store, planned, before, frozenset(again))
    return tuple(planned.values())


def _planned(
    node: Node,
    pipeline: Pipeline,
    store: Store,
    planned: Mapping[str, Planned],
    before: Mapping[str, Artifact],
    again: frozenset[str],
) -> Planned:
    for name in node.needs:
        if planned[name].state == SKIPPED:
            return Planned(node.name, SKIPPED, f"{name} is skipped")
    open_ones = [name for name in node.needs if planned[name].artifact is None]
    if open_ones:
        return Planned(node.name, DEPENDS, f"on what {', '.join(open_ones)} will make")
    artifacts = {name: made for name in node.needs if (made := planned[name].artifact)}
    when = node.options.when
    if when is not None and not when.holds(artifacts):
        return Planned(node.name, SKIPPED, f"not so: {when}")
    call = call_of(node, pipeline, artifacts, store)
    if node.name in again:
        return Planned(node.name, TO_RUN, "asked for")
    if kept := store.get(call.key):
        return Planned(node.name, KEPT, artifact=kept)
    last = before.get(node.name)
    return Planned(node.name, TO_RUN, _changed(last.manifest, call.recipe) if last else "new")


def _latest(store: Store, pipeline: Pipeline) -> dict[str, Artifact]:
    """The last thing each node of a pipeline of this name made."""
    found: dict[str, Artifact] = {}
    for artifact in store.list():
        made_by = artifact.manifest.get("provenance", {})
        if made_by.get("pipeline") == pipeline.name:
            found.setdefault(made_by.get("node", ""), artifact)
    return found


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What of a recipe is not as it was, in words."""
    words = []
    for part, what in (("parameters", "parameter"), ("inputs", "input"), ("version", "")):
        old, new = before.get(part), now.get(part)
        if not isinstance(old, Mapping) or not isinstance(new, Mapping):
            continue
        names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        words += [f"{what} {name}".strip() for name in names]
    return f"changed: {', '.join(words)}" if words else "its result is gone"
