"""How the nodes of a pipeline ended, for tests."""

from typing import Any

from ossicle.workflow.nodes import Event
from ossicle.workflow.pipeline import Pipeline, Results
from ossicle.workflow.store import Store

ENDED = {"completed", "kept", "failed", "skipped", "cancelled"}


def done(pipeline: Pipeline, store: Store, **options: Any) -> tuple[Results, dict[str, str]]:
    """The results, and how each node ended."""
    ends: dict[str, str] = {}

    def note(event: Event) -> None:
        if event.state in ENDED:
            assert event.node not in ends
            ends[event.node] = event.state

    return pipeline.run(store, on_event=note, **options), ends


def completed(pipeline: Pipeline, store: Store, **options: Any) -> set[str]:
    ends = done(pipeline, store, **options)[1]
    assert set(ends) == {node.name for node in pipeline.nodes}
    return {name for name, state in ends.items() if state == "completed"}
