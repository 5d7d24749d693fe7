"""What every network is before it has weights: settings that build a module of a given size.

An architecture is a frozen dataclass whose fields are its hyper-parameters. ``build`` gives a
`torch.nn.Module` that takes features, shape ``(n, n_frames, n_bands)``, and returns a tuple of
logits, one of shape ``(n, n_outputs[t])`` a task. Logits, never scores: the losses that take
them are stable, and the classifier applies the activation.
"""

import abc
import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ossicle.errors import ModelError
from ossicle.models.settings import Described

__all__ = ["Architecture", "Provided", "answer", "check_module", "n_parameters"]

SEEDS = 2**63
"""How many seeds torch's generator takes from 0."""


@dataclasses.dataclass(frozen=True)
class Architecture(Described, abc.ABC):
    """Base of the networks: building from a seed."""

    @abc.abstractmethod
    def module(self, *, n_frames: int, n_bands: int, n_outputs: Sequence[int]) -> nn.Module:
        """The network with first weights drawn from torch's own generator."""

    def build(
        self, *, n_frames: int, n_bands: int, n_outputs: Sequence[int], seed: int = 0
    ) -> nn.Module:
        """Make the network; the same seed gives the same weights to the bit.

        Parameters
        ----------
        n_frames, n_bands : int
            Shape of a window's features.
        n_outputs : sequence of int
            Logits of each task.
        seed : int
            For the first weights; the state of torch's own generator is left as it was.

        Returns
        -------
        torch.nn.Module
            In training mode, on the processor.

        Raises
        ------
        ModelError
            If a size is out of range, the input too small for the layers, or what was built
            does not answer as agreed (`check_module`).
        """
        _check_sizes(n_frames=n_frames, n_bands=n_bands, n_outputs=n_outputs)
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < SEEDS:
            raise ModelError(f"seed is {seed!r}; it must be a whole number from 0 to below 2**63")
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            built = self._made(n_frames=n_frames, n_bands=n_bands, n_outputs=tuple(n_outputs))
        check_module(built, n_frames=n_frames, n_bands=n_bands, n_outputs=n_outputs)
        return built.train()

    def _made(self, **sizes: Any) -> nn.Module:
        try:
            return self.module(**sizes)
        except (MemoryError, RuntimeError, TypeError) as error:  # torch says it in several ways
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            reason = reason.rpartition("DefaultCPUAllocator: ")[2]
            raise ModelError(
                f"the network {json.dumps(self.describe(), default=repr)} cannot be made for "
                f"{sizes}: {reason}; is it too large for the memory there is?"
            ) from error


@dataclasses.dataclass(frozen=True)
class Provided(Architecture):
    """A network that someone else makes: any function that returns a fitting module.

    Parameters
    ----------
    called : str
        The name it is known by.
    factory : callable
        Called with ``n_frames``, ``n_bands``, ``n_outputs`` and the parameters by name.
    parameters : mapping
        Hyper-parameters of its own.
    """

    name: ClassVar[str] = "provided"
    called: str
    factory: Callable[..., nn.Module]
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def module(self, *, n_frames: int, n_bands: int, n_outputs: Sequence[int]) -> nn.Module:
        """What the function returns."""
        sizes = {"n_frames": n_frames, "n_bands": n_bands, "n_outputs": tuple(n_outputs)}
        try:
            return self.factory(**sizes, **self.parameters)
        except TypeError as error:
            raise ModelError(
                f"the network {self.called!r} cannot be made: {error}; it is called with "
                f"{', '.join([*sizes, *self.parameters])}"
            ) from error

    def describe(self) -> dict[str, Any]:
        """Name and hyper-parameters as JSON."""
        return {"name": self.called, **self.parameters}


def check_module(module: object, *, n_frames: int, n_bands: int, n_outputs: Sequence[int]) -> None:
    """Refuse a module that does not answer as agreed; its state is left as it was.

    Parameters
    ----------
    module : torch.nn.Module
    n_frames, n_bands : int
        Shape of a window's features.
    n_outputs : sequence of int
        Logits of each task.

    Raises
    ------
    ModelError
        If it is no module, fails on two windows of zeros, or does not return a tuple with
        one finite float32 tensor of shape ``(2, n_outputs[t])`` a task.

    >>> check_module(nn.Flatten(), n_frames=3, n_bands=2, n_outputs=(6,))
    Traceback (most recent call last):
        ...
    ossicle.errors.ModelError: the network returns a Tensor; wanted is a tuple with one ...
    """
    if not isinstance(module, nn.Module):
        raise ModelError(f"the network is {module!r}; wanted is a torch.nn.Module")
    outputs = answer(module, torch.zeros(2, n_frames, n_bands), n_tasks=len(n_outputs))
    for position, (logits, n) in enumerate(zip(outputs, n_outputs, strict=True)):
        _check_logits(logits, position=position, shape=(2, n))


def answer(module: nn.Module, features: Tensor, *, n_tasks: int) -> tuple[object, ...]:
    """What a module gives in evaluation mode, which changes no running statistics.

    Raises
    ------
    ModelError
        If it fails, or returns anything but a tuple with one thing a task.
    """
    outputs = _evaluated(module, features)
    if not isinstance(outputs, tuple) or len(outputs) != n_tasks:
        got = f"{len(outputs)} outputs" if isinstance(outputs, tuple) else _kind(outputs)
        raise ModelError(
            f"the network returns {got}; wanted is a tuple with one tensor of logits a task, "
            f"{n_tasks} in all"
        )
    return outputs


def n_parameters(module: nn.Module, *, statistics: bool = False) -> int:
    """Numbers of a network.

    Parameters
    ----------
    module : torch.nn.Module
    statistics : bool
        Whether batch normalisation's running mean, variance and count are counted too, as
        Caffe's files hold them (count: one number a layer).

    >>> layers = nn.Sequential(nn.Conv2d(1, 100, (10, 4)), nn.BatchNorm2d(100))
    >>> n_parameters(layers), n_parameters(layers, statistics=True)
    (4300, 4501)
    """
    tensors: list[Tensor] = list(module.parameters())
    tensors += list(module.buffers()) if statistics else []
    return sum(tensor.numel() for tensor in tensors)


def _evaluated(module: nn.Module, features: Tensor) -> object:
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        with torch.no_grad():
            return module(features)
    except Exception as error:  # a stranger's module may raise anything
        raise ModelError(
            f"the network fails on features of shape {tuple(features.shape)}: {error}"
        ) from error
    finally:
        for part, training in modes:
            part.training = training


def _check_logits(logits: object, *, position: int, shape: tuple[int, int]) -> None:
    if not isinstance(logits, Tensor):
        raise ModelError(f"output {position} of the network is {_kind(logits)}, not a tensor")
    if tuple(logits.shape) != shape or logits.dtype != torch.float32:
        raise ModelError(
            f"output {position} of the network has shape {tuple(logits.shape)} and type "
            f"{logits.dtype}; wanted are {shape} and torch.float32"
        )
    if not bool(torch.isfinite(logits).all()):
        raise ModelError(f"output {position} of the network is not finite on silence")


def _kind(thing: object) -> str:
    return f"a {type(thing).__name__}"


def _check_sizes(*, n_frames: int, n_bands: int, n_outputs: Sequence[int]) -> None:
    sizes = {"n_frames": n_frames, "n_bands": n_bands}
    sizes |= {f"n_outputs[{place}]": n for place, n in enumerate(n_outputs)}
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise ModelError(f"{name} is {size!r}; it must be a whole number from 1")
    if not len(n_outputs):
        raise ModelError("n_outputs is empty; a network answers at least one task")
