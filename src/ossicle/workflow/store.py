"""Results kept in folders named by a digest of what made them.

    root/
      .unfinished/…            folders being filled; never looked at by readers
      .pins/… .flags/…         names of artifacts; recipes that gave different bytes
      3f9a…/                   one artifact, complete
        manifest.json          step, version, parameters, inputs, provenance, digest of every file
        times.json             when it was made, how long that took; its own time: the last use
        log.txt                what was said while it was made, if anything was
        …                      the files of the result

A folder gets its name by one rename when its files have reached the disk: whoever is killed, and
whenever the power is cut, what has a name holds the right bytes. Times and log are no part of a
result and are not waited for. Manifest and name are waited for when the result took more than a
second to make. What took less may be lost with the power: its manifest is then empty or cut off,
an artifact with such a manifest is not there, and is made again.
"""

import contextlib
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ossicle.errors import WorkflowError, nearest
from ossicle.workflow import claims, keeping, sealing
from ossicle.workflow.artifact import Artifact, Inputs, key_of, read_artifact, recipe_of
from ossicle.workflow.sealing import TIMES

__all__ = ["Artifact", "Inputs", "Store"]

RECIPE = ("step", "version", "parameters", "inputs")
"""What decides a result, and with it its key."""

_KEY = re.compile("[0-9a-f]{32}")
_START = re.compile("[0-9a-f]{4,32}")


