"""A finished result: its folder, and the manifest that says what made it."""

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ossicle.errors import WorkflowError, nearest
from ossicle.workflow.files import canonical_json, digest, read_json
from ossicle.workflow.sealing import MANIFEST, TIMES, content_of, files_of

__all__ = ["Artifact", "Inputs", "key_of", "read_artifact", "recipe_of"]

Inputs = Sequence[str] | Mapping[str, str]
"""Keys or digests of what a step reads, in the order it reads them or by name."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A finished result: ``path`` is its folder, ``manifest`` says what made it."""

    key: str
    path: Path
    manifest: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"<artifact {self.key[:12]} of step {self.manifest.get('step')}>"

    @property
    def content(self) -> str:
        """Digest of its files, but for those that hold measured figures."""
        return content_of(self.manifest["files"], self.manifest.get("measured", ()))

    @property
    def used(self) -> float:
        """When it was last made or used, in seconds since 1970."""
        for path in (self.path / TIMES, self.path):
            with contextlib.suppress(OSError):
                return path.stat().st_mtime
        return 0.0

    @property
    def n_bytes(self) -> int:
        """Size of everything in its folder."""
        with contextlib.suppress(OSError):
            return sum((self.path / name).lstat().st_size for name in files_of(self.path))
        return 0

    @property
    def times(self) -> dict[str, Any]:
        """When it was ``finished`` and how many ``seconds`` that took, where that is known."""
        with contextlib.suppress(WorkflowError):
            told = read_json(self.path / TIMES)
            if isinstance(told, dict) and isinstance(told.get("seconds"), float | int | None):
                return told
        return {}

    def digest_of(self, name: str) -> str:
        """Digest of one of its files, or of all below one of its folders.

        Raises
        ------
        WorkflowError
            If it has neither.
        """
        files: Mapping[str, str] = self.manifest["files"]
        below = {path: each for path, each in files.items() if path.startswith(f"{name}/")}
        if below:
            return content_of(below)
        if name not in files:
            raise WorkflowError(f"{self.key[:12]} has no file {name!r}; {nearest(name, files)}")
        return files[name]


def read_artifact(path: Path, key: str) -> Artifact | None:
    """The artifact in a folder; None if it is not there, or not all of it is.

    Its manifest may be empty or cut off, a file may be gone: it is made again.

    Raises
    ------
    WorkflowError
        If the manifest is that of another key.
    """
    try:
        manifest = json.loads((path / MANIFEST).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return None
    except OSError as error:
        raise WorkflowError(f"cannot read {path / MANIFEST}: {error.strerror}") from error
    if not _is_manifest(manifest) or manifest.get("key") != key:
        raise WorkflowError(
            f"{path / MANIFEST} is not the manifest of {key}; delete {path} to make it anew"
        )
    if not all(os.path.lexists(f"{path}/{name}") for name in manifest["files"]):
        return None
    return Artifact(key, path, manifest)


def _is_manifest(told: Any) -> bool:
    """Whether it has all that is read of a manifest: whoever edits one may have taken it away."""
    if not isinstance(told, dict):
        return False
    files, inputs = told.get("files"), told.get("inputs")
    words = [*files, *files.values()] if isinstance(files, dict) else [None]
    if not isinstance(inputs, dict | list):
        return False
    words += inputs.values() if isinstance(inputs, dict) else inputs
    return (
        {"version", "parameters", "content"} <= told.keys()
        and all(isinstance(each, str) for each in [told.get("step"), *words])
        and isinstance(told.get("provenance"), dict)
        and isinstance(told.get("measured", []), list)
    )


def recipe_of(step: str, version: Any, parameters: Any, inputs: Inputs) -> dict[str, Any]:
    """What decides a result, as it is read back from a manifest."""
    named = dict(inputs) if isinstance(inputs, Mapping) else [*inputs]
    made_from = {"step": step, "version": version, "parameters": parameters, "inputs": named}
    recipe: dict[str, Any] = json.loads(canonical_json(made_from))
    return recipe


def key_of(recipe: Mapping[str, Any]) -> str:
    """The key that a recipe gives."""
    return digest(canonical_json(recipe))
