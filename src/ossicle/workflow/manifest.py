"""A typed function as a step: its signature is its manifest, its module its version.

A parameter annotated ``Path`` is an *input*: a file or folder that counts by its content, or what
another step made. ``out``, ``progress`` and ``n_jobs`` are supplied by whoever runs the step and
are no part of what it makes. Everything else is a plain value.
"""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar, overload

from ossicle.errors import WorkflowError, nearest
from ossicle.workflow.code import forget_sources, library_versions, source_digest
from ossicle.workflow.hints import described, fits, may_be_mapping, parts_of
from ossicle.workflow.parameters import SUPPLIED, Digest, Parameter, hints_of, parameters_of

__all__ = ["STEPS", "Digest", "Needs", "Parameter", "Step", "every_step", "find_step", "step"]

P = ParamSpec("P")
R = TypeVar("R")

STEPS: dict[str, "Step[..., Any]"] = {}
"""Every step of the modules that are loaded, by name."""

ENTRY_POINTS = "ossicle.steps"


@dataclass(frozen=True, slots=True)
class Needs:
    """What a step needs of the machine it runs on.

    Parameters
    ----------
    cpu : int
        Processes it makes use of; fewer may be granted, as ``n_jobs``.
    memory_bytes : int
        Refused where there is less; 0: not stated.
    labels : mapping
        Labels of the machine, ``{"house": 7}``.
    """

    cpu: int = 1
    memory_bytes: int = 0
    labels: Mapping[str, Any] = field(default_factory=dict)


class Step(Generic[P, R]):
    """A function with all that a pipeline must know of it; called, it is that function.

    Made by `step`.
    """

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str,
        version: str,
        libraries: Sequence[str],
        entries: Sequence[str],
        outputs: Mapping[str, str],
        measured: Sequence[str],
        resumable: bool,
        needs: Needs,
    ) -> None:
        functools.update_wrapper(self, function)
        self.function, self.name, self.needs = function, name, needs
        self.libraries, self.entries, self._version = tuple(libraries), tuple(entries), version
        self.outputs, self.resumable = outputs, resumable
        self.measured = tuple(outputs.get(each, each) for each in measured)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """What the function gives: nothing is kept, nothing looked up."""
        return self.function(*args, **kwargs)

    def __reduce__(self) -> str:
        return self.function.__qualname__

    def __repr__(self) -> str:
        return f"<step {self.name}>"

    @functools.cached_property
    def parameters(self) -> dict[str, Parameter]:
        """Every parameter but those that are supplied."""
        return parameters_of(self.function)

    @functools.cached_property
    def supplied(self) -> frozenset[str]:
        """Which of ``out``, ``progress`` and ``n_jobs`` it takes."""
        return frozenset(SUPPLIED).intersection(inspect.signature(self.function).parameters)

    @functools.cached_property
    def takes_any(self) -> bool:
        """Whether it takes parameters that its signature does not name."""
        kinds = {each.kind for each in inspect.signature(self.function).parameters.values()}
        return inspect.Parameter.VAR_KEYWORD in kinds

    @functools.cached_property
    def kind(self) -> str:
        """How its result is kept; empty: as JSON, or as npy if it is an array."""
        words = parts_of(hints_of(self.function).get("return", Any)).words
        return words[0] if words else ""

    @functools.cached_property
    def returns_mapping(self) -> bool:
        """Whether keys of its result can be asked for: it returns a mapping, or does not say."""
        return may_be_mapping(hints_of(self.function).get("return", Any))

    @property
    def version(self) -> dict[str, Any]:
        """All that decides its results but its parameters and inputs: code and libraries."""
        return {
            "version": self._version,
            "code": source_digest(self.function.__module__, entries=self.entries),
            "libraries": library_versions(self.libraries),
        }

    def manifest(self) -> dict[str, Any]:
        """What the step is, takes, gives and needs, as JSON.

        >>> @step(name="doubled")
        ... def double(n: int = 1) -> int:
        ...     '''Twice a number.'''
        ...     return 2 * n
        >>> double.manifest()["parameters"], double(4)
        ({'n': {'type': 'int', 'required': False, 'default': 1}}, 8)
        """
        inputs = {name: each for name, each in self.parameters.items() if each.is_input}
        values = {name: each for name, each in self.parameters.items() if not each.is_input}
        needs = {"cpu": self.needs.cpu, "memory_bytes": self.needs.memory_bytes}
        return {
            "name": self.name,
            "version": self._version,
            "description": (inspect.getdoc(self.function) or "").partition("\n")[0],
            "inputs": {name: each.to_dict() for name, each in inputs.items()},
            "parameters": {name: each.to_dict() for name, each in values.items()},
            "outputs": dict(self.outputs),
            "result": self.kind or "json",
            "libraries": list(self.libraries),
            "needs": {**needs, "labels": dict(self.needs.labels)},
        }

    def check(self, arguments: Mapping[str, Any], *, given: Callable[[Any], bool]) -> None:
        """Hold arguments to the signature.

        Parameters
        ----------
        arguments : mapping of name to value
        given : callable
            Whether a value is known only when another step is done.

        Raises
        ------
        WorkflowError
            If one is unknown, missing or of another type.
        """
        if parts_of(hints_of(self.function).get("return", Any)).takes_path:
            raise WorkflowError(
                f"step {self.name} returns a path, which is not kept; let it write into a "
                'parameter out: Path, and name the file in outputs={"table": "table.csv"}'
            )
        for name, value in arguments.items():
            if name not in self.parameters:
                self._refuse_unknown(name)
                continue
            parameter = self.parameters[name]
            if not given(value) and not fits(value, parameter.hint, as_input=parameter.is_input):
                raise WorkflowError(
                    f"step {self.name}: {name} is {value!r}; allowed is {described(parameter.hint)}"
                )
        for name, parameter in self.parameters.items():
            if parameter.required and name not in arguments:
                why = f" ({parameter.help})" if parameter.help else ""
                raise WorkflowError(f"step {self.name} lacks {name}{why}; give it a value")

    def check_output(self, name: str) -> None:
        """Refuse the name of an output that the step cannot make.

        Parameters
        ----------
        name : str
            One of its outputs, or a key of what it returns; empty: all of it.

        Raises
        ------
        WorkflowError
            If it names no such output and returns no mapping.
        """
        if name and name not in self.outputs and not self.returns_mapping:
            all_of_it = "it names no outputs and returns no mapping: give all of it"
            hint = nearest(name, self.outputs) if self.outputs else all_of_it
            raise WorkflowError(f"step {self.name} makes no {name!r}; {hint}")

    def _refuse_unknown(self, name: str) -> None:
        if name in SUPPLIED:
            raise WorkflowError(f"step {self.name}: {name} is supplied when it runs; leave it out")
        if not self.takes_any:
            raise WorkflowError(
                f"step {self.name} has no parameter {name!r}; {nearest(name, self.parameters)}"
            )


