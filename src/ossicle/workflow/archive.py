"""Artifacts as one tar file, and back: all that are whole and what they say they are, or none."""

import contextlib
import glob
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ossicle.errors import WorkflowError
from ossicle.workflow.artifact import Artifact
from ossicle.workflow.files import canonical_json, replacing
from ossicle.workflow.lineage import with_origins
from ossicle.workflow.sealing import MANIFEST, UNSEALED, as_lines, content_of, write_times
from ossicle.workflow.store import RECIPE, Store
from ossicle.workflow.tars import END, Member, copied, members, write_member

__all__ = ["read_archive", "write_archive"]

MAX_MANIFEST = 16 * 1024 * 1024
MAX_DEPTH = 100
_FIELDS = {"key", *RECIPE, "provenance", "files", "measured", "content"}
_DIGEST = re.compile("[0-9a-f]{32}")

_Own = dict[str, Member]
"""The members of one artifact by their names in it."""


def write_archive(
    store: Store, keys: Iterable[str], path: Path | str, *, with_inputs: bool = True
) -> tuple[str, ...]:
    """Write artifacts to a tar file; the same artifacts give the same bytes.

    Times and logs stay behind.

    Parameters
    ----------
    store : Store
    keys : iterable of str
    path : path
        The file to write.
    with_inputs : bool
        Also all that their inputs came from, as far as it is in the store.

    Returns
    -------
    tuple of str
        Keys of what is in the file.

    Raises
    ------
    WorkflowError
        If there is no such artifact, it is damaged, or the file cannot be written.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> here, there = Store(folder / "here"), Store(folder / "there")
    >>> recipe = {"step": "count", "version": "1", "parameters": {"n": 3}}
    >>> key = here.key(**recipe)
    >>> with here.writing(key, **recipe) as out:
    ...     _ = (out / "count.txt").write_text("3")
    >>> written = write_archive(here, [key], folder / "count.tar")
    >>> read_archive(there, folder / "count.tar") == written == (key,)
    True
    """
    asked = sorted({store.find(key).key for key in keys})
    chosen = with_origins(store, asked) if with_inputs else asked
    with store.in_use(), replacing(path) as temporary, temporary.open("wb") as tar:
        for key in chosen:
            _write_artifact(tar, store.find(key))
        tar.write(END)
    return tuple(chosen)


def _write_artifact(tar: BinaryIO, artifact: Artifact) -> None:
    text = as_lines(artifact.manifest)
    write_member(tar, f"{artifact.key}/{MANIFEST}", io.BytesIO(text), len(text))
    for name in sorted(artifact.manifest["files"]):
        source = artifact.path / name
        fault = "is missing"
        if source.is_file():
            with source.open("rb") as file:
                found = write_member(tar, f"{artifact.key}/{name}", file, source.stat().st_size)
            fault = "" if found == artifact.digest_of(name) else "has changed"
        if fault:
            raise WorkflowError(f"{source} {fault}; delete {artifact.path} to make it anew")


def read_archive(store: Store, path: Path | str) -> tuple[str, ...]:
    """Take the artifacts of an archive into a store: all, or none.

    What is there already stays; if its recipe gave other bytes there, the key is flagged.

    Parameters
    ----------
    store : Store
    path : path
        As `write_archive` wrote it.

    Returns
    -------
    tuple of str
        Keys of what is in the file.

    Raises
    ------
    WorkflowError
        If it holds anything else than whole artifacts, each under the key of its recipe; nothing
        appears in the store then.
    """
    path = Path(path)
    with _opened(path) as tar:
        artifacts = _by_key(members(tar, path), path)
        manifests = {key: _manifest(tar, key, own, path) for key, own in artifacts.items()}
        for key, own in artifacts.items():
            for name in own:
                _copy(tar, own, name, manifests[key], path)
        for key, own in artifacts.items():
            _take_in(store, tar, own, manifests[key], path)
    return tuple(sorted(artifacts))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        if path.exists() and not path.is_file():
            raise WorkflowError(f"{path} is not a regular file")
        with path.open("rb") as tar:
            yield tar
    except OSError as error:
        raise WorkflowError(f"cannot read {path}: {error.strerror or error}") from error


