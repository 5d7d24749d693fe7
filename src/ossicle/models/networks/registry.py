"""The networks by name: one dict, to which third parties add through entry points."""

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any

from torch import nn

from ossicle.errors import ModelError, nearest
from ossicle.models.networks.architecture import Architecture, Provided
from ossicle.models.networks.cnn import Cnn
from ossicle.models.networks.dnn import Dnn
from ossicle.models.networks.ds_cnn import DsCnn
from ossicle.models.networks.resnet import ResNet
from ossicle.models.networks.tc_net import TcNet

__all__ = ["ARCHITECTURES", "GROUP", "architecture"]

GROUP = "ossicle.networks"

ARCHITECTURES: dict[str, type[Architecture]] = {
    kind.name: kind for kind in (Dnn, Cnn, DsCnn, TcNet, ResNet)
}
"""Name: class. Other packages add theirs through the entry point group ``ossicle.networks``."""

Factory = Callable[..., nn.Module]


def architecture(description: str | Mapping[str, Any] | Architecture | Factory) -> Architecture:
    """Make an architecture from its name, its description, a function, or itself.

    Parameters
    ----------
    description : str or mapping or Architecture or callable
        A name (``"ds_cnn"``); a mapping with ``name`` and hyper-parameters; or a function that
        is called with ``n_frames``, ``n_bands`` and ``n_outputs`` by name and returns a
        `torch.nn.Module` whose answer is a tuple with one tensor of logits a task.

    Raises
    ------
    ModelError
        If the name, a hyper-parameter or a value is unknown.

    >>> architecture({"name": "dnn", "width": 64})
    Dnn(width=64, n_hidden=3, dropout=0.0)
    >>> architecture("ds_cnm")
    Traceback (most recent call last):
        ...
    ossicle.errors.ModelError: no network is called 'ds_cnm'; did you mean 'ds_cnn'?
    """
    if isinstance(description, Architecture):
        return description
    if isinstance(description, str):
        description = {"name": description}
    if isinstance(description, Mapping):
        return _named(description)
    if callable(description) and not isinstance(description, nn.Module):
        return Provided(_title(description), description)
    raise ModelError(
        f"{description!r} does not describe a network; allowed: a name "
        f"({', '.join(ARCHITECTURES)}), a mapping with a 'name', or a function that makes a module"
    )


def _named(description: Mapping[str, Any]) -> Architecture:
    parameters = dict(description)
    name = str(parameters.pop("name", ""))
    if name in ARCHITECTURES:
        return ARCHITECTURES[name].from_parameters(parameters)
    installed = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in installed:
        raise ModelError(
            f"no network is called {name!r}; {nearest(name, [*ARCHITECTURES, *installed])}"
        )
    found = installed[name].load()
    if isinstance(found, type) and issubclass(found, Architecture):
        return found.from_parameters(parameters)
    if not callable(found):
        raise ModelError(f"the installed network {name!r} is {found!r}; nothing that can be called")
    return Provided(name, found, parameters)


def _title(factory: Factory) -> str:
    return f"{factory.__module__}.{getattr(factory, '__qualname__', type(factory).__qualname__)}"
