"""One step with its arguments: what it is named by, and how it is done and kept.

A call is JSON: a step by its name, files by path and digest, what other steps made by key. So it
means the same in this process and in another one.
"""

import contextlib
import errno
import glob
import importlib
import importlib.util
import inspect
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ossicle.errors import WorkflowError
from ossicle.workflow.files import path_digest
from ossicle.workflow.kinds import RESULT, read_result, result_file, write_result
from ossicle.workflow.manifest import STEPS, Step, find_step
from ossicle.workflow.parameters import Parameter
from ossicle.workflow.sealing import LOG
from ossicle.workflow.store import Artifact, Store

__all__ = ["Call", "perform"]

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
BESIDE: set[str] = set()
"""Folders of files that steps were loaded from, in which modules are found first."""

Report = Callable[[str, Any], None]
"""Called with what happens, and more about it: ``waiting`` (for another that makes the same),
``kept`` (that has made it), ``begun``, ``progress``, ``differs`` (the same recipe gave other
bytes)."""


@dataclass(frozen=True, slots=True)
class Call:
    """A step about to be done.

    Parameters
    ----------
    step, module, file : str
        Its name; the module that registers it, and that module's file if it is of no package.
    key : str
        Of what it makes.
    recipe : mapping
        ``version, parameters, inputs``, which the key is made of.
    arguments : mapping
        By name: ``{"value": …}``, ``{"path": …}``, ``{"result": key}``, ``{"list": […]}`` or
        ``{"table": {…}}``.
    n_jobs : int
        Processes granted.
    again : bool
        Whether it is done although its result is there.
    log : str
        File that its prints go to, where it has a process of its own.
    provenance : mapping
    """

    step: str
    module: str
    file: str
    key: str
    recipe: Mapping[str, Any]
    arguments: Mapping[str, Any]
    n_jobs: int = 1
    again: bool = False
    log: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The call as JSON."""
        return asdict(self)


def perform(call: Call, store: Store, *, report: Report) -> Artifact:
    """Do a step and keep what it made, unless that is there already.

    Raises
    ------
    WorkflowError
        If its result cannot be kept, its code has changed since the call was made, or what an
        artifact gives it is no longer what was made.
    Exception
        Whatever the step raises.
    """
    step = _found(call)
    with store.claim(call.key, on_wait=lambda: report("waiting", None)):
        if not call.again and (kept := store.get(call.key)):
            report("kept", None)
            return kept
        report("begun", None)
        with _folder(call, store, step) as folder:
            values = {name: _decoded(each, store) for name, each in call.arguments.items()}
            result = _result(step, {**values, **_supplied(step, call, folder, report)})
            _check_unchanged(step, call, store, folder)
            _check_written(step, folder)
            write_result(folder, _relative(result, folder), step.kind)
            if call.log and Path(call.log).is_file():
                with contextlib.suppress(ValueError, AttributeError):  # the step has closed it
                    sys.stdout.flush()
                shutil.copyfile(call.log, folder / LOG)
    if call.again and call.key in store.flags():
        report("differs", None)
    made = store.get(call.key)
    if made is None:
        raise WorkflowError(f"what step {call.step} made has gone from {store.root}; run it again")
    return made


def _result(step: Step[..., Any], arguments: Mapping[str, Any]) -> Any:
    """What a step gives; what the system refused it is no fault of the store, but on a full disk.

    A process that the step has forked and that comes back from it ends here.
    """
    process = os.getpid()
    try:
        return step.function(**arguments)
    except SystemExit as error:
        raise WorkflowError(f"it ended with sys.exit({error.code!r})") from error
    except OSError as error:
        if error.errno in FULL:
            raise
        raise WorkflowError(f"{type(error).__name__}: {error}") from error
    finally:
        if os.getpid() != process:
            os._exit(1)


def _check_unchanged(step: Step[..., Any], call: Call, store: Store, folder: Path) -> None:
    """Keep nothing made of files, or by code, that are not what the key counts any more."""
    try:
        step.check_sources()
        for place, path, parameter in _files_given(step, call):
            inside = path.absolute().is_relative_to(Path(store.root).absolute())
            digest = parameter.digest or path_digest
            if not inside and digest(path) != call.recipe["inputs"][place]:
                raise WorkflowError(f"{place} changed while it was done; run it again")
    except WorkflowError:
        if step.resumable:  # nor what was begun with them
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _files_given(step: Step[..., Any], call: Call) -> Iterator[tuple[str, Path, Parameter]]:
    """Place, path and parameter of every file or folder among the arguments."""
    for name, argument in call.arguments.items():
        several = argument.get("list", ()) if step.takes_files(name) else ()
        for place, each in [
            (name, argument),
            *((f"{name}.{i}", form) for i, form in enumerate(several)),
        ]:
            if "path" in each:
                yield place, Path(each["path"]), step.parameters[name]


def _check_written(step: Step[..., Any], folder: Path) -> None:
    """Refuse a step that wrote nothing of what it says it makes."""
    files = step.outputs.values()
    if files and not any((folder / name).exists() for name in files):
        raise WorkflowError(f"it wrote none of its outputs into out: {', '.join(files)}")


def _folder(
    call: Call, store: Store, step: Step[..., Any]
) -> contextlib.AbstractContextManager[Path]:
    patterns = [glob.escape(name) for name in step.outputs.values()]
    return store.writing(
        call.key,
        step=call.step,
        **call.recipe,
        provenance=call.provenance,
        measured=step.measured,
        keep=[*patterns, f"{RESULT}.*"] if patterns else None,
        resume=step.resumable,
    )


def _supplied(step: Step[..., Any], call: Call, folder: Path, report: Report) -> dict[str, Any]:
    def progress(stage: str, done: int, total: int) -> None:
        report("progress", (str(stage), _number(done), _number(total)))

    every = {"out": folder, "progress": progress, "n_jobs": call.n_jobs}
    return {name: value for name, value in every.items() if name in step.supplied}


def _number(value: Any) -> Any:
    """One of numpy's as one of Python's."""
    return value.item() if hasattr(value, "item") else value


def _relative(value: Any, folder: Path) -> Any:
    """A result without the name of the folder it was made in, which will be another."""
    if hasattr(value, "to_dict"):
        value = value.to_dict()
    if isinstance(value, Mapping):
        return {key: _relative(each, folder) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_relative(each, folder) for each in value]
    if isinstance(value, Path | str) and str(value).startswith(str(folder)):
        return str(value)[len(str(folder)) :].lstrip("/") or "."
    return str(value) if isinstance(value, Path) else value


def _decoded(argument: Mapping[str, Any], store: Store) -> Any:
    (form, value), *_ = argument.items()
    if form == "path":
        return _sound(Path(value).absolute(), store)
    if form == "result":
        folder = Path(store.root) / value
        file = result_file(folder)
        return None if file is None else read_result(_sound(file, store).parent)
    if form == "list":
        return [_decoded(each, store) for each in value]
    if form == "table":
        return {name: _decoded(each, store) for name, each in value.items()}
    return value


def _sound(path: Path, store: Store) -> Path:
    """A path; within an artifact, one that holds what was once made."""
    root = Path(store.root).absolute()
    if path.absolute().is_relative_to(root):
        key, *rest = path.absolute().relative_to(root).parts
        artifact = store.get(key)
        if artifact is None:
            raise WorkflowError(f"{path} has gone, which is needed here; run it again")
        store.verify(artifact, "/".join(rest))
    return path


def _found(call: Call) -> Step[..., Any]:
    """The step of a call; its module is loaded if it is not, and must be what the key counts."""
    if call.step not in STEPS:
        load_module(call.module, call.file)
    step = find_step(call.step)
    if step.version != call.recipe["version"]:
        raise WorkflowError(
            f"the code of step {call.step} changed after the run began; run it again"
        )
    return step


def load_module(name: str, file: str = "") -> None:
    """Load the module that registers steps, by its name, or by its file if it is of no package.

    Raises
    ------
    WorkflowError
        If it cannot be loaded.
    """
    if name in sys.modules:
        return
    try:
        if not file:
            importlib.import_module(name)
            return
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            raise WorkflowError(f"{file} is no Python file; steps are read from *.py")
        BESIDE.add(str(Path(file).parent))
        sys.path.insert(0, str(Path(file).parent))
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    except WorkflowError:
        sys.modules.pop(name, None)
        raise
    except (Exception, SystemExit) as error:
        sys.modules.pop(name, None)
        where = file or name
        raise WorkflowError(
            f"steps cannot be loaded from {where}: {type(error).__name__}: {error}"
        ) from error


def home_of(step: Step[..., Any]) -> tuple[str, str]:
    """The module of a step, and its file if it is of no package."""
    module = step.function.__module__
    in_package = "." in module or hasattr(sys.modules.get(module), "__path__")
    file = "" if in_package else (inspect.getsourcefile(step.function) or "")
    return module, str(Path(file).resolve()) if file else ""
