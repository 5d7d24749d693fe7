"""What a workflow gives out: its outputs found among what its steps made, copied to a folder."""

import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ossicle.errors import WorkflowError, nearest
from ossicle.workflow.arguments import Output, valued
from ossicle.workflow.expressions import leaves
from ossicle.workflow.files import read_json, replacing, write_json
from ossicle.workflow.flow_keys import at
from ossicle.workflow.kinds import read_result, result_file
from ossicle.workflow.manifest import Step
from ossicle.workflow.nodes import Node
from ossicle.workflow.sealing import UNSEALED
from ossicle.workflow.store import Artifact

__all__ = ["check_out", "deliver", "found_outputs", "plain"]

LIST = "outputs.json"
"""File that says what was delivered to a folder: that, and nothing else, is replaced there."""


def found_outputs(
    outputs: Mapping[str, Any], nodes: Sequence[Node], artifacts: Mapping[str, Artifact | None]
) -> dict[str, Any]:
    """What each output is: a path in the store, or a plain value; None if its step was skipped.

    Parameters
    ----------
    outputs : mapping of str to value, Output, or list of Output
    nodes : sequence of Node
    artifacts : mapping of str to Artifact
        What each node made.
    """
    steps = {node.name: node.step for node in nodes}

    def found(said: Any) -> Any:
        if isinstance(said, list):
            return [found(each) for each in said]
        if not isinstance(said, Output):
            return said
        artifact, step = artifacts[said.node], steps[said.node]
        if artifact is None:
            return None
        if said.name in step.outputs:
            return artifact.path / step.outputs[said.name]
        if not said.name and "out" in step.supplied:
            return artifact.path
        return _key(said, artifact, step) if said.name else _result(artifact)

    return {name: _at(name, found, said) for name, said in outputs.items()}


def _at(name: str, found: Callable[[Any], Any], said: Any) -> Any:
    with at(f"outputs.{name}"):
        return found(said)


def _key(said: Output, artifact: Artifact, step: Step[..., Any]) -> Any:
    """One key of what a step returned; if there is none, its files may have been meant too."""
    result = read_result(artifact.path)
    keys = list(map(str, result)) if isinstance(result, Mapping) else []
    if said.name in keys or not (keys or step.outputs):
        return valued(said, {said.node: artifact})
    hint = nearest(said.name, {*step.outputs, *keys})
    raise WorkflowError(f"{said.node} made no {said.name!r}; {hint}")


def _result(artifact: Artifact) -> Any:
    """What a step returned; the file where that is not JSON."""
    path = result_file(artifact.path)
    return read_result(artifact.path) if path is None or path.suffix == ".json" else path


def check_out(out: Path, names: Iterable[str]) -> None:
    """Refuse a folder in which an output would take the place of something else.

    Raises
    ------
    WorkflowError
        If something is there that no execution has put there.
    """
    if out.exists() and not out.is_dir():
        raise WorkflowError(f"{out} is no folder; name another one for the outputs")
    wanted, ours = set(names), _put_before(out)
    for path in sorted(out.iterdir()) if out.is_dir() else ():
        if path.name not in ours and wanted.intersection((path.name, path.stem)):
            raise WorkflowError(f"{path} is there and no workflow made it; name another folder")


def _put_before(out: Path) -> list[str]:
    """Names in a folder that an execution has put there."""
    if not (out / LIST).exists():
        return []
    told = read_json(out / LIST)
    if not isinstance(told, dict) or not isinstance(told.get("files"), list):
        raise WorkflowError(f"{out / LIST} is no list of outputs; name another folder")
    return [*told["files"], LIST]


def deliver(found: Mapping[str, Any], said: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Copy files and folders among the outputs, each whole or not at all.

    Parameters
    ----------
    found : mapping of str to value
        From `found_outputs`.
    said : mapping of str to value
        What was asked for: of several instances, each is called after its node.
    out : Path
        Receives a file or folder an output, and ``outputs.json`` with all of them.

    Returns
    -------
    dict
        As ``found``, paths being those in ``out``.

    Raises
    ------
    WorkflowError
        If the system refuses.
    """
    put = {name: _put(value, said[name], out / name) for name, value in found.items()}
    made = [leaf for leaf in leaves(put) if isinstance(leaf, Path)]
    files = sorted({path.relative_to(out).parts[0] for path in made})
    write_json(out / LIST, {"files": files, "outputs": plain(put, out)})
    return put


def plain(value: Any, folder: Path | None = None) -> Any:
    """A value as JSON, paths in it as words: relative to a folder, if one is given.

    >>> plain({"model": Path("out/model.onnx"), "n": 3}, Path("out"))
    {'model': 'model.onnx', 'n': 3}
    """
    return _each_path(value, lambda path: str(path.relative_to(folder) if folder else path))


def _each_path(value: Any, change: Callable[[Path], Any]) -> Any:
    """A value with every path in it changed."""
    if isinstance(value, Mapping):
        return {name: _each_path(each, change) for name, each in value.items()}
    if isinstance(value, list):
        return [_each_path(each, change) for each in value]
    return change(value) if isinstance(value, Path) else value


def _put(value: Any, said: Any, place: Path) -> Any:
    """Copy what is a file or folder, and give its new path; several go into a folder."""
    if isinstance(value, list) and any(isinstance(leaf, Path) for leaf in leaves(value)):
        with _replacing_folder(place) as folder:
            put = [
                _put(each, one, folder / _called(one, number))
                for number, (each, one) in enumerate(zip(value, said, strict=True))
            ]
        return _each_path(put, lambda path: place / path.relative_to(folder))
    if not isinstance(value, Path):
        return value
    if value.is_dir():
        with _replacing_folder(place) as folder:
            shutil.copytree(value, folder, ignore=_reserved(value), dirs_exist_ok=True)
        return place
    target = place.with_name(place.name + value.suffix)
    with replacing(target) as temporary:
        shutil.copyfile(value, temporary)
    return target


def _called(said: Any, number: int) -> str:
    return quote(said.node, safe="[]=, ") if isinstance(said, Output) else str(number)


def _reserved(artifact: Path) -> Callable[[Any, list[str]], set[str]]:
    """What of an artifact's own folder is no part of the result."""
    return lambda folder, names: (
        set(UNSEALED).intersection(names) if Path(folder) == artifact else set()
    )


@contextmanager
def _replacing_folder(place: Path) -> Iterator[Path]:
    """Fill a folder that takes the place of another when it is whole."""
    temporary, old = (place.with_name(f".{uuid.uuid4().hex}") for _ in range(2))
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if place.exists():
            place.rename(old)
        temporary.rename(place)
    except OSError as error:
        raise WorkflowError(f"cannot write {place}: {error.strerror or error}") from error
    finally:
        for folder in (temporary, old):
            shutil.rmtree(folder, ignore_errors=True)