@dataclass(frozen=True)
class Store:
    """Artifacts under one folder, found by key; safe for several processes at once.

    Parameters
    ----------
    root : path
        Folder of the store; made when first written to.

    >>> import tempfile
    >>> store = Store(tempfile.mkdtemp())
    >>> recipe = {"step": "count", "version": "1", "parameters": {"n": 3}}
    >>> key = store.key(**recipe)
    >>> store.get(key) is None
    True
    >>> with store.writing(key, **recipe) as folder:
    ...     _ = (folder / "count.txt").write_text("3")
    >>> artifact = store.get(key)
    >>> store.verify(artifact)
    >>> (artifact.path / "count.txt").read_text(), artifact.manifest["parameters"]
    ('3', {'n': 3})
    """

    root: Path | str

    def key(
        self, step: str, *, version: str | Mapping[str, Any], parameters: Any, inputs: Inputs = ()
    ) -> str:
        """Name a result before it exists, from everything that decides it.

        Parameters
        ----------
        step : str
            What makes it.
        version : str or mapping
            Of the step's code, for example `source_digest` and `library_versions`.
        parameters : JSON value
        inputs : sequence of str, or mapping of name to str
            Keys or digests of what the step reads, in the order it reads them or by name.

        Returns
        -------
        str
            32 hexadecimal digits.
        """
        return key_of(recipe_of(step, version, parameters, inputs))

    def get(self, key: str) -> Artifact | None:
        """The finished artifact of this key, or None.

        Raises
        ------
        WorkflowError
            If the key is not one, or the artifact's manifest is that of another.
        """
        return read_artifact(self._place(key), key)

    def list(self) -> Sequence[Artifact]:
        """Every artifact, the last used first; those with a damaged manifest are passed over."""
        found = []
        for path in Path(self.root).glob("[0-9a-f]*"):
            with contextlib.suppress(WorkflowError):
                if _KEY.fullmatch(path.name) and (artifact := self.get(path.name)) is not None:
                    found.append(artifact)
        return sorted(found, key=lambda each: (-each.used, each.key))

    def find(self, word: str) -> Artifact:
        """The artifact of a pin's name, or of a key that starts so: four digits or more.

        Raises
        ------
        WorkflowError
            If there is none, or several.
        """
        pins = self.pins()
        keys = [pins[word]] if word in pins else []
        if not keys and _START.fullmatch(word):
            keys = sorted(path.name for path in Path(self.root).glob(f"{word}*"))
        found = [a for key in keys if _KEY.fullmatch(key) and (a := self.get(key)) is not None]
        if len(found) == 1:
            return found[0]
        if found:
            several = ", ".join(each.key[: len(word) + 4] for each in found[:5])
            raise WorkflowError(f"{word!r} is the start of several keys: {several}; say more of it")
        known = nearest(word, pins) if pins else "nothing is pinned"
        raise WorkflowError(
            f"{self.root} has no artifact {word!r}: a pin's name, or the first digits of a key, "
            f"four or more; {known}"
        )

    def touch(self, key: str) -> None:
        """Remember that an artifact was used now, where the store may be written to."""
        with contextlib.suppress(OSError):
            os.utime(self._place(key) / TIMES)

    @contextlib.contextmanager
    def claim(self, key: str, *, on_wait: Callable[[], object] | None = None) -> Iterator[None]:
        """Wait while another process or thread makes the same key, then have it to oneself.

        Look with `get` again inside: the other may have made it. A claim ends with its process,
        however that ends.

        Parameters
        ----------
        key : str
        on_wait : callable, optional
            Called once if another has it.

        Raises
        ------
        WorkflowError
            If the store cannot be written to.
        """
        path = self._unfinished / f"{self._place(key).name}.claim"
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(claims.claim(path, on_wait=on_wait))
            except OSError as error:
                raise WorkflowError(f"cannot write {path}: {error.strerror}") from error
            yield

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep everything where it is: `gc` is refused meanwhile."""
        if (inner := Path(self.root) / "store").is_dir():
            raise WorkflowError(f"{self.root} is no store but holds one; name {inner}")
        with contextlib.suppress(OSError):
            self._unfinished.mkdir(parents=True, exist_ok=True)
        with claims.hold(self._unfinished, wait=True):
            yield

    @contextlib.contextmanager
    def writing(
        self,
        key: str,
        *,
        step: str,
        version: str | Mapping[str, Any] = "",
        parameters: Any,
        inputs: Inputs = (),
        provenance: Mapping[str, Any] | None = None,
        measured: Sequence[str] = (),
        keep: Sequence[str] | None = None,
        resume: bool = False,
    ) -> Iterator[Path]:
        """Make an artifact: fill the folder this yields.

        When the block ends well the folder appears whole under its key; when it does not, nothing
        appears. If another process finishes the same key first, its result stays and this one
        is dropped: both were made from the same. If they differ, the key is flagged.

        Parameters
        ----------
        key : str
            From `key`.
        step, version, parameters, inputs
            As given to `key`; kept in the manifest.
        provenance : mapping, optional
            Whatever else a reader should know: licences, sources, command.
        measured : sequence of str
            Glob patterns of files that hold measured figures, never the same twice: they are
            verified, and no part of the `content`.
        keep : sequence of str, optional
            Glob patterns of what is kept; the rest of the folder was scratch. All by default.
        resume : bool
            The unfinished folder survives failure, and is handed to the next attempt at this key.
            The caller has its `claim`.

        Raises
        ------
        WorkflowError
            If the recipe is not that of the key, or the system refuses (disk full, no
            permission), naming the folder.
        """
        final, recipe = self._place(key), recipe_of(step, version, parameters, inputs)
        if key_of(recipe) != key:
            raise WorkflowError(f"{key} is not the key of this recipe of step {step}")
        ordered = {name: recipe[name] for name in RECIPE}
        about = {"key": key, **ordered, "provenance": dict(provenance or {})}
        folder = self._unfinished / key if resume else self._fresh()
        sealed = self._fresh() if resume else folder
        started, is_over = time.time(), not resume
        try:
            keeping.sweep(self._unfinished)
            folder.mkdir(parents=True, exist_ok=resume)
            with claims.claim(keeping.held(folder)):
                yield folder
                if resume:
                    sealing.choose(folder, sealed, keep)
                elif keep is not None:
                    sealing.discard(folder, keep)
                manifest = sealing.seal(sealed, about, measured=measured, started=started)
                self._publish(sealed, final, manifest)
                sealing.settle([final.parent], started=started)
            is_over = True
        except OSError as error:
            raise WorkflowError(f"cannot write {final} (step {step}): {error}") from error
        finally:
            for path in {sealed, folder} if is_over else {sealed}:
                shutil.rmtree(path, ignore_errors=True)

    def verify(self, artifact: Artifact, name: str = "") -> None:
        """Compare every file of an artifact with the digest taken when it was made.

        Parameters
        ----------
        artifact : Artifact
        name : str
            Only this file, or what lies in this folder.

        Raises
        ------
        WorkflowError
            If a file is missing, changed, or was added later, naming it.
        """
        for file, fault in sealing.faults(artifact.path, artifact.manifest["files"], name):
            raise WorkflowError(
                f"{artifact.path / file} {fault}; delete {artifact.path} to make it anew"
            )

    def remove(self, key: str) -> None:
        """Take an artifact away, at once and whole, and its flag.

        Raises
        ------
        WorkflowError
            If it is pinned, or the system refuses.
        """
        names = [name for name, pinned in self.pins().items() if pinned == key]
        if names:
            raise WorkflowError(f"{key[:12]} is pinned as {names[0]!r}; unpin it first")
        sealing.take_away(self._place(key), self._fresh())
        (self._flags / f"{key}.json").unlink(missing_ok=True)

    def pin(self, key: str, name: str) -> None:
        """Give an artifact a name, under which `find` has it and `gc` leaves it alone."""
        keeping.add_pin(self._pins, name, self.find(key).key)

    def unpin(self, name: str) -> None:
        """Take a name away; its artifact stays until `gc`."""
        keeping.remove_pin(self._pins, name)

    def pins(self) -> dict[str, str]:
        """Each pin's name and its key, by name."""
        return keeping.read_pins(self._pins)

    def flags(self) -> dict[str, dict[str, Any]]:
        """Keys whose recipe has given different bytes: which ``content`` is kept, which not."""
        return keeping.read_flags(self._flags)

    def flag(self, key: str, *, kept: Mapping[str, Any], other: Mapping[str, Any]) -> None:
        """Remember that the recipe of a key gave other bytes than those that are kept.

        Parameters
        ----------
        key : str
        kept, other : mapping
            The manifest of the artifact that is there, and that of the one that was dropped.
        """
        keeping.add_flag(self._flags, key, kept=kept, other=other)

    def gc(
        self, *, older: float | None = None, max_bytes: int | None = None, dry_run: bool = False
    ) -> Sequence[keeping.Kept]:
        """Remove what was not used for long, and what killed processes left; never pinned ones.

        Parameters
        ----------
        older : float, optional
            Days since the last use.
        max_bytes : int, optional
            Then the least recently used, until the store is no larger than this.
        dry_run : bool
            Only say what would go.

        Returns
        -------
        sequence of Kept
            What went: key, step, size.

        Raises
        ------
        WorkflowError
            If an execution is using the store.
        """
        with contextlib.ExitStack() as held:
            if not dry_run:
                held.enter_context(self._alone())
                keeping.sweep(self._unfinished)
            pinned = set(self.pins().values())
            kept = [
                keeping.Kept(a.key, a.used, a.n_bytes, a.manifest["step"], a.key in pinned)
                for a in self.list()
            ]
            going = keeping.superfluous(kept, now=time.time(), older=older, max_bytes=max_bytes)
            for each in () if dry_run else going:
                self.remove(each.key)
        return going

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(claims.hold(self._unfinished, alone=True))
            except WorkflowError:
                raise WorkflowError(
                    f"{self.root} is in use; wait until the executions there have ended"
                ) from None
            yield

    @property
    def _unfinished(self) -> Path:
        return Path(self.root) / ".unfinished"

    @property
    def _pins(self) -> Path:
        return Path(self.root) / ".pins"

    @property
    def _flags(self) -> Path:
        return Path(self.root) / ".flags"

    def _fresh(self) -> Path:
        """A name for a folder that nobody waits for."""
        return self._unfinished / f"{uuid.uuid4().hex}.new"

    def _place(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise WorkflowError(f"{key!r} is not a key: 32 hexadecimal digits, as from Store.key")
        return Path(self.root) / key

    def _publish(self, folder: Path, final: Path, manifest: Mapping[str, Any]) -> None:
        """Give a sealed folder its name, unless another was first."""
        try:
            folder.rename(final)
            return
        except OSError:
            if not final.is_dir():
                raise
        with claims.claim(self._unfinished / f"{final.name}.swap"):
            there = self.get(final.name)
            if there is None:
                sealing.take_away(final, self._fresh())
                folder.rename(final)
            elif there.content != manifest["content"]:
                self.flag(final.name, kept=there.manifest, other=manifest)
