"""Results kept in folders named by a digest of what made them.

    root/
      .unfinished/…            folders being filled; never looked at by readers
      3f9a…/                   one artifact, complete
        manifest.json          step, parameters, inputs, provenance, digest of every file
        times.json             when it was made and how long it took: not part of the result
        …                      the files of the result

A folder gets its name by one rename when everything in it has reached the disk.
"""

import contextlib
import re
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ossicle.errors import WorkflowError
from ossicle.workflow.files import (
    canonical_json,
    digest,
    file_digest,
    flush,
    flush_folder,
    read_json,
    readable_json,
)

__all__ = ["Artifact", "Store"]

MANIFEST = "manifest.json"
TIMES = "times.json"
ABANDONED_AFTER = 24 * 3600.0
"""Seconds after which an unfinished folder belongs to a killed process and is removed."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A finished result: ``path`` is its folder, ``manifest`` says what made it."""

    key: str
    path: Path
    manifest: Mapping[str, Any]


@dataclass(frozen=True)
class Store:
    """Artifacts under one folder, found by key; safe for several processes at once.

    Parameters
    ----------
    root : path
        Folder of the store; made when first written to.

    >>> import tempfile
    >>> store = Store(tempfile.mkdtemp())
    >>> key = store.key("count", version="1", parameters={"n": 3})
    >>> store.get(key) is None
    True
    >>> with store.writing(key, step="count", parameters={"n": 3}) as folder:
    ...     _ = (folder / "count.txt").write_text("3")
    >>> artifact = store.get(key)
    >>> store.verify(artifact)
    >>> (artifact.path / "count.txt").read_text(), artifact.manifest["parameters"]
    ('3', {'n': 3})
    """

    root: Path | str

    def key(self, step: str, *, version: str, parameters: Any, inputs: Sequence[str] = ()) -> str:
        """Name a result before it exists, from everything that decides it.

        Parameters
        ----------
        step : str
            What makes it.
        version : str
            Of the step's code, for example from `code_digest`.
        parameters : JSON value
        inputs : sequence of str
            Keys or digests of what the step reads, in the order it reads them.

        Returns
        -------
        str
            32 hexadecimal digits.
        """
        made_from = {"step": step, "version": version, "parameters": parameters}
        return digest(canonical_json({**made_from, "inputs": list(inputs)}))

    def get(self, key: str) -> Artifact | None:
        """The finished artifact of this key, or None.

        Raises
        ------
        WorkflowError
            If the key is not one, or the artifact's manifest is damaged.
        """
        path = self._place(key)
        if not (path / MANIFEST).is_file():
            return None
        manifest = read_json(path / MANIFEST)
        if not isinstance(manifest, dict) or manifest.get("key") != key:
            raise WorkflowError(
                f"{path / MANIFEST} is not the manifest of {key}; delete {path} to make it anew"
            )
        return Artifact(key, path, manifest)

    @contextlib.contextmanager
    def writing(
        self,
        key: str,
        *,
        step: str,
        parameters: Any,
        inputs: Sequence[str] = (),
        provenance: Mapping[str, Any] | None = None,
    ) -> Iterator[Path]:
        """Make an artifact: fill the folder this yields.

        When the block ends well the folder appears whole under its key; when it does not, nothing
        appears. If another process finishes the same key first, its result stays and this one
        is dropped: both were made from the same.

        Parameters
        ----------
        key : str
            From `key`.
        step, parameters, inputs
            As given to `key`; kept in the manifest.
        provenance : mapping, optional
            Whatever else a reader should know: licences, sources, command.

        Raises
        ------
        WorkflowError
            If the system refuses (disk full, no permission), naming the folder.
        """
        final = self._place(key)
        folder = Path(self.root) / ".unfinished" / uuid.uuid4().hex
        made_from = {"key": key, "step": step, "parameters": parameters, "inputs": list(inputs)}
        started = time.time()
        try:
            _remove_abandoned(folder.parent)
            folder.mkdir(parents=True)
            yield folder
            _seal(folder, {**made_from, "provenance": dict(provenance or {})}, started)
            _publish(folder, final)
        except OSError as error:
            raise WorkflowError(f"cannot write {final} (step {step}): {error}") from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def verify(self, artifact: Artifact) -> None:
        """Compare every file of an artifact with the digest taken when it was made.

        Raises
        ------
        WorkflowError
            If a file is missing, changed, or was added later, naming it.
        """
        expected = artifact.manifest["files"]
        present = {name for name in _files(artifact.path) if name not in (MANIFEST, TIMES)}
        for name in sorted(present | expected.keys()):
            if name not in expected:
                fault = "was added later"
            elif name not in present:
                fault = "is missing"
            elif file_digest(artifact.path / name) != expected[name]:
                fault = "has changed"
            else:
                continue
            raise WorkflowError(
                f"{artifact.path / name} {fault}; delete {artifact.path} to make it anew"
            )

    def _place(self, key: str) -> Path:
        if not re.fullmatch("[0-9a-f]{32}", key):
            raise WorkflowError(f"{key!r} is not a key: 32 hexadecimal digits, as from Store.key")
        return Path(self.root) / key


def _files(folder: Path) -> list[str]:
    """Names of all files in a folder, relative to it, in stable order."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    )


def _seal(folder: Path, manifest: dict[str, Any], started: float) -> None:
    """Add manifest and times, and wait until all of the folder is on the disk."""
    names = _files(folder)
    for name in names:
        if name in (MANIFEST, TIMES) or (folder / name).is_symlink():
            raise WorkflowError(f"an artifact cannot hold {name}: reserved name, or a link")
        flush(folder / name)
    files = {name: file_digest(folder / name) for name in names}
    finished = time.time()
    times = {
        "finished": datetime.fromtimestamp(finished, UTC).isoformat(timespec="seconds"),
        "seconds": round(finished - started, 3),
    }
    for name, value in ((MANIFEST, {**manifest, "files": files}), (TIMES, times)):
        (folder / name).write_text(readable_json(value), encoding="utf-8")
        flush(folder / name)
    for path in (*(path for path in folder.rglob("*") if path.is_dir()), folder):
        flush_folder(path)


def _publish(folder: Path, final: Path) -> None:
    """Give a sealed folder its name, unless another process was first."""
    try:
        folder.rename(final)
    except OSError:
        if not (final / MANIFEST).is_file():
            raise
    flush_folder(final.parent)


def _remove_abandoned(unfinished: Path) -> None:
    """Remove what killed processes left behind long ago."""
    if not unfinished.is_dir():
        return
    for folder in unfinished.iterdir():
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > ABANDONED_AFTER:
                shutil.rmtree(folder, ignore_errors=True)
