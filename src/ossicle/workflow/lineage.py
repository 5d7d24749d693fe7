"""Which artifact came from which: the inputs of one are keys, contents or files of others."""

from collections.abc import Iterable, Mapping
from typing import Any

from ossicle.workflow.artifact import Artifact
from ossicle.workflow.files import read_json
from ossicle.workflow.kinds import RESULT
from ossicle.workflow.store import Store

__all__ = ["inputs_of", "listed", "origins", "shown", "with_origins"]

FIGURES = f"{RESULT}.json"
"""Where a step that gives JSON has its result."""


def inputs_of(artifact: Artifact) -> dict[str, str]:
    """Digest of each input, by its name or else its place, counted from 1."""
    inputs = artifact.manifest["inputs"]
    if isinstance(inputs, Mapping):
        return dict(inputs)
    return {str(place): each for place, each in enumerate(inputs, start=1)}


def origins(artifact: Artifact, artifacts: Iterable[Artifact]) -> dict[str, tuple[str, list[str]]]:
    """For each input its digest, and the keys of the artifacts that it may come from, if any."""
    made_by = _made_by(artifacts)
    return {
        name: (digest, _makers(artifact, name, digest, made_by))
        for name, digest in inputs_of(artifact).items()
    }


def with_origins(store: Store, keys: Iterable[str]) -> list[str]:
    """These keys, and those of all that their inputs came from, as far as it is in the store."""
    artifacts = store.list()
    made_by, there = _made_by(artifacts), {each.key: each for each in artifacts}
    waiting, found = list(keys), set()
    while waiting:
        key = waiting.pop()
        if key not in found and key in there:
            found.add(key)
            for name, digest in inputs_of(there[key]).items():
                waiting += _makers(there[key], name, digest, made_by)
    return sorted(found)


def _makers(
    artifact: Artifact, name: str, digest: str, made_by: Mapping[str, list[str]]
) -> list[str]:
    """The artifacts that an input came from: as was noted, else all that hold the same bytes."""
    noted = artifact.manifest.get("provenance", {}).get("from")
    if isinstance(noted, Mapping):
        return [noted[name]] if name in noted else []
    return made_by.get(digest, [])


def _made_by(artifacts: Iterable[Artifact]) -> dict[str, list[str]]:
    """Each digest that names an artifact, its content or a file of it, with their keys."""
    found: dict[str, set[str]] = {}
    for each in artifacts:
        for digest in (each.key, each.content, *each.manifest["files"].values()):
            found.setdefault(digest, set()).add(each.key)
    return {digest: sorted(keys) for digest, keys in found.items()}


def listed(store: Store) -> list[dict[str, Any]]:
    """One row an artifact, the last made first: key, step, when, bytes, pins, flag."""
    pins, flags = store.pins(), store.flags()
    rows = [
        {
            "key": each.key,
            "step": each.manifest["step"],
            "node": _node(each),
            "made": each.times.get("finished", ""),
            "bytes": each.n_bytes,
            "pins": [name for name, key in pins.items() if key == each.key],
            "flagged": each.key in flags,
        }
        for each in store.list()
    ]
    return sorted(rows, key=lambda row: str(row["made"]), reverse=True)


def _node(artifact: Artifact) -> str:
    """The pipeline that it was made for, and the node there."""
    about = artifact.manifest.get("provenance", {})
    return f"{about['pipeline']}: {about['node']}" if {"pipeline", "node"} <= set(about) else ""


def shown(store: Store, artifact: Artifact) -> dict[str, Any]:
    """What made an artifact, from what, what it holds, and its figures if it has a result."""
    sizes = {name: (artifact.path / name).stat().st_size for name in artifact.manifest["files"]}
    pins = [name for name, key in store.pins().items() if key == artifact.key]
    result = artifact.path / FIGURES
    return {
        **artifact.manifest,
        **artifact.times,
        "figures": _figures(read_json(result)) if FIGURES in sizes else {},
        "path": str(artifact.path),
        "sizes": sizes,
        "origins": origins(artifact, store.list()),
        "pins": pins,
        "flag": store.flags().get(artifact.key),
    }


def _figures(result: Any) -> dict[str, float]:
    """The numbers that a result holds under names of their own."""
    pairs = result.items() if isinstance(result, Mapping) else ()
    return {name: value for name, value in pairs if type(value) in (int, float)}
