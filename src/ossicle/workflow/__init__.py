"""Works and messages, steps and artifacts: done once, kept, in parallel. Knows no sound."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ossicle.workflow.artifact import Artifact
    from ossicle.workflow.composites import Parallel, Workflow
    from ossicle.workflow.executing import execute
    from ossicle.workflow.executor import LocalCluster
    from ossicle.workflow.flow import read_flow
    from ossicle.workflow.jobs import Job
    from ossicle.workflow.kinds import Array, Arrays, Network, Rows
    from ossicle.workflow.manifest import Digest, Step, find_step, step
    from ossicle.workflow.messages import Message, Messages
    from ossicle.workflow.nodes import Condition, Event, NodeOptions
    from ossicle.workflow.pipeline import Output, Pipeline, Results
    from ossicle.workflow.store import Store
    from ossicle.workflow.works import Function, Work

_HOME = {
    "artifact": ["Artifact"],
    "composites": ["Parallel", "Workflow"],
    "executing": ["execute"],
    "executor": ["LocalCluster"],
    "flow": ["read_flow"],
    "jobs": ["Job"],
    "kinds": ["Array", "Arrays", "Network", "Rows"],
    "messages": ["Message", "Messages"],
    "nodes": ["Condition", "Event", "NodeOptions"],
    "pipeline": ["Output", "Pipeline", "Results"],
    "manifest": ["Digest", "Step", "find_step", "step"],
    "store": ["Store"],
    "works": ["Function", "Work"],
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "Array",
    "Arrays",
    "Artifact",
    "Condition",
    "Digest",
    "Event",
    "Function",
    "Job",
    "LocalCluster",
    "Message",
    "Messages",
    "Network",
    "NodeOptions",
    "Output",
    "Parallel",
    "Pipeline",
    "Results",
    "Rows",
    "Step",
    "Store",
    "Work",
    "Workflow",
    "execute",
    "find_step",
    "read_flow",
    "step",
]


def __getattr__(name: str) -> Any:
    """Load the module a name lives in when it is first used (PEP 562)."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'ossicle.workflow' has no attribute {name!r}")
    module = importlib.import_module(f"ossicle.workflow.{_MODULE_OF[name]}")
    globals()[name] = value = getattr(module, name)
    return value
