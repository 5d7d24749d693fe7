"""Checkpoints: the whole state of a training at the end of an epoch, on disk whole or not at all.

    epoch-0012.safetensors   every tensor
    epoch-0012.json          everything else, and a digest of both

The JSON is written last: without it there is no checkpoint. Both are data and nothing else, so
reading them runs no code.
"""

import re
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ossicle.errors import MissingExtraError, OssicleError, TrainingError
from ossicle.extras import require
from ossicle.workflow.files import canonical_json, digest, read_json, replacing, write_json

__all__ = ["Checkpoints", "State", "joined", "parted"]

State = Mapping[str, Any]
"""Mappings, sequences, tensors, numbers, text and None in each other: any ``state_dict``."""

TENSOR, PAIRS = "#tensor", "#pairs"


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints in a folder, by epoch.

    >>> import tempfile
    >>> kept = Checkpoints(Path(tempfile.mkdtemp()))
    >>> kept.write(3, {"weights": torch.ones(2), "steps": {0: 7}})
    >>> kept.epochs, kept.read(3)
    ((3,), {'weights': tensor([1., 1.]), 'steps': {0: 7}})
    """

    folder: Path

    @property
    def epochs(self) -> tuple[int, ...]:
        """Epochs that have a checkpoint, earliest first."""
        names = (path.name for path in self.folder.glob("epoch-*.json"))
        found = (re.fullmatch(r"epoch-(\d{4,})\.json", name) for name in names)
        return tuple(sorted(int(match[1]) for match in found if match))

    def write(self, epoch: int, state: State) -> None:
        """Keep the state at the end of an epoch.

        Raises
        ------
        WorkflowError
            If the system refuses (disk full); the other checkpoints stay as they are.
        """
        tensors, rest = parted(state)
        data = require("safetensors.torch", extra="train").save(tensors)
        about, weights = self._paths(epoch)
        about.unlink(missing_ok=True)  # an older one would not belong to the new tensors
        with replacing(weights) as temporary:
            temporary.write_bytes(data)
        write_json(about, {"digest": digest(data, canonical_json(rest)), "state": rest})

    def read(self, epoch: int) -> dict[str, Any]:
        """The state at the end of an epoch.

        Raises
        ------
        TrainingError
            If there is none, or a byte of it is not as it was written.
        MissingExtraError
            If safetensors is not installed.
        """
        about, weights = self._paths(epoch)
        if epoch not in self.epochs:
            raise TrainingError(
                f"{self.folder} holds no checkpoint of epoch {epoch}; there are "
                f"{', '.join(map(str, self.epochs)) or 'none'}"
            )
        try:
            record, data = read_json(about), weights.read_bytes()
            if record["digest"] != digest(data, canonical_json(record["state"])):
                raise ValueError("its bytes are not those that were written")
            state: dict[str, Any] = joined(_tensors(data), record["state"])
        except MissingExtraError:
            raise
        except (OSError, OssicleError, KeyError, TypeError, ValueError) as error:
            raise TrainingError(f"the checkpoint {weights} is damaged: {error}") from error
        return state

    def latest(self) -> tuple[int, dict[str, Any]] | None:
        """The last undamaged checkpoint; a damaged one is warned of and passed over."""
        for epoch in reversed(self.epochs):
            try:
                return epoch, self.read(epoch)
            except TrainingError as error:
                warnings.warn(f"{error}; going on from the one before", stacklevel=2)
        return None

    def keep_only(self, epochs: Collection[int]) -> None:
        """Remove the checkpoints of all other epochs, and what killed writers left."""
        wanted = {path for epoch in epochs for path in self._paths(epoch)}
        unfinished = [*self.folder.glob(".*.json"), *self.folder.glob(".*.safetensors")]
        for path in [*sorted(self.folder.glob("epoch-*")), *unfinished]:
            if path not in wanted:
                path.unlink(missing_ok=True)

    def _paths(self, epoch: int) -> tuple[Path, Path]:
        name = f"epoch-{epoch:04d}"
        return self.folder / f"{name}.json", self.folder / f"{name}.safetensors"


def _tensors(data: bytes) -> dict[str, torch.Tensor]:
    tensors: dict[str, torch.Tensor] = require("safetensors.torch", extra="train").load(data)
    return tensors


def parted(state: Any) -> tuple[dict[str, torch.Tensor], Any]:
    """The tensors of a state under the path that leads to each, and all the rest as JSON.

    >>> parted({"step": 3, "weights": [torch.zeros(1)]})
    ({'weights.0': tensor([0.])}, {'step': 3, 'weights': [{'#tensor': 'weights.0'}]})
    """
    tensors: dict[str, torch.Tensor] = {}

    def plain(value: Any, path: str) -> Any:
        if isinstance(value, torch.Tensor):
            tensors[path] = value.detach().to("cpu", copy=True).contiguous()
            return {TENSOR: path}
        if isinstance(value, Mapping):
            inner = [(key, plain(each, f"{path}.{key}".strip("."))) for key, each in value.items()]
            words = all(isinstance(key, str) for key in value)
            return dict(inner) if words else {PAIRS: [list(pair) for pair in inner]}
        if isinstance(value, list | tuple):
            return [plain(each, f"{path}.{place}".strip(".")) for place, each in enumerate(value)]
        return value

    return tensors, plain(state, "")


def joined(tensors: Mapping[str, torch.Tensor], rest: Any) -> Any:
    """The state that `parted` took apart; its tuples have become lists."""
    if isinstance(rest, list):
        return [joined(tensors, each) for each in rest]
    if not isinstance(rest, dict):
        return rest
    if TENSOR in rest:
        return tensors[rest[TENSOR]]
    if PAIRS in rest:
        return {key: joined(tensors, value) for key, value in rest[PAIRS]}
    return {key: joined(tensors, value) for key, value in rest.items()}
