"""What a step is given: plain values, files, and what other steps made."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ossicle.errors import WorkflowError, nearest
from ossicle.workflow.files import canonical_json, path_digest
from ossicle.workflow.hints import as_typed
from ossicle.workflow.kinds import read_result, result_file
from ossicle.workflow.manifest import Parameter, Step
from ossicle.workflow.store import Artifact

__all__ = ["Output", "Resolved", "outputs_in", "resolve", "valued"]


@dataclass(frozen=True, slots=True)
class Output:
    """What a node of a pipeline makes, to be given to another one.

    Parameters
    ----------
    node : str
    name : str
        One of the outputs that its step names, or a key of the mapping that it returns; empty:
        all of it.

    >>> Output("search")["classifier"]
    Output(node='search', name='classifier')
    """

    node: str
    name: str = ""

    def __getitem__(self, name: str) -> "Output":
        """One of its named outputs."""
        return Output(self.node, name)

    def __str__(self) -> str:
        return f"${{{self.node}{'.' * bool(self.name)}{self.name}}}"


def outputs_in(value: Any) -> Iterator[Output]:
    """Every output within a value."""
    if isinstance(value, Output):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from outputs_in(each)
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for each in value:
            yield from outputs_in(each)


@dataclass(frozen=True, slots=True)
class Resolved:
    """Arguments of a call, and the part of them that its key is made of."""

    arguments: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    """Key of the artifact that each input came from, if it came from one."""


@dataclass(frozen=True, slots=True)
class _Made:
    """What the nodes before made, with the steps that made it; what is taken is noted."""

    artifacts: Mapping[str, Artifact]
    steps: Mapping[str, Step[..., Any]]
    taken: Resolved

    def note(self, place: str, digest: str, artifact: Artifact | None = None) -> None:
        """Remember an input, and where it came from."""
        self.taken.inputs[place] = digest
        if artifact is not None:
            self.taken.origins[place] = artifact.key


def resolve(
    step: Step[..., Any],
    given: Mapping[str, Any],
    *,
    artifacts: Mapping[str, Artifact],
    steps: Mapping[str, Step[..., Any]],
) -> Resolved:
    """Put what was made in the place of outputs, and digests beside what counts by content.

    Parameters
    ----------
    step : Step
    given : mapping of parameter to value
    artifacts, steps : mapping of node to what it made and by which step

    Raises
    ------
    WorkflowError
        If a file is missing, or an output is.
    """
    resolved = Resolved()
    made = _Made(artifacts, steps, resolved)
    for name, parameter in step.parameters.items():
        if name not in given and not parameter.required and not parameter.is_input:
            _note_default(resolved, name, parameter.default)
    for name, value in given.items():
        known = step.parameters.get(name)
        if known is not None and known.is_input and value is not None:
            form = _input(value, name, known, made)
        else:
            typed = as_typed(value, known.hint) if known is not None else value
            form, resolved.parameters[name] = _value(typed, name, made)
        resolved.arguments[name] = form
    return resolved


def _note_default(resolved: Resolved, name: str, default: Any) -> None:
    """A default counts as if it were given; the code tells of one that JSON has no word for."""
    try:
        canonical_json(default)
    except WorkflowError:
        return
    resolved.parameters[name] = default


def _input(value: Any, place: str, parameter: Parameter, made: _Made) -> dict[str, Any]:
    if isinstance(value, list | tuple):
        return {"list": [_input(v, f"{place}.{i}", parameter, made) for i, v in enumerate(value)]}
    if isinstance(value, Output):
        path, digest = _path(value, made)
        made.note(place, digest, made.artifacts[value.node])
    else:
        path = Path(value).resolve()
        made.note(place, (parameter.digest or path_digest)(path))
    return {"path": str(path)}


def _path(output: Output, made: _Made) -> tuple[Path, str]:
    """Where an output lies, and its digest."""
    artifact, step = made.artifacts[output.node], made.steps[output.node]
    if output.name:
        name = step.outputs.get(output.name, "")
        if not name:
            raise WorkflowError(
                f"{output} is no file that step {step.name} makes; "
                f"{nearest(output.name, step.outputs) if step.outputs else 'it names none'}"
            )
        path = artifact.path / name
        if not path.exists():
            raise WorkflowError(f"step {step.name} made no {name} this time, which {output} names")
        return path, artifact.digest_of(name)
    if "out" in step.supplied:
        return artifact.path, artifact.content
    return _result(artifact, output)


def _result(artifact: Artifact, output: Output) -> tuple[Path, str]:
    path = result_file(artifact.path)
    if path is None:
        raise WorkflowError(f"{output.node} returned nothing, which {output} would give")
    return path, artifact.digest_of(path.name)


def _value(value: Any, place: str, made: _Made) -> tuple[Any, Any]:
    """A value as an argument, and as the key counts it."""
    if isinstance(value, Output) and value.name:
        plain = valued(value, made.artifacts)
        return {"value": plain}, plain
    if isinstance(value, Output):
        artifact = made.artifacts[value.node]
        made.note(place, _result(artifact, value)[1], artifact)
        return {"result": artifact.key}, {"input": place}
    if not any(True for _ in outputs_in(value)):
        return {"value": value}, value
    if isinstance(value, Mapping):
        pairs = {k: _value(v, f"{place}.{k}", made) for k, v in value.items()}
        forms = {k: form for k, (form, _) in pairs.items()}
        return {"table": forms}, {k: plain for k, (_, plain) in pairs.items()}
    each = [_value(v, f"{place}.{i}", made) for i, v in enumerate(value)]
    return {"list": [form for form, _ in each]}, [plain for _, plain in each]


def valued(value: Any, artifacts: Mapping[str, Artifact]) -> Any:
    """A plain value; of an output, what its node returned, or one key of that.

    Raises
    ------
    WorkflowError
        If it returned no mapping with this key.
    """
    if not isinstance(value, Output):
        return value
    result = read_result(artifacts[value.node].path)
    if not value.name:
        return result
    if not isinstance(result, Mapping) or value.name not in result:
        keys = result if isinstance(result, Mapping) else ()
        hint = nearest(value.name, map(str, keys)) if keys else "it returned no mapping"
        raise WorkflowError(f"{value}: {value.node} returned no {value.name!r}; {hint}")
    return result[value.name]