@overload
def step(function: Callable[P, R], /) -> Step[P, R]: ...
@overload
def step(
    *,
    name: str | None = None,
    version: str = "1",
    libraries: Sequence[str] = (),
    entries: Sequence[str] = (),
    outputs: Mapping[str, str] | None = None,
    measured: Sequence[str] = (),
    resumable: bool = False,
    cpu: int = 1,
    memory_bytes: int = 0,
    labels: Mapping[str, Any] | None = None,
) -> Callable[[Callable[P, R]], Step[P, R]]: ...
def step(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    version: str = "1",
    libraries: Sequence[str] = (),
    entries: Sequence[str] = (),
    outputs: Mapping[str, str] | None = None,
    measured: Sequence[str] = (),
    resumable: bool = False,
    cpu: int = 1,
    memory_bytes: int = 0,
    labels: Mapping[str, Any] | None = None,
) -> Any:
    """Make a typed function a step, and register it under its name.

    A change of its module, or of what that imports, makes its results anew; so does another
    version of a library it declares.

    Parameters
    ----------
    name : str, optional
        Of the function by default.
    version : str
        To be raised where neither code nor libraries tell that results are different.
    libraries : sequence of str
        Those that decide its results, as they are called in the package index.
    entries : sequence of str
        Modules it reaches by name only, which no import tells.
    outputs : mapping of name to file
        What of the folder ``out`` is kept, by the name that other steps use; all by default.
    measured : sequence of str
        Outputs that hold times and such: kept, but no part of what the step made.
    resumable : bool
        Whether it goes on with an ``out`` that a killed run of it left.
    cpu, memory_bytes, labels
        See `Needs`.

    Returns
    -------
    Step

    Raises
    ------
    WorkflowError
        If another step has this name.

    >>> @step
    ... def count(words: list[str], least: int = 1) -> dict[str, int]:
    ...     '''How often each word occurs.'''
    ...     return {word: n for word in sorted(set(words)) if (n := words.count(word)) >= least}
    >>> count(["a", "b", "a"], least=2)
    {'a': 2}
    """

    def home(function: Callable[..., Any]) -> tuple[str, str]:
        return function.__module__, function.__qualname__

    def registered(function: Callable[..., Any]) -> Step[..., Any]:
        _check_outputs(name or function.__name__, outputs)
        made = Step(
            function,
            name=name or function.__name__,
            version=version,
            libraries=libraries,
            entries=entries,
            outputs=outputs or {},
            measured=measured,
            resumable=resumable,
            needs=Needs(cpu, memory_bytes, labels or {}),
        )
        other = STEPS.get(made.name)
        if other is not None and home(other.function) != home(function):
            raise WorkflowError(
                f"two steps are called {made.name!r}, one in {other.__module__}, one in "
                f"{function.__module__}; give one another name"
            )
        if other is not None:  # its module was loaded again
            forget_sources()
        STEPS[made.name] = made
        return made

    return registered if function is None else registered(function)


def _check_outputs(step: str, outputs: Any) -> None:
    files = outputs or {}
    whole = isinstance(files, Mapping) and all(
        name and isinstance(file, str) and file and not Path(file).is_absolute()
        for name, file in files.items()
    )
    if not whole or any(".." in Path(file).parts for file in files.values()):
        raise WorkflowError(
            f"step {step}: outputs is {outputs!r}; files below out by name are allowed, as "
            '{"table": "table.csv"}'
        )


def find_step(name: str) -> Step[..., Any]:
    """The step of a name, among those that are loaded and those that other packages bring.

    Raises
    ------
    WorkflowError
        If there is none.
    """
    if name not in STEPS:
        _load_others()
    if name not in STEPS:
        hint = nearest(name, STEPS) if STEPS else "none is loaded: import the module that has it"
        raise WorkflowError(f"no step {name!r}; {hint}")
    return STEPS[name]


def every_step() -> tuple[Step[..., Any], ...]:
    """Every step there is, by name."""
    _load_others()
    return tuple(STEPS[name] for name in sorted(STEPS))


@functools.cache
def _load_others() -> None:
    from importlib.metadata import entry_points

    for entry in entry_points(group=ENTRY_POINTS):
        try:
            entry.load()
        except Exception as error:
            raise WorkflowError(
                f"the steps of {entry.value} cannot be loaded: {type(error).__name__}: {error}"
            ) from error