def _by_key(found: Iterable[Member], path: Path) -> dict[str, _Own]:
    artifacts: dict[str, _Own] = {}
    for member in found:
        key, _, name = member.name.partition("/")
        if not name or not _DIGEST.fullmatch(key):
            raise WorkflowError(f"{path}: {member.name!r} lies in no folder named by a key")
        artifacts.setdefault(key, {})[name] = member
    return artifacts


def _manifest(tar: BinaryIO, key: str, own: _Own, path: Path) -> dict[str, Any]:
    """The manifest of an artifact, if it says what is in the archive and gives this key."""
    member = own.pop(MANIFEST, None)
    if member is None or member.size > MAX_MANIFEST:
        raise WorkflowError(f"{path}: {key} has no manifest, or one over {MAX_MANIFEST} bytes")
    tar.seek(member.start)
    try:
        manifest = json.loads(tar.read(member.size))
        if _is_deep(manifest):
            raise ValueError(f"more than {MAX_DEPTH} lists in each other")
        canonical_json(manifest).encode()
    except (ValueError, RecursionError, WorkflowError) as error:
        raise WorkflowError(f"{path}: the manifest of {key} is not JSON ({error})") from error
    if fault := _fault_of_manifest(manifest, key, own):
        raise WorkflowError(f"{path}: the manifest of {key} {fault}")
    return dict(manifest)


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        nested = [each for each in level if isinstance(each, dict | list)]
        level = [i for each in nested for i in (each.values() if isinstance(each, dict) else each)]
    return bool(level)


def _fault_of_manifest(manifest: Any, key: str, own: _Own) -> str:
    if not isinstance(manifest, dict) or set(manifest) != _FIELDS or manifest["key"] != key:
        return "is not that of this artifact"
    step, provenance = manifest["step"], manifest["provenance"]
    if not (isinstance(step, str) and isinstance(provenance, dict)):
        return "has no step or no provenance"
    inputs, files, measured = manifest["inputs"], manifest["files"], manifest["measured"]
    texts = list(inputs.values()) if isinstance(inputs, dict) else inputs
    if not _are_texts(texts) or not _are_texts(measured) or not isinstance(files, dict):
        return "does not list inputs and files"
    if Store.key(Store(""), **{name: manifest[name] for name in RECIPE}) != key:
        return "does not give this key: its recipe was changed"
    wrong = sorted(set(files) ^ set(own)) or [name for name in files if name in UNSEALED]
    if wrong:
        return f"and the archive do not agree on {wrong[0]!r}"
    if not all(isinstance(each, str) and _DIGEST.fullmatch(each) for each in files.values()):
        return "has digests that are none"
    if not set(measured) <= set(files) or content_of(files, measured) != manifest["content"]:
        return "does not give its content: it was changed"
    return ""


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _take_in(
    store: Store, tar: BinaryIO, own: _Own, manifest: Mapping[str, Any], path: Path
) -> None:
    """Make an artifact from its members, unless it is there."""
    key, recipe = manifest["key"], {name: manifest[name] for name in RECIPE}
    there = store.get(key)
    if there is not None:
        if there.content != manifest["content"]:
            store.flag(key, kept=there.manifest, other=manifest)
        return
    about = {
        "provenance": manifest["provenance"],
        "measured": [glob.escape(name) for name in manifest["measured"]],
    }
    with store.writing(key, **recipe, **about) as folder:
        for name in own:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                _copy(tar, own, name, manifest, path, file)
    if there := store.get(key):
        write_times(there.path, None)


def _copy(
    tar: BinaryIO,
    own: _Own,
    name: str,
    manifest: Mapping[str, Any],
    path: Path,
    into: BinaryIO | None = None,
) -> None:
    """Read a member, and write it where wanted; its bytes must be those of the manifest."""
    tar.seek(own[name].start)
    if copied(tar, own[name].size, into) != manifest["files"][name]:
        raise WorkflowError(f"{path}: {name!r} of {manifest['key'][:12]} has changed")
