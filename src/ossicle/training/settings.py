"""How a network is trained: every setting with its meaning, for Python, recipes and verbs alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import PurePath
from typing import Any, Literal, Self

from ossicle.datasets import Dataset
from ossicle.errors import TrainingError, nearest

__all__ = ["CHOICES", "Settings"]

CHOICES: Mapping[str, tuple[Any, ...]] = {
    "scaling": ("band", "cell", None),
    "class_weights": ("balanced", None),
    "best_by": ("figure", "loss"),
    "device": ("cpu", "cuda", "auto"),
}
"""Settings that are one of a few words, and the words."""

RANGES: Mapping[str, tuple[float, float]] = {
    "window": (1e-3, 3600.0),
    "window_hop": (1e-3, 3600.0),
    "epochs": (1, 1_000_000),
    "batch_size": (1, 1_000_000),
    "learning_rate": (1e-12, 1e3),
    "weight_decay": (0.0, 1e3),
    "momentum": (0.0, 0.9999),
    "warmup": (0.0, 0.9),
    "decay": (1e-6, 1.0),
    "max_gradient_norm": (1e-9, 1e9),
    "ema": (0.0, 0.999999),
    "patience": (1, 1_000_000),
    "label_smoothing": (0.0, 0.9),
    "focal": (0.0, 10.0),
    "seed": (0, 2**63 - 1),
    "n_workers": (0, 256),
}
"""Smallest and largest value of each number."""

WHOLE = ("epochs", "batch_size", "patience", "seed", "n_workers")
OPTIONAL = ("window", "window_hop", "max_gradient_norm", "ema", "patience")

WITHOUT_EFFECT = ("n_workers", "in_memory")
"""Settings that change how long a training takes, and no bit of what comes out."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What decides a training, beside its data and its front end.

    Parameters
    ----------
    model : str or mapping
        Name of an architecture, or its description: ``{"name": "cnn", "width": 32}``; ``"auto"``:
        several networks and pretrained embeddings are tried, and the best by validation is taken.
    window : float, optional
        Seconds that the network sees at a time; None: the median length of the training clips.
    window_hop : float, optional
        Seconds between the windows that the classifier hears; None: half a window.
    scaling : {"band", "cell", None}
        One mean and one spread for each band, for each cell of a window, or none; fitted on the
        training part alone.
    epochs : int
        How often the training part is gone through.
    batch_size : int
        Windows a step.
    optimizer : {"adamw", "adam", "sgd"}
    learning_rate : float
        Its highest value, where a schedule moves it.
    weight_decay, momentum : float
        ``momentum`` is sgd's.
    schedule : {"constant", "multi_step", "cosine", "one_cycle"}
        How the learning rate moves, step by step.
    warmup : float
        Share of all steps in which the learning rate rises from 0.
    milestones : sequence of int
        Epochs after which ``multi_step`` multiplies the learning rate by ``decay``.
    decay : float
    max_gradient_norm : float, optional
        Longer gradients are shortened to it; None: they are left as they are.
    ema : float, optional
        Keep a moving average of the weights with this memory (0.999), which is what is judged
        and shipped; None: the weights themselves.
    patience : int, optional
        Stop after so many epochs without a better one; None: never.
    best_by : {"figure", "loss"}
        The best epoch is that with the highest figure on the validation part (mean over the
        tasks; equal ones: the lower loss), or that with the lowest loss there.
    combine : str or mapping
        How the losses of the tasks become one: ``"sum"``, ``"uncertainty"`` (weights are learnt),
        or a weight for each task.
    sampler : {"mixed", "one_data_set", "alternating", "balanced"}
        How rows come together in batches.
    class_weights : {"balanced", None}
        Whether rare labels weigh more in the loss.
    label_smoothing : float
        Share of each target that is spread over all labels.
    focal : float
        Power by which what is answered rightly already weighs less in the loss; 0: all alike.
    augmentation : mapping
        What is done to the training windows; see `Augmentation`.
    seed : int
        Of the first weights, the order, the augmentation and the validation part.
    n_workers : int
        Processes that prepare batches beside the training; 0: none. Changes no bit of the result.
    in_memory : bool
        Hold all sounds in memory, or read each from the store when it is needed. Changes no bit.
    device : {"cpu", "cuda", "auto"}
        ``"auto"`` takes a GPU if there is one; results are the same bit for bit on the CPU alone.

    >>> Settings(epochs=5).batch_size
    64
    >>> Settings.from_settings({"epoch": 5})
    Traceback (most recent call last):
        ...
    ossicle.errors.TrainingError: no setting is called 'epoch'; did you mean 'epochs'?
    """

    model: str | Mapping[str, Any] = "ds_cnn"
    window: float | None = None
    window_hop: float | None = None
    scaling: str | None = "band"
    epochs: int = 40
    batch_size: int = 64
    optimizer: str = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    momentum: float = 0.9
    schedule: str = "cosine"
    warmup: float = 0.05
    milestones: Sequence[int] = ()
    decay: float = 0.1
    max_gradient_norm: float | None = 1.0
    ema: float | None = None
    patience: int | None = None
    best_by: str = "figure"
    combine: str | Mapping[str, float] = "sum"
    sampler: str = "mixed"
    class_weights: Literal["balanced"] | None = None
    label_smoothing: float = 0.0
    focal: float = 0.0
    augmentation: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    n_workers: int = 1
    in_memory: bool = True
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            _check_number(name, getattr(self, name), low, high)
        for name, allowed in CHOICES.items():
            value = getattr(self, name)
            if value not in allowed:
                words = ", ".join(map(repr, allowed))
                raise TrainingError(f"{name} is {value!r}; allowed are {words}")
        if not isinstance(self.in_memory, bool):
            raise TrainingError(f"in_memory is {self.in_memory!r}; allowed are True and False")
        object.__setattr__(self, "milestones", tuple(self.milestones))

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Build from a mapping, naming the nearest setting when one is unknown."""
        names = [each.name for each in fields(cls)]
        for name in settings:
            if name not in names:
                raise TrainingError(f"no setting is called {name!r}; {nearest(name, names)}")
        return cls(**settings)

    def describe(self) -> dict[str, Any]:
        """All settings as JSON: folders as text, data sets by their fingerprint."""
        return {each.name: _plain(getattr(self, each.name)) for each in fields(self)}

    def decisive(self) -> dict[str, Any]:
        """The settings that decide the result, as JSON."""
        described = self.describe().items()
        return {name: value for name, value in described if name not in WITHOUT_EFFECT}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Dataset):
        return value.fingerprint()
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value) if each.init}
    return value


def _check_number(name: str, value: object, low: float, high: float) -> None:
    """Refuse what is no number within the limits; None is for optional settings."""
    if value is None and name in OPTIONAL:
        return
    kind = int if name in WHOLE else int | float
    if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
        what = "a whole number" if name in WHOLE else "a number"
        raise TrainingError(f"{name} is {value!r}; allowed is {what} from {low:g} to {high:g}")
