"""Works and messages, steps and artifacts: done once, kept, in parallel. Knows no sound."""

from ossicle.workflow.code import code_digest
from ossicle.workflow.composites import Parallel, Workflow
from ossicle.workflow.executor import LocalCluster
from ossicle.workflow.files import (
    canonical_json,
    digest,
    file_digest,
    file_digests,
    read_json,
    replacing,
    write_json,
)
from ossicle.workflow.jobs import Job
from ossicle.workflow.kinds import Array, Arrays, Network, Rows
from ossicle.workflow.messages import Message, Messages
from ossicle.workflow.pipeline import Condition, Event, NodeOptions, Output, Pipeline, Results
from ossicle.workflow.step import Digest, Step, find_step, step
from ossicle.workflow.store import Artifact, Store
from ossicle.workflow.works import Function, Work

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
    "canonical_json",
    "code_digest",
    "digest",
    "file_digest",
    "file_digests",
    "find_step",
    "read_json",
    "replacing",
    "step",
    "write_json",
]
