"""What was learnt, made a classifier: the weights of a checkpoint and all that surrounds them."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ossicle.classifier import Classifier
from ossicle.features import FrontEnd, Scaler
from ossicle.models.networks import Architecture, n_parameters, write_network
from ossicle.types import Task

__all__ = ["judged_weights", "ship"]

AVERAGED = "module."


def judged_weights(learner: Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights that were judged, from a learner's state: averaged ones, if there are any."""
    if "average" not in learner:
        return dict(learner["module"])
    named = learner["average"].items()
    return {name.removeprefix(AVERAGED): each for name, each in named if name.startswith(AVERAGED)}


def ship(
    asked: Mapping[str, Any],
    found: Mapping[str, Any],
    architecture: Architecture,
    front_end: FrontEnd,
    state: Mapping[str, Any],
) -> Classifier:
    """The classifier of a checkpoint.

    Parameters
    ----------
    asked : mapping
        What a run was asked for: ``run.json``.
    found : mapping
        What it found when it read the sounds: ``found.json``.
    architecture : Architecture
    front_end : FrontEnd
    state : mapping
        Of the checkpoint.
    """
    tasks = [_task(record) for record in asked["tasks"]]
    n_frames, n_bands = found["n_frames"], found["n_bands"]
    module = architecture.build(
        n_frames=n_frames, n_bands=n_bands, n_outputs=[len(task.labels) for task in tasks]
    )
    module.load_state_dict(judged_weights(state["learner"]))
    network, scaler = _scaled(module.eval(), found)
    record, provenance = state["record"], found["provenance"]
    return Classifier(
        tasks=tuple(tasks),
        front_end=front_end,
        network=write_network(
            network,
            n_frames=n_frames,
            n_bands=n_bands,
            tasks=[task.name for task in tasks],
            affine={name: (mean, spread) for name, (mean, spread) in found["affine"].items()},
        ),
        scaler=scaler,
        window=found["window"],
        window_hop=found["window_hop"],
        temperature=record["temperature"],
        metrics={"validation": {**record["validation"], "epoch": record["epoch"]}},
        provenance={**provenance, "epoch": record["epoch"], "parameters": n_parameters(module)},
    )


class Scaled(nn.Module):
    """A network that scales each cell of its features by itself."""

    mean: Tensor
    scale: Tensor

    def __init__(self, module: nn.Module, mean: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.module = module
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)

    def forward(self, features: Tensor) -> tuple[Tensor, ...]:
        """Logits of each task."""
        logits: tuple[Tensor, ...] = self.module((features - self.mean) / self.scale)
        return logits


def _scaled(module: nn.Module, found: Mapping[str, Any]) -> tuple[nn.Module, Scaler | None]:
    """Scaling by bands is left to the classifier; by cells, which it does not know, is built in."""
    if found["scaler"] is None:
        return module, None
    shape = found["n_frames"], found["n_bands"]
    mean, scale = (
        torch.tensor(found["scaler"][name], dtype=torch.float64).reshape(shape)
        for name in ("mean", "scale")
    )
    if bool((mean == mean[0]).all() and (scale == scale[0]).all()):
        return module, Scaler(mean[0].numpy(), scale[0].numpy())
    return Scaled(module, mean.float(), scale.float()), None


def _task(record: Mapping[str, Any]) -> Task:
    lists = {name: tuple(record[name]) for name in ("labels", "background")}
    return Task(**{**record, **lists})
