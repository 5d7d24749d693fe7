"""Works and messages, steps and artifacts: done once, kept, in parallel. Knows no sound."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ossicle.workflow.archive import read_archive, write_archive
    from ossicle.workflow.artifact import Artifact
    from ossicle.workflow.composites import Parallel, Workflow
    from ossicle.workflow.dask_cluster import DaskCluster
    from ossicle.workflow.executing import execute
    from ossicle.workflow.executions import Executions, ExecutionSettings
    from ossicle.workflow.executor import LocalCluster
    from ossicle.workflow.flow import Flow, read_flow
    from ossicle.workflow.jobs import Job
    from ossicle.workflow.kinds import Array, Arrays, Network, Rows
    from ossicle.workflow.manifest import Digest, Step, find_step, step
    from ossicle.workflow.messages import Message, Messages
    from ossicle.workflow.nodes import Condition, Event, NodeOptions
    from ossicle.workflow.pipeline import Output, Pipeline, Results
    from ossicle.workflow.store import Store
    from ossicle.workflow.works import Function, Work

_HOME = {
    "archive": ["read_archive", "write_archive"],
    "artifact": ["Artifact"],
    "composites": ["Parallel", "Workflow"],
    "dask_cluster": ["DaskCluster"],
    "executing": ["execute"],
    "executions": ["ExecutionSettings", "Executions"],
    "executor": ["LocalCluster"],
    "flow": ["Flow", "read_flow"],
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
    "DaskCluster",
    "Digest",
    "Event",
    "ExecutionSettings",
    "Executions",
    "Flow",
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
    "read_archive",
    "read_flow",
    "step",
    "write_archive",
]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    """Load the module a name lives in when it is first used (PEP 562)."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'ossicle.workflow' has no attribute {name!r}")
    module = importlib.import_module(f"ossicle.workflow.{_MODULE_OF[name]}")
    globals()[name] = value = getattr(module, name)
    return value
