"""Work done once and kept: atomic files, digests, artifacts, parallel jobs. Knows no sound."""

from ossicle.workflow.code import code_digest
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
from ossicle.workflow.store import Artifact, Store

__all__ = [
    "Artifact",
    "LocalCluster",
    "Store",
    "canonical_json",
    "code_digest",
    "digest",
    "file_digest",
    "file_digests",
    "read_json",
    "replacing",
    "write_json",
]
