"""A learnt network as an ONNX file that holds the computation and nothing of its making."""

import contextlib
import copy
import io
import itertools
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ossicle.errors import ModelError
from ossicle.inference import prepared_session
from ossicle.models.graph import INPUT
from ossicle.models.networks.architecture import answer

__all__ = ["write_network"]

OPSET = 18
OUTPUT = "output of task {}"
"""How outputs are called until nothing else can have their task's name."""

TOLERANCE = 1e-4
"""Of the largest answer; both ways of computing round each layer their own way."""
CHECKED_WINDOWS = (1, 3)
CHATTERING = ("torch.onnx", "onnxscript", "onnx_ir")

Affine = tuple[float, float]


def write_network(
    module: nn.Module,
    *,
    n_frames: int,
    n_bands: int,
    tasks: Sequence[str],
    affine: Mapping[str, Affine] | None = None,
) -> bytes:
    """Write a network as ONNX, and make sure that the file answers like the module.

    Batch normalisation is folded into the convolutions, dropout is gone. The same weights give
    the same bytes; traces of the source, names of the machine's folders and versions are left out.

    Parameters
    ----------
    module : torch.nn.Module
        Takes features, shape ``(n, n_frames, n_bands)``; returns a tuple of logits, one a task.
        It is not touched: what is written is a copy in evaluation mode.
    n_frames, n_bands : int
        Shape of a window's features.
    tasks : sequence of str
        Names of the outputs, in the order of the tuple.
    affine : mapping of task name to (mean, deviation), optional
        Outputs that were learnt standardised: the file gives ``mean + deviation * output``.

    Returns
    -------
    bytes
        An ONNX file with one input ``features``, whose first axis may have any length, and one
        output a task.

    Raises
    ------
    ModelError
        If the module cannot be written, the file is no safe network (`inspect_network`), or its
        answers differ from the module's by more than 1e-4 of the largest. Answers below 1 (of a
        standardised output: below its deviation) count as 1.

    >>> from ossicle.models.networks import architecture
    >>> network = architecture({"name": "dnn", "width": 4})
    >>> built = network.build(n_frames=3, n_bands=2, n_outputs=(2,))
    >>> data = write_network(built, n_frames=3, n_bands=2, tasks=["label"])
    >>> [value.name for value in prepared_session(data).get_outputs()]
    ['label']
    """
    _check_names(tasks, affine or {})
    written = _Written(module, [(affine or {}).get(task) for task in tasks]).eval()
    answer(written.module, torch.zeros(2, n_frames, n_bands), n_tasks=len(tasks))
    data = _cleaned(_exported(written, (n_frames, n_bands), len(tasks)), list(tasks))
    units = {task: deviation for task, (_, deviation) in (affine or {}).items()}
    _check_answers(
        data, written, (n_frames, n_bands), {task: units.get(task, 1.0) for task in tasks}
    )
    return data


class _Written(nn.Module):
    """A copy of the module on the processor, its standardised outputs as values again."""

    def __init__(self, module: nn.Module, affine: Sequence[Affine | None]) -> None:
        super().__init__()
        self.module = copy.deepcopy(module).cpu()
        self._affine = list(affine)

    def forward(self, features: Tensor) -> tuple[Tensor, ...]:
        outputs = self.module(features)
        return tuple(
            output if pair is None else output * pair[1] + pair[0]
            for output, pair in zip(outputs, self._affine, strict=True)
        )


def _exported(module: nn.Module, shape: tuple[int, int], n_outputs: int) -> Any:
    """The exporter's model, of which the first axis has any length."""
    with _quiet():
        try:
            program = torch.onnx.export(
                module,
                (torch.zeros(2, *shape),),
                dynamo=True,
                verbose=False,
                input_names=[INPUT],
                output_names=[OUTPUT.format(place) for place in range(n_outputs)],
                opset_version=OPSET,
                dynamic_shapes=({0: torch.export.Dim("n")},),
            )
        except Exception as error:  # the exporter's errors share no base of their own
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise ModelError(
                f"the network cannot be written as ONNX: {reason}; "
                "does its computation depend on the values or the number of windows?"
            ) from error
    if program is None:
        raise ModelError("the network cannot be written as ONNX: the exporter gave nothing")
    return program.model_proto


def _cleaned(model: Any, tasks: list[str]) -> bytes:
    """The computation alone, as bytes that depend on nothing else."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")
    for field in ("domain", "model_version", "producer_version"):
        model.ClearField(field)
    model.producer_name = "ossicle"
    graph.name = "network"
    graph.ClearField("value_info")
    _rename(graph, tasks)
    return bytes(model.SerializeToString(deterministic=True))


def _rename(graph: Any, tasks: list[str]) -> None:
    """Number all values, so that none bears the name of a task or of a variable in the source."""
    names = {"": "", INPUT: INPUT}
    names |= {OUTPUT.format(place): task for place, task in enumerate(tasks)}
    fresh = (name for k in itertools.count() if (name := f"value_{k}") not in tasks)
    for constant in graph.initializer:
        constant.name = names.setdefault(constant.name, next(fresh))
    for node in graph.node:
        node.ClearField("name")
        for values in (node.input, node.output):
            values[:] = [
                names[v] if v in names else names.setdefault(v, next(fresh)) for v in values
            ]
    for output, task in zip(graph.output, tasks, strict=True):
        output.name = task


def _check_answers(
    data: bytes, module: nn.Module, shape: tuple[int, int], units: Mapping[str, float]
) -> None:
    """Both ways to compute must agree, for one window and for several."""
    session = prepared_session(data)
    rng = np.random.default_rng(0)
    for n_windows in CHECKED_WINDOWS:
        features = rng.normal(size=(n_windows, *shape)).astype(np.float32)
        with torch.no_grad():
            wanted = [output.numpy() for output in module(torch.from_numpy(features))]
        try:
            answers = session.run(list(units), {INPUT: features})
        except Exception as error:  # the runtime's exceptions share no base of their own
            raise ModelError(
                f"the written network fails on {n_windows} windows: {error}"
            ) from error
        for (task, unit), got, want in zip(units.items(), answers, wanted, strict=True):
            _check_near(task, got, want, unit)


def _check_near(
    task: str, got: NDArray[np.float32], wanted: NDArray[np.float32], unit: float
) -> None:
    if not np.isfinite(wanted).all():
        raise ModelError(f"output {task!r} of the network is not finite; did its training diverge?")
    if got.shape != wanted.shape:
        raise ModelError(
            f"output {task!r} of the written network has shape {got.shape}; "
            f"the module gives {wanted.shape}"
        )
    error = float(np.abs(got - wanted).max() / max(unit, float(np.abs(wanted).max())))
    if not error <= TOLERANCE:
        raise ModelError(
            f"output {task!r} of the written network differs from the module's by {error:.2g}; "
            f"allowed is {TOLERANCE:g}; does the module draw random numbers?"
        )


def _check_names(tasks: Sequence[str], affine: Mapping[str, Affine]) -> None:
    if len(set(tasks)) != len(tasks) or INPUT in tasks or not all(tasks):
        raise ModelError(
            f"the tasks are {list(tasks)}; each needs a name of its own, other than {INPUT!r}"
        )
    for task in affine:
        if task not in tasks:
            raise ModelError(f"affine names {task!r}; allowed: {', '.join(tasks)}")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's remarks about its own parts away from the user."""
    loggers = [logging.getLogger(name) for name in CHATTERING]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
